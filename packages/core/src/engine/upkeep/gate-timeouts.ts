/**
 * Ends the waits of jobs at gates that were not opened in time.
 *
 * It asks only when a worker with a gate that has a timeout is registered here; so who declares no such gate pays
 * nothing. Every such instance asks; what one ended the others do not find. Where many waits are over it goes on without a
 * pause.
 *
 * @module
 */
import { emitHalted } from '../../context/halted.ts';
import type { EngineContext } from '../../context/scheduler-context.ts';
import { ServiceLoop } from '../../foundation/service-loop.ts';
import { StagePlan } from '../../workers/stages.ts';
import type { Worker } from '../../workers/worker.ts';

const ROUND_MS = 5_000;
const MOST_JOBS_A_ROUND = 1_000;

/** After so many there may be more: they can be all that the others left of a full round. */
const MANY_JOBS_A_ROUND = 100;

type GateTimeoutsContext = Pick<
  EngineContext,
  'ledger' | 'ledgerTime' | 'clock' | 'emit' | 'metrics' | 'report'
>;

/** What is to be done when waits were over. */
export interface GateTimeoutsHooks {
  /** Jobs of series went on with their next runs. */
  readonly onPending: () => void;
  /** Jobs failed; a flow may have ended with one. */
  readonly onFailed: () => void;
}

/** Looks for waits that are over. */
export class GateTimeouts {
  readonly #context: GateTimeoutsContext;
  readonly #workers: ReadonlyMap<string, Worker>;
  readonly #hooks: GateTimeoutsHooks;
  readonly #loop: ServiceLoop;

  constructor(
    context: GateTimeoutsContext,
    workers: ReadonlyMap<string, Worker>,
    hooks: GateTimeoutsHooks,
  ) {
    this.#context = context;
    this.#workers = workers;
    this.#hooks = hooks;
    this.#loop = new ServiceLoop({
      clock: context.clock,
      kind: 'upkeep',
      firstWaitMs: () => ROUND_MS,
      round: () => this.#round(),
      onFailed: (error) => {
        context.report(error);
        return ROUND_MS;
      },
    });
  }

  /** Begins to look, if a worker has such a gate; called again when one was added. */
  start(): void {
    if (this.#hasTimeouts()) this.#loop.start();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  #hasTimeouts(): boolean {
    return [...this.#workers.values()].some(
      ({ handler }) =>
        handler instanceof StagePlan &&
        handler.gates.some(({ timeoutMs }) => timeoutMs !== undefined),
    );
  }

  /** Ends some waits; gives the milliseconds until the next round. */
  async #round(): Promise<number> {
    const { ledger, ledgerTime, emit } = this.#context;
    const now = ledgerTime.now();
    const result = await ledger.expireGates({ now, limit: MOST_JOBS_A_ROUND });
    const { failed, pending, halted = [] } = result;
    const count = failed + pending;
    if (count > 0) emit('gate:expired', { count });
    for (const job of halted) emitHalted(this.#context, job);
    if (pending > 0) this.#hooks.onPending();
    if (failed > 0) this.#hooks.onFailed();
    return count < MANY_JOBS_A_ROUND ? ROUND_MS : 0;
  }
}
