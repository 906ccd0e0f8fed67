/**
 * A third ledger: small, slow and right. It looks at every job for every verb.
 *
 * What always holds: a verb runs from its first look to its last write without a pause, so verbs take turns. Every
 * change of a state is a row of `JOB_LIFECYCLE`, which is asked first and makes the next version.
 *
 * @module
 */

import type * as verbs from '@monque/core';
import {
  JOB_LIFECYCLE,
  type Job,
  type JobVerb,
  type LedgerRepositoryOptions,
  UnsupportedError,
} from '@monque/core';
import {
  answerCheckpoint,
  answerUnmatched,
  answerUnopened,
  checkpointParams,
  chooseExpiry,
  chooseRescue,
  GATE_VERBS,
  handRecord,
  historyEntries,
  type LedgerHint,
  lockOf,
  lockToRetake,
  mergeMetadata,
  nextRunOf,
  openGateParams,
  recordedCheckpoint,
  requestEntries,
  type SettleAnswer,
  type Settlement,
  SUSPECT_RESCUE_COUNT,
  settlementParams,
  type TransitionParams,
} from '@monque/core/ledger';
import { inClaimOrder, type JobRecord } from './plain-ledger-jobs.ts';
import { PlainLedgerReads } from './plain-ledger-reads.ts';

/** A ledger that keeps each job as one document in a map. */
export class PlainLedger extends PlainLedgerReads {
  constructor(options: LedgerRepositoryOptions = {}) {
    super(options);
  }

