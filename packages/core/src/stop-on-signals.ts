/**
 * Stops a scheduler when the process is asked to end.
 *
 * @module
 */
import type { Clock } from './foundation/clock.ts';

/** Where signals come from: the process, or a stand-in in tests. */
export type SignalSource = Pick<
  NodeJS.Process,
  'pid' | 'prependListener' | 'off' | 'kill' | 'listeners'
>;

/** What is listened for. */
export interface SignalOptions {
  readonly signals: readonly NodeJS.Signals[];
  readonly clock: Pick<Clock, 'monotonic'>;
}

/** Marks the listeners of schedulers, of whichever copy of this package: the last of them ends the process. */
const OWN: symbol = Symbol.for('monque.onSignal');

/** A launcher such as npm passes on a signal that the terminal sent to the process as well: both are one request. */
const SAME_REQUEST_MS = 1_000;

/**
 * Calls `stop` on the first of these signals; when it is done the signal is sent again, so that the process ends by it
 * as it would have, unless somebody else listens for it and decides that, be it for this one time. A further signal, a second after the first
 * or later, does not wait for `stop`.
 *
 * @returns takes the listeners away again
 */
export function stopOnSignals(
  { signals, clock }: SignalOptions,
  stop: () => Promise<void>,
  source: SignalSource = process,
): () => void {
  let firstMs: number | undefined;
  let isOver = false;
  let othersDecide = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    // Whoever listens once is gone from the list by the time of the stop, and may not be done.
    othersDecide ||= source.listeners(signal).some((listener) => !(OWN in listener));
    if (firstMs === undefined) {
      firstMs = clock.monotonic();
      void stop().then(() => endBy(signal));
    } else if (clock.monotonic() - firstMs >= SAME_REQUEST_MS) endBy(signal);
  };
  const endBy = (signal: NodeJS.Signals): void => {
    if (isOver) return;
    isOver = true;
    release();
    const isLast = source.listeners(signal).length === 0;
    if (isLast && !othersDecide) source.kill(source.pid, signal);
  };
  const release = (): void => {
    for (const signal of signals) source.off(signal, onSignal);
  };
  Object.defineProperty(onSignal, OWN, { value: true });
  // First of all, so that it sees who else listens.
  for (const signal of signals) source.prependListener(signal, onSignal);
  return release;
}
