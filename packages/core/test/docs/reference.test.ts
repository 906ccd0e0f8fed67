import { describe, expect, test } from 'vitest';
import * as core from '../../src/index.ts';
import { DEFAULT_MISSED } from '../../src/job/next-run.ts';
import { LEDGER_VERBS } from '../../src/ledger/verbs/verb-table.ts';
import { DEFAULT_LIST_LIMIT } from '../../src/options/list-options.ts';
import { DEFAULT_OUTBOX_BATCH } from '../../src/options/outbox-options.ts';
import { DEFAULT_KEEP_FOR } from '../../src/options/transaction-options.ts';
import { readPage, tableRows } from './pages.ts';
import { membersOf } from './sources.ts';

const options = await readPage('docs/api/options.md');
const job = await readPage('docs/api/job-interface.md');
const monque = await readPage('docs/api/monque-class.md');
const events = await readPage('docs/api/events.md');
const ledger = await readPage('docs/ledger/configuration.md');
const troubleshooting = await readPage('docs/ledger/troubleshooting.md');

/** The names in backquotes in the first cells of the tables below these headings, without what follows in brackets. */
function namesUnder(page: string, ...headings: string[]): string[] {
  const cells = headings.flatMap((heading) => tableRows(page, heading).map(([cell = '']) => cell));
  return cells.flatMap((cell) =>
    [...cell.matchAll(/`(\[?[\w:.]+\]?)[^`]*`/g)].map(([, name = '']) => name),
  );
}

/** Of what both pages of a list take, each says what the other has not. */
const LISTS = ['GetJobsOptions', 'GetJobsWithCursorOptions'];

const TABLES: readonly (readonly [
  page: string,
  headings: readonly string[],
  interfaceName: string,
])[] = [
  [options, ['## Scheduler'], 'MonqueOptions'],
  [options, ['## Enqueue'], 'EnqueueOptions'],
  [options, ['## Worker'], 'WorkerOptions'],
  [options, ['## Schedule'], 'ScheduleOptions'],
  [options, ['## Inbox'], 'InboxOptions'],
  [options, ['## Outbox'], 'OutboxOptions'],
  [options, ['## Filters'], 'JobsFilter'],
  [
    job,
    [
      '## Always there',
      '## Of its runs',
      '## Of its stages',
      '## What it states itself',
      '## Unique keys',
      '## Of a series',
      '## While it is claimed',
    ],
    'Job',
  ],
  [job, ['## History'], 'HistoryEntry'],
  [
    monque,
    ['## Life', '## Jobs in', '## Running jobs', '## Looking', '## Changing'],
    'MonquePublicAPI and MonqueManagement',
  ],
  [monque, ['A handler is called with `(job, context)`.'], 'JobContext'],
  [monque, ['## Health'], 'Health'],
  [monque, ['## Inspection'], 'Inspection'],
  [monque, ['### Instances'], 'InspectedInstance'],
  [monque, ['### Info'], 'InstanceInfo'],
  [monque, ['### Names'], 'InspectedName'],
  [troubleshooting, ['### The reasons'], 'ExplanationDetails'],
  [troubleshooting, ['### The entries'], 'LogEntries'],
  [ledger, ['### Every ledger'], 'LedgerRepositoryOptions'],
  [ledger, ['### MongoDB'], 'MongoLedgerRepositoryOptions'],
  [ledger, ['### Memory'], 'InMemoryLedgerOptions'],
  [monque, ['## Schedules'], 'Schedule'],
  [monque, ['## Stats'], 'QueueStats'],
  [events, ['# Events'], 'MonqueEventMap'],
];

test('the table of what an actor is asked for has every verb on jobs, and verbs of the ledger alone', async () => {
  const rows = tableRows(await readPage('docs/ledger/security.md'), '## Actors');
  const inCode = (text = '') => [...text.matchAll(/`(\w+)`/g)].map(([, name = '']) => name);
  const calls = rows.flatMap(([call]) => inCode(call));
  const asked = new Set(rows.flatMap(([, verbs]) => inCode(verbs)));
  const declared = (await membersOf('MonqueManagement')).filter((name) => name !== 'can');
  expect([...new Set(calls)].sort()).toEqual(declared.sort());
  // Beside the verbs: the options that make a call ask for more.
  const options = ['id', 'replace', 'debounce', 'supersede', 'names', 'repair'];
  const verbs = new Set([...LEDGER_VERBS, ...options]);
  expect([...asked].filter((name) => !verbs.has(name))).toEqual([]);
});

describe('the reference lists every member, and no other, of', () => {
  for (const [page, headings, interfaceName] of TABLES) {
    test(interfaceName, async () => {
      const parts = interfaceName.split(' and ').map((part) => membersOf(part));
      const declared = (await Promise.all(parts)).flat();
      expect(namesUnder(page, ...headings).sort()).toEqual(declared.sort());
    });
  }

  test('the options of lists', async () => {
    const declared = await Promise.all(LISTS.map((name) => membersOf(name)));
    const rows = tableRows(options, '## Lists');
    const listed = LISTS.map((_, index) => {
      const method = ['`getJobs`', '`getJobsWithCursor`'][index];
      const own = rows.filter(([, of]) => of === 'both' || of === method);
      return own.map(([name = '']) => name.replaceAll('`', ''));
    });
    expect(listed.map((names) => names.sort())).toEqual(declared.map((names) => names.sort()));
  });
});

test('each bound of an option of a scheduler is where the reference says', () => {
  const bounds = tableRows(options, '## Scheduler').flatMap(([name = '', values = '']) => {
    const [, kind, least, most] = /^(integer|number) from (\d+) to (\d+)$/.exec(values) ?? [];
    const step = kind === 'integer' ? 1 : 0.01;
    return kind === undefined
      ? []
      : [{ name: name.replaceAll('`', ''), least: Number(least), most: Number(most), step }];
  });
  expect(bounds.length).toBeGreaterThan(10);
  for (const { name, least, most, step } of bounds) {
    const give = (value: number) => () => core.Monque.inMemory({ [name]: value });
    for (const value of [least, most]) expect(give(value), `${name}: ${value}`).not.toThrow();
    for (const value of [least - step, most + step]) {
      expect(give(value), `${name}: ${value}`).toThrow(core.InvalidArgumentError);
    }
  }
});

test('the defaults of schedules, lists, inboxes and outboxes are those that the reference gives', () => {
  const defaultOf = (heading: string, option: string): string => {
    const column = heading === '## Lists' ? 2 : 1;
    return tableRows(options, heading).find(([name]) => name === `\`${option}\``)?.[column] ?? '';
  };
  expect(defaultOf('## Schedule', 'missed')).toBe(`\`${DEFAULT_MISSED}\``);
  expect(defaultOf('## Lists', 'limit')).toBe(`\`${DEFAULT_LIST_LIMIT}\``);
  expect(defaultOf('## Outbox', 'batch')).toBe(`\`{ size: ${DEFAULT_OUTBOX_BATCH} }\``);
  for (const heading of ['## Inbox', '## Outbox']) {
    expect(defaultOf(heading, 'keepFor')).toBe(`\`${DEFAULT_KEEP_FOR}\` (7 days)`);
  }
});
