/**
 * A ledger in the memory of one process: for unit tests, first steps and development.
 *
 * States and transitions of a job are those of the lifecycle table; every move asks it whether the verb applies and
 * has it make the next version.
 *
 * What always holds:
 * - A verb runs from its first look to its last write without letting anything else run, so it is atomic.
 * - Jobs go in and out as copies, through the BSON that MongoDB would store. Nothing a caller has is shared with the
 *   ledger, or with another caller.
 * - It is bounded. Beyond `maxJobs` unfinished jobs a new one is refused; beyond `maxFinishedJobs` finished ones the
 *   oldest leave, and the archive is bounded alike. A job that left is not brought back by a resend of its id: the
 *   newest 10,000 such ids are kept. A key that it held for a window of time is free again.
 *
 * @module
 */
import { InvalidArgumentError, LedgerFullError, toError } from '../../foundation/errors.ts';
import { asRecord, isClaimed, type Job } from '../../job/job.ts';
import { JOB_LIFECYCLE } from '../../job/job-lifecycle.ts';
import { LedgerRepository, type LedgerRepositoryOptions } from '../ledger-repository.ts';
import { answerUnmatched, settlementParams } from '../settle-answers.ts';
import { claimEntry, removalEntry, transitionEntry } from '../transition-log.ts';
import type * as verbs from '../verbs/ledger-verbs.ts';
import type { SettleAnswer, Settlement } from '../verbs/settle.ts';
import { inClaimOrder } from './due-queue.ts';
import { Hints } from './hints.ts';
import { countMemoryClaims, countMemoryDue } from './inspection.ts';
import { JobStore } from './job-store.ts';
import { LeaseRegister } from './leases.ts';
import { countJobs, listJobs, takeJobs } from './listing.ts';
import { MemoryControl, noTransactions } from './manual-verbs.ts';
import { dueHint, Moves } from './moves.ts';
import { MemoryArchive } from './pruning.ts';
import { MemoryRescue } from './rescue.ts';
import { MemorySeries } from './series.ts';
import { MemoryStages } from './stages.ts';
import { copyIn, copyOut, type StoredJob, toStandingClaim } from './stored-job.ts';
import { MemoryTransitions, mend, readHistory, setMetadata } from './transition-log.ts';

/** How many unfinished jobs an in-memory ledger holds when nothing else is said. */
const DEFAULT_MAX_JOBS = 100_000;

/** How many finished jobs an in-memory ledger keeps when nothing else is said. */
const DEFAULT_MAX_FINISHED_JOBS = 10_000;

/** What an in-memory ledger is given. */
export interface InMemoryLedgerOptions extends LedgerRepositoryOptions {
  /** The most unfinished jobs; a job beyond it is refused with a `LedgerFullError`. @default 100000 */
  readonly maxJobs?: number;
  /** The most finished jobs; beyond it the oldest leave. @default 10000 */
  readonly maxFinishedJobs?: number;
  /** Keep the newest 10,000 transitions of all jobs, for `readHistory`. @default false */
  readonly transitionLog?: boolean;
}

/** A ledger that forgets everything with its process. It serves any number of instances of that process. */
export class InMemoryLedgerRepository extends LedgerRepository {
  readonly #maxJobs: number;
  readonly #jobs: JobStore;
  readonly #leases = new LeaseRegister();
  readonly #hints: Hints;
  readonly #log: MemoryTransitions | undefined;
  readonly #moves: Moves;
  readonly #control: MemoryControl;
  readonly #series: MemorySeries;
  readonly #stages: MemoryStages;
  readonly #rescue: MemoryRescue;
  readonly #archive: MemoryArchive;
  readonly #paused = new Set<string>();

