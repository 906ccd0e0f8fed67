/**
 * The jobs that the verbs of the lifecycle table are tried on, and the parameters they are tried with.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { flowOfToken } from '../../job/flow-tokens.ts';
import {
  type GateRecord,
  type Job,
  type JobStatus,
  MOST_HISTORY,
  MOST_LOG_LINES,
} from '../../job/job.ts';
import { JOB_LIFECYCLE, type JobVerb } from '../../job/job-lifecycle.ts';
import { orderFields } from '../../job/lanes.ts';
import type { Condition } from '../../job/lifecycle.ts';
import type { FlowRecord } from '../../ledger/ledger-repository.ts';
import { rescueFailReason } from '../../ledger/settle-answers.ts';
import { midnight, seriesFields } from './series-jobs.ts';
import { INSTANCE, jobOf, type Subject } from './subject.ts';
import { callOf, TOKEN, type VerbParams, waitingFields } from './transition-calls.ts';

/** The verbs that a series alone knows. */
const SERIES_VERBS: ReadonlySet<JobVerb> = new Set([
  'repeat',
  'repeatAfterFailure',
  'rescueToNextRun',
  'expireGateToNextRun',
  'skipRun',
  'endSeries',
  'endSeriesAfterRun',
  'replan',
  'replanRunning',
]);

const CLAIMS: ReadonlySet<JobVerb> = new Set(['claim', 'claimInOrder']);

/** The rescues that are the last that a job may have. */
const LAST_RESCUES: ReadonlySet<JobVerb> = new Set([
  'rescueToFailed',
  'rescueToDeadLetter',
  'rescueToNextRun',
]);

/** The name under which the dead letters failed. */
const SOURCE_NAME = 'source-of-dead-letters';

/** A gate that the jobs have behind them, and the one that they come to. */
export const OPEN = 'open';
export const CLOSED = 'closed';

/** True for the jobs that no verb of the ledger leaves behind. */
export function needsForeignJobs(verb: JobVerb, state: JobStatus, failing?: Condition): boolean {
  const isRecovery = callOf(verb) === 'recover' && state === 'processing';
  return isRecovery && failing?.field !== 'claimedBy';
}

/** Brings a job into the state, as far as the verb needs it prepared; one guard fails if that is wanted. */
export async function bringTo(
  subject: Subject,
  verb: JobVerb,
  state: JobStatus,
  failing?: Condition,
): Promise<Job> {
  const isInLane = state === 'pending' && (verb === 'claimInOrder') !== (failing?.field === 'lane');
  const fields = { ...fieldsFor(subject, verb, failing), ...(isInLane && orderFields('key')) };
  if (needsForeignJobs(verb, state, failing)) {
    const isAsked = verb === 'recoverToCancelled';
    return putForeign(subject, {
      ...fields,
      ...(isAsked && { cancelRequestedAt: subject.at(1) }),
    });
  }
  if (verb === 'redriveToWait' || callOf(verb) === 'releaseWaiting') {
    return bringToWait(subject, verb, state, failing);
  }
  const job = await subject.putOne(fields);
  if (CLAIMS.has(verb) && state === 'pending') return subject.read(job);
  await failOnce(subject);
  if (state === 'pending') return subject.read(job);
  // Only a job that its own handler cancelled goes on holding a window.
  const holdsWindow = failing?.field === 'windowUntil';
  if (state === 'cancelled' && !holdsWindow) return cancelled(subject, job);
  const claimed = await subject.claimOnly();
  if (state !== 'processing') {
    const verbs = {
      blocked: 'block',
      completed: 'complete',
      failed: 'fail',
      cancelled: 'cancelByHandler',
    } as const;
    const atGate = state === 'blocked' ? { gate: CLOSED, blockedUntil: subject.at(1200) } : {};
    assert.equal(await subject.settle(verbs[state], claimed, atGate), 'settled');
    return subject.read(claimed);
  }
  if (wantsRequest(verb) !== (failing?.field === 'cancelRequestedAt'))
    await subject.cancel(claimed);
  return subject.read(claimed);
}

