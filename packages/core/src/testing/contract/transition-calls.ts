/**
 * For each verb of the lifecycle table the call that applies it, with a check of the answer.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { bornClaimed } from '../../job/born-claimed.ts';
import { flowOfToken } from '../../job/flow-tokens.ts';
import type { DeadLetterSource, GateRecord, Job, JobStatus, StageRecord } from '../../job/job.ts';
import type { JobVerb } from '../../job/job-lifecycle.ts';
import type { JobMetadata } from '../../job/metadata.ts';
import type { SeriesFields } from '../../ledger/ledger-repository.ts';
import { answerUnmatched } from '../../ledger/settle-answers.ts';
import type { SettleVerb } from '../../ledger/verbs/settle.ts';
import type { Subject } from './subject.ts';

/** What the conditions and effects of the rows refer to, and what calls state instead, such as `rescueLimit`. */
export interface VerbParams extends SeriesFields {
  readonly now: Date;
  readonly fenceBefore: number;
  readonly claimToken: string;
  readonly instanceId: string;
  readonly nextRunAt: Date;
  readonly scheduledFor: Date;
  readonly failReason: string;
  readonly lastFailCount: number;
  readonly deadInstanceId: string;
  readonly rescueLimit: number;
  readonly seriesVersion: number | undefined;
  readonly result: unknown;
  readonly progress: unknown;
  readonly logLines: readonly string[];
  readonly priority: number;
  readonly metadata: JobMetadata;
  readonly uniqueLock: string;
  readonly finishedBefore: Date;
  readonly staleBefore: Date;
  readonly stagesBefore: readonly string[];
  readonly gatesBefore: readonly string[];
  readonly stageRecords: readonly [StageRecord];
  readonly gateRecords: readonly [GateRecord];
  readonly gate: string;
  readonly blockedUntil: Date;
  readonly name: string;
  readonly deadLetter: string;
  readonly source: DeadLetterSource;
}

/** Calls the ledger and checks its answer, knowing whether the verb applies. */
export type Send = (
  subject: Subject,
  job: Job,
  params: VerbParams,
  applies: boolean,
) => Promise<void>;

/** Calls that choose between verbs by the job they find. */
const CHOSEN_BY: Partial<Readonly<Record<JobVerb, string>>> = {
  cancel: 'cancel',
  requestCancel: 'cancel',
  skipRun: 'cancel',
  endSeries: 'endSeries',
  endSeriesAfterRun: 'endSeries',
  replan: 'replan',
  replanRunning: 'replan',
  releaseChild: 'releaseWaiting',
  failByParent: 'releaseWaiting',
  redrive: 'redrive',
  redriveToWait: 'redrive',
  remove: 'remove',
  removeParent: 'remove',
  rescue: 'rescue',
  rescueToFailed: 'rescue',
  rescueToDeadLetter: 'rescue',
  rescueToCancelled: 'rescue',
  rescueToNextRun: 'rescue',
  unblock: 'openGate',
  openGate: 'openGate',
  expireGate: 'expireGates',
  expireGateToNextRun: 'expireGates',
  recover: 'recover',
  recoverToCancelled: 'recover',
};

/** The call that applies a verb; a name for itself where it applies no other. */
export function callOf(verb: JobVerb): string {
  return CHOSEN_BY[verb] ?? verb;
}

