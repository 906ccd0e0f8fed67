/**
 * Steps whose invariants are checked by jobs of a scheduler: drift is found, refused and repaired.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  isLaterRun,
  MarkdownRecordStore,
  MemoryRecordStore,
  VerificationFormat,
  VerificationLedger,
} from '../../src/index.ts';
import { put, stepIn, stepsOn } from '../kit.ts';
import { BY, completed, here, LATER, ledgerWith, useFolder } from './fixture.ts';

useFolder();

describe('drift', () => {
  test('is found by the next run, refuses new work, and is over once it is repaired', async () => {
    const state = join(here.folder, 'state.txt');
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
    const text = await readFile(here.path, 'utf8');
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
    await writeFile(join(here.folder, 'state.txt'), 'yes');
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
    await writeFile(here.path, hand + other);
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
      store: new MarkdownRecordStore(here.path, new VerificationFormat()),
    });
    await expect(bare.reverify(LATER)).rejects.toMatchObject({ field: 'options.runner' });
  });

  test('goes on after an error of the store with the next call', async () => {
    const ledger = ledgerWith({
      functions: { breaks: () => writeFile(here.path, '```\n').then(() => true) },
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
