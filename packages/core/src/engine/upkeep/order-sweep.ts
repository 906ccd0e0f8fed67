/**
 * Forgets who was next in orders that nobody used for a while, a part of the walk at a time; and has those jobs asked to
 * cancel that a waiting one supersedes, where its process died before it did.
 *
 * @module
 */
import type { EngineContext } from '../../context/scheduler-context.ts';
import type { SupersededJob } from '../../ledger/ledger-repository.ts';

/** How long nobody has used an order that is forgotten, in milliseconds. */
const UNUSED_MS = 600_000;

const LANES_A_STEP = 500;
const MOST_STEPS = 10;

/** Walks through orders. */
export class OrderSweep {
  readonly #context: Pick<EngineContext, 'ledger' | 'ledgerTime' | 'report'>;
  readonly #onSuperseded: (job: SupersededJob) => Promise<void>;
  #position: string | undefined;

  /** @param onSuperseded - asks a job to cancel */
  constructor(
    context: Pick<EngineContext, 'ledger' | 'ledgerTime' | 'report'>,
    onSuperseded: (job: SupersededJob) => Promise<void>,
  ) {
    this.#context = context;
    this.#onSuperseded = onSuperseded;
  }

  /** The next part of the walk. An error is reported; the next call goes on from the same place. */
  async goOn(): Promise<void> {
    const { ledger, ledgerTime, report } = this.#context;
    try {
      for (let step = 0; step < MOST_STEPS; step += 1) {
        const { position, superseded = [] } = await ledger.sweepOrders({
          usedBefore: new Date(ledgerTime.now().getTime() - UNUSED_MS),
          limit: LANES_A_STEP,
          ...(this.#position !== undefined && { after: this.#position }),
        });
        this.#position = position;
        for (const job of superseded) await this.#onSuperseded(job);
        if (position === undefined) return;
      }
    } catch (error) {
      report(error);
    }
  }
}