/** The call of each verb. */
export const SEND: Readonly<Record<JobVerb, Send>> = {
  enqueue: async (subject, job) => {
    const [answer] = await subject.enqueue(subject.newJob({ _id: job._id }));
    assert.equal(answer?.outcome, 'enqueued');
  },
  enqueueClaimed: async (subject, job, { now, instanceId, claimToken }) => {
    const claim = { now, instanceId, claimToken };
    const [answer] = await subject.enqueue(bornClaimed(subject.newJob({ _id: job._id }), claim));
    assert.equal(answer?.outcome, 'enqueued');
  },
  enqueueWaiting: async (subject, job) => {
    const waiting = { ...waitingFields(), status: 'blocked' as const };
    const [answer] = await subject.enqueue({
      ...subject.newJob({ _id: job._id }),
      ...waiting,
    });
    assert.equal(answer?.outcome, 'enqueued');
  },
  releaseChild: sendRelease('released'),
  failByParent: sendRelease('failed'),
  claim: async (subject, _job, { now, instanceId, claimToken }, applies) => {
    const { jobs } = await subject.claim({ now, instanceId, claimToken });
    assert.equal(jobs.length, applies ? 1 : 0);
  },
  claimInOrder: async (subject, { name }, { now, instanceId, claimToken }, applies) => {
    const { jobs } = await subject.ledger.claimOrders({
      demand: [{ name, limit: 10, halts: false }],
      ...{ now, instanceId, claimToken, suspects: false },
    });
    assert.equal(jobs.length, applies ? 1 : 0);
  },
  note: async (subject, job, { claimToken, progress, logLines, now }, applies) => {
    const params = { jobId: job._id, claimToken, progress, logLines, now };
    assert.equal(await subject.ledger.note(params), applies);
  },
  complete: sendSettlement('complete'),
  repeat: sendSettlement('repeat'),
  repeatAfterFailure: sendSettlement('repeatAfterFailure'),
  retry: sendSettlement('retry'),
  snooze: sendSettlement('snooze'),
  block: sendSettlement('block'),
  release: sendSettlement('release'),
  fail: sendSettlement('fail'),
  discard: sendSettlement('discard'),
  bury: sendSettlement('bury'),
  cancelled: sendSettlement('cancelled'),
  cancelByHandler: sendSettlement('cancelByHandler'),
  rescue: sendRescue('pending'),
  rescueToFailed: sendRescue('failed'),
  rescueToDeadLetter: async (subject, job, params, applies) => {
    await subject.die([
      { name: job.name, concurrency: 1, running: 1, deadLetter: params.deadLetter },
    ]);
    await sendRescue('pending')(subject, job, params, applies);
  },
  rescueToCancelled: sendRescue('cancelled'),
  rescueToNextRun: sendRescue('pending'),
  checkpoint: async (subject, job, params, applies) => {
    const { claimToken, stagesBefore, gatesBefore, now } = params;
    const { outcome } = await subject.ledger.checkpoint({
      jobId: job._id,
      claimToken,
      record: params.stageRecords[0],
      stagesBefore,
      gatesBefore,
      now,
    });
    const unmoved = job.claimToken === claimToken ? 'refused' : 'lost';
    assert.equal(outcome, applies ? 'recorded' : unmoved);
  },
  unblock: sendOpenGate('unblocked'),
  openGate: sendOpenGate('opened'),
  expireGate: sendExpireGates('failed'),
  expireGateToNextRun: sendExpireGates('pending'),
  recover: sendRecover('pending'),
  recoverToCancelled: sendRecover('cancelled'),
  cancel: sendCancel('cancelled'),
  skipRun: sendCancel('skipped'),
  requestCancel: sendCancel('requested'),
  endSeries: sendEndSeries,
  endSeriesAfterRun: sendEndSeries,
  replan: sendReplan,
  replanRunning: sendReplan,
  amend: async (subject, job, { nextRunAt, priority, data, metadata, now }, applies) => {
    const changes = { nextRunAt, priority, data, metadata };
    const { outcome } = await subject.ledger.amend({ jobId: job._id, changes, now });
    assert.equal(outcome, applies ? 'amended' : 'refused');
  },
  redrive: sendRedrive,
  redriveToWait: sendRedrive,
  remove: sendRemove,
  removeParent: sendRemove,
  redriveDeadLetter: async (subject, job, { nextRunAt, now }, applies) => {
    const params = { jobId: job._id, nextRunAt, now, isDeadLetter: true };
    const { outcome } = await subject.ledger.redrive(params);
    assert.equal(outcome, applies ? 'redriven' : 'refused');
  },
  prune: async (subject, _job, { finishedBefore, now }, applies) => {
    const { pruned } = await subject.prune({
      finishedBefore: {
        completed: finishedBefore,
        failed: finishedBefore,
        cancelled: finishedBefore,
      },
      now,
    });
    assert.equal(pruned, applies ? 1 : 0);
  },
};

async function sendRedrive(
  subject: Subject,
  job: Job,
  { nextRunAt, now }: VerbParams,
  applies: boolean,
): Promise<void> {
  const { outcome } = await subject.ledger.redrive({ jobId: job._id, nextRunAt, now });
  assert.equal(outcome, applies ? 'redriven' : 'refused');
}

async function sendRemove(
  subject: Subject,
  job: Job,
  _params: VerbParams,
  applies: boolean,
): Promise<void> {
  const result = await subject.ledger.remove({ jobId: job._id });
  assert.equal(result.outcome, applies ? 'removed' : 'refused');
}

