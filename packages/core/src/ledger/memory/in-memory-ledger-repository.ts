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
 *   oldest leave. A job that left is not brought back by a resend of its id: the newest 10,000 such ids are kept.
 *
 * @module
 */
import { InvalidArgumentError, LedgerFullError, toError, UnsupportedError } from '../../errors.ts';
import type { Job } from '../../job.ts';
import { JOB_LIFECYCLE, type JobVerb, type TransitionParams } from '../../lifecycle.ts';
import {
  type CancelParams,
  type CancelResult,
  type ClaimParams,
  type ClaimResult,
  type DeclareDeadParams,
  type EnqueueAnswer,
  type EnqueueParams,
  type EnqueueResult,
  type FindClaimantsParams,
  type InstanceParams,
  type JobParams,
  type LeaseRecord,
  type LedgerHint,
  LedgerRepository,
  type LedgerRepositoryOptions,
  type LedgerWatch,
  type NextDueParams,
  type OpenLeaseParams,
  type ReadClaimParams,
  type ReadClaimsParams,
  type RemoveResult,
  type RescueParams,
  type RescueResult,
  type SettleParams,
  type SettleResult,
  type StandingClaim,
} from '../ledger-repository.ts';
import {
  answerUnmatched,
  rescueFailReason,
  type SettleAnswer,
  type Settlement,
  settlementParams,
} from '../settlement.ts';
import { inClaimOrder } from './due-queue.ts';
import { Hints } from './hints.ts';
import { JobStore } from './job-store.ts';
import { LeaseRegister } from './lease-register.ts';
import { copyDates, copyIn, copyOut, type StoredJob } from './stored-job.ts';

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
}

/** The verbs a rescue chooses from; for every job exactly one of them applies. */
const RESCUE_VERBS = ['rescue', 'rescueToFailed', 'rescueToCancelled'] as const;

/** A ledger that forgets everything with its process. It serves any number of instances of that process. */
export class InMemoryLedgerRepository extends LedgerRepository {
  readonly #maxJobs: number;
  readonly #jobs: JobStore;
  readonly #leases = new LeaseRegister();
  readonly #hints: Hints;

