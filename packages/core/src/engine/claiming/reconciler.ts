/**
 * Holds the ledger's record of this instance's claims against what this process knows.
 *
 * A claim that the ledger shows and nobody here holds or awaits came from a write whose answer was lost; it is given
 * back. The ledger is read first and the memory second: what this process got to know in between is then in the
 * memory. The same read shows which jobs somebody asked to cancel.
 *
 * @module
 */
import type { EngineContext } from '../../context/scheduler-context.ts';
import { SingleFlight } from '../../foundation/single-flight.ts';
import type { ClaimedJob } from '../../job/job.ts';
import type { StandingClaim } from '../../ledger/ledger-repository.ts';
import type { RetryPolicy } from '../../workers/worker.ts';
import { bareEnd, CANCELLED } from '../running/ended-run.ts';
import type { Executor } from '../running/executor.ts';
import { settlementOf } from '../running/settlement-of-run.ts';
import type { Lease } from '../upkeep/lease.ts';
import type { AwaitedClaims } from './awaited-claims.ts';

const MOST_CLAIMS = 10_000;

/** How many comparisons in a row may be left out since nothing was claimed. */
const MOST_SPARED = 9;

type ReconcilerContext = Pick<EngineContext, 'ledger' | 'ledgerTime' | 'report'>;

/** The parts that know of claims. */
export interface ReconcilerParts {
  readonly lease: Lease;
  readonly awaited: AwaitedClaims;
  readonly executor: Executor;
}

/** Compares claims, one comparison at a time. */
export class Reconciler {
  readonly #context: ReconcilerContext;
  readonly #parts: ReconcilerParts;
  readonly #comparisons = new SingleFlight(() => this.#compare().catch(this.#context.report));
  #claimsAtEmpty = -1;
  #spared = 0;
  readonly #askedFor = new Set<string>();

  constructor(context: ReconcilerContext, parts: ReconcilerParts) {
    this.#context = context;
    this.#parts = parts;
  }

  /** Starts a comparison unless one is under way. An error is reported; the next renewal compares again. */
  reconcile(): void {
    void this.#comparisons.run();
  }

  /**
   * Somebody asked to cancel a job. The ledger is asked which claim that concerns: a hint that comes late may find the
   * job in a later run, which nobody wants cancelled.
   */
  cancelRequested(jobId: string): void {
    const { executor, awaited } = this.#parts;
    if (executor.has(jobId)) this.#compareAtOnce();
    else if (awaited.isAny) this.#askedFor.add(jobId);
  }

  /** Jobs were handed over. A hint may have named one of them before. */
  jobsArrived(): void {
    const isAskedFor = [...this.#askedFor].some((jobId) => this.#parts.executor.has(jobId));
    this.#askedFor.clear();
    if (isAskedFor) this.#compareAtOnce();
  }

  #compareAtOnce(): void {
    this.#claimsAtEmpty = -1;
    this.#comparisons.runAgain();
  }

  /** Resolves when no comparison is under way. */
  idle(): Promise<void> {
    return this.#comparisons.idle();
  }

  async #compare(): Promise<void> {
    const { ledger, ledgerTime } = this.#context;
    const { awaited, executor, lease } = this.#parts;
    // Nothing was claimed since the ledger showed no claim: then there is none now, but for a claim whose answer was
    // lost and which comes late.
    const { won: wonBefore } = awaited;
    const isSpared = wonBefore === this.#claimsAtEmpty && this.#spared < MOST_SPARED;
    this.#spared = isSpared ? this.#spared + 1 : 0;
    if (isSpared) return;
    const claims = await ledger.readClaims({ instanceId: lease.instanceId, limit: MOST_CLAIMS });
    const stray: StandingClaim[] = [];
    for (const claim of claims) {
      const jobId = claim.jobId.toHexString();
      if (executor.holds(jobId, claim.claimToken)) {
        if (claim.cancelRequestedAt) executor.cancel(jobId);
      } else if (!awaited.has(claim.claimToken)) {
        stray.push(claim);
      }
    }
    if (claims.length === 0) this.#claimsAtEmpty = wonBefore;
    const cancelled = stray.filter(({ cancelRequestedAt }) => cancelRequestedAt !== undefined);
    const released = stray.filter(({ cancelRequestedAt }) => cancelRequestedAt === undefined);
    if (released.length > 0) {
      await ledger.settle({ settlements: released.map(toRelease), now: ledgerTime.now() });
    }
    for (const claim of cancelled) await this.#cancel(claim);
  }

  /** A job that was asked to be cancelled may not become pending again, but as the next run of its series. */
  async #cancel({ jobId, claimToken }: StandingClaim): Promise<void> {
    const { ledger, ledgerTime } = this.#context;
    const job = await ledger.getJob({ jobId });
    if (job?.claimToken !== claimToken) return;
    const now = ledgerTime.now();
    const settlement = settlementOf(bareEnd(job as ClaimedJob, CANCELLED, NO_RETRY), now);
    await ledger.settle({ settlements: [settlement], now });
  }
}

/** A job that ends as cancelled is not tried again. */
const NO_RETRY: RetryPolicy = {
  maxRetries: 1,
  backoff: { type: 'fixed', delay: 0 },
  maxBackoffDelayMs: 0,
};

function toRelease({ jobId, claimToken, fence }: StandingClaim) {
  return { verb: 'release', jobId, claimToken, fence } as const;
}