/** Opens the flow, has the job wait in it, and leads it on to the state. */
async function bringToWait(
  subject: Subject,
  verb: JobVerb,
  state: JobStatus,
  failing?: Condition,
): Promise<Job> {
  const fields = { ...fieldsFor(subject, verb, failing), ...waitingFields() };
  const flow = { flowId: flowOfToken(TOKEN), state: 'stored', createdAt: subject.at(0), size: 2 };
  await subject.ledger.openFlow({
    flow: flow as FlowRecord,
    createdBefore: subject.at(-1_000),
  });
  const [job] = await subject.enqueue({ ...subject.newJob(fields), status: 'blocked' });
  const waiting = jobOf(job);
  if (state === 'blocked' && failing === undefined) {
    if (verb === 'failByParent') await putFailedParent(subject);
    return subject.read(waiting);
  }
  const tokens = [{ token: TOKEN }];
  const result = await subject.ledger.releaseWaiting({ tokens, now: subject.at(0), limit: 10 });
  assert.equal(result.released, 1);
  if (state === 'pending') return subject.read(waiting);
  await failOnce(subject);
  const claimed = await subject.claimOnly();
  if (state === 'processing') return claimed;
  const verbs = {
    blocked: 'block',
    completed: 'complete',
    failed: 'fail',
    cancelled: 'cancelByHandler',
  } as const;
  const atGate = state === 'blocked' ? { gate: CLOSED, blockedUntil: subject.at(1200) } : {};
  assert.equal(await subject.settle(verbs[state], claimed, atGate), 'settled');
  return subject.read(claimed);
}

/** A parent that failed before the job could start; it is called `parent`. */
async function putFailedParent(subject: Subject): Promise<void> {
  await subject.put({ flow: flowOfToken(TOKEN), ref: 'parent', feeds: [TOKEN] });
  assert.equal(await subject.settle('fail', await subject.claimOnly()), 'settled');
}

/** Parameters with which the verb applies to the job, if any can. */
export function paramsFor(subject: Subject, verb: JobVerb, job: Job): VerbParams {
  const isExpiry = callOf(verb) === 'expireGates';
  const run = callOf(verb) === 'cancel' || callOf(verb) === 'rescue' || isExpiry ? 1 : 3;
  // A gate that the job waits at is opened by another verb.
  const gate = verb === 'openGate' ? 'ahead' : CLOSED;
  const rescueLimit = LAST_RESCUES.has(verb) ? 2 : 5;
  const failReason = failReasonOf(verb, rescueLimit);
  return {
    now: subject.at(1500),
    fenceBefore: job.fence,
    claimToken: job.claimToken ?? job.lastToken ?? 'fresh-token',
    instanceId: INSTANCE,
    nextRunAt: nextRunOf(subject, verb, run),
    scheduledFor: midnight(subject, run),
    failReason,
    lastFailCount: verb === 'fail' ? 0 : 9,
    deadInstanceId: INSTANCE,
    rescueLimit,
    seriesVersion: job.seriesVersion,
    result: { rows: 3 },
    progress: { percent: 50 },
    logLines: ['one', 'two'],
    priority: -9,
    data: { changed: true },
    metadata: { changed: true },
    uniqueLock: 'key:key',
    finishedBefore: subject.at(60_000),
    staleBefore: subject.at(0),
    repeatInterval: '30 4 * * *',
    missed: 'all',
    endAt: midnight(subject, 9),
    stagesBefore: ['first'],
    gatesBefore: [OPEN],
    stageRecords: [{ name: 'second', at: subject.at(1400), result: { rows: 7 } }],
    gate,
    gateRecords: [gateRecord(subject, gate)],
    blockedUntil: subject.at(1200),
    name: SOURCE_NAME,
    deadLetter: 'dead-letters',
    source: {
      ...{ name: job.name, failedAt: subject.at(1500), failCount: job.failCount },
      reason: failReason,
    },
  };
}

