/**
 * The commands on work ledgers, on a file and on MongoDB.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { uriOf } from '../../core/test/package/mongo-uri.ts';
import {
  cleanupTestDb,
  closeMongoDb,
  describeWithMongo,
  getTestDb,
} from '../../core/test/setup/mongodb.ts';
import { until } from '../../core/test/setup/until.ts';
import { fakeIo, runIn } from './setup/io.ts';

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ledger-'));
  return () => rm(folder, { recursive: true });
});
afterAll(closeMongoDb);

/** Runs a command line in the folder, as somebody. */
async function monque(
  actor: string,
  line: readonly string[],
  env: Record<string, string> = {},
): Promise<Ended> {
  const io = fakeIo({ cwd: folder, env: { MONQUE_ACTOR: actor, ...env } });
  const { code, out, err } = await runIn(io, ...line);
  return { code, out, err };
}

async function file(name: string): Promise<string> {
  return readFile(join(folder, name), 'utf8');
}

async function walkSteps(env: Record<string, string> = {}): Promise<void> {
  const run = (...line: string[]): Promise<Ended> => monque('Ann', ['ledger', ...line], env);
  expect((await run('add', 'S01', 'One', '--invariant', 'a is there :: test -e a')).out).toBe(
    'S01 is not_started\n',
  );
  await run('add', 'S02', 'Two');
  expect((await run('start', 'S01', '--run', 'run-1')).out).toBe('S01 is in_progress\n');
  await run('amend', 'S01', '--title', 'First', '--invariant', 'b :: true');
  expect(await run('complete', 'S01', '--run', 'run-1')).toMatchObject({ code: 0 });
  const refused = await run('start', 'S02');
  expect(refused).toMatchObject({
    code: 4,
    err: expect.stringContaining('monque ledger verify S01'),
  });
  expect(await run('drift')).toMatchObject({ code: 1, out: expect.stringContaining('S01') });
  const drifted = await run('verify', '--run', 'run-2');
  expect(drifted).toMatchObject({
    code: 1,
    out: 'S01 drift: First\n  FAIL test -e a: exit 1\n',
    err: '1 step in run-2: not all is well.\n',
  });
  expect(await run('check')).toMatchObject({ code: 1 });
  await writeFile(join(folder, 'a'), '');
  const verified = await run('verify', 'S01', '--run', 'run-3', '--json');
  expect(JSON.parse(verified.out)).toMatchObject({
    id: 'S01',
    outcome: 'verified',
    run: 'run-3',
    results: [{ passed: true }, { passed: true }],
  });
  expect(await run('check')).toMatchObject({ code: 0 });
  expect((await run('start', 'S02')).out).toBe('S02 is in_progress\n');
  expect((await run('reopen', 'S01')).out).toBe('S01 is in_progress\n');
  expect((await run('show', 'S01')).out).toContain('- **Status:** in_progress');
  expect(await run('show', 'S09')).toMatchObject({ code: 3 });
  expect(await run('amend', 'S09')).toMatchObject({ code: 3 });
  expect(await run('amend', 'S02', '--invariant', 'nothing')).toMatchObject({ code: 2 });
  expect(await run('complete', 'S02')).toMatchObject({
    code: 4,
    err: expect.stringContaining('no invariants'),
  });
  expect((await run('list', '--status', 'in_progress')).out.split('\n')).toHaveLength(4);
  expect((await run('render')).out).toContain('## Step S01 – First');
}

test('steps in a file, without a database', async () => {
  expect(await monque('Ann', ['ledger', 'list'])).toMatchObject({
    code: 1,
    err: expect.stringContaining('make it with `init`'),
  });
  expect((await monque('Ann', ['ledger', 'init'])).err).toContain('Made ');
  expect((await monque('Ann', ['ledger', 'init'])).err).toContain('stays as it is');
  await walkSteps();
  const before = await file('LEDGER.md');
  for (const verb of ['list', 'drift', 'render', 'check']) await monque('Ann', ['ledger', verb]);
  expect(await file('LEDGER.md')).toBe(before);
});

