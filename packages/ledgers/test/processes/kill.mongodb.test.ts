/**
 * A process that is killed in the middle of a verb leaves the record as it was or as it was to be, and the ledger open
 * for the next one.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ensureBuilt, ensurePackageBuilt } from '../../../core/test/package/built.ts';
import { uriOf } from '../../../core/test/package/mongo-uri.ts';
import { closeMongoDb, describeWithMongo, getTestDb } from '../../../core/test/setup/mongodb.ts';
import {
  CoordinationFormat,
  type LedgerFormat,
  type LedgerRecord,
  MarkdownRecordStore,
  MongoRecordStore,
  type RecordStore,
  STEP_LIFECYCLE,
  type StepVerb,
  TASK_LIFECYCLE,
  type TaskVerb,
  VerificationFormat,
} from '../../src/index.ts';
import { put, stepIn, stepsOn, taskIn, tasksOn } from '../kit.ts';

const PACKAGE = join(import.meta.dirname, '..', '..');
const PROCESS = join(import.meta.dirname, 'ledger-process.mjs');
const RUN = { actor: 'Ann', run: 'run-002' };

let folder = '';
beforeAll(async () => {
  await ensureBuilt();
  await ensurePackageBuilt(PACKAGE, ['index.mjs', 'index.cjs', 'index.d.mts', 'index.d.cts']);
  folder = await mkdtemp(join(tmpdir(), 'ledger-'));
}, 120_000);
afterAll(async () => {
  await rm(folder, { recursive: true });
  await closeMongoDb();
});

/** Runs a verb in a process of its own; gives the signal that ended it, or null when it ended by itself. */
function runVerb(args: readonly string[]): Promise<NodeJS.Signals | null> {
  const child = spawn(process.execPath, [PROCESS, ...args], {
    cwd: PACKAGE,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  return new Promise((resolve, reject) => {
    child.once('close', (code, signal) => {
      if (code === 0 || signal === 'SIGKILL') resolve(signal);
      else reject(new Error(`The process ended with ${code}: ${said}`));
    });
  });
}

/** A verb, and a record that it applies to. */
interface Case {
  readonly kind: 'steps' | 'tasks';
  readonly verb: string;
  readonly record: LedgerRecord | undefined;
  readonly params: object;
  readonly by: object;
}

function stepCase(verb: StepVerb): Case {
  const [from = ''] = STEP_LIFECYCLE.transitions[verb].from;
  const isFound = verb === 'verify' || verb === 'reportDrift';
  const params = isFound
    ? { tests: [], verifications: [] }
    : verb === 'amend'
      ? { title: 'New' }
      : {};
  return { kind: 'steps', verb, record: stepIn(from, 'R-1'), params, by: RUN };
}

function taskCase(verb: TaskVerb): Case {
  const [from = ''] = TASK_LIFECYCLE.transitions[verb].from;
  const blockedFrom =
    { unblockToAssigned: 'assigned', unblockToInProgress: 'in_progress' }[verb as string] ??
    'defined';
  const needs: Readonly<Record<string, object>> = {
    assign: { assignee: 'Cy' },
    handOver: { assignee: 'Cy' },
    nameReviewer: { reviewer: 'Di' },
    depend: { dependsOn: [] },
    amend: { title: 'New' },
  };
  const isUnblock = verb.startsWith('unblock');
  const record = taskIn(from, 'R-1', from === 'blocked' || isUnblock ? { blockedFrom } : {});
  const actor = verb === 'approve' || verb === 'requestRevisions' ? 'Bob' : 'Ann';
  const params = isUnblock ? { blockedFrom } : (needs[verb] ?? {});
  return { kind: 'tasks', verb, record, params, by: { actor, reason: 'because' } };
}

const CASES: readonly Case[] = [
  { kind: 'steps', verb: 'add', record: undefined, params: { title: 'New' }, by: RUN },
  ...STEP_LIFECYCLE.verbs.map(stepCase),
  ...TASK_LIFECYCLE.verbs.map(taskCase),
];

/** Another writer goes on: the record is as before or as after, its history has the verb or not, never half of it. */
async function expectWhole(
  store: RecordStore,
  { kind, verb, record }: Case,
  applied: boolean,
): Promise<void> {
  const log = { actor: 'Cy', reason: 'still here' };
  if (record === undefined) {
    // Whoever writes next applies what was decided.
    await stepsOn(store).add('R-2', { title: 'Other' }, { actor: 'Cy' });
    expect(await store.get('R-1')).toEqual(
      applied ? expect.objectContaining({ title: 'New' }) : undefined,
    );
    return;
  }
  const records = kind === 'steps' ? stepsOn(store).records : tasksOn(store).records;
  const { history, ...after } = await records.move('log', 'R-1', {}, log);
  const verbs = history.map((entry) => entry.verb);
  expect(verbs).toEqual(applied ? [verb, 'log'] : ['log']);
  const { transitions } = kind === 'steps' ? STEP_LIFECYCLE : TASK_LIFECYCLE;
  const { to } = (transitions as Record<string, { readonly to: string }>)[verb] ?? { to: '' };
  expect(after.status).toBe(applied && to !== 'stays' ? to : record.status);
}

/** Verbs with a rule that reads other records here, before the decision. */
const READING_RULES = ['start', 'reopen'];

const formatOf = (kind: string): LedgerFormat =>
  kind === 'steps' ? new VerificationFormat() : new CoordinationFormat();

let files = 0;
/** Runs a case on a file up to a point; the lock that is left is taken away at once, as time does otherwise. */
async function killInFile(
  one: Case,
  point: string,
): Promise<{ readonly store: MarkdownRecordStore; readonly before: string }> {
  files += 1;
  const path = join(folder, `${files}.md`);
  const store = new MarkdownRecordStore(path, formatOf(one.kind));
  await store.init();
  if (one.record !== undefined) await put(store, one.record);
  const before = await readFile(path, 'utf8');
  const args = [
    'file',
    path,
    one.kind,
    one.verb,
    'R-1',
    JSON.stringify(one.params),
    JSON.stringify(one.by),
    point,
  ];
  expect(await runVerb(args)).toBe('SIGKILL');
  return { store, before };
}

describe('a kill while a file is written', () => {
  test.each(CASES.map((one) => [one.kind, one.verb, one] as const))(
    'in the middle of %s %s leaves the file as it was',
    async (_kind, _verb, one) => {
      const { store, before } = await killInFile(one, 'write');
      expect(await readFile(store.path, 'utf8')).toBe(before);
      await rm(`${store.path}.lock`, { recursive: true });
      await expectWhole(store, one, false);
    },
  );

  test.each([
    ['lock', false],
    ['claim', false],
    ['sync', false],
    ['rename', false],
    ['after', true],
  ])('at %s leaves a whole file, applied: %s', async (point, applied) => {
    const one = stepCase('start');
    const { store, before } = await killInFile(one, point);
    const text = await readFile(store.path, 'utf8');
    expect(text !== before).toBe(applied);
    expect(
      formatOf('steps')
        .parse(text)
        .problems.filter(({ severity }) => severity === 'error'),
    ).toEqual([]);
    await rm(`${store.path}.lock`, { recursive: true });
    await expectWhole(store, one, applied);
  });

  test('leaves a lock that the next writer takes over', async () => {
    const one = stepCase('start');
    const { store } = await killInFile(one, 'rename');
    expect((await stat(`${store.path}.lock`)).isDirectory()).toBe(true);
    await expectWhole(store, one, false);
    const left = (await readdir(folder)).filter((name) => name.includes(`${files}.md`));
    expect(left).toEqual([`${files}.md`]);
  }, 60_000);
});

describe('a writer that stands still until its lock was taken over', () => {
  test('writes nothing over what others wrote meanwhile, when it goes on', async () => {
    files += 1;
    const store = new MarkdownRecordStore(join(folder, `${files}.md`), formatOf('steps'));
    await store.init();
    await put(store, stepIn('not_started', 'R-1'));
    const by = JSON.stringify(RUN);
    const args = [PROCESS, 'file', store.path, 'steps', 'start', 'R-1', '{}', by, 'stop'];
    const child = spawn(process.execPath, args, { cwd: PACKAGE });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    const ended = new Promise((resolve) => child.once('close', resolve));
    await new Promise((resolve) => child.stdout.once('data', resolve));
    // The lock is taken over once it was not renewed for a while.
    await put(store, stepIn('not_started', 'R-2'));
    child.kill('SIGCONT');
    expect(await ended).toBe(1);
    expect(said).toContain('LEDGER_BUSY');
    expect(await store.get('R-2')).toMatchObject({ id: 'R-2' });
    expect(await store.get('R-1')).toMatchObject({ status: 'not_started' });
  }, 60_000);
});

describeWithMongo('a kill while MongoDB is written', () => {
  async function killInMongo(
    one: Case,
    point: number,
  ): Promise<{
    readonly store: MongoRecordStore;
    readonly signal: NodeJS.Signals | null;
    readonly drop: () => Promise<unknown>;
  }> {
    const db = await getTestDb('ledger_kill');
    const store = new MongoRecordStore(db);
    if (one.record !== undefined) await put(store, one.record);
    else await put(store, stepIn('not_started', 'R-0'));
    const args = [
      'mongo',
      uriOf(db.databaseName),
      one.kind,
      one.verb,
      'R-1',
      JSON.stringify(one.params),
      JSON.stringify(one.by),
      String(point),
    ];
    return { store, signal: await runVerb(args), drop: () => db.dropDatabase() };
  }

  // Its commands: read the last write, see that it is applied, read the record, decide, apply, read the record.
  test.each(CASES.map((one) => [one.kind, one.verb, one] as const))(
    'between decision and application of %s %s is made good by the next writer',
    async (_kind, _verb, one) => {
      const { store, signal, drop } = await killInMongo(
        one,
        5 + Number(one.kind === 'steps' && READING_RULES.includes(one.verb)),
      );
      expect(signal).toBe('SIGKILL');
      await expectWhole(store, one, true);
      await drop();
    },
  );

  test.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'before its command %i leaves a whole record',
    async (point) => {
      const one = stepCase('start');
      const { store, signal, drop } = await killInMongo(one, point);
      expect(signal).toBe(point <= 7 ? 'SIGKILL' : null);
      await expectWhole(store, one, point > 5);
      await drop();
    },
  );
});
