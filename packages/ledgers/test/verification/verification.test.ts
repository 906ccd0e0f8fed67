/**
 * Steps whose invariants are checked by jobs of a scheduler: drift is found, refused and repaired.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Monque } from '@monque/core';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { until } from '../../../core/test/setup/until.ts';
import { runCommand } from '../../src/checks/run-command.ts';
import { withResults } from '../../src/checks/test-run.ts';
import {
  CheckRunner,
  type CheckRunnerOptions,
  isLaterRun,
  MarkdownRecordStore,
  MemoryRecordStore,
  Redactor,
  type StepFields,
  VerificationFormat,
  VerificationLedger,
} from '../../src/index.ts';
import { put, stepIn, stepsOn, upTo } from '../kit.ts';

const BY = { actor: 'Ann', run: 'run-001' };
const LATER = { actor: 'Bob', run: 'run-002' };

let folder = '';
let path = '';
let scheduler: Monque;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ledger-'));
  path = join(folder, 'LEDGER.md');
  await new MarkdownRecordStore(path, new VerificationFormat()).init();
  scheduler = Monque.inMemory();
  await scheduler.start();
});

afterEach(async () => {
  await scheduler.stop();
  await rm(folder, { recursive: true });
});

function ledgerWith(options: Partial<CheckRunnerOptions> = {}): VerificationLedger {
  const redactor = options.redactor ?? new Redactor([]);
  const runner = new CheckRunner({ scheduler, redactor, root: folder, ...options });
  return new VerificationLedger({
    store: new MarkdownRecordStore(path, new VerificationFormat()),
    runner,
    redactor,
  });
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const WITH_FILE: StepFields = {
  title: 'The file is there',
  invariants: [{ text: 'It says yes', check: { command: 'grep -q yes state.txt' } }],
};

async function completed(
  ledger: VerificationLedger,
  id: string,
  fields: StepFields = WITH_FILE,
): Promise<void> {
  await ledger.add(id, fields, BY);
  await ledger.start(id, BY);
  await ledger.complete(id, BY);
}

describe('drift', () => {
  test('is found by the next run, refuses new work, and is over once it is repaired', async () => {
    const state = join(folder, 'state.txt');
    await writeFile(state, 'yes');
    const ledger = ledgerWith();
    const events: string[] = [];
    ledger.on('step:verified', ({ step }) => events.push(`${step.id} verified`));
    ledger.on('step:drifted', ({ step, results }) =>
      events.push(`${step.id} drifted: ${results[0]?.check}`),
    );
    ledger.on('verification:finished', ({ ok, run }) => events.push(`${run} ${ok}`));
    await completed(ledger, 'S01');
    await ledger.add('S02', { title: 'The next' }, BY);

    const refused = ledger.start('S02', LATER);
    await expect(refused).rejects.toThrow(
      'S02 cannot be started before another step is verified\n  - S01 is completed_pending_verification: `monque ledger verify S01 --run <a later run>`',
    );
    expect(await ledger.reverify(LATER)).toMatchObject({
      ok: true,
      steps: [{ id: 'S01', outcome: 'verified' }],
    });

    await writeFile(state, 'no');
    expect(await ledger.reverify({ ...LATER, run: 'run-003' })).toMatchObject({
      ok: false,
      steps: [{ outcome: 'drift' }],
    });
    expect(await ledger.get('S01')).toMatchObject({
      status: 'drift_detected',
      tests: [{ passed: false, exitCode: 1, run: 'run-003' }],
    });
    await expect(ledger.start('S02', LATER)).rejects.toThrow(
      'or work on it with `monque ledger fix S01`',
    );

    await writeFile(state, 'yes again');
    expect(await ledger.reverify({ ...LATER, run: 'run-004', dueOnly: true })).toMatchObject({
      ok: true,
    });
    await ledger.start('S02', LATER);
    expect(events).toEqual([
      ...['S01 verified', 'run-002 true', 'S01 drifted: grep -q yes state.txt', 'run-003 false'],
      ...['S01 verified', 'run-004 true'],
    ]);
    const text = await readFile(path, 'utf8');
    expect(text).toMatch(
      /- \[x\] Verified on [^\n]* by run run-002\n {2}Notes: 1 of 1 checks passed\n- \[ \] Drift found on [^\n]* by run run-003\n {2}Notes: 0 of 1 checks passed\n- \[x\] Verified/,
    );
    expect(text.match(/grep -q yes state\.txt` – /g)).toHaveLength(1);
  });

  test('can be worked on, which makes the step wait for a later run again', async () => {
    const ledger = ledgerWith();
    await completed(ledger, 'S01');
    await ledger.reverify(LATER);
    const fixed = await ledger.fix('S01', { ...LATER, run: 'run-003' });
    expect(fixed).toMatchObject({ status: 'in_progress', runId: 'run-003' });
    expect(fixed).not.toHaveProperty('completedAt');
    await writeFile(join(folder, 'state.txt'), 'yes');
    expect(await ledger.runChecks('S01', { ...LATER, run: 'run-003' })).toMatchObject([
      { passed: true },
    ]);
    await ledger.complete('S01', { ...LATER, run: 'run-003' });
    expect(await ledger.reverify({ ...LATER, run: 'run-003' })).toMatchObject({
      ok: true,
      steps: [{ outcome: 'too early' }],
    });
    expect(await ledger.reverify({ ...LATER, run: 'run-004' })).toMatchObject({
      steps: [{ outcome: 'verified' }],
    });
    await ledger.reopen('S01', { ...LATER, run: 'run-005' });
    expect(await ledger.get('S01')).toMatchObject({ status: 'in_progress' });
  });
});

describe('a step is completed', () => {
  test('only when each of its invariants has a check', async () => {
    const ledger = ledgerWith();
    await ledger.add('S01', { title: 'One' }, BY);
    await ledger.start('S01', BY);
    await expect(ledger.complete('S01', BY)).rejects.toThrow(
      'S01 has no invariants, so no later run could verify it; add them with `monque ledger amend S01`',
    );
    const invariants = [{ text: 'a', check: { command: 'true' } }, { text: 'b\nmore' }];
    await ledger.amend('S01', { invariants }, BY);
    await expect(ledger.complete('S01', BY)).rejects.toThrow(
      'S01 has 1 of 2 invariants without a check; add them with `monque ledger amend S01`\n  - b',
    );
    await ledger.amend('S01', { invariants: invariants.slice(0, 1) }, BY);
    await ledger.complete('S01', BY);
  });

  test('and says nothing more by then, but remarks', async () => {
    const ledger = ledgerWith();
    await completed(ledger, 'S01');
    await expect(ledger.amend('S01', { invariants: [] }, BY)).rejects.toMatchObject({
      code: 'RECORD_STATE',
    });
    expect(await ledger.note('S01', { concerns: ['It is slow'] }, BY)).toMatchObject({
      concerns: ['It is slow'],
    });
    expect((await ledger.log('S01', 'looked at it', BY)).history.at(-1)).toMatchObject({
      verb: 'log',
      reason: 'looked at it',
    });
  });

  test('in a run that is named', async () => {
    const ledger = ledgerWith();
    await ledger.add('S01', { title: 'One' }, BY);
    await expect(ledger.start('S01', { actor: 'Ann' } as typeof BY)).rejects.toThrow(
      'S01 needs a run; name the run',
    );
  });
});

test.each([
  ['run-002', 'run-001', true],
  ['run-010', 'run-9', true],
  ['run-1', 'run-2', false],
  ['run-2', 'run-2', false],
  ['other', 'run-2', true],
  ['seen', 'other', false],
  ['nightly', 'other', true],
])('run %s comes after run %s: %s', (run, completedIn, expected) => {
  const history = [
    { verb: 'start', run: 'seen' },
    { verb: 'complete', run: completedIn },
    { verb: 'verify', run: 'nightly' },
  ];
  expect(isLaterRun(run, completedIn, history)).toBe(expected);
});

describe('verifying', () => {
  test('names steps that no check can show, and changes nothing of them', async () => {
    const hand =
      '## Step S01 – By hand\n- **Status:** completed_pending_verification\n- **Responsible run ID:** run-000\n### Observable invariants\n- It looks right\n';
    const other =
      '## Step S02 – No run\n- **Status:** verified\n### Observable invariants\n- x\n  - Check: `true`\n';
    await writeFile(path, hand + other);
    const ledger = ledgerWith();
    const report = await ledger.reverify(LATER);
    expect(report).toMatchObject({
      ok: false,
      steps: [
        { id: 'S01', outcome: 'unchecked' },
        { id: 'S02', outcome: 'unchecked' },
      ],
    });
    await expect(ledger.records.move('verify', 'S02', {}, LATER)).rejects.toThrow(
      'S02 names no run that completed it; do so with `monque ledger fix S02`',
    );
    const { problems } = new VerificationFormat().parse(hand + other);
    expect(problems.map(({ line, message }) => `${line}: ${message}`)).toEqual([
      '1: S01 is completed_pending_verification, but 1 of its invariants have no check',
      '6: S02 is verified, but names no run; set its responsible run ID',
    ]);
    expect(
      new VerificationFormat().parse(
        '## Step S01 – x\n- **Status:** verified\n- **Responsible run ID:** r\n',
      ).problems,
    ).toMatchObject([{ line: 1, message: 'S01 is verified, but has no invariants' }]);
  });

  test('names a step that somebody works on meanwhile', async () => {
    let fix = async (): Promise<unknown> => undefined;
    const ledger = ledgerWith({ functions: { slow: () => fix().then(() => true) } });
    await completed(ledger, 'S01', {
      title: 'x',
      invariants: [{ text: 'x', check: { function: 'slow' } }],
    });
    fix = () => ledger.fix('S01', LATER);
    expect(await ledger.reverify(LATER)).toMatchObject({
      ok: false,
      steps: [{ outcome: 'changed' }],
    });
    expect(await ledger.get('S01')).toMatchObject({ status: 'in_progress' });
  });

  test('of steps that are named is refused for those that are not completed or not there', async () => {
    const ledger = ledgerWith();
    await ledger.add('S01', { title: 'x' }, BY);
    await expect(ledger.reverify({ ...LATER, ids: ['S01'] })).rejects.toMatchObject({
      code: 'RECORD_STATE',
    });
    await expect(ledger.reverify({ ...LATER, ids: ['S09'] })).rejects.toMatchObject({
      code: 'RECORD_NOT_FOUND',
    });
    await expect(ledger.runChecks('S09', LATER)).rejects.toMatchObject({
      code: 'RECORD_NOT_FOUND',
    });
    const bare = new VerificationLedger({
      store: new MarkdownRecordStore(path, new VerificationFormat()),
    });
    await expect(bare.reverify(LATER)).rejects.toMatchObject({ field: 'options.runner' });
  });

  test('goes on after an error of the store with the next call', async () => {
    const ledger = ledgerWith({
      functions: { breaks: () => writeFile(path, '```\n').then(() => true) },
    });
    await completed(ledger, 'S01', {
      title: 'x',
      invariants: [{ text: 'x', check: { function: 'breaks' } }],
    });
    await expect(ledger.reverify(LATER)).rejects.toMatchObject({ code: 'LEDGER_FILE', line: 1 });
  });

  test('runs a check that several steps share once, and checks side by side', async () => {
    let running = 0;
    let most = 0;
    let calls = 0;
    let open: () => void = () => undefined;
    const all = new Promise<void>((resolve) => {
      open = resolve;
    });
    const check = async (): Promise<boolean> => {
      calls += 1;
      running += 1;
      most = Math.max(most, running);
      if (running === 3) open();
      await all;
      running -= 1;
      return true;
    };
    const functions = { a: check, b: check, c: check };
    const ledger = ledgerWith({ functions, concurrency: 3 });
    const invariants = Object.keys(functions).map((name) => ({
      text: name,
      check: { function: name },
    }));
    for (const id of ['S01', 'S02']) {
      await ledger.add(id, { title: id, invariants }, BY);
      await ledger.start(id, BY);
    }
    for (const id of ['S01', 'S02']) await ledger.complete(id, BY);
    expect(await ledger.reverify(LATER)).toMatchObject({ ok: true });
    expect({ most, calls }).toEqual({ most: 3, calls: 3 });
  });
});

describe('a check', () => {
  async function resultOf(
    check: object,
    options: Partial<CheckRunnerOptions> = {},
  ): Promise<object | undefined> {
    const ledger = ledgerWith(options);
    await ledger.add(
      'S01',
      { title: 'x', invariants: [{ text: 'x', check: check as { command: string } }] },
      BY,
    );
    await ledger.start('S01', BY);
    return (await ledger.runChecks('S01', BY))[0];
  }

  test.each([
    ['passes', { command: 'echo fine' }, { passed: true, exitCode: 0, output: 'fine' }],
    [
      'fails by its exit',
      { command: 'echo bad >&2; exit 3' },
      { passed: false, exitCode: 3, output: 'bad' },
    ],
    [
      'passes with the exit that is expected',
      { command: 'exit 3', expect: { exitCode: 3 } },
      { passed: true, exitCode: 3 },
    ],
    [
      'passes with the output that is expected',
      { command: 'echo 12 tests', expect: { output: '12' } },
      { passed: true },
    ],
    [
      'fails without it',
      { command: 'echo 11 tests', expect: { output: '12' } },
      { passed: false, fault: 'the output lacks what is expected' },
    ],
    [
      'runs in its directory',
      { command: 'pwd', directory: '..' },
      { passed: true, output: tmpdir() },
    ],
    [
      'fails without its directory',
      { command: 'pwd', directory: 'nowhere' },
      { passed: false, fault: expect.stringContaining('could not be started') },
    ],
    [
      'is ended after its limit, with what it started',
      { command: 'sleep 600 & sleep 600', timeoutSeconds: 1 },
      { passed: false, fault: 'ended after its limit of 1 s' },
    ],
    [
      'is ended by a signal',
      { command: 'kill -9 $$' },
      { passed: false, fault: 'ended by SIGKILL' },
    ],
    [
      'shows the end of what it prints, without colours',
      { command: "printf '\\033[31mred\\033[0m\\r\\n'; seq 100000" },
      { passed: true, output: expect.stringMatching(/99999\n100000$/) },
    ],
  ])('%s', async (_what, check, expected) => {
    const result = await resultOf(check);
    expect(result).toMatchObject({ run: 'run-001', ...expected });
    expect(String((result as { output?: string }).output ?? '').length).toBeLessThanOrEqual(2000);
  });

  test('that is a function passes unless it gives false or throws', async () => {
    const functions = {
      fine: () => undefined,
      no: () => false,
      bad: () => {
        throw new Error('The schema is old');
      },
      odd: () => Promise.reject('odd'),
    };
    const ledger = ledgerWith({ functions });
    const invariants = [...Object.keys(functions), 'toString'].map((name) => ({
      text: name,
      check: { function: name },
    }));
    await ledger.add('S01', { title: 'x', invariants }, BY);
    await ledger.start('S01', BY);
    expect(await ledger.runChecks('S01', BY)).toMatchObject([
      { check: 'function fine', passed: true },
      { check: 'function no', passed: false },
      { check: 'function bad', passed: false, output: 'The schema is old' },
      { check: 'function odd', passed: false, output: 'odd' },
      {
        check: 'function toString',
        passed: false,
        fault: 'no function of this name was given to the ledger',
      },
    ]);
  });

  test('whose job is cancelled has failed', async () => {
    const ledger = ledgerWith({
      functions: {
        long: async ({ signal }) => {
          const [job] = await scheduler.getJobs({ name: 'ledger-check' });
          if (job !== undefined) await scheduler.cancelJob(job._id);
          return await new Promise((_, reject) => {
            const abort = (): void => reject(new Error('aborted'));
            if (signal.aborted) abort();
            signal.addEventListener('abort', abort);
          });
        },
      },
    });
    await ledger.add(
      'S01',
      { title: 'x', invariants: [{ text: 'x', check: { function: 'long' } }] },
      BY,
    );
    await ledger.start('S01', BY);
    expect(await ledger.runChecks('S01', BY)).toMatchObject([
      { passed: false, fault: expect.stringContaining('cancelled') },
    ]);
  });

  test('is ended when the scheduler stops', async () => {
    const stopping = Monque.inMemory({ shutdownTimeout: 1 });
    const runner = new CheckRunner({
      scheduler: stopping,
      redactor: new Redactor([]),
      root: folder,
    });
    await stopping.start();
    const results = runner.run([{ command: 'echo $$ > pid; exec sleep 600' }], 'run-001');
    const refused = expect(results).rejects.toMatchObject({ reason: 'stopped' });
    const readPid = async (): Promise<number> =>
      Number(await readFile(join(folder, 'pid'), 'utf8').catch(() => ''));
    await until('the command to run', async () => (await readPid()) > 0);
    const pid = await readPid();
    expect(isRunning(pid)).toBe(true);
    await stopping.stop();
    await refused;
    await until('the command to end', async () => !isRunning(pid));
  });

  test.each([
    [{ command: 'a\nb' }, 'command'],
    [{ command: '' }, 'command'],
    [{ command: 'x', timeoutSeconds: 0 }, 'timeoutSeconds'],
    [{ command: 'x', expect: { exitCode: 256 } }, 'expect.exitCode'],
    [{ command: 'x', shell: 'zsh' }, ''],
    [{ function: '' }, 'function'],
    ['true', ''],
  ])('%o is refused', async (check, field) => {
    const ledger = ledgerWith();
    const invariants = [{ text: 'x', check }] as StepFields['invariants'];
    const where = `invariants[0].check${field === '' ? '' : `.${field}`}`;
    await expect(
      ledger.add('S01', { title: 'x', ...(invariants && { invariants }) }, BY),
    ).rejects.toMatchObject({ field: where });
  });

  test('many of them keep the results of all', async () => {
    const functions = Object.fromEntries(upTo(40).map((n) => [`f${n}`, () => n % 2 === 0]));
    const ledger = ledgerWith({ functions });
    const invariants = Object.keys(functions).map((name) => ({
      text: name,
      check: { function: name },
    }));
    await completed(ledger, 'S01', { title: 'x', invariants });
    await ledger.reverify(LATER);
    expect(await ledger.get('S01')).toMatchObject({
      verifications: [{ outcome: 'drift', notes: '20 of 40 checks passed' }],
    });
    expect((await ledger.get('S01'))?.tests).toHaveLength(40);
  });
});

describe('a command', () => {
  const options = { timeoutMs: 60_000, outputBytes: 1000 };

  test('that is stopped before it begins has not run', async () => {
    const signal = AbortSignal.abort();
    const ended = await runCommand('echo made > made', { ...options, directory: folder, signal });
    expect(ended).toMatchObject({ fault: 'ended because the run was stopped' });
    expect(ended).not.toHaveProperty('exitCode');
    // Neither has one that cannot be started at all.
    const nowhere = join(folder, 'nowhere');
    expect(await runCommand('true', { ...options, directory: nowhere, signal })).toMatchObject({
      fault: 'ended because the run was stopped',
      output: '',
    });
  });

  test('whose programs left its group and hold its output open is ended all the same', async () => {
    // It waits for nothing, and its own child goes on in a session of its own.
    const stray =
      "const { spawn } = require('node:child_process');" +
      "const child = spawn('sleep', ['600'], { detached: true, stdio: 'inherit' });" +
      "require('node:fs').writeFileSync('stray', String(child.pid)); child.unref();";
    await writeFile(join(folder, 'stray.cjs'), stray);
    const stop = new AbortController();
    const command = `echo $$ > shell; ${process.execPath} stray.cjs; exit 0`;
    const ended = runCommand(command, { ...options, directory: folder, signal: stop.signal });
    const pidIn = async (file: string): Promise<number> =>
      Number(await readFile(join(folder, file), 'utf8').catch(() => ''));
    await until('the child to be on its own', async () => (await pidIn('stray')) > 0);
    const pid = await pidIn('stray');
    try {
      const shell = await pidIn('shell');
      await until('the shell to end', async () => !isRunning(shell));
      expect(isRunning(pid)).toBe(true);
      stop.abort();
      expect(await ended).toMatchObject({ fault: 'ended because the run was stopped' });
    } finally {
      process.kill(pid, 'SIGKILL');
    }
  });
});

test('a check whose job was cancelled has failed, and says so', async () => {
  const idle = Monque.inMemory();
  const runner = new CheckRunner({ scheduler: idle, redactor: new Redactor([]), root: folder });
  const results = runner.run([{ command: 'true' }], 'run-001');
  const jobs = await vi.waitFor(async () => {
    const found = await idle.getJobs({ name: 'ledger-check' });
    expect(found).toHaveLength(1);
    return found;
  });
  for (const { _id } of jobs) await idle.cancelJob(_id);
  expect(await results).toMatchObject([
    { check: 'true', passed: false, fault: expect.stringContaining('cancelled') },
  ]);
  await idle.stop();
});

test('results take the places of older ones, and leave remarks and others where they are', () => {
  const result = { check: 'a', passed: true, at: new Date(0), run: 'run-001', durationMs: 1 };
  const other = { ...result, check: 'b' };
  const later = { ...result, run: 'run-002' };
  const fresh = { ...later, check: 'c' };
  expect(withResults([{ text: 'Manual verbs' }, result, other], [later, fresh])).toEqual([
    { text: 'Manual verbs' },
    later,
    other,
    fresh,
  ]);
});

test('a line of results that is too long is a remark', () => {
  const long = `\`${'x'.repeat(5000)}\` – PASS (2026-03-01 09:30 UTC, run run-001, 1 ms)`;
  const section = `## Step S01 – One\n\n### Tests & commands run\n\n- ${long}\n`;
  const { records } = new VerificationFormat().parse(section);
  expect(records.get('S01')?.record.tests).toEqual([{ text: long }]);
});

test('only the steps that are named are verified, when some are', async () => {
  const ledger = ledgerWith();
  const invariants = [{ text: 'x', check: { command: 'true' } }];
  await completed(ledger, 'S01', { title: 'x', invariants });
  expect(await ledger.reverify({ ...LATER, ids: ['S01'] })).toMatchObject({
    ok: true,
    steps: [{ id: 'S01', outcome: 'verified' }],
  });
});

test('a step that waits for several others names how many, and each', async () => {
  const store = new MemoryRecordStore();
  await put(store, stepIn('drift_detected', 'S01'));
  await put(store, stepIn('completed_pending_verification', 'S02'));
  await put(store, stepIn('not_started', 'S03'));
  await expect(stepsOn(store).start('S03', BY)).rejects.toThrow(
    /^S03 cannot be started before 2 other steps are verified\n {2}- S01 .*\n {2}- S02 /,
  );
});