  /** @throws InvalidArgumentError when a bound is not a whole number from zero up */
  constructor(options: InMemoryLedgerOptions = {}) {
    super(options);
    const { maxJobs = DEFAULT_MAX_JOBS, maxFinishedJobs = DEFAULT_MAX_FINISHED_JOBS } = options;
    checkBound('maxJobs', maxJobs);
    checkBound('maxFinishedJobs', maxFinishedJobs);
    this.#maxJobs = maxJobs;
    this.#jobs = new JobStore(maxFinishedJobs);
    this.#hints = new Hints(this.clock);
    this.#log = options.transitionLog ? new MemoryTransitions() : undefined;
    this.#moves = new Moves(this.#jobs, this.#hints, this.#log);
    this.#control = new MemoryControl(this.#jobs, this.#moves);
    this.#series = new MemorySeries(this.#jobs, this.#moves);
    this.#stages = new MemoryStages(this.#jobs, this.#moves);
    this.#rescue = new MemoryRescue(this.#jobs, this.#moves);
    this.#archive = new MemoryArchive(this.#jobs, maxFinishedJobs, this.#log);
  }

  /** How many jobs it holds, finished ones too. */
  get size(): number {
    return this.#jobs.size;
  }

  protected async performOpen(): Promise<void> {}

  protected async performClose(): Promise<void> {}

  protected async performReadTime(): Promise<Date> {
    return new Date(this.clock.now());
  }

