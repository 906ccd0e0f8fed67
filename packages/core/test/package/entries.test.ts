import { expect, test } from 'vitest';
import * as root from '../../src/index.ts';
import * as ledger from '../../src/ledger-api.ts';

/** What a user of a scheduler may need at run time. Whoever adds to it says why in the pages. */
const OF_ROOT = [
  // The scheduler, and both ledgers.
  ...['Monque', 'LedgerRepository', 'InMemoryLedgerRepository', 'MongoLedgerRepository'],
  // Times of cron expressions.
  'cronTimes',
  // What handlers and workers are written with.
  ...['HandlerOutcome', 'cancel', 'discard', 'gate', 'snooze', 'stage'],
  // What is told of jobs.
  ...['JobStatus', 'JOB_LIFECYCLE', 'COUNTERS', 'GAUGES', 'HISTOGRAMS'],
  // Defaults, and the doors to time and chance.
  ...['DEFAULTS', 'DEFAULT_AUDIT_BATCH', 'DEFAULT_FAILURE_MINIMUM', 'DEFAULT_FAILURE_WINDOW'],
  ...[
    'DEFAULT_COUNT_LIMIT',
    'DEFAULT_LIST_LIMIT',
    'DEFAULT_MISSED',
    'DEFAULT_KEEP_FOR',
    'DEFAULT_OUTBOX_BATCH',
  ],
  'DEFAULT_THROUGHPUT_STEP',
  ...['systemClock', 'systemRandom'],
];

test('the root exports what users of a scheduler need, and no helper of ledgers', () => {
  const isError = (name: string): boolean => /Error$/.test(name);
  const values = Object.keys(root).filter((name) => !isError(name));
  expect(values.sort()).toEqual([...OF_ROOT].sort());
});

test('what both entries have is the same', () => {
  const both = Object.entries(ledger).filter(([name]) => name in root);
  expect(both.map(([name]) => name)).toContain('LedgerRepository');
  for (const [name, value] of both) expect(value).toBe(Reflect.get(root, name));
});
