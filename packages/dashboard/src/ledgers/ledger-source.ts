/**
 * One look at a work ledger for all who look.
 *
 * What always holds: a ledger is read when somebody asks and never otherwise, once for all who ask at the same time; and
 * however long a read takes, reading takes at most a tenth of the time.
 *
 * @module
 */
import { nowMs } from '../clock.ts';

/** How long a look counts as fresh at least, in milliseconds. */
const FRESH_MS = 5_000;
const REST = 10;

/** Reads when somebody asks. */
export class LedgerSource<T> {
  readonly #look: () => Promise<T>;
  #last: { readonly seen: T; readonly untilMs: number } | undefined;
  #looking: Promise<T> | undefined;

  constructor(look: () => Promise<T>) {
    this.#look = look;
  }

  /** What was seen last, or a new look. */
  read(): Promise<T> {
    if (this.#last !== undefined && nowMs() < this.#last.untilMs) {
      return Promise.resolve(this.#last.seen);
    }
    this.#looking ??= this.#lookNow().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #lookNow(): Promise<T> {
    const startedMs = nowMs();
    const seen = await this.#look();
    const tookMs = nowMs() - startedMs;
    this.#last = { seen, untilMs: nowMs() + Math.max(FRESH_MS, REST * tookMs) };
    return seen;
  }
}
