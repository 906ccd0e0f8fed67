/**
 * Processes that are killed in the middle of a verb, and what has to be true of the record then.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { ensureBuilt, ensurePackageBuilt } from '../../../core/test/package/built.ts';
import { uriOf } from '../../../core/test/package/mongo-uri.ts';
import { closeMongoDb, getTestDb } from '../../../core/test/setup/mongodb.ts';
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

export const PACKAGE: string = join(import.meta.dirname, '..', '..');
export const PROCESS: string = join(import.meta.dirname, 'ledger-process.mjs');
export const RUN = { actor: 'Ann', run: 'run-002' };

/** A folder for the files of one test file, with what its processes need built. */
export function useFolder(): { readonly path: string } {
  const folder = { path: '' };
  beforeAll(async () => {
    await ensureBuilt();
    await ensurePackageBuilt(PACKAGE, ['index.mjs', 'index.cjs', 'index.d.mts', 'index.d.cts']);
    folder.path = await mkdtemp(join(tmpdir(), 'ledger-'));
  }, 120_000);
  afterAll(async () => {
    await rm(folder.path, { recursive: true });
    await closeMongoDb();
  });
  return folder;
}

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
export interface Case {
  readonly kind: 'steps' | 'tasks';
  readonly verb: string;
  readonly record: LedgerRecord | undefined;
  readonly params: object;
  readonly by: object;
}

export function stepCase(verb: StepVerb): Case {
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

export const CASES: readonly Case[] = [
  { kind: 'steps', verb: 'add', record: undefined, params: { title: 'New' }, by: RUN },
  ...STEP_LIFECYCLE.verbs.map(stepCase),
  ...TASK_LIFECYCLE.verbs.map(taskCase),
];

/** Another writer goes on: the record is as before or as after, its history has the verb or not, never half of it. */
export async function expectWhole(
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

export const formatOf = (kind: string): LedgerFormat =>
  kind === 'steps' ? new VerificationFormat() : new CoordinationFormat();

/** Runs a case on a file up to a point; the lock that is left is taken away at once, as time does otherwise. */
export async function killInFile(
  folder: string,
  one: Case,
  point: string,
): Promise<{ readonly store: MarkdownRecordStore; readonly before: string }> {
  const path = join(await mkdtemp(join(folder, 'file-')), 'ledger.md');
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

/** Runs a case on a database up to a command. */
export async function killInMongo(
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

/**
 * The command before which a verb is decided and not yet applied. Its commands: read the last write, see that it is
 * applied, read the record, decide, apply, read the record.
 */
export function commandOfApplying({ kind, verb }: Case): number {
  return 5 + Number(kind === 'steps' && READING_RULES.includes(verb));
}
