/**
 * Who watches an in-memory ledger.
 *
 * @module
 */
import type { Clock } from '../../foundation/clock.ts';
import type { LedgerHint, LedgerWatch } from '../ledger-repository.ts';

/** Passes hints on to every listener. A listener that throws hurts neither the write nor the other listeners. */
export class Hints {
  readonly #clock: Clock;
  readonly #watches = new Map<LedgerWatch, (hint: LedgerHint) => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Sends hints to the listener until the watch is closed; the first, `opened`, soon after this call. */
  watch(listener: (hint: LedgerHint) => void): LedgerWatch {
    const watch: LedgerWatch = {
      close: async () => {
        this.#watches.delete(watch);
      },
    };
    this.#watches.set(watch, listener);
    this.#clock.setImmediate(() => {
      if (this.#watches.has(watch)) notify(listener, { kind: 'opened' });
    });
    return watch;
  }

  /** Sends a hint to every listener. */
  send(hint: LedgerHint): void {
    for (const listener of this.#watches.values()) notify(listener, hint);
  }
}

function notify(listener: (hint: LedgerHint) => void, hint: LedgerHint): void {
  try {
    listener(hint);
  } catch {
    // The write has happened whatever a listener makes of it, and polling stands behind every hint.
  }
}