  /** The next version of a job, stored; null when the verb does not apply. */
  #move(verb: JobVerb, job: JobRecord, params: TransitionParams): JobRecord | null {
    if (!JOB_LIFECYCLE.applies(verb, job, params)) return null;
    const next = JOB_LIFECYCLE.apply(verb, job, params);
    this.jobs.put(next);
    if (next.status === 'pending') this.tell(dueHint(next));
    if (verb === 'requestCancel') this.tell({ kind: 'cancelRequested', jobId: next._id });
    return this.jobs.get(next._id) ?? null;
  }

  protected async performEnqueue(params: verbs.EnqueueParams): Promise<verbs.EnqueueResult> {
    if (params.session !== undefined) throw noTransactions();
    return { answers: params.jobs.map((job) => this.#enqueueOne(job)) };
  }

  #enqueueOne(job: Job): verbs.EnqueueAnswer {
    const earlier = this.jobs.get(job._id);
    if (earlier !== undefined) return { outcome: 'enqueued', job: earlier };
    const holder = this.jobs.holderOf(job.name, lockOf(job));
    if (holder !== undefined) return { outcome: 'existing', job: holder };
    try {
      this.jobs.put(job);
    } catch (error) {
      return { outcome: 'refused', error: error as Error };
    }
    this.tell(dueHint(job));
    return { outcome: 'enqueued', job };
  }

  protected async performClaim(params: verbs.ClaimParams): Promise<verbs.ClaimResult> {
    const { demand, suspects, instanceId, claimToken, now } = params;
    const claim = { instanceId, claimToken, now };
    const due = this.jobs
      .all()
      .filter((job) => isSuspect(job) === suspects && JOB_LIFECYCLE.applies('claim', job, claim))
      .sort(inClaimOrder);
    const found = demand.map(({ name, limit }) =>
      due.filter((job) => job.name === name).slice(0, limit),
    );
    const isFull = demand.map(({ limit }, index) => found[index]?.length === limit);
    const urgent = found.flat().sort(inClaimOrder);
    // A suspect is claimed alone.
    const chosen = suspects ? urgent.slice(0, 1) : urgent;
    return {
      jobs: chosen.flatMap((job) => this.#move('claim', job, claim) ?? []),
      attempted: chosen.length,
      saturated: demand.filter((_, index) => isFull[index]).map(({ name }) => name),
      drained: demand.filter((_, index) => !isFull[index]).map(({ name }) => name),
    };
  }

  protected async performSettle(params: verbs.SettleParams): Promise<verbs.SettleResult> {
    const { settlements, now } = params;
    return { answers: settlements.map((settlement) => this.#settleOne(settlement, now)) };
  }

  #settleOne(settlement: Settlement, now: Date): SettleAnswer {
    const { jobId, verb, startLock } = settlement;
    const job = this.jobs.get(jobId);
    if (job === undefined) return answerUnmatched(settlement, null);
    const lock = startLock === undefined ? undefined : lockOf({ startLock });
    const isTaken = this.jobs.holderOf(job.name, lock) !== undefined;
    const settled = isTaken ? null : this.#move(verb, job, settlementParams(settlement, now));
    return settled === null ? answerUnmatched(settlement, job) : 'settled';
  }

  protected async performCompleteInSession(): Promise<boolean> {
    throw noTransactions();
  }

  protected async performNote({ jobId, ...params }: verbs.NoteParams): Promise<boolean> {
    const job = this.jobs.get(jobId);
    return job !== undefined && this.#move('note', job, params) !== null;
  }

  protected async performCheckpoint(
    params: verbs.CheckpointParams,
  ): Promise<verbs.CheckpointResult> {
    const job = this.jobs.get(params.jobId);
    const recorded = job && this.#move('checkpoint', job, checkpointParams(params));
    return recorded ? recordedCheckpoint(recorded) : answerCheckpoint(params, job ?? null);
  }

  protected async performOpenGate(params: verbs.OpenGateParams): Promise<verbs.OpenGateResult> {
    const job = this.jobs.get(params.jobId);
    if (job === undefined) return { outcome: 'missing', job: null };
    for (const { verb, outcome } of GATE_VERBS) {
      const moved = this.#move(verb, job, openGateParams(verb, params));
      if (moved !== null) return { outcome, job: moved };
    }
    return answerUnopened(params, job) ?? { outcome: 'refused', job };
  }

  protected async performExpireGates(
    params: verbs.ExpireGatesParams,
  ): Promise<verbs.ExpireGatesResult> {
    const { now, limit } = params;
    const untilMs = ({ blockedUntil }: Job): number => blockedUntil?.getTime() ?? Infinity;
    const overdue = this.jobs
      .all()
      .filter((job) => job.status === 'blocked' && untilMs(job) <= now.getTime())
      .sort((a, b) => untilMs(a) - untilMs(b));
    const moved = overdue.slice(0, limit).map((job) => {
      const choice = chooseExpiry(job, now);
      return this.#move(choice.verb, job, choice.params);
    });
    return { failed: countOf(moved, 'failed'), pending: countOf(moved, 'pending') };
  }

  protected async performCancel(params: verbs.CancelParams): Promise<verbs.CancelResult> {
    const { jobId, now } = params;
    const job = this.jobs.get(jobId);
    if (job === undefined) return { outcome: 'missing', job: null };
    if (JOB_LIFECYCLE.allowsFrom('cancel', job.status)) return this.#cancelWaiting(job, params);
    const asked = this.#move('requestCancel', job, { now, ...requestEntries(params, now) });
    const isRunning = JOB_LIFECYCLE.allowsFrom('requestCancel', job.status);
    return { outcome: isRunning ? 'requested' : 'refused', job: asked ?? job };
  }

  /** Of a series only the waiting run is cancelled; the next takes its place, unless there is none. */
  #cancelWaiting(job: JobRecord, params: verbs.CancelParams): verbs.CancelResult {
    const { now } = params;
    const { repeatInterval, seriesVersion, scheduledFor } = job;
    const next = nextRunOf(job, now);
    const ending = repeatInterval === undefined ? 'cancel' : 'endSeries';
    const verb = next === null ? ending : 'skipRun';
    const ofRun = repeatInterval !== undefined && scheduledFor ? { scheduledFor } : {};
    const moved = this.#move(verb, job, {
      now,
      seriesVersion,
      cancelledRun: scheduledFor,
      historyEntries: historyEntries(verb, now, { ...handRecord(params), ...ofRun }),
      ...(next && { nextRunAt: next.scheduledFor, scheduledFor: next.scheduledFor }),
    });
    return { outcome: next === null ? 'cancelled' : 'skipped', job: moved };
  }

  protected async performRemove({ jobId }: verbs.RemoveParams): Promise<verbs.RemoveResult> {
    const job = this.jobs.get(jobId);
    if (job === undefined) return { outcome: 'missing', job: null };
    if (!JOB_LIFECYCLE.applies('remove', job, {})) return { outcome: 'refused', job };
    this.jobs.delete(jobId);
    return { outcome: 'removed', job };
  }

  protected async performRedrive(params: verbs.RedriveParams): Promise<verbs.RedriveResult> {
    const { jobId, now, nextRunAt } = params;
    const job = this.jobs.get(jobId);
    if (job === undefined) return { outcome: 'missing', job: null };
    if (!JOB_LIFECYCLE.allowsFrom('redrive', job.status)) return { outcome: 'refused', job };
    const lock = lockToRetake(job);
    const holder = this.jobs.holderOf(job.name, lock);
    if (holder !== undefined) return { outcome: 'taken', job, holder };
    const entries = historyEntries('redrive', now, handRecord(params));
    const retaken = lock && { [lock.field]: lock.value };
    const move = { now, nextRunAt, historyEntries: entries, ...retaken };
    return { outcome: 'redriven', job: this.#move('redrive', job, move) };
  }

  protected async performAmend(params: verbs.AmendParams): Promise<verbs.AmendResult> {
    const { jobId, changes, now, fence, session } = params;
    if (session !== undefined) throw noTransactions();
    const job = this.jobs.get(jobId);
    if (job === undefined) return { outcome: 'missing', job: null };
    if (fence !== undefined && job.fence !== fence) return { outcome: 'refused', job };
    const entries = historyEntries('amend', now, handRecord(params));
    const amended = this.#move('amend', job, { ...changes, now, historyEntries: entries });
    return amended ? { outcome: 'amended', job: amended } : { outcome: 'refused', job };
  }

  protected async performReplan(params: verbs.ReplanParams): Promise<verbs.SeriesResult> {
    const { series, nextRun } = params;
    const record = nextRun ? { scheduledFor: nextRun.scheduledFor } : {};
    const plan = { ...series, ...nextRun };
    return this.#changeSeries(['replan', 'replanRunning'], params, plan, record);
  }

  protected async performEndSeries(params: verbs.EndSeriesParams): Promise<verbs.SeriesResult> {
    return this.#changeSeries(['endSeries', 'endSeriesAfterRun'], params);
  }

  /** By the first of the verbs that applies. */
  #changeSeries(
    choices: readonly JobVerb[],
    params: verbs.EndSeriesParams,
    plan: TransitionParams = {},
    record: Pick<verbs.HistoryEntry, 'scheduledFor'> = {},
  ): verbs.SeriesResult {
    const { jobId, seriesVersion, now } = params;
    const job = this.jobs.get(jobId);
    if (job === undefined) return { outcome: 'missing', job: null };
    for (const verb of choices) {
      const entries = historyEntries(verb, now, { ...handRecord(params), ...record });
      const change = { ...plan, seriesVersion, now, historyEntries: entries };
      const written = this.#move(verb, job, change);
      if (written !== null) return { outcome: 'written', job: written };
    }
    return { outcome: 'stale', job };
  }

  protected async performSetMetadata(
    params: verbs.SetMetadataParams,
  ): Promise<verbs.SetMetadataResult> {
    const { jobId, changes, now, claimToken } = params;
    const job = this.jobs.get(jobId);
    if (job === undefined) return { outcome: 'missing', job: null };
    const isLost = claimToken !== undefined && job.claimToken !== claimToken;
    if (isLost) return { outcome: 'refused', job };
    const { metadata, isTooLarge } = mergeMetadata(job.metadata, changes);
    if (isTooLarge) return { outcome: 'full', job };
    const { metadata: _, ...rest } = job;
    const hasAny = Object.keys(metadata).length > 0;
    this.jobs.put({ ...(rest as Job), updatedAt: now, ...(hasAny && { metadata }) });
    return { outcome: 'written', job: this.jobs.get(jobId) ?? null };
  }

  protected async performMend(params: verbs.MendParams): Promise<verbs.MendResult> {
    const { jobId, seen, changes, rule, now } = params;
    const job = this.jobs.get(jobId);
    if (job === undefined) return { outcome: 'missing', job: null };
    const isSame = job.status === seen.status && job.fence === seen.fence;
    if (!isSame || Number(job.updatedAt) !== Number(seen.updatedAt)) {
      return { outcome: 'changed', job };
    }
    const kept = Object.entries(job).filter(
      ([field]) => !changes.clear?.includes(field as keyof Job),
    );
    const entry = { verb: 'mend', at: now, reason: rule };
    const history = [...(job.history ?? []), entry];
    const mended = { ...Object.fromEntries(kept), ...changes.set, updatedAt: now, history };
    this.jobs.put(mended as unknown as Job);
    return { outcome: 'mended', job: this.jobs.get(jobId) ?? null };
  }

  protected async performPrune(params: verbs.PruneParams): Promise<verbs.PruneResult> {
    const { finishedBefore, after, createdBefore, limit, archive, now } = params;
    const seen = this.jobs
      .all()
      .filter(({ _id }) => after === undefined || _id.toHexString() > after.toHexString())
      .filter(({ _id }) => _id.getTimestamp() < createdBefore)
      .slice(0, limit);
    const leaving = seen.filter((job) => {
      const before = finishedBefore[job.status];
      return before && JOB_LIFECYCLE.applies('prune', job, { finishedBefore: before, now });
    });
    for (const job of leaving) {
      if (archive) this.archive.put(job);
      this.jobs.delete(job._id);
    }
    const last = seen.length === limit ? seen.at(-1) : undefined;
    return { pruned: leaving.length, ...(last && { position: last._id }) };
  }

  protected async performRescue(params: verbs.RescueParams): Promise<verbs.RescueResult> {
    const isLive = this.leases.isLive(params.deadInstanceId);
    const claims = isLive ? [] : this.claimsOf(params.deadInstanceId);
    const moved = claims.slice(0, params.limit).map((job) => {
      const choice = chooseRescue(job, params);
      return this.#move(choice.verb, job, choice.params);
    });
    return {
      pending: countOf(moved, 'pending'),
      failed: countOf(moved, 'failed'),
      cancelled: countOf(moved, 'cancelled'),
      more: claims.length > params.limit,
      refused: isLive,
    };
  }

  protected async performRecover(): Promise<verbs.RecoverResult> {
    // No other tool writes here, so none left a job behind.
    return { pending: 0, cancelled: 0 };
  }
}

function dueHint({ name, nextRunAt }: Job): LedgerHint {
  return { kind: 'due', name, dueAt: new Date(nextRunAt) };
}

function isSuspect({ rescueCount = 0 }: Job): boolean {
  return rescueCount >= SUSPECT_RESCUE_COUNT;
}

function countOf(jobs: readonly (Job | null)[], status: Job['status']): number {
  return jobs.filter((job) => job?.status === status).length;
}

function noTransactions(): UnsupportedError {
  return new UnsupportedError('The plain ledger has no transactions; leave out `session`');
}