async function walkTasks(env: Record<string, string> = {}): Promise<void> {
  const by = (actor: string, ...line: string[]): Promise<Ended> =>
    monque(actor, ['tasks', ...line], env);
  await by(
    'Bob',
    'add',
    'T-1',
    'One',
    '--priority',
    'critical',
    '--reviewer',
    'Bob',
    '--criterion',
    'It works',
    '--done',
    'Merged',
    '--deadline',
    '2999-01-01T00:00:00Z',
  );
  await by('Bob', 'add', 'T-2', 'Two', '--depends-on', 'T-1');
  expect(await by('Bob', 'depend', 'T-1', 'T-2')).toMatchObject({
    code: 4,
    err: expect.stringContaining('T-1 → T-2 → T-1'),
  });
  expect((await by('Bob', 'assign', 'T-1', 'Ann')).out).toBe('T-1 is assigned (Ann)\n');
  await by('Bob', 'assign', 'T-2', 'Ann', '--reviewer', 'Bob');
  expect((await by('Bob', 'critical-path')).out).toMatch(/T-1[\s\S]*T-2/);
  expect(await by('Ann', 'start', 'T-2')).toMatchObject({
    code: 4,
    err: expect.stringContaining('T-1 is assigned'),
  });
  await by('Ann', 'start', 'T-1');
  expect(await by('Ann', 'block', 'T-1')).toMatchObject({ code: 2 });
  await by('Ann', 'block', 'T-1', '--reason', 'No server');
  await by('Ann', 'unblock', 'T-1');
  await by('Ann', 'log', 'T-1', 'Half done');
  await by('Ann', 'tick', 'T-1', '--criterion', 'It works', '--done', 'Merged');
  await by('Ann', 'review', 'T-1');
  await by('Bob', 'revise', 'T-1', '--reason', 'No tests');
  await by('Ann', 'resume', 'T-1');
  await by('Ann', 'review', 'T-1');
  await by('Bob', 'approve', 'T-1');
  expect((await by('Bob', 'complete', 'T-1')).out).toBe('T-1 is completed (Ann)\n');
  expect((await by('Bob', 'stats')).out).toContain(
    'approved: 1 of 2 reviews; reworked: 1 of 1 completed tasks',
  );
  expect(JSON.parse((await by('Bob', 'stats', '--json')).out)).toMatchObject({ total: 2 });
  expect((await by('Bob', 'critical-path')).err).toContain('No open task depends on another');
  expect((await by('Bob', 'list', '--status', 'assigned', '--assignee', 'Ann')).out).toContain(
    'T-2',
  );
  await by('Bob', 'unassign', 'T-2');
  expect((await by('Bob', 'show', 'T-2')).out).toContain('[UNASSIGNED]');
  expect(await by('Bob', 'show', 'T-9')).toMatchObject({ code: 3 });
  expect((await by('Bob', 'render')).out).toContain(
    '**Total Tasks**: 2 (Critical: 1, High: 0, Normal: 1)',
  );
}

test('tasks in a file, without a database', async () => {
  await monque('Ann', ['tasks', 'init']);
  expect((await monque('Ann', ['tasks', 'init'])).err).toContain('stays as it is');
  await walkTasks();
  expect(await monque('Bob', ['tasks', 'check'])).toMatchObject({
    code: 0,
    err: 'Nothing is wrong.\n',
  });
  const right = await file('TASKS.md');
  await writeFile(
    join(folder, 'TASKS.md'),
    right.replace('**Total Tasks**: 2', '**Total Tasks**: 9'),
  );
  const checked = await monque('Bob', ['tasks', 'check']);
  expect(checked.code).toBe(1);
  expect(checked.out).toContain("it says '**Total Tasks**: 9");
  expect((await monque('Bob', ['tasks', 'check', '--json'])).out).toContain('"severity":"warning"');
  await monque('Bob', ['tasks', 'render', '--write']);
  expect(await file('TASKS.md')).toBe(right);
});

test('what is late, what is wrong and what was ended is said', async () => {
  await monque('Ann', ['tasks', 'init']);
  await monque('Ann', ['tasks', 'add', 'T-1', 'One', '--deadline', '2999-01-01T00:00:00Z']);
  await monque('Ann', ['tasks', 'assign', 'T-1', 'Ann']);
  expect((await monque('Ann', ['tasks', 'stats'])).out).toContain('Ann: 1 normal assigned\n');
  const late = (await file('TASKS.md')).replace('2999-01-01', '2020-01-01');
  await writeFile(join(folder, 'TASKS.md'), late);
  expect((await monque('Ann', ['tasks', 'stats'])).out).toContain(
    'Ann: 1 normal assigned; 1 overdue\n',
  );
  await writeFile(join(folder, 'x.md'), '## Step S01 – a\n- **Status:** done\n');
  expect(await monque('Ann', ['ledger', 'check', '--file', 'x.md'])).toMatchObject({
    out: expect.stringContaining("error: S01 has a status that is none (it says 'done')\n"),
  });
});

test('a verification by the run that completed a step says that the step waits for a later one', async () => {
  await monque('Ann', ['ledger', 'init']);
  for (const id of ['S01', 'S02']) {
    await monque('Ann', ['ledger', 'add', id, 'One', '--invariant', 'It holds :: true']);
  }
  await monque('Ann', ['ledger', 'start', 'S01', '--run', 'run-1']);
  await monque('Ann', ['ledger', 'complete', 'S01', '--run', 'run-1']);
  expect(await monque('Ann', ['ledger', 'verify', '--run', 'run-1'])).toMatchObject({
    code: 0,
    out: 'S01 too early: One\n',
    err: '1 step in run-1: all is well; 1 step waiting for a later run.\n',
  });
  expect((await monque('Ann', ['ledger', 'verify', '--run', 'run-2'])).err).toBe(
    '1 step in run-2: all is well.\n',
  );
  await monque('Ann', ['ledger', 'start', 'S02', '--run', 'run-2']);
  await monque('Ann', ['ledger', 'complete', 'S02', '--run', 'run-2']);
  expect((await monque('Ann', ['ledger', 'verify', '--run', 'run-3'])).err).toBe(
    '2 steps in run-3: all is well.\n',
  );
});

