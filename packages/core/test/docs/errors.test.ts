import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import * as core from '../../src/index.ts';
import { makeJob } from '../../src/testing/index.ts';
import { PACKAGE } from '../package/built.ts';
import { readPage, tableRows } from './pages.ts';
import { wordsOf } from './sources.ts';

const page = await readPage('docs/errors.md');
const classes = Object.entries(core)
  .filter(([, value]) => isErrorClass(value))
  .map(([name]) => name);

test('docs/errors.md lists every error class that is exported, and no other', () => {
  const listed = tableRows(page, '## The classes').map(([name]) => name?.replaceAll('`', ''));
  expect(listed.sort()).toEqual(classes.sort());
});

test('docs/errors.md gives the code that each error carries', () => {
  const id = core.systemRandom.objectId(0);
  const examples = [
    new core.InvalidArgumentError('field', 'something', undefined),
    new core.InvalidCronError('* *', 3, 'too short'),
    new core.FlowAbandonedError(id),
    new core.JobStateError({ _id: id, status: 'failed' }, 'cancel', ['pending']),
    new core.UniqueKeyTakenError('retry it', 'k', id, id),
    new core.WaitError('gone', id),
    new core.ConnectionError('message'),
    new core.UnknownOutcomeError('message'),
    new core.LedgerFullError(1),
    new core.UnsupportedError('message'),
    new core.ShutdownTimeoutError(1, [makeJob()]),
    new core.AccessDeniedError('actor', 'cancel', 'name'),
    new core.InvariantViolationError({ rule: 'r', verb: 'enqueue', jobId: id, message: 'm' }),
    new core.UndecodableError('data', 'why'),
  ];
  const codes = new Map(tableRows(page, '## The classes').map(([name, code]) => [name, code]));
  for (const { name, code } of examples) expect(codes.get(`\`${name}\``)).toBe(`\`${code}\``);
  expect(examples.length).toBe(classes.length - 1);
});

test('docs/errors.md lists every code of a plain MonqueError, and no other', async () => {
  const sources = await readdir(join(PACKAGE, 'src'), { recursive: true });
  const codes = new Set<string>();
  for (const path of sources.filter((path) => /(?<!\.test)\.ts$/.test(path))) {
    const text = await readFile(join(PACKAGE, 'src', path), 'utf8');
    for (const [, code = ''] of text.matchAll(/new MonqueError\(\s*'(\w+)'/g)) codes.add(code);
  }
  const listed = tableRows(page, '## Other codes').map(([code]) => code?.replaceAll('`', ''));
  expect(listed.sort()).toEqual([...codes].sort());
});

test('the type of the codes has every code that the pages list, and no other', async () => {
  const ofTsed = await readPage('docs/api/decorators.md');
  const ofLedgers = await readPage('docs/guides/verification-ledger.md');
  const cells = [
    ...tableRows(ofLedgers, '## Errors').map(([, code]) => code),
    ...tableRows(page, '## The classes').map(([, code]) => code),
    ...tableRows(page, '## Other codes').map(([code]) => code),
    ...tableRows(ofTsed, '## Errors').map(([code]) => code),
  ];
  const listed = cells.flatMap((cell = '') => /^`([A-Z_]+)`$/.exec(cell)?.[1] ?? []);
  expect((await wordsOf('MonqueErrorCode')).sort()).toEqual(listed.sort());
});

function isErrorClass(value: unknown): boolean {
  return (
    typeof value === 'function' &&
    (value === core.MonqueError || value.prototype instanceof core.MonqueError)
  );
}
