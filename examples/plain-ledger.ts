/**
 * A third ledger: small, slow and right. It looks at every job for every verb.
 *
 * What always holds: a verb runs from its first look to its last write without a pause, so verbs take turns. Every
 * change of a state is a row of `JOB_LIFECYCLE`, which is asked first and makes the next version.
 *
 * @module
 */

import type * as verbs from '@monque/core/ledger';
import {
  answerCheckpoint,
  answerUnmatched,
  answerUnopened,
  type Clock,
  changeMetadata,
  checkpointParams,
  chooseCancel,
  chooseExpiry,
  chooseRedrive,
  chooseRescue,
  endSeriesChanges,
  GATE_VERBS,
  gathered,
  historyEntries,
  isAsSeen,
  JOB_LIFECYCLE,
  type Job,
  type JobVerb,
  type LedgerHint,
  LedgerRepository,
  type LedgerRepositoryOptions,
  type LedgerWatch,
  lockOf,
  manualRecord,
  openGateParams,
  recordedCheckpoint,
  repairChange,
  repaired,
  replanChanges,
  type SettleAnswer,
  type Settlement,
  SUSPECT_RESCUE_COUNT,
  settlementParams,
  type TransitionParams,
  UnsupportedError,
} from '@monque/core/ledger';
import { PlainFlows } from './plain-ledger-flows.ts';
import { PlainGroups } from './plain-ledger-groups.ts';
import { inClaimOrder, type JobRecord, JobTable, longestDue } from './plain-ledger-jobs.ts';
import { PlainLeases } from './plain-ledger-leases.ts';
import { PlainLimits } from './plain-ledger-limits.ts';
import { PlainOrders } from './plain-ledger-orders.ts';
import { PlainPauses, PlainReads, PlainThroughput, PlainWatches } from './plain-ledger-reads.ts';

/** The parts that the verbs on jobs need. */
interface PlainParts {
  readonly jobs: JobTable;
  readonly archive: JobTable;
  readonly leases: PlainLeases;
  readonly watches: PlainWatches;
  readonly clock: Clock;
}

/** The verbs that change jobs. */
class PlainChanges {
  readonly #jobs: JobTable;
  readonly #archive: JobTable;
  readonly #leases: PlainLeases;
  readonly #watches: PlainWatches;
  readonly groups: PlainGroups;
  readonly orders: PlainOrders;
  readonly flows: PlainFlows;

  constructor({ jobs, archive, leases, watches, clock }: PlainParts) {
    this.#jobs = jobs;
    this.#archive = archive;
    this.#leases = leases;
    this.#watches = watches;
    const move = this.#move.bind(this);
    this.groups = new PlainGroups(jobs, move, () => clock.now());
    this.orders = new PlainOrders(jobs, move, this.groups);
    this.flows = new PlainFlows(jobs, move);
  }

