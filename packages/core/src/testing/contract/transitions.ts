/**
 * Every verb on a job in every state, generated from the lifecycle table: the job moves as the row says, or nothing
 * changes; and nothing changes when one guard of the row does not hold.
 *
 * @module
 */
import assert from 'node:assert/strict';
import type { Job, JobStatus } from '../../job.ts';
import type { SettleVerb } from '../../ledger/settlement.ts';
import { answerUnmatched, rescueFailReason } from '../../ledger/settlement.ts';
import { type Condition, GONE, JOB_LIFECYCLE, type JobVerb } from '../../lifecycle.ts';
import {
  assertSameJob,
  type ContractTest,
  type ContractTests,
  INSTANCE,
  type Subject,
} from './subject.ts';

/** What the conditions and effects of the rows refer to, and `rescueLimit`, which a call states instead. */
interface VerbParams {
  readonly now: Date;
  readonly claimToken: string;
  readonly instanceId: string;
  readonly nextRunAt: Date;
  readonly failReason: string;
  readonly lastFailCount: number;
  readonly deadInstanceId: string;
  readonly rescueLimit: number;
}

/** Calls the ledger and checks its answer, knowing whether the verb applies. */
type Send = (subject: Subject, job: Job, params: VerbParams, applies: boolean) => Promise<void>;

/** Some calls choose between verbs by the job they find. */
const CHOSEN_TOGETHER: readonly (readonly JobVerb[])[] = [
  ['cancel', 'requestCancel'],
  ['rescue', 'rescueToFailed', 'rescueToCancelled'],
];

const BRING_TO: Readonly<Record<JobStatus, (subject: Subject) => Promise<Job>>> = {
  pending: (subject) => subject.putOne(LOCKED),
  processing: (subject) => subject.putClaimed(LOCKED),
  completed: (subject) => settled(subject, 'complete'),
  failed: (subject) => settled(subject, 'fail'),
  cancelled: async (subject) => {
    const job = await subject.putOne(LOCKED);
    await subject.cancel(job);
    return subject.read(job);
  },
};

const LOCKED = { uniqueKey: 'key', uniqueLock: 'lock', data: { to: 'somebody' } } as const;

const SEND: Readonly<Record<JobVerb, Send>> = {
  enqueue: async (subject, job) => {
    const [answer] = await subject.enqueue(subject.newJob({ _id: job._id }));
    assert.equal(answer?.outcome, 'enqueued');
  },
  claim: async (subject, _job, { now, instanceId, claimToken }, applies) => {
    const { jobs } = await subject.claim({ now, instanceId, claimToken });
    assert.equal(jobs.length, applies ? 1 : 0);
  },
  complete: sendSettlement('complete'),
  retry: sendSettlement('retry'),
  fail: sendSettlement('fail'),
  cancelled: sendSettlement('cancelled'),
  release: sendSettlement('release'),
  rescue: sendRescue('pending'),
  rescueToFailed: sendRescue('failed'),
  rescueToCancelled: sendRescue('cancelled'),
  cancel: sendCancel,
  requestCancel: sendCancel,
  remove: async (subject, job, _params, applies) => {
    const result = await subject.ledger.remove({ jobId: job._id });
    assert.equal(result.outcome, applies ? 'removed' : 'refused');
  },
};

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
      return [[name, (subject) => testMove(subject, verb, state)]];
    }
    // The same call may apply another verb there, which that verb's own test covers.
    if (rivals.some((rival) => JOB_LIFECYCLE.allowsFrom(rival, state))) return [];
    const name = `${verb} of a ${state} job changes nothing`;
    return [[name, (subject) => testNoMove(subject, verb, state)]];
  });
}

function guardTests(verb: JobVerb): [string, ContractTest][] {
  const { from, guards = [] } = JOB_LIFECYCLE.transitions[verb];
  const isChosen = rivalsOf(verb).some((rival) => JOB_LIFECYCLE.allowsFrom(rival, 'processing'));
  return from.flatMap((state) =>
    guards
      .filter((guard) => !isChosen || guard.field === 'claimedBy')
      .map((guard): [string, ContractTest] => [
        `${verb} of a ${state} job changes nothing when its guard "${guard.field} ${guard.is}" fails`,
        (subject) => testNoMove(subject, verb, state, guard),
      ]),
  );
}

function rivalsOf(verb: JobVerb): readonly JobVerb[] {
  const group = CHOSEN_TOGETHER.find((verbs) => verbs.includes(verb)) ?? [];
  return group.filter((rival) => rival !== verb);
}

