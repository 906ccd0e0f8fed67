/**
 * The contract of a ledger: the record of all jobs, and the only thing that changes their state.
 *
 * Verbs are batch first. Each takes one params object and gives one named result; the ledger's time is always passed
 * in, times are absolute. A verb that does not apply changes nothing and says so. The base class checks and bounds
 * every call; an implementation writes the `perform` methods and only stores.
 *
 * @module
 */
import type { ClientSession, ObjectId } from 'mongodb';
import { type Clock, systemClock, withDeadline } from '../clock.ts';
import { ConnectionError, invariant, UnknownOutcomeError } from '../errors.ts';
import type { Job } from '../job.ts';
import type { SettleAnswer, Settlement } from './settlement.ts';

const LEDGER_BRAND = 'monque.LedgerRepository';

/** How long a ledger call may take when nothing else is said, in milliseconds. */
export const DEFAULT_OPERATION_TIMEOUT_MS = 10_000;

/** From this many rescues on a job is a suspect: it is claimed alone. */
export const SUSPECT_RESCUE_COUNT = 2;

/** The most names one claim looks for. More would turn its merge of sorted scans into a blocking sort. */
export const MOST_NAMES_A_CLAIM = 200;

/** A bound on the time of one call, for calls that need another than the ledger's own. */
export interface Bounded {
  /** Milliseconds until the call counts as unanswered. */
  readonly deadlineMs?: number;
}

export interface EnqueueParams extends Bounded {
  /** Complete documents in state pending, with ids made by the caller. */
  readonly jobs: readonly Job[];
  /** Store the jobs inside this transaction of the user's. */
  readonly session?: ClientSession;
}

/** What happened to one job of an enqueue. */
export type EnqueueAnswer =
  /** It is stored, by this call or by an earlier try with the same id. */
  | { readonly outcome: 'enqueued'; readonly job: Job }
  /** Not stored: `job` holds the unique lock. */
  | { readonly outcome: 'existing'; readonly job: Job }
  /** Not stored, for a reason of its own. */
  | { readonly outcome: 'refused'; readonly error: Error };

export interface EnqueueResult {
  /** One answer a job, in order. */
  readonly answers: readonly EnqueueAnswer[];
}

/** How many jobs of one name are wanted. */
export interface Demand {
  readonly name: string;
  readonly limit: number;
}

export interface ClaimParams extends Bounded {
  /** Different names, at most {@link MOST_NAMES_A_CLAIM}. */
  readonly demand: readonly Demand[];
  readonly instanceId: string;
  /** A fresh token that the caller has noted down before. */
  readonly claimToken: string;
  readonly now: Date;
  /** Claim one suspect, the most urgent of the demanded names, instead of everything but suspects. */
  readonly suspects: boolean;
  /** Look at so many times the demanded number and take a random part of it: for when rivals win too often. */
  readonly widening: number;
}

export interface ClaimResult {
  /** The claimed jobs as they were read after the claim, the most urgent first. */
  readonly jobs: readonly Job[];
  /** How many jobs the claim tried to win. */
  readonly attempted: number;
  /** Names that had at least as many due jobs as were demanded of them. */
  readonly saturated: readonly string[];
}

export interface ReadClaimParams extends Bounded {
  readonly instanceId: string;
  readonly claimToken: string;
}

export interface SettleParams extends Bounded {
  readonly settlements: readonly Settlement[];
  readonly now: Date;
}

export interface SettleResult {
  /** One answer a settlement, in order. */
  readonly answers: readonly SettleAnswer[];
}

export interface JobParams extends Bounded {
  readonly jobId: ObjectId;
}

export interface CancelParams extends JobParams {
  readonly now: Date;
}

export interface CancelResult {
  /** `cancelled` and `requested` were written by this call; `refused`: the job is finished; `missing`: there is none. */
  readonly outcome: 'cancelled' | 'requested' | 'refused' | 'missing';
  /** The job after the call; null when it is missing. */
  readonly job: Job | null;
}

export interface RemoveResult {
  readonly outcome: 'removed' | 'refused' | 'missing';
  /** The job as it was; null when it is missing. */
  readonly job: Job | null;
}