  /** The next version of a job, stored; null when the verb does not apply. */
  #move(verb: JobVerb, job: JobRecord, params: TransitionParams): JobRecord | null {
    if (!JOB_LIFECYCLE.applies(verb, job, params)) return null;
    const next = JOB_LIFECYCLE.apply(verb, job, params);
    this.#jobs.put(next);
    if (next.status === 'pending') this.#watches.notify(dueHint(next));
    if (verb === 'requestCancel')
      this.#watches.notify({ kind: 'cancelRequested', jobId: next._id });
    return this.#jobs.get(next._id) ?? null;
  }

  async enqueue(params: verbs.EnqueueParams): Promise<verbs.EnqueueResult> {
    if (params.session !== undefined) throw noTransactions();
    return { answers: params.jobs.map((job) => this.#enqueueOne(job)) };
  }

  #enqueueOne(job: Job): verbs.EnqueueAnswer {
    const earlier = this.#jobs.get(job._id);
    if (earlier !== undefined) return { outcome: 'enqueued', job: earlier };
    const holder = this.#jobs.holderOf(job.name, lockOf(job));
    if (holder !== undefined) return { outcome: 'existing', job: holder };
    try {
      this.#jobs.put(this.orders.ranked(job));
    } catch (error) {
      return { outcome: 'refused', error: error as Error };
    }
    if (job.status === 'pending') this.#watches.notify(dueHint(job));
    return { outcome: 'enqueued', job };
  }

  async claim(params: verbs.ClaimParams): Promise<verbs.ClaimResult> {
    const { demand, suspects, instanceId, claimToken, now } = params;
    const claim = { instanceId, claimToken, now };
    const due = this.#jobs
      .all()
      .filter((job) => isSuspect(job) === suspects && JOB_LIFECYCLE.applies('claim', job, claim))
      .sort(inClaimOrder);
    const found = demand.map(({ name, limit, overdue }) => {
      const named = due.filter((job) => job.name === name);
      // A job that is overdue stands in both lists, and is taken once.
      return [...new Set([...longestDue(named, overdue), ...named])].slice(0, limit);
    });
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

  async settle(params: verbs.SettleParams): Promise<verbs.SettleResult> {
    const { settlements, now } = params;
    return { answers: settlements.map((settlement) => this.#settleOne(settlement, now)) };
  }

  #settleOne(settlement: Settlement, now: Date): SettleAnswer {
    const { jobId, verb, startLock } = settlement;
    const job = this.#jobs.get(jobId);
    if (job === undefined) return answerUnmatched(settlement, null);
    const lock = startLock === undefined ? undefined : lockOf({ startLock });
    const isTaken = this.#jobs.holderOf(job.name, lock) !== undefined;
    const settled = isTaken ? null : this.#move(verb, job, settlementParams(settlement, now));
    return settled === null ? answerUnmatched(settlement, job) : 'settled';
  }

  async completeInSession(): Promise<boolean> {
    throw noTransactions();
  }

  async note({ jobId, ...params }: verbs.NoteParams): Promise<boolean> {
    const job = this.#jobs.get(jobId);
    return job !== undefined && this.#move('note', job, params) !== null;
  }

  async checkpoint(params: verbs.CheckpointParams): Promise<verbs.CheckpointResult> {
    const job = this.#jobs.get(params.jobId);
    const recorded = job && this.#move('checkpoint', job, checkpointParams(params));
    return recorded ? recordedCheckpoint(recorded) : answerCheckpoint(params, job ?? null);
  }

  async openGate(params: verbs.OpenGateParams): Promise<verbs.OpenGateResult> {
    const job = this.#jobs.get(params.jobId);
    if (job === undefined) return { outcome: 'missing', job: null };
    for (const { verb, outcome } of GATE_VERBS) {
      const moved = this.#move(verb, job, openGateParams(verb, params));
      if (moved !== null) return { outcome, job: moved };
    }
    return answerUnopened(params, job) ?? { outcome: 'refused', job };
  }

  async expireGates(params: verbs.ExpireGatesParams): Promise<verbs.ExpireGatesResult> {
    const { now, limit } = params;
    const untilMs = ({ blockedUntil }: Job): number => blockedUntil?.getTime() ?? Infinity;
    const overdue = this.#jobs
      .all()
      .filter((job) => job.status === 'blocked' && untilMs(job) <= now.getTime())
      .sort((a, b) => untilMs(a) - untilMs(b));
    const moved = overdue.slice(0, limit).map((job) => {
      const choice = chooseExpiry(job, now);
      return this.#move(choice.verb, job, choice.params);
    });
    return {
      failed: countOf(moved, 'failed'),
      ...this.orders.halted(moved),
      pending: countOf(moved, 'pending'),
    };
  }

  async cancel(params: verbs.CancelParams): Promise<verbs.CancelResult> {
    const job = this.#jobs.get(params.jobId);
    if (job === undefined) return { outcome: 'missing', job: null };
    const choice = chooseCancel(job, params);
    if (choice === undefined) return { outcome: 'refused', job };
    // It does not apply where the same was asked before.
    return { outcome: choice.outcome, job: this.#move(choice.verb, job, choice.params) ?? job };
  }

  async remove({ jobId }: verbs.RemoveParams): Promise<verbs.RemoveResult> {
    const job = this.#jobs.get(jobId);
    if (job === undefined) return { outcome: 'missing', job: null };
    const verb = job.feeds === undefined ? 'remove' : 'removeParent';
    const mayLeave = JOB_LIFECYCLE.applies(verb, job, {}) && !this.flows.isAwaited(job);
    if (!mayLeave) return { outcome: 'refused', job };
    this.#jobs.delete(jobId);
    if (job.flow !== undefined) await this.flows.forget([job.flow]);
    return { outcome: 'removed', job };
  }

  async redrive(params: verbs.RedriveParams): Promise<verbs.RedriveResult> {
    const job = this.#jobs.get(params.jobId);
    if (job === undefined) return { outcome: 'missing', job: null };
    const { verb, params: values, name, lock } = chooseRedrive(job, params);
    if (!JOB_LIFECYCLE.applies(verb, job, values)) return { outcome: 'refused', job };
    const holder = this.#jobs.holderOf(name, lock);
    if (holder !== undefined) return { outcome: 'taken', job, holder };
    return { outcome: 'redriven', job: this.#move(verb, job, values) };
  }

  async amend(params: verbs.AmendParams): Promise<verbs.AmendResult> {
    const { jobId, changes, now, fence, session } = params;
    if (session !== undefined) throw noTransactions();
    const job = this.#jobs.get(jobId);
    if (job === undefined) return { outcome: 'missing', job: null };
    if (fence !== undefined && job.fence !== fence) return { outcome: 'refused', job };
    const entries = historyEntries('amend', now, manualRecord(params));
    const amended = this.#move('amend', job, { ...changes, now, historyEntries: entries });
    return amended ? { outcome: 'amended', job: amended } : { outcome: 'refused', job };
  }

  async replan(params: verbs.ReplanParams): Promise<verbs.SeriesResult> {
    return this.#changeSeries(params.jobId, replanChanges(params));
  }

  async endSeries(params: verbs.EndSeriesParams): Promise<verbs.SeriesResult> {
    return this.#changeSeries(params.jobId, endSeriesChanges(params));
  }

  /** By the first of the verbs that applies. */
  #changeSeries(jobId: Job['_id'], changes: readonly verbs.SeriesChange[]): verbs.SeriesResult {
    const job = this.#jobs.get(jobId);
    if (job === undefined) return { outcome: 'missing', job: null };
    for (const { verb, params } of changes) {
      const written = this.#move(verb, job, params);
      if (written !== null) return { outcome: 'written', job: written };
    }
    return { outcome: 'stale', job };
  }

  async setMetadata(params: verbs.SetMetadataParams): Promise<verbs.SetMetadataResult> {
    const job = this.#jobs.get(params.jobId);
    if (job === undefined) return { outcome: 'missing', job: null };
    const change = changeMetadata(job, params);
    if (change.outcome !== 'written') return { outcome: change.outcome, job };
    const { metadata: _, ...rest } = job;
    const { metadata } = change;
    this.#jobs.put({ ...(rest as Job), updatedAt: params.now, ...(metadata && { metadata }) });
    return { outcome: 'written', job: this.#jobs.get(params.jobId) ?? null };
  }

  async repair(params: verbs.RepairParams): Promise<verbs.RepairResult> {
    const job = this.#jobs.get(params.jobId);
    if (job === undefined) return { outcome: 'missing', job: null };
    if (!isAsSeen(job, params)) return { outcome: 'changed', job };
    this.#jobs.put(repaired(job, repairChange(params)));
    return { outcome: 'repaired', job: this.#jobs.get(params.jobId) ?? null };
  }

  async prune(params: verbs.PruneParams): Promise<verbs.PruneResult> {
    const { finishedBefore, after, createdBefore, limit, archive, now } = params;
    const seen = this.#jobs
      .all()
      .filter(({ _id }) => after === undefined || _id.toHexString() > after.toHexString())
      .filter(({ createdAt }) => createdAt < createdBefore)
      .slice(0, limit);
    const leaving = seen.filter((job) => {
      const before = finishedBefore[job.status];
      const isOld = before && JOB_LIFECYCLE.applies('prune', job, { finishedBefore: before, now });
      return isOld && this.orders.mayLeave(job) && !this.flows.isAwaited(job);
    });
    for (const job of leaving) {
      if (archive) this.#archive.put(job);
      this.#jobs.delete(job._id);
    }
    await this.flows.forget(leaving.flatMap(({ flow }) => flow ?? []));
    const last = seen.length === limit ? seen.at(-1) : undefined;
    return { pruned: leaving.length, ...(last && { position: last._id }) };
  }

  async rescue(params: verbs.RescueParams): Promise<verbs.RescueResult> {
    const isLive = this.#leases.isLive(params.deadInstanceId);
    const claims = isLive ? [] : this.#jobs.claimsOf(params.deadInstanceId);
    const workers = this.#leases.workersOf(params.deadInstanceId);
    const moved = claims.slice(0, params.limit).map((job) => {
      const choice = chooseRescue(job, params, workers);
      return this.#move(choice.verb, job, choice.params);
    });
    return {
      pending: countOf(moved, 'pending'),
      failed: countOf(moved, 'failed'),
      ...this.orders.halted(moved),
      cancelled: countOf(moved, 'cancelled'),
      more: claims.length > params.limit,
      refused: isLive,
    };
  }

  async recover(): Promise<verbs.RecoverResult> {
    // No other tool writes here, so none left a job behind.
    return { pending: 0, cancelled: 0 };
  }
}

/** A ledger that keeps each job as one document in a map. */
export class PlainLedger extends LedgerRepository {
  protected override verbs: verbs.LedgerVerbs;
  readonly #watches: PlainWatches;

  constructor(options: LedgerRepositoryOptions = {}) {
    super(options);
    const { clock } = this;
    const [jobs, archive] = [new JobTable(), new JobTable()];
    const leases = new PlainLeases(jobs);
    const watches = new PlainWatches(clock);
    this.#watches = watches;
    const changes = new PlainChanges({ jobs, archive, leases, watches, clock });
    this.verbs = gathered(
      new PlainReads(jobs, archive),
      changes,
      changes.orders,
      changes.groups,
      changes.flows,
      new PlainPauses(watches),
      new PlainLimits(watches, clock, (id) => leases.isLive(id) || jobs.claimsOf(id).length > 0),
      leases,
      new PlainThroughput(),
      { readTime: async () => new Date(clock.now()) },
    );
  }

  protected async performOpen(): Promise<void> {}

  protected async performClose(): Promise<void> {}

  protected async performWatch(listener: (hint: LedgerHint) => void): Promise<LedgerWatch> {
    return this.#watches.watch(listener);
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