  protected async performEnqueue({
    jobs,
    session,
  }: verbs.EnqueueParams): Promise<verbs.EnqueueResult> {
    if (session !== undefined) throw noTransactions();
    return { answers: jobs.map((job) => this.#enqueueOne(job)) };
  }

  protected async performClaim(params: verbs.ClaimParams): Promise<verbs.ClaimResult> {
    const transition = { ...params, now: new Date(params.now) };
    const saturated: string[] = [];
    const drained: string[] = [];
    const due: StoredJob[] = [];
    for (const { name, limit } of params.demand) {
      const found = this.#jobs.takeDue({
        name,
        limit,
        nowMs: params.now.getTime(),
        suspects: params.suspects,
        isDue: (job) => JOB_LIFECYCLE.applies('claim', asRecord(job), transition),
      });
      due.push(...found);
      (found.length === limit ? saturated : drained).push(name);
    }
    const chosen = inClaimOrder(due);
    // A suspect is claimed alone: the others wait on.
    const left = params.suspects ? chosen.splice(1) : [];
    for (const stored of left) this.#jobs.put(stored);
    const won = chosen.map((stored) => this.#moves.write('claim', stored, transition));
    return { jobs: won.map(copyOut), attempted: won.length, saturated, drained };
  }

  protected async performReadClaim(params: verbs.ReadClaimParams): Promise<readonly Job[]> {
    const claims = this.#jobs.claimsOf(params.instanceId);
    const ofToken = claims.filter(({ job }) => job.claimToken === params.claimToken);
    return inClaimOrder(ofToken).map(copyOut);
  }

  protected async performSettle({
    settlements,
    now,
  }: verbs.SettleParams): Promise<verbs.SettleResult> {
    return { answers: settlements.map((settlement) => this.#settleOne(settlement, now)) };
  }

  protected async performCancel(params: verbs.CancelParams): Promise<verbs.CancelResult> {
    return this.#control.cancel(params);
  }

  protected async performRemove(params: verbs.RemoveParams): Promise<verbs.RemoveResult> {
    const result = this.#control.remove(params);
    if (result.outcome !== 'removed') return result;
    const { jobId, now = new Date(this.clock.now()) } = params;
    this.#log?.add(jobId.toHexString(), removalEntry(result.job as Job, { ...params, now }));
    return result;
  }

  protected async performRedrive(params: verbs.RedriveParams): Promise<verbs.RedriveResult> {
    return this.#control.redrive(params);
  }

  protected async performAmend(params: verbs.AmendParams): Promise<verbs.AmendResult> {
    return this.#control.amend(params);
  }

  protected async performReplan(params: verbs.ReplanParams): Promise<verbs.SeriesResult> {
    return this.#series.replan(params);
  }

  protected async performEndSeries(params: verbs.EndSeriesParams): Promise<verbs.SeriesResult> {
    return this.#series.endSeries(params);
  }

  protected async performNote(params: verbs.NoteParams): Promise<boolean> {
    return this.#control.note(params);
  }

  protected async performCheckpoint(
    params: verbs.CheckpointParams,
  ): Promise<verbs.CheckpointResult> {
    return this.#stages.checkpoint(params);
  }

  protected async performOpenGate(params: verbs.OpenGateParams): Promise<verbs.OpenGateResult> {
    return this.#stages.openGate(params);
  }

  protected async performExpireGates(
    params: verbs.ExpireGatesParams,
  ): Promise<verbs.ExpireGatesResult> {
    return this.#stages.expireGates(params);
  }

  protected async performCompleteInSession(): Promise<boolean> {
    throw noTransactions();
  }

  protected async performFindSeries(params: verbs.FindSeriesParams): Promise<readonly Job[]> {
    return this.#series.find(params);
  }

  protected async performSetMetadata(
    params: verbs.SetMetadataParams,
  ): Promise<verbs.SetMetadataResult> {
    return setMetadata(this.#jobs, params);
  }

  protected async performMend(params: verbs.MendParams): Promise<verbs.MendResult> {
    return mend(this.#jobs, params);
  }

  protected async performReadHistory(
    params: verbs.ReadHistoryParams,
  ): Promise<readonly verbs.TransitionEntry[]> {
    const id = params.jobId.toHexString();
    return readHistory(params, this.#log, this.#jobs.find(id) ?? this.#archive.find(id));
  }

  protected async performGetJob({ jobId, archived }: verbs.GetJobParams): Promise<Job | null> {
    const id = jobId.toHexString();
    const stored = this.#jobs.find(id) ?? (archived ? this.#archive.find(id) : undefined);
    return stored === undefined ? null : copyOut(stored);
  }

  protected async performFindJobs(params: verbs.FindJobsParams): Promise<readonly Job[]> {
    const { archived = false, orderBy, direction, after, filter } = params;
    const source = archived ? this.#archive : this.#jobs;
    if (filter.jobIds !== undefined) return listJobs(jobsWithIds(source, filter.jobIds), params);
    if (archived || orderBy !== '_id') return listJobs(source.all(), params);
    return takeJobs(this.#jobs.inOrder(direction, after?.jobId.toHexString()), params);
  }

  protected async performReadStats(
    params: verbs.ReadStatsParams,
  ): Promise<readonly verbs.StatsRow[]> {
    return countJobs(this.#jobs.all(), params);
  }

  protected async performSetPaused({ name, paused }: verbs.SetPausedParams): Promise<void> {
    if (paused === this.#paused.has(name)) return;
    if (paused) this.#paused.add(name);
    else this.#paused.delete(name);
    this.#hints.send({ kind: 'pausesChanged' });
  }

  protected async performReadPaused(): Promise<readonly string[]> {
    return [...this.#paused].sort();
  }

  protected async performRecover(params: verbs.RecoverParams): Promise<verbs.RecoverResult> {
    return this.#rescue.recover(params);
  }

  protected async performPrune(params: verbs.PruneParams): Promise<verbs.PruneResult> {
    return this.#archive.prune(params);
  }

  protected async performNextDue({
    names,
    after,
    until,
  }: verbs.NextDueParams): Promise<Date | null> {
    const dueTimes = names.map((name) => this.#jobs.nextDueMs(name, after.getTime()));
    const earliestMs = Math.min(...dueTimes);
    return earliestMs <= until.getTime() ? new Date(earliestMs) : null;
  }

  protected async performOpenLease(params: verbs.OpenLeaseParams): Promise<void> {
    this.#leases.open(params);
  }

  protected async performRenewLease(params: verbs.RenewLeaseParams): Promise<boolean> {
    return this.#leases.renew(params);
  }

  protected async performReadLeases(
    params: verbs.ReadLeasesParams,
  ): Promise<readonly verbs.LeaseRecord[]> {
    return this.#leases.read(params);
  }

  protected async performDeclareDead(params: verbs.DeclareDeadParams): Promise<boolean> {
    return this.#leases.declareDead(params);
  }

  protected async performEndLease({ instanceId }: verbs.InstanceParams): Promise<void> {
    this.#leases.end(instanceId);
    if (this.#jobs.claimsOf(instanceId).length === 0) this.#leases.remove(instanceId);
  }

  protected async performRemoveLease({ instanceId }: verbs.InstanceParams): Promise<void> {
    this.#leases.remove(instanceId);
  }

  protected async performFindClaimants({
    except,
  }: verbs.FindClaimantsParams): Promise<readonly string[]> {
    return this.#jobs.claimants().filter((instanceId) => !except.includes(instanceId));
  }

  protected async performReadClaims({
    instanceId,
    limit,
  }: verbs.ReadClaimsParams): Promise<readonly verbs.StandingClaim[]> {
    return this.#jobs.claimsOf(instanceId).slice(0, limit).map(toStandingClaim);
  }

  protected async performCountClaims(params: verbs.CountClaimsParams): Promise<verbs.ClaimCounts> {
    return countMemoryClaims(this.#jobs, params);
  }

  protected async performCountDue(params: verbs.CountDueParams): Promise<verbs.CountDueResult> {
    return countMemoryDue(this.#jobs, params);
  }

  protected async performRescue(params: verbs.RescueParams): Promise<verbs.RescueResult> {
    if (this.#leases.isLive(params.deadInstanceId)) {
      return { pending: 0, failed: 0, cancelled: 0, more: false, refused: true };
    }
    return { ...this.#rescue.rescue(params), refused: false };
  }

  protected async performWatch(
    listener: (hint: verbs.LedgerHint) => void,
  ): Promise<verbs.LedgerWatch> {
    return this.#hints.watch(listener);
  }

  #enqueueOne(job: Job): verbs.EnqueueAnswer {
    const id = job._id.toHexString();
    const earlier = this.#jobs.find(id);
    if (earlier !== undefined) return { outcome: 'enqueued', job: copyOut(earlier) };
    if (this.#jobs.wasEvicted(id)) return { outcome: 'enqueued', job };
    const holder = this.#jobs.findLockHolder(job);
    if (holder !== undefined) return { outcome: 'existing', job: copyOut(holder) };
    if (this.#jobs.unfinished >= this.#maxJobs) {
      return { outcome: 'refused', error: new LedgerFullError(this.#maxJobs) };
    }
    try {
      this.#jobs.put(copyIn(job));
    } catch (error) {
      return { outcome: 'refused', error: toError(error) };
    }
    this.#log?.add(id, transitionEntry('enqueue', { now: job.createdAt }, { fence: 0 }));
    if (isClaimed(job)) this.#log?.add(id, claimEntry(job));
    else this.#hints.send(dueHint(job));
    return { outcome: 'enqueued', job };
  }

  #settleOne(settlement: Settlement, now: Date): SettleAnswer {
    const stored = this.#jobs.find(settlement.jobId.toHexString());
    if (stored === undefined) return answerUnmatched(settlement, null);
    const params = settlementParams(settlement, now);
    const settled = this.#isLockTaken(settlement, stored)
      ? null
      : this.#moves.move(settlement.verb, stored, params);
    return settled === null ? answerUnmatched(settlement, stored.job) : 'settled';
  }

  #isLockTaken({ startLock: value }: Settlement, { job }: StoredJob): boolean {
    if (value === undefined) return false;
    return this.#jobs.holderOf(job.name, { field: 'startLock', value }) !== undefined;
  }
}

function jobsWithIds(
  source: Pick<JobStore, 'find'>,
  jobIds: readonly Job['_id'][],
): readonly StoredJob[] {
  const ids = new Set(jobIds.map((jobId) => jobId.toHexString()));
  return [...ids].flatMap((id) => source.find(id) ?? []);
}

function checkBound(field: string, value: number): void {
  if (Number.isInteger(value) && value >= 0) return;
  throw new InvalidArgumentError(field, 'a whole number from 0 up', value);
}