export interface NextDueParams extends Bounded {
  readonly names: readonly string[];
  /** Due later than this, and not later than `until`. */
  readonly after: Date;
  readonly until: Date;
}

/** One instance's proof of life. */
export interface LeaseRecord {
  readonly instanceId: string;
  /** Grows with every renewal. Observers compare it with itself, never with a time. */
  readonly counter: number;
  /** Dead is for ever: a dead instance goes on under a new id. */
  readonly status: 'live' | 'dead';
  readonly leaseDurationMs: number;
}

export interface OpenLeaseParams extends Bounded {
  readonly instanceId: string;
  readonly leaseDurationMs: number;
}

export interface InstanceParams extends Bounded {
  readonly instanceId: string;
}

export interface DeclareDeadParams extends InstanceParams {
  /** The counter as it was seen unchanged. */
  readonly counter: number;
}

export interface FindClaimantsParams extends Bounded {
  /** Instances that are known already and not looked for. */
  readonly except: readonly string[];
}

export interface ReadClaimsParams extends InstanceParams {
  readonly limit: number;
}

/** One claim that stands in the ledger. */
export interface StandingClaim {
  readonly jobId: ObjectId;
  readonly claimToken: string;
  readonly fence: number;
  readonly cancelRequestedAt?: Date;
}

export interface RescueParams extends Bounded {
  readonly deadInstanceId: string;
  /** The rescue that reaches this count ends the job as failed. */
  readonly rescueLimit: number;
  readonly now: Date;
  /** How many claims to look at in one call. */
  readonly limit: number;
}

export interface RescueResult {
  /** How many jobs went where. */
  readonly pending: number;
  readonly failed: number;
  readonly cancelled: number;
  /** True when the instance may hold more claims. */
  readonly more: boolean;
  /** True when nothing was done since the lease is live. */
  readonly refused: boolean;
}

/** News from a ledger that is watched. A hint may be missing or come twice; polling stands behind it. */
export type LedgerHint =
  /** A job became pending; without a name where only its id is known, without a time where it is due at once. */
  | { readonly kind: 'due'; readonly name?: string; readonly dueAt?: Date }
  /** Somebody asked to cancel a job that is processing. */
  | { readonly kind: 'cancelRequested'; readonly jobId: ObjectId }
  /** Hints flow from here on; what came before may have been missed. */
  | { readonly kind: 'opened' }
  /** No hints until the next `opened`. */
  | { readonly kind: 'interrupted'; readonly error: Error }
  /** The ledger's clock may be another one now, as after a failover. */
  | { readonly kind: 'clockChanged' };

/** A watch that was set up. */
export interface LedgerWatch {
  /** Undefined when hints will flow; else why this ledger cannot give any. */
  readonly unsupported?: string;
  close(): Promise<void>;
}

/** What every ledger is given. */
export interface LedgerRepositoryOptions {
  /** Time and timers; the process's own by default. */
  readonly clock?: Clock;
  /** Milliseconds a call may take before it counts as unanswered. @default 10000 */
  readonly operationTimeoutMs?: number;
}

/** A call that changes nothing is answered with a connection error when it is late, a write with an unknown outcome. */
type Effect = 'reads' | 'writes';

/**
 * Base class of all ledgers. Every verb opens the ledger when it is not open yet.
 *
 * Errors of every verb: `UnknownOutcomeError` when a write was sent and not answered; `ConnectionError` when the
 * ledger could not be reached or did not answer a read; anything else is final.
 */
export abstract class LedgerRepository {
  /** Marks every ledger, whichever copy of this package made it. */
  readonly brand: string = LEDGER_BRAND;
  protected readonly clock: Clock;
  readonly #operationTimeoutMs: number;
  #opening: Promise<void> | undefined;

  protected constructor(options: LedgerRepositoryOptions = {}) {
    this.clock = options.clock ?? systemClock;
    this.#operationTimeoutMs = options.operationTimeoutMs ?? DEFAULT_OPERATION_TIMEOUT_MS;
  }

