/**
 * Removes, or moves to the archive, jobs that finished longer ago than they are kept.
 *
 * It walks through the jobs in the order of their ids, which is that of their creation, in bounded steps. At the end,
 * where the jobs are too young to be looked at, it waits for a while and goes on from there. What it passed that was
 * not yet to leave is found by a walk from the start, now and then. Every instance prunes; what one removed the others
 * do not find.
 *
 * What always holds: a job leaves no sooner than twice `resendLimit` after its creation, so that no late resend of its
 * enqueue can bring it back.
 *
 * @module
 */
import type { ObjectId } from 'mongodb';
import type { EngineContext } from '../../context/scheduler-context.ts';
import { ServiceLoop } from '../../foundation/service-loop.ts';

const MOST_JOBS_A_STEP = 1_000;
const WAIT_AT_END_MS = 60_000;
const RESTART_WALK_AFTER_MS = 3_600_000;

/** A step that found little leaves the ledger time for others. */
const WAIT_AFTER_POOR_STEP_MS = 1_000;
const POOR_STEP = MOST_JOBS_A_STEP / 10;

type PrunerContext = Pick<
  EngineContext,
  'ledger' | 'ledgerTime' | 'clock' | 'random' | 'options' | 'report'
>;

/** Walks through old jobs. */
export class Pruner {
  readonly #context: PrunerContext;
  readonly #loop: ServiceLoop;
  #position: ObjectId | undefined;
  #walkStartedMs = Number.NEGATIVE_INFINITY;
  #mustRestart = false;

  constructor(context: PrunerContext) {
    this.#context = context;
    this.#loop = new ServiceLoop({
      clock: context.clock,
      kind: 'upkeep',
      // Instances that were started together need not walk together.
      firstWaitMs: () => (this.#mustRestart ? 0 : WAIT_AT_END_MS * context.random.fraction()),
      round: () => this.#round(),
      onFailed: (error) => {
        context.report(error);
        return this.#waitMs(WAIT_AT_END_MS);
      },
    });
  }

  start(): void {
    if (!this.#isWanted()) return;
    this.#loop.start();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  /** Other times hold for how long jobs are kept: those that were passed are looked at again, at once. */
  restartWalk(): void {
    this.#mustRestart = true;
    this.#loop.wake();
    this.start();
  }

  #isWanted(): boolean {
    return Object.keys(this.#context.options.retentionMs).length > 0;
  }

  async #round(): Promise<number> {
    if (this.#mustRestart) this.#position = undefined;
    this.#mustRestart = false;
    return this.#waitMs(this.#isWanted() ? await this.#step() : WAIT_AT_END_MS);
  }

  /** What changed during the step cut no wait short. */
  #waitMs(waitMs: number): number {
    return this.#mustRestart ? 0 : waitMs;
  }

  /** Gives the milliseconds until the next step. */
  async #step(): Promise<number> {
    const { ledger, ledgerTime, clock, options } = this.#context;
    if (this.#position === undefined) this.#walkStartedMs = clock.monotonic();
    const now = ledgerTime.now();
    const { pruned, position } = await ledger.prune({
      ...(this.#position && { after: this.#position }),
      finishedBefore: Object.fromEntries(
        Object.entries(options.retentionMs).map(([status, keptMs]) => [status, ago(now, keptMs)]),
      ),
      createdBefore: ago(now, 2 * options.resendLimitMs),
      limit: MOST_JOBS_A_STEP,
      archive: options.archive,
      now,
    });
    if (position === undefined) return this.#atEnd();
    this.#position = position;
    return pruned < POOR_STEP ? WAIT_AFTER_POOR_STEP_MS : 0;
  }

  /** What is young now is looked at by the next walk. */
  #atEnd(): number {
    const walkedMs = this.#context.clock.monotonic() - this.#walkStartedMs;
    if (walkedMs >= RESTART_WALK_AFTER_MS) this.#position = undefined;
    return WAIT_AT_END_MS;
  }
}

function ago(now: Date, ms: number): Date {
  return new Date(now.getTime() - ms);
}