async function testMove(subject: Subject, verb: JobVerb, state: JobStatus): Promise<void> {
  const before = await prepare(subject, verb, state);
  const params = paramsFor(subject, verb, before);
  await SEND[verb](subject, before, params, true);
  const after = await subject.ledger.getJob({ jobId: before._id });
  if (JOB_LIFECYCLE.transitions[verb].to === GONE) assert.equal(after, null);
  else assertSameJob(await subject.read(before), expectedAfter(verb, before, params));
}

async function testNoMove(
  subject: Subject,
  verb: JobVerb,
  state: JobStatus,
  failing?: Condition,
): Promise<void> {
  const before = await prepare(subject, verb, state, failing);
  const params = { ...paramsFor(subject, verb, before), ...failingParams(subject, failing) };
  await SEND[verb](subject, before, params, false);
  assertSameJob(await subject.read(before), before);
}

/** Brings a job into the state, with a request to cancel where the row asks for one. */
async function prepare(
  subject: Subject,
  verb: JobVerb,
  state: JobStatus,
  failing?: Condition,
): Promise<Job> {
  const job = await BRING_TO[state](subject);
  const { guards = [] } = JOB_LIFECYCLE.transitions[verb];
  const isRequestWanted = guards.some(
    ({ field, is }) => field === 'cancelRequestedAt' && is === 'present',
  );
  const isRequestWrong = failing?.field === 'cancelRequestedAt';
  if (state === 'processing' && isRequestWanted !== isRequestWrong) await subject.cancel(job);
  return subject.read(job);
}

function paramsFor(subject: Subject, verb: JobVerb, job: Job): VerbParams {
  return {
    now: subject.at(1000),
    claimToken: job.claimToken ?? job.lastToken ?? 'fresh-token',
    instanceId: INSTANCE,
    nextRunAt: subject.at(60_000),
    failReason: 'Boom',
    lastFailCount: verb === 'fail' ? 0 : 9,
    deadInstanceId: INSTANCE,
    rescueLimit: verb === 'rescueToFailed' ? 1 : 5,
  };
}

/** The parameter that makes the guard fail; none where the prepared job does. */
function failingParams(subject: Subject, failing: Condition | undefined): Partial<VerbParams> {
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
    default:
      return {};
  }
}

/** The row read word by word, apart from the code that ledgers derive their writes from. */
function expectedAfter(verb: JobVerb, before: Job, params: VerbParams): Job {
  const { to, set = {}, increment = [], clear = [] } = JOB_LIFECYCLE.transitions[verb];
  const expected = new Map<string, unknown>(Object.entries(before));
  expected.set('status', to);
  for (const [field, param] of Object.entries(set)) expected.set(field, Reflect.get(params, param));
  for (const field of increment) expected.set(field, Number(expected.get(field) ?? 0) + 1);
  for (const field of clear) expected.delete(field);
  if (verb === 'rescueToFailed') expected.set('failReason', rescueFailReason(params.rescueLimit));
  return Object.fromEntries(expected) as unknown as Job;
}

async function settled(subject: Subject, verb: SettleVerb): Promise<Job> {
  const job = await subject.putClaimed(LOCKED);
  await subject.settle(verb, job);
  return subject.read(job);
}

function sendSettlement(verb: SettleVerb): Send {
  return async (subject, job, params, applies) => {
    const { now, claimToken, nextRunAt, failReason, lastFailCount } = params;
    const changes = { claimToken, nextRunAt, failReason, lastFailCount };
    const settlement = subject.settlement(verb, job, changes);
    const { answers } = await subject.ledger.settle({ settlements: [settlement], now });
    assert.deepEqual(answers, [applies ? 'settled' : answerUnmatched(settlement, job)]);
  };
}

function sendRescue(to: 'pending' | 'failed' | 'cancelled'): Send {
  return async (subject, _job, { now, deadInstanceId, rescueLimit }, applies) => {
    const result = await subject.rescue({ now, deadInstanceId, rescueLimit });
    const counts = { pending: 0, failed: 0, cancelled: 0, [to]: applies ? 1 : 0 };
    assert.deepEqual(result, { ...counts, more: false, refused: false });
  };
}

async function sendCancel(subject: Subject, job: Job, { now }: VerbParams): Promise<void> {
  const { outcome } = await subject.ledger.cancel({ jobId: job._id, now });
  const outcomes: Partial<Record<JobStatus, string>> = {
    pending: 'cancelled',
    processing: 'requested',
  };
  assert.equal(outcome, outcomes[job.status] ?? 'refused');
}