  /** Makes the ledger ready: checks the server, makes what is missing. Idempotent; a failed call may be repeated. */
  open(): Promise<void> {
    this.#opening ??= this.performOpen().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  /** Lets go of what the ledger holds open; not of the user's connection. Idempotent; a later verb opens it again. */
  async close(): Promise<void> {
    const opening = this.#opening;
    this.#opening = undefined;
    if (opening === undefined) return;
    await opening.catch(() => undefined);
    await this.performClose();
  }

  /** The ledger's clock, which all stamps and due times refer to. */
  readTime(params: Bounded = {}): Promise<Date> {
    return this.#run('readTime', 'reads', params, () => this.performReadTime());
  }

  /** Stores new jobs. A job whose unique lock is held is not stored; the holder is the answer. */
  enqueue(params: EnqueueParams): Promise<EnqueueResult> {
    for (const job of params.jobs) checkNewJob(job);
    return this.#run('enqueue', 'writes', params, () => this.performEnqueue(params));
  }

  /** Takes due jobs for an instance: those of the lowest priority number first, of these the earliest due. */
  claim(params: ClaimParams): Promise<ClaimResult> {
    const names = new Set(params.demand.map((demand) => demand.name));
    invariant(names.size === params.demand.length, 'a claim demands a name twice');
    invariant(names.size <= MOST_NAMES_A_CLAIM, 'a claim demands too many names');
    invariant(
      params.demand.every(({ limit }) => limit > 0),
      'a claim demands no job of a name',
    );
    return this.#run('claim', 'writes', params, () => this.performClaim(params));
  }

  /** Reads what a claim won whose answer was lost. Shows only what can no longer be rolled back. */
  readClaim(params: ReadClaimParams): Promise<readonly Job[]> {
    return this.#run('readClaim', 'reads', params, () => this.performReadClaim(params));
  }

  /** Ends claims. Sending the same settlements again is safe and gives the same answers. */
  settle(params: SettleParams): Promise<SettleResult> {
    return this.#run('settle', 'writes', params, async () => {
      const result = await this.performSettle(params);
      invariant(result.answers.length === params.settlements.length, 'a settlement has no answer');
      return result;
    });
  }

  /** Cancels a pending job, or asks for it while it is processing. */
  cancel(params: CancelParams): Promise<CancelResult> {
    return this.#run('cancel', 'writes', params, () => this.performCancel(params));
  }

  /** Deletes a job that is not processing. */
  remove(params: JobParams): Promise<RemoveResult> {
    return this.#run('remove', 'writes', params, () => this.performRemove(params));
  }

  /** The job with this id, or null. */
  getJob(params: JobParams): Promise<Job | null> {
    return this.#run('getJob', 'reads', params, () => this.performGetJob(params));
  }

  /** An early time at which a job of these names becomes due within the window, or null when none does. */
  nextDue(params: NextDueParams): Promise<Date | null> {
    return this.#run('nextDue', 'reads', params, () => this.performNextDue(params));
  }

  /** Writes the first proof of life of an instance. */
  openLease(params: OpenLeaseParams): Promise<void> {
    return this.#run('openLease', 'writes', params, () => this.performOpenLease(params));
  }

  /** Raises the counter; false when the lease is dead or missing. */
  renewLease(params: InstanceParams): Promise<boolean> {
    return this.#run('renewLease', 'writes', params, () => this.performRenewLease(params));
  }

  /** Every lease on record, dead ones too. */
  readLeases(params: Bounded = {}): Promise<readonly LeaseRecord[]> {
    return this.#run('readLeases', 'reads', params, () => this.performReadLeases());
  }

  /** Marks a lease as dead if its counter is still the one that was seen; false when it is not, or was dead before. */
  declareDead(params: DeclareDeadParams): Promise<boolean> {
    return this.#run('declareDead', 'writes', params, () => this.performDeclareDead(params));
  }

  /** Ends the instance's own lease: dead, and off the record once it owns nothing. */
  endLease(params: InstanceParams): Promise<void> {
    return this.#run('endLease', 'writes', params, () => this.performEndLease(params));
  }

  /** Takes a dead lease off the record. The caller has seen that it owns nothing; live leases stay. */
  removeLease(params: InstanceParams): Promise<void> {
    return this.#run('removeLease', 'writes', params, () => this.performRemoveLease(params));
  }

  /** Ids of instances that hold claims, without those the caller knows. */
  findClaimants(params: FindClaimantsParams): Promise<readonly string[]> {
    return this.#run('findClaimants', 'reads', params, () => this.performFindClaimants(params));
  }

  /** The claims that stand under an instance's id. */
  readClaims(params: ReadClaimsParams): Promise<readonly StandingClaim[]> {
    return this.#run('readClaims', 'reads', params, () => this.performReadClaims(params));
  }

  /** Gives back the jobs of an instance whose lease is not live: to pending, to cancelled, or to failed at the limit. */
  rescue(params: RescueParams): Promise<RescueResult> {
    return this.#run('rescue', 'writes', params, () => this.performRescue(params));
  }

  /** Sends hints to the listener until the watch is closed. The listener must not throw. */
  async watch(listener: (hint: LedgerHint) => void): Promise<LedgerWatch> {
    await this.open();
    return this.performWatch(listener);
  }

  protected abstract performOpen(): Promise<void>;
  protected abstract performClose(): Promise<void>;
  protected abstract performReadTime(): Promise<Date>;
  protected abstract performEnqueue(params: EnqueueParams): Promise<EnqueueResult>;
  protected abstract performClaim(params: ClaimParams): Promise<ClaimResult>;
  protected abstract performReadClaim(params: ReadClaimParams): Promise<readonly Job[]>;
  protected abstract performSettle(params: SettleParams): Promise<SettleResult>;
  protected abstract performCancel(params: CancelParams): Promise<CancelResult>;
  protected abstract performRemove(params: JobParams): Promise<RemoveResult>;
  protected abstract performGetJob(params: JobParams): Promise<Job | null>;
  protected abstract performNextDue(params: NextDueParams): Promise<Date | null>;
  protected abstract performOpenLease(params: OpenLeaseParams): Promise<void>;
  protected abstract performRenewLease(params: InstanceParams): Promise<boolean>;
  protected abstract performReadLeases(): Promise<readonly LeaseRecord[]>;
  protected abstract performDeclareDead(params: DeclareDeadParams): Promise<boolean>;
  protected abstract performEndLease(params: InstanceParams): Promise<void>;
  protected abstract performRemoveLease(params: InstanceParams): Promise<void>;
  protected abstract performFindClaimants(params: FindClaimantsParams): Promise<readonly string[]>;
  protected abstract performReadClaims(params: ReadClaimsParams): Promise<readonly StandingClaim[]>;
  protected abstract performRescue(params: RescueParams): Promise<RescueResult>;
  protected abstract performWatch(listener: (hint: LedgerHint) => void): Promise<LedgerWatch>;

  async #run<T>(
    verb: string,
    effect: Effect,
    { deadlineMs = this.#operationTimeoutMs }: Bounded,
    perform: () => Promise<T>,
  ): Promise<T> {
    await withDeadline(
      this.clock,
      this.open(),
      this.#operationTimeoutMs,
      () => new ConnectionError(`The ledger did not open within ${this.#operationTimeoutMs} ms`),
    );
    const message = `The ledger did not answer ${verb} within ${deadlineMs} ms`;
    return withDeadline(this.clock, perform(), deadlineMs, () =>
      effect === 'writes' ? new UnknownOutcomeError(message) : new ConnectionError(message),
    );
  }
}

/** True for a ledger of this or another copy of this package. */
export function isLedgerRepository(value: unknown): value is LedgerRepository {
  return (
    typeof value === 'object' && value !== null && 'brand' in value && value.brand === LEDGER_BRAND
  );
}

function checkNewJob(job: Job): void {
  invariant(job.status === 'pending', 'a new job is pending');
  invariant(job.fence === 0 && job.failCount === 0, 'a new job was never claimed');
  invariant(Number.isInteger(job.priority), 'a priority is an integer');
  invariant(!Number.isNaN(job.nextRunAt.getTime()), 'a due time is a time');
}
