/**
 * Stops a scheduler when the process is asked to end.
 *
 * @module
 */
import type { Clock } from './foundation/clock.ts';

/** Where signals come from: the process, or a stand-in in tests. */
export type SignalSource = Pick<NodeJS.Process, 'pid' | 'on' | 'off' | 'kill' | 'listenerCount'>;

/** What is listened for. */
export interface SignalOptions {
  readonly signals: readonly NodeJS.Signals[];
  readonly clock: Pick<Clock, 'monotonic'>;
}

/** A launcher such as npm passes on a signal that the terminal sent to the process as well: both are one request. */
const SAME_REQUEST_MS = 1_000;

/**
 * Calls `stop` on the first of these signals; when it is done the signal is sent again, so that the process ends by it
 * as it would have, unless somebody else listens for it and decides that. A further signal, a second after the first
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
  const onSignal = (signal: NodeJS.Signals): void => {
    if (firstMs === undefined) {
      firstMs = clock.monotonic();
      void stop().then(() => endBy(signal));
    } else if (clock.monotonic() - firstMs >= SAME_REQUEST_MS) endBy(signal);
  };
  const endBy = (signal: NodeJS.Signals): void => {
    if (isOver) return;
    isOver = true;
    release();
    if (source.listenerCount(signal) === 0) source.kill(source.pid, signal);
  };
  const release = (): void => {
    for (const signal of signals) source.off(signal, onSignal);
  };
  for (const signal of signals) source.on(signal, onSignal);
  return release;
}
