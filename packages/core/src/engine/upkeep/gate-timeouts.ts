/**
 * Ends the waits of jobs at gates that were not opened in time.
 *
 * It asks only when a worker with a gate that has a timeout is registered here; so who declares no such gate pays
 * nothing. Every such instance asks; what one ended the others do not find.
 *
 * @module
 */
import type { EngineContext } from '../../context/scheduler-context.ts';
import { sleep } from '../../foundation/clock.ts';
import { StagePlan } from '../../workers/stages.ts';
import type { Worker } from '../../workers/worker.ts';

const ROUND_MS = 5_000;
const MOST_JOBS_A_ROUND = 1_000;

type GateTimeoutsContext = Pick<
  EngineContext,
  'ledger' | 'ledgerTime' | 'clock' | 'emit' | 'report'
>;

/** Looks for waits that are over. */
export class GateTimeouts {
  readonly #context: GateTimeoutsContext;
  readonly #workers: ReadonlyMap<string, Worker>;
  readonly #onPending: () => void;
  readonly #stopped = new AbortController();
  #running: Promise<void> | undefined;

  /** @param onPending - called when jobs of series went on with their next runs */
  constructor(
    context: GateTimeoutsContext,
    workers: ReadonlyMap<string, Worker>,
    onPending: () => void,
  ) {
    this.#context = context;
    this.#workers = workers;
    this.#onPending = onPending;
  }

  /** Begins to look, if a worker has such a gate; called again when one was added. */
  start(): void {
    if (this.#hasTimeouts()) this.#running ??= this.#keepLooking();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  async #keepLooking(): Promise<void> {
    const { clock, report } = this.#context;
    const { signal } = this.#stopped;
    for (;;) {
      await sleep(clock, ROUND_MS, signal);
      if (signal.aborted) return;
      try {
        await this.#round();
      } catch (error) {
        report(error);
      }
    }
  }

  #hasTimeouts(): boolean {
    return [...this.#workers.values()].some(
      ({ handler }) =>
        handler instanceof StagePlan &&
        handler.gates.some(({ timeoutMs }) => timeoutMs !== undefined),
    );
  }

  async #round(): Promise<void> {
    const { ledger, ledgerTime, emit } = this.#context;
    const now = ledgerTime.now();
    const { failed, pending } = await ledger.expireGates({ now, limit: MOST_JOBS_A_ROUND });
    const count = failed + pending;
    if (count > 0) emit('gate:expired', { count });
    if (pending > 0) this.#onPending();
  }
}