  /** @throws InvalidArgumentError when a bound is not a whole number from zero up */
  constructor(options: InMemoryLedgerOptions = {}) {
    super(options);
    const { maxJobs = DEFAULT_MAX_JOBS, maxFinishedJobs = DEFAULT_MAX_FINISHED_JOBS } = options;
    checkBound('maxJobs', maxJobs);
    checkBound('maxFinishedJobs', maxFinishedJobs);
    this.#maxJobs = maxJobs;
    this.#jobs = new JobStore(maxFinishedJobs);
    this.#hints = new Hints(this.clock);
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

  protected async performEnqueue({ jobs, session }: EnqueueParams): Promise<EnqueueResult> {
    if (session !== undefined) {
      throw new UnsupportedError('The in-memory ledger has no transactions; leave out `session`');
    }
    return { answers: jobs.map((job) => this.#enqueueOne(job)) };
  }

  protected async performClaim(params: ClaimParams): Promise<ClaimResult> {
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
    const won = chosen.map((stored) => this.#write('claim', stored, transition));
    return { jobs: won.map(copyOut), attempted: won.length, saturated, drained };
  }

  protected async performReadClaim(params: ReadClaimParams): Promise<readonly Job[]> {
    const claims = this.#jobs.claimsOf(params.instanceId);
    const ofToken = claims.filter(({ job }) => job.claimToken === params.claimToken);
    return inClaimOrder(ofToken).map(copyOut);
  }

  protected async performSettle({ settlements, now }: SettleParams): Promise<SettleResult> {
    return { answers: settlements.map((settlement) => this.#settleOne(settlement, now)) };
  }

  protected async performCancel({ jobId, now }: CancelParams): Promise<CancelResult> {
    const stored = this.#jobs.find(jobId.toHexString());
    if (stored === undefined) return { outcome: 'missing', job: null };
    const cancelled = this.#move('cancel', stored, { now });
    if (cancelled !== null) return { outcome: 'cancelled', job: copyOut(cancelled) };
    const requested = this.#move('requestCancel', stored, { now });
    const isRequested = JOB_LIFECYCLE.allowsFrom('requestCancel', stored.job.status);
    return {
      outcome: isRequested ? 'requested' : 'refused',
      job: copyOut(requested ?? stored),
    };
  }

  protected async performRemove({ jobId }: JobParams): Promise<RemoveResult> {
    const stored = this.#jobs.find(jobId.toHexString());
    if (stored === undefined) return { outcome: 'missing', job: null };
    const isRemovable = JOB_LIFECYCLE.applies('remove', asRecord(stored.job), {});
    if (isRemovable) this.#jobs.delete(stored);
    return { outcome: isRemovable ? 'removed' : 'refused', job: copyOut(stored) };
  }

  protected async performGetJob({ jobId }: JobParams): Promise<Job | null> {
    const stored = this.#jobs.find(jobId.toHexString());
    return stored === undefined ? null : copyOut(stored);
  }

  protected async performNextDue({ names, after, until }: NextDueParams): Promise<Date | null> {
    const dueTimes = names.map((name) => this.#jobs.nextDueMs(name, after.getTime()));
    const earliestMs = Math.min(...dueTimes);
    return earliestMs <= until.getTime() ? new Date(earliestMs) : null;
  }

  protected async performOpenLease(params: OpenLeaseParams): Promise<void> {
    this.#leases.open(params);
  }

  protected async performRenewLease({ instanceId }: InstanceParams): Promise<boolean> {
    return this.#leases.renew(instanceId);
  }

  protected async performReadLeases(): Promise<readonly LeaseRecord[]> {
    return this.#leases.all();
  }

  protected async performDeclareDead(params: DeclareDeadParams): Promise<boolean> {
    return this.#leases.declareDead(params);
  }

  protected async performEndLease({ instanceId }: InstanceParams): Promise<void> {
    this.#leases.end(instanceId);
    if (this.#jobs.claimsOf(instanceId).length === 0) this.#leases.remove(instanceId);
  }

  protected async performRemoveLease({ instanceId }: InstanceParams): Promise<void> {
    this.#leases.remove(instanceId);
  }

  protected async performFindClaimants({
    except,
  }: FindClaimantsParams): Promise<readonly string[]> {
    return this.#jobs.claimants().filter((instanceId) => !except.includes(instanceId));
  }

  protected async performReadClaims({
    instanceId,
    limit,
  }: ReadClaimsParams): Promise<readonly StandingClaim[]> {
    return this.#jobs.claimsOf(instanceId).slice(0, limit).map(toStandingClaim);
  }

  protected async performRescue(params: RescueParams): Promise<RescueResult> {
    const { deadInstanceId, rescueLimit, now, limit } = params;
    const moved = { rescue: 0, rescueToFailed: 0, rescueToCancelled: 0 };
    const isRefused = this.#leases.isLive(deadInstanceId);
    const claims = isRefused ? [] : this.#jobs.claimsOf(deadInstanceId);
    for (const claim of claims.slice(0, limit)) {
      const { claimToken } = claim.job;
      const transition = {
        now,
        deadInstanceId,
        claimToken,
        lastRescueCount: rescueLimit - 1,
        failReason: rescueFailReason(rescueLimit),
      };
      for (const verb of RESCUE_VERBS) {
        if (this.#move(verb, claim, transition) !== null) moved[verb] += 1;
      }
    }
    return {
      pending: moved.rescue,
      failed: moved.rescueToFailed,
      cancelled: moved.rescueToCancelled,
      more: claims.length > limit,
      refused: isRefused,
    };
  }

  protected async performWatch(listener: (hint: LedgerHint) => void): Promise<LedgerWatch> {
    return this.#hints.watch(listener);
  }

  #enqueueOne(job: Job): EnqueueAnswer {
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
    this.#hints.send(dueHint(job));
    return { outcome: 'enqueued', job };
  }

  #settleOne(settlement: Settlement, now: Date): SettleAnswer {
    const stored = this.#jobs.find(settlement.jobId.toHexString());
    if (stored === undefined) return answerUnmatched(settlement, null);
    const settled = this.#move(settlement.verb, stored, settlementParams(settlement, now));
    return settled === null ? answerUnmatched(settlement, stored.job) : 'settled';
  }

  /** The next version of the job, put in its place; null when the verb does not apply. */
  #move(verb: JobVerb, stored: StoredJob, params: TransitionParams): StoredJob | null {
    if (!JOB_LIFECYCLE.applies(verb, asRecord(stored.job), params)) return null;
    const next = this.#write(verb, stored, copyDates(params));
    if (next.job.status === 'pending') this.#hints.send(dueHint(next.job));
    if (verb === 'requestCancel') {
      this.#hints.send({ kind: 'cancelRequested', jobId: next.job._id });
    }
    return next;
  }

  #write(verb: JobVerb, stored: StoredJob, params: TransitionParams): StoredJob {
    const next = { ...stored, job: JOB_LIFECYCLE.apply(verb, asRecord(stored.job), params) };
    this.#jobs.put(next);
    return next;
  }
}

/** An interface has no index signature, so a Job is no record to the compiler. */
function asRecord(job: Job): Job & Record<string, unknown> {
  return job as Job & Record<string, unknown>;
}

function dueHint({ name, nextRunAt }: Job): LedgerHint {
  return { kind: 'due', name, dueAt: new Date(nextRunAt) };
}

function toStandingClaim({ job }: StoredJob): StandingClaim {
  const { _id, claimToken, fence, cancelRequestedAt } = copyDates(job);
  return {
    jobId: _id,
    // The rows that set claimedBy set claimToken too.
    claimToken: claimToken as string,
    fence,
    ...(cancelRequestedAt !== undefined && { cancelRequestedAt }),
  };
}

function checkBound(field: string, value: number): void {
  if (Number.isInteger(value) && value >= 0) return;
  throw new InvalidArgumentError(field, 'a whole number from 0 up', value);
}
