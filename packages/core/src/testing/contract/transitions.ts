/**
 * Every verb on a job in every state, generated from the lifecycle table: the job moves as the row says, or nothing
 * changes; and nothing changes when one guard of the row does not hold.
 *
 * @module
 */
import assert from 'node:assert/strict';
import type { HistoryEntry, Job, JobStatus } from '../../job/job.ts';
import { JOB_LIFECYCLE, type JobVerb } from '../../job/job-lifecycle.ts';
import { type Condition, GONE, STAYS } from '../../job/lifecycle.ts';
import {
  assertSameJob,
  type ContractTest,
  type ContractTests,
  onForeignJobs,
  type Subject,
} from './subject.ts';
import { callOf, SEND, type VerbParams } from './transition-calls.ts';
import {
  bringTo,
  CLOSED,
  gateRecord,
  needsForeignJobs,
  OPEN,
  paramsFor,
} from './transition-jobs.ts';

/** The tests, by generated names. */
export const transitionTests: ContractTests = Object.fromEntries(
  JOB_LIFECYCLE.verbs.flatMap((verb) => [...pairTests(verb), ...guardTests(verb)]),
);

function pairTests(verb: JobVerb): [string, ContractTest][] {
  const { to } = JOB_LIFECYCLE.transitions[verb];
  const rivals = rivalsOf(verb);
  return JOB_LIFECYCLE.states.flatMap((state): [string, ContractTest][] => {
    if (JOB_LIFECYCLE.allowsFrom(verb, state)) {
      const name = `${verb} of a ${state} job leads to ${to}, with the fields of its row`;
      const test: ContractTest = (subject) => testMove(subject, verb, state);
      return [[name, needsForeignJobs(verb, state) ? onForeignJobs(test) : test]];
    }
    // The same call may apply another verb there, which that verb's own test covers.
    if (rivals.some((rival) => JOB_LIFECYCLE.allowsFrom(rival, state))) return [];
    const name = `${verb} of a ${state} job changes nothing`;
    return [[name, (subject) => testNoMove(subject, verb, state)]];
  });
}

function guardTests(verb: JobVerb): [string, ContractTest][] {
  const { from, guards = [] } = JOB_LIFECYCLE.transitions[verb];
  return from.flatMap((state) =>
    guards
      .filter((guard) => canFail(verb, state, guard))
      .map((guard): [string, ContractTest] => {
        const name = `${verb} of a ${state} job changes nothing when its guard "${guard.field} ${guard.is}" fails`;
        const test: ContractTest = (subject) => testNoMove(subject, verb, state, guard);
        return [name, needsForeignJobs(verb, state, guard) ? onForeignJobs(test) : test];
      }),
  );
}

/** A call that chooses its verb by the job it finds takes another one, or reads what a guard compares itself. */
function canFail(verb: JobVerb, state: JobStatus, guard: Condition): boolean {
  const isChosen = rivalsOf(verb).some((rival) => JOB_LIFECYCLE.allowsFrom(rival, state));
  if (callOf(verb) === 'rescue') return guard.field === 'claimedBy';
  if (callOf(verb) === 'expireGates') return guard.field === 'blockedUntil';
  // A job that stands in a lane is claimed in another way: the tests of dead letters see to that.
  if (guard.field === 'lane' && state === 'processing') return false;
  // The ledger itself reads the fence before the claim.
  if (guard.field === 'fence') return false;
  // A job that is not blocked waits at no gate.
  if (guard.is === 'differs') return false;
  // Who waits for nobody is not found by what it waits for.
  if (callOf(verb) === 'releaseWaiting') return guard.field === 'blockedBy';
  // Where the request to cancel decides between two verbs, each leaves the jobs of the other to it.
  if (callOf(verb) === 'recover') return guard.field !== 'cancelRequestedAt';
  return !isChosen;
}

function rivalsOf(verb: JobVerb): readonly JobVerb[] {
  const call = callOf(verb);
  return JOB_LIFECYCLE.verbs.filter((rival) => rival !== verb && callOf(rival) === call);
}