test('a check by a function that the command does not have has failed, and says why', async () => {
  await monque('Ann', ['ledger', 'init']);
  await monque('Ann', ['ledger', 'add', 'S01', 'One']);
  const checked = (await file('LEDGER.md')).replace(
    /(### Observable invariants[^\n]*\n)/,
    '$1\n- It holds\n  - Check: function `gone`\n',
  );
  await writeFile(join(folder, 'LEDGER.md'), checked);
  await monque('Ann', ['ledger', 'start', 'S01', '--run', 'run-1']);
  await monque('Ann', ['ledger', 'complete', 'S01', '--run', 'run-1']);
  expect((await monque('Ann', ['ledger', 'verify', '--run', 'run-2'])).out).toBe(
    'S01 drift: One\n  FAIL function gone: no function of this name was given to the ledger\n',
  );
});

test('verifying ends at Ctrl-C with the commands that run, and records nothing', async () => {
  await monque('Ann', ['ledger', 'init']);
  const invariant = 'x :: echo $$ > pid; exec sleep 600';
  await monque('Ann', ['ledger', 'add', 'S01', 'One', '--invariant', invariant]);
  for (const verb of ['start', 'complete']) {
    await monque('Ann', ['ledger', verb, 'S01', '--run', 'r-1']);
  }
  const before = await file('LEDGER.md');
  const io = fakeIo({ cwd: folder });
  const verifying = runIn(io, 'ledger', 'verify', '--run', 'r-2');
  const readPid = async (): Promise<number> => Number(await file('pid').catch(() => ''));
  await until('the command to run', async () => (await readPid()) > 0);
  const pid = await readPid();
  io.interrupt();
  expect(await verifying).toMatchObject({
    ...{ code: 130, out: '' },
    err: 'Ended before all checks were through; nothing is recorded of this run.\n',
  });
  await until('the command to end', () => {
    try {
      return !process.kill(pid, 0);
    } catch {
      return true;
    }
  });
  expect(await file('LEDGER.md')).toBe(before);
});

test('a fault of the ledger while it is verified is reported as any other', async () => {
  await monque('Ann', ['ledger', 'init']);
  const missing = await monque('Ann', ['ledger', 'verify', 'S09', '--run', 'r-2']);
  expect(missing).toMatchObject({ code: 3, out: '' });
});

test('an error in a file is shown with its line', async () => {
  await writeFile(join(folder, 'x.md'), '## Step S01 – a\n\n## Step S01 – b\n');
  const { code, out } = await monque('Ann', ['ledger', 'check', '--file', 'x.md']);
  expect({ code, out }).toEqual({
    code: 1,
    out: expect.stringContaining("x.md:3: error: the id 'S01' is taken by the record on line 1"),
  });
});

describeWithMongo('on MongoDB', () => {
  test('the same is done', async () => {
    const db = await getTestDb('cli_ledgers');
    const env = { MONQUE_URI: uriOf(db.databaseName) };
    await walkSteps(env);
    await walkTasks(env);
    expect(await monque('Ann', ['ledger', 'init'], env)).toMatchObject({ code: 2 });
    expect(await monque('Ann', ['tasks', 'render', '--write'], env)).toMatchObject({ code: 2 });
    expect(await monque('Ann', ['tasks', 'check'], env)).toMatchObject({ code: 0 });
    await cleanupTestDb(db);
  });
});

describe('secrets', () => {
  test('of .env that a check prints are not shown', async () => {
    await writeFile(join(folder, '.env'), 'TOKEN=hunter2-secret\n');
    await monque('Ann', ['ledger', 'init']);
    await monque('Ann', ['ledger', 'add', 'S01', 'One', '--invariant', 'x :: cat .env; false']);
    await monque('Ann', ['ledger', 'start', 'S01', '--run', 'r-1', '--reason', 'hunter2-secret']);
    await monque('Ann', ['ledger', 'complete', 'S01', '--run', 'r-1']);
    const { out, err } = await monque('Ann', ['ledger', 'verify', '--run', 'r-2', '--json']);
    expect(`${out}${err}${await file('LEDGER.md')}`).not.toContain('hunter2');
    expect(out).toContain('[redacted TOKEN]');
  });

  test('of variables that are named are not shown either', async () => {
    vi.stubEnv('SHOP_TOKEN', 'hunter3-secret');
    await monque('Ann', ['ledger', 'init']);
    const check = 'x :: echo $SHOP_TOKEN; false';
    await monque('Ann', ['ledger', 'add', 'S01', 'One', '--invariant', check]);
    await monque('Ann', ['ledger', 'start', 'S01', '--run', 'r-1']);
    const secret = ['--secret', 'SHOP_TOKEN'];
    await monque('Ann', ['ledger', 'complete', 'S01', '--run', 'r-1', ...secret]);
    const { out } = await monque('Ann', ['ledger', 'verify', '--run', 'r-2', '--json', ...secret]);
    vi.unstubAllEnvs();
    expect(`${out}${await file('LEDGER.md')}`).not.toContain('hunter3');
    expect(out).toContain('[redacted SHOP_TOKEN]');
  });
});