/** What a job of the tests waits for: nobody feeds it, unless a failed parent is stored. */
export const TOKEN = 'f:65cf3a2b1f9d4e0012345678:0';

/** What a job has that waits for parents. */
export function waitingFields(): Pick<Job, 'flow' | 'ref' | 'waitsFor'> {
  return { flow: flowOfToken(TOKEN), ref: 'child', waitsFor: [TOKEN] };
}

function sendRelease(to: 'released' | 'failed'): Send {
  return async (subject, _job, { now }, applies) => {
    const { released, failed, again } = await subject.ledger.releaseWaiting({
      ...{ now, limit: 100 },
      tokens: [{ token: TOKEN }],
    });
    assert.deepEqual(
      { released, failed, again },
      { released: 0, failed: 0, again: [], [to]: applies ? 1 : 0 },
    );
  };
}

function sendSettlement(verb: SettleVerb): Send {
  return async (subject, job, params, applies) => {
    const { now, claimToken, nextRunAt, scheduledFor, failReason, lastFailCount } = params;
    const { seriesVersion, result, progress, logLines } = params;
    const { stagesBefore, gatesBefore, stageRecords, gate, blockedUntil } = params;
    const { deadLetter, source } = params;
    const settlement = subject.settlement(verb, job, {
      claimToken,
      nextRunAt,
      scheduledFor,
      failReason,
      lastFailCount,
      result,
      progress,
      logLines,
      stagesBefore,
      gatesBefore,
      stageRecords,
      gate,
      blockedUntil,
      deadLetter,
      source,
      record: { duration: 12 },
      ...(seriesVersion !== undefined && { seriesVersion }),
    });
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

function sendOpenGate(moved: 'unblocked' | 'opened'): Send {
  return async (subject, job, { gateRecords: [record], now }, applies) => {
    const { outcome } = await subject.ledger.openGate({ jobId: job._id, record, now });
    const isOpen = job.gates?.some(({ name }) => name === record.name);
    assert.equal(outcome, applies ? moved : isOpen ? 'open' : 'refused');
  };
}

function sendExpireGates(to: 'failed' | 'pending'): Send {
  return async (subject, _job, { now }, applies) => {
    const result = await subject.ledger.expireGates({ now, limit: 100 });
    assert.deepEqual(result, { failed: 0, pending: 0, [to]: applies ? 1 : 0 });
  };
}

function sendRecover(to: 'pending' | 'cancelled'): Send {
  return async (subject, _job, { now, staleBefore }, applies) => {
    const result = await subject.ledger.recover({ staleBefore, now, limit: 100 });
    assert.deepEqual(result, { pending: 0, cancelled: 0, [to]: applies ? 1 : 0 });
  };
}

function sendCancel(moved: 'cancelled' | 'skipped' | 'requested'): Send {
  return async (subject, job, { now }, applies) => {
    const { outcome } = await subject.ledger.cancel({ jobId: job._id, now, by: 'somebody' });
    const unmoved: Partial<Record<JobStatus, string>> = { processing: 'requested' };
    assert.equal(outcome, applies ? moved : (unmoved[job.status] ?? 'refused'));
  };
}

async function sendEndSeries(
  subject: Subject,
  job: Job,
  { now, seriesVersion }: VerbParams,
  applies: boolean,
): Promise<void> {
  const { outcome } = await subject.ledger.endSeries({
    jobId: job._id,
    now,
    ...(seriesVersion !== undefined && { seriesVersion }),
  });
  assert.equal(outcome, applies ? 'written' : 'stale');
}

async function sendReplan(
  subject: Subject,
  job: Job,
  params: VerbParams,
  applies: boolean,
): Promise<void> {
  const { now, seriesVersion, nextRunAt, scheduledFor } = params;
  const { repeatInterval, missed, endAt, priority, data } = params;
  const { outcome } = await subject.ledger.replan({
    jobId: job._id,
    now,
    ...(seriesVersion !== undefined && { seriesVersion }),
    series: {
      data,
      priority,
      ...(repeatInterval !== undefined && { repeatInterval }),
      ...(missed !== undefined && { missed }),
      ...(endAt !== undefined && { endAt }),
    },
    nextRun: { nextRunAt, scheduledFor },
  });
  assert.equal(outcome, applies ? 'written' : 'stale');
}