async function testMove(subject: Subject, verb: JobVerb, state: JobStatus): Promise<void> {
  const before = await bringTo(subject, verb, state);
  const params = paramsFor(subject, verb, before);
  await SEND[verb](subject, before, params, true);
  const after = await subject.ledger.getJob({ jobId: before._id });
  if (JOB_LIFECYCLE.transitions[verb].to === GONE) {
    assert.equal(after, null);
    return;
  }
  const { history, ...stored } = await subject.read(before);
  const { history: _, ...expected } = expectedAfter(verb, before, params);
  assertSameJob(stored, expected);
  assertHistory(verb, { before: before.history, after: history }, params.now);
}

async function testNoMove(
  subject: Subject,
  verb: JobVerb,
  state: JobStatus,
  failing?: Condition,
): Promise<void> {
  const before = await bringTo(subject, verb, state, failing);
  const params = { ...paramsFor(subject, verb, before), ...failingParams(subject, verb, failing) };
  await SEND[verb](subject, before, params, false);
  assertSameJob(await subject.read(before), before);
}

/** The parameter that makes the guard fail; none where the prepared job does. */
function failingParams(
  subject: Subject,
  verb: JobVerb,
  failing: Condition | undefined,
): Partial<VerbParams> {
  switch (`${failing?.field} ${failing?.is}`) {
    case 'claimToken equal':
      return { claimToken: 'another-token' };
    case 'claimedBy equal':
      return { deadInstanceId: 'another-instance' };
    case 'nextRunAt atMost':
      return { now: subject.at(-1) };
    case 'failCount below':
      return { lastFailCount: 0 };
    case 'failCount atLeast':
      return { lastFailCount: 9 };
    case 'seriesVersion same':
      return { seriesVersion: 7 };
    case 'finishedAt atMost':
      return { finishedBefore: subject.at(0) };
    case 'stages lists':
      return { stagesBefore: ['first', 'between'] };
    case 'gates includes':
      return { gatesBefore: [OPEN, CLOSED] };
    case 'gates lacks':
      return verb === 'openGate' ? { gateRecords: [gateRecord(subject, OPEN)] } : { gate: OPEN };
    case 'blockedUntil atMost':
      return { now: subject.at(1199) };
    case 'lockedAt atMost':
      return { staleBefore: subject.at(-1) };
    default:
      return {};
  }
}

/** The row read word by word, apart from the code that ledgers derive their writes from; the history aside. */
function expectedAfter(verb: JobVerb, before: Job, params: VerbParams): Job {
  const row = JOB_LIFECYCLE.transitions[verb];
  const expected = new Map<string, unknown>(Object.entries(before));
  const paramOf = (name: string): unknown => Reflect.get(params, name);
  if (row.to !== STAYS) expected.set('status', row.to);
  for (const [field, param] of Object.entries({ ...row.set })) {
    expected.set(field, paramOf(param));
  }
  for (const [field, param] of Object.entries(row.replace ?? {})) {
    expected.set(field, paramOf(param));
  }
  for (const [field, { from, most }] of Object.entries(row.append ?? {})) {
    const all = [before[field as keyof Job], paramOf(from)].flat().filter(isGiven);
    expected.set(field, all.slice(Math.max(0, all.length - most)));
  }
  for (const field of row.increment ?? []) {
    expected.set(field, Number([expected.get(field), 0].find(isGiven)) + 1);
  }
  for (const field of row.reset ?? []) expected.set(field, 0);
  for (const field of row.clear ?? []) expected.delete(field);
  return Object.fromEntries(expected) as unknown as Job;
}

/** A verb that writes history leaves one entry, the newest, and of the old ones as many as there is room for. */
function assertHistory(
  verb: JobVerb,
  history: Readonly<Record<'before' | 'after', readonly HistoryEntry[] | undefined>>,
  now: Date,
): void {
  const { before = [], after = [] } = history;
  const most = JOB_LIFECYCLE.transitions[verb].append?.history?.most;
  if (most === undefined) {
    assert.deepEqual(after, before);
    return;
  }
  const newest = after.at(-1);
  assert.deepEqual({ verb: newest?.verb, at: newest?.at }, { verb, at: now });
  assert.deepEqual(after.slice(0, -1), before.slice(Math.max(0, before.length - most + 1)));
}

function isGiven(value: unknown): boolean {
  return value !== undefined;
}
