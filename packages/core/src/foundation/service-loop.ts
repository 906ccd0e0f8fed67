/**
 * A round of work that is done again and again, from a start to a stop.
 *
 * What always holds: one round at a time; it starts once and never after a stop; a stop resolves when the round that was
 * under way is over and no timer is left, whether it was started or not, and as often as it is called; and a round that
 * rejects ends nothing.
 *
 * @module
 */
import { type Clock, sleep, type TimerKind } from './clock.ts';

/** What a {@link ServiceLoop} does. */
export interface Service {
  readonly clock: Clock;
  /** One round; gives the milliseconds until the next one. */
  readonly round: () => Promise<number>;
  /** What a round threw; gives the milliseconds until the next one. */
  readonly onFailed: (error: unknown) => number;
  /** Milliseconds from the start to the first round; without it that begins at once. */
  readonly firstWaitMs?: () => number;
  /** What its waits are for. */
  readonly kind?: TimerKind;
}

/** Runs rounds with waits between them. */
export class ServiceLoop {
  readonly #service: Service;
  readonly #stopped = new AbortController();
  #wait = new AbortController();
  #running: Promise<void> | undefined;

  constructor(service: Service) {
    this.#service = service;
  }

  /** True from the moment of the first `stop`. */
  get isStopped(): boolean {
    return this.#stopped.signal.aborted;
  }

  /** Begins; does nothing when it was started or stopped before. */
  start(): void {
    if (!this.isStopped) this.#running ??= this.#run();
  }

  /** Ends a wait that is under way, so that the next round begins at once. */
  wake(): void {
    this.#wait.abort();
  }

  /** Begins no other round; resolves when none is under way. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { firstWaitMs } = this.#service;
    if (firstWaitMs) await this.#pause(firstWaitMs());
    while (!this.isStopped) {
      const waitMs = await this.#round();
      if (this.isStopped) return;
      await this.#pause(waitMs);
    }
  }

  async #round(): Promise<number> {
    const { round, onFailed } = this.#service;
    try {
      return await round();
    } catch (error) {
      return onFailed(error);
    }
  }

  async #pause(waitMs: number): Promise<void> {
    this.#wait = new AbortController();
    const { clock, kind } = this.#service;
    await sleep(clock, waitMs, this.#wait.signal, kind);
  }
}
