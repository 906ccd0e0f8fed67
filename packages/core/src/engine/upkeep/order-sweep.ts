/**
 * Forgets who was next in orders and groups that nobody used for a while, in bounded steps; and has those jobs asked to
 * cancel that a waiting one supersedes, where its process died before it did.
 *
 * It is asked to at each poll, and whoever asks does not wait for it. A walk goes on while it finds enough to forget,
 * whatever there is, and else until it has read so much; the next poll goes on from there. Where many processes walk
 * through the same, what one forgot the others do not find: they stop, so the more of them there are the less each does.
 *
 * @module
 */
import type { EngineContext } from '../../context/scheduler-context.ts';
import { SingleFlight } from '../../foundation/single-flight.ts';
import type { SupersededJob } from '../../ledger/ledger-repository.ts';
import type { Worker } from '../../workers/worker.ts';

/** How long nobody has used an order that is forgotten, in milliseconds. */
const UNUSED_MS = 600_000;

const LANES_A_STEP = 500;

/** A step that forgot less found little: what the walk reads is then what is still in use. */
const POOR_STEP = LANES_A_STEP / 4;
const MOST_POOR_STEPS = 10;

/** Walks through orders. */
export class OrderSweep {
  readonly #context: Pick<EngineContext, 'ledger' | 'ledgerTime' | 'report'>;
  readonly #workers: ReadonlyMap<string, Worker>;
  readonly #onSuperseded: (job: SupersededJob) => Promise<void>;
  readonly #walks = new SingleFlight(() => this.#walk());
  #position: string | undefined;
  /** True from when it was asked to look until the step that looks for what is superseded. */
  #isAsked = false;
  #isStopped = false;

  /** @param onSuperseded - asks a job to cancel */
  constructor(
    context: Pick<EngineContext, 'ledger' | 'ledgerTime' | 'report'>,
    workers: ReadonlyMap<string, Worker>,
    onSuperseded: (job: SupersededJob) => Promise<void>,
  ) {
    this.#context = context;
    this.#workers = workers;
    this.#onSuperseded = onSuperseded;
  }

  /** Goes on with the walk, if a worker here runs jobs in lanes; many calls during a walk make one more. */
  look(): void {
    const workers = [...this.#workers.values()];
    const someInLanes = workers.some(({ order, groups }) => order !== undefined || groups);
    if (this.#isStopped || !someInLanes) return;
    this.#isAsked = true;
    this.#walks.runAgain();
  }

  /** Ends the walk, after the step or the request to cancel that is under way. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#walks.idle();
  }

  /** An error is reported; the next walk goes on from the same place. */
  async #walk(): Promise<void> {
    try {
      for (let poor = 0; poor < MOST_POOR_STEPS && !this.#isStopped; ) {
        const swept = await this.#step();
        if (this.#position === undefined) return;
        if (swept < POOR_STEP) poor += 1;
      }
    } catch (error) {
      this.#context.report(error);
    }
  }

  /** Gives how many were forgotten. */
  async #step(): Promise<number> {
    const { ledger, ledgerTime } = this.#context;
    const looks = this.#isAsked;
    this.#isAsked = false;
    const {
      swept,
      position,
      superseded = [],
    } = await ledger.sweepOrders({
      usedBefore: new Date(ledgerTime.now().getTime() - UNUSED_MS),
      limit: LANES_A_STEP,
      superseded: looks,
      ...(this.#position !== undefined && { after: this.#position }),
    });
    this.#position = position;
    for (const job of superseded) {
      if (this.#isStopped) break;
      await this.#onSuperseded(job);
    }
    return swept;
  }
}
