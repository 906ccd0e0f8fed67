/**
 * Holds the ledger's record of this instance's claims against what this process knows.
 *
 * A claim that the ledger shows and nobody here holds or awaits came from a write whose answer was lost; it is given
 * back. The ledger is read first and the memory second: what this process got to know in between is then in the
 * memory. The same read shows which jobs somebody asked to cancel.
 *
 * @module
 */
import type { Claimer } from './claimer.ts';
import type { EngineContext } from './engine-context.ts';
import type { Executor } from './executor.ts';
import type { Lease } from './lease.ts';
import type { StandingClaim } from './ledger/ledger-repository.ts';

const MOST_CLAIMS = 10_000;

type ReconcilerContext = Pick<EngineContext, 'ledger' | 'ledgerTime' | 'report'>;

/** The parts that know of claims. */
export interface ReconcilerParts {
  readonly lease: Lease;
  readonly claimer: Claimer;
  readonly executor: Executor;
}

/** Compares claims, one comparison at a time. */
export class Reconciler {
  readonly #context: ReconcilerContext;
  readonly #parts: ReconcilerParts;
  #running: Promise<void> | undefined;

  constructor(context: ReconcilerContext, parts: ReconcilerParts) {
    this.#context = context;
    this.#parts = parts;
  }

  /** Starts a comparison unless one is under way. An error is reported; the next renewal compares again. */
  reconcile(): void {
    this.#running ??= this.#compare()
      .catch(this.#context.report)
      .finally(() => {
        this.#running = undefined;
      });
  }

  /** Resolves when no comparison is under way. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #compare(): Promise<void> {
    const { ledger, ledgerTime } = this.#context;
    const { claimer, executor, lease } = this.#parts;
    const claims = await ledger.readClaims({ instanceId: lease.instanceId, limit: MOST_CLAIMS });
    const stray: StandingClaim[] = [];
    for (const claim of claims) {
      const jobId = claim.jobId.toHexString();
      if (executor.holds(jobId, claim.claimToken)) {
        if (claim.cancelRequestedAt) executor.cancel(jobId);
      } else if (!claimer.awaits(claim.claimToken)) {
        stray.push(claim);
      }
    }
    if (stray.length === 0) return;
    await ledger.settle({ settlements: stray.map(toRelease), now: ledgerTime.now() });
  }
}

/** A job that was asked to be cancelled may not become pending again. */
function toRelease({ jobId, claimToken, fence, cancelRequestedAt }: StandingClaim) {
  return { verb: cancelRequestedAt ? 'cancelled' : 'release', jobId, claimToken, fence } as const;
}
