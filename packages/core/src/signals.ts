/**
 * Stops a scheduler when the process is asked to end.
 *
 * @module
 */

/** Where signals come from: the process, or a stand-in in tests. */
export type SignalSource = Pick<NodeJS.Process, 'pid' | 'on' | 'off' | 'kill' | 'listenerCount'>;

/**
 * Calls `stop` on the first of these signals; when it is done the signal is sent again, so that the process ends by it
 * as it would have, unless somebody else listens for it and decides that.
 *
 * @returns takes the listeners away again
 */
export function stopOnSignals(
  signals: readonly NodeJS.Signals[],
  stop: () => Promise<void>,
  source: SignalSource = process,
): () => void {
  let isStopping = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (isStopping) return;
    isStopping = true;
    void stop().then(() => {
      release();
      if (source.listenerCount(signal) === 0) source.kill(source.pid, signal);
    });
  };
  const release = (): void => {
    for (const signal of signals) source.off(signal, onSignal);
  };
  for (const signal of signals) source.on(signal, onSignal);
  return release;
}
