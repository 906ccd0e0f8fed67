/**
 * The checks of steps: commands and functions that run as jobs, how each ends, and what is written of it.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Monque } from '@monque/core';
import { describe, expect, test, vi } from 'vitest';
import { until } from '../../../core/test/setup/until.ts';
import { runCommand } from '../../src/checks/run-command.ts';
import { withResults } from '../../src/checks/test-run.ts';
import {
  CheckRunner,
  type CheckRunnerOptions,
  Redactor,
  type StepFields,
  VerificationFormat,
} from '../../src/index.ts';
import { upTo } from '../kit.ts';
import { BY, completed, here, LATER, ledgerWith, useFolder } from './fixture.ts';

useFolder();

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

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
          const [job] = await here.scheduler.getJobs({ name: 'ledger-check' });
          if (job !== undefined) await here.scheduler.cancelJob(job._id);
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
      root: here.folder,
    });
    await stopping.start();
    const results = runner.run([{ command: 'echo $$ > pid; exec sleep 600' }], 'run-001');
    const refused = expect(results).rejects.toMatchObject({ reason: 'stopped' });
    const readPid = async (): Promise<number> =>
      Number(await readFile(join(here.folder, 'pid'), 'utf8').catch(() => ''));
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
    const ended = await runCommand('echo made > made', {
      ...options,
      directory: here.folder,
      signal,
    });
    expect(ended).toMatchObject({ fault: 'ended because the run was stopped' });
    expect(ended).not.toHaveProperty('exitCode');
    // Neither has one that cannot be started at all.
    const nowhere = join(here.folder, 'nowhere');
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
    await writeFile(join(here.folder, 'stray.cjs'), stray);
    const stop = new AbortController();
    const command = `echo $$ > shell; ${process.execPath} stray.cjs; exit 0`;
    const ended = runCommand(command, { ...options, directory: here.folder, signal: stop.signal });
    const pidIn = async (file: string): Promise<number> =>
      Number(await readFile(join(here.folder, file), 'utf8').catch(() => ''));
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
  const runner = new CheckRunner({
    scheduler: idle,
    redactor: new Redactor([]),
    root: here.folder,
  });
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