/** Who is released is due at once. */
function nextRunOf(subject: Subject, verb: JobVerb, run: number): Date {
  if (verb === 'releaseChild') return subject.at(1500);
  return SERIES_VERBS.has(verb) ? midnight(subject, run) : subject.at(60_000);
}

/** What a test opens a gate with. */
export function gateRecord(subject: Subject, name: string): GateRecord {
  return { name, at: subject.at(1500), evidence: { pages: 3 }, by: 'somebody' };
}

function failReasonOf(verb: JobVerb, rescueLimit: number): string {
  if (verb === 'failByParent') return "The parent 'parent' failed";
  if (callOf(verb) === 'expireGates') return `The gate '${CLOSED}' was not opened in time`;
  return callOf(verb) === 'rescue' ? rescueFailReason(rescueLimit) : 'Boom again';
}

/** As many fields as a new job may have, so that each effect of a row has something to act on. */
function fieldsFor(subject: Subject, verb: JobVerb, failing?: Condition): Partial<Job> {
  const isWindowOpen = failing?.field === 'windowUntil';
  const lock = CLAIMS.has(verb) ? { startLock: 'key:key' } : { uniqueLock: 'key:key' };
  const plain = { uniqueKey: 'key', ...lock, data: { to: 'somebody' } };
  return {
    ...(SERIES_VERBS.has(verb) ? seriesOf(subject, failing) : plain),
    rescueCount: 1,
    progress: { percent: 10 },
    result: 'earlier',
    stages: [{ name: 'first', at: subject.at(-50), result: 'first result' }],
    gates: [{ name: OPEN, at: subject.at(-40), evidence: true }],
    logs: Array.from({ length: MOST_LOG_LINES - 1 }, (_, line) => `line ${line}`),
    history: Array.from({ length: MOST_HISTORY }, (_, index) => ({
      verb: 'retry',
      at: subject.at(index - 100),
      reason: `Reason ${index}`,
    })),
    ...(hasSource(verb, failing) && {
      source: { name: SOURCE_NAME, failedAt: subject.at(-30), failCount: 2, reason: 'Boom' },
    }),
    ...(isWindowOpen && { windowUntil: subject.at(1500) }),
    ...(verb === 'removeParent' && { feeds: [TOKEN] }),
    ...(failing?.field === 'flow' && { flow: flowOfToken(TOKEN) }),
  };
}

/** The job of a series, or what is left of one that was ended and runs again. */
function seriesOf(subject: Subject, failing: Condition | undefined): Partial<Job> {
  const fields = seriesFields(subject, { timezone: 'UTC' });
  const { uniqueLock: _, ...unlocked } = fields;
  return failing?.field === 'uniqueLock' ? unlocked : fields;
}

/** A dead letter where the verb wants one, or where it must not be one. */
function hasSource(verb: JobVerb, failing: Condition | undefined): boolean {
  return (verb === 'redriveDeadLetter') !== (failing?.field === 'source');
}

/** Claims the stored job, has its run fail, and makes it due again at once. */
async function failOnce(subject: Subject): Promise<void> {
  const job = await subject.claimOnly();
  assert.equal(await subject.settle('retry', job, { nextRunAt: subject.at(0) }), 'settled');
}

/** A job that is processing for a tool that keeps no lease. */
async function putForeign(subject: Subject, fields: Partial<Job>): Promise<Job> {
  const job = subject.newJob({ ...fields, lockedAt: subject.at(0) });
  await subject.putForeign({ ...job, status: 'processing' });
  return subject.read(job);
}

async function cancelled(subject: Subject, job: Job): Promise<Job> {
  if (job.repeatInterval === undefined) await subject.cancel(job);
  else {
    const { seriesVersion = 0 } = job;
    await subject.ledger.endSeries({ jobId: job._id, now: subject.at(500), seriesVersion });
  }
  return subject.read(job);
}

function wantsRequest(verb: JobVerb): boolean {
  const { guards = [] } = JOB_LIFECYCLE.transitions[verb];
  return guards.some(({ field, is }) => field === 'cancelRequestedAt' && is === 'present');
}
