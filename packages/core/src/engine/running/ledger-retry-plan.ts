/**
 * How the engine tries a call of the ledger again that was not answered.
 *
 * @module
 */
import type { EngineContext } from '../../context/scheduler-context.ts';
import type { RetryPlan } from '../../foundation/retrying.ts';

/**
 * The delays before a call is made again, each told to the log.
 *
 * @param signal - ends a wait at once
 */
export function retryPlan(
  context: Pick<EngineContext, 'clock' | 'random' | 'log'>,
  verb: string,
  signal: AbortSignal,
): RetryPlan {
  return {
    clock: context.clock,
    random: context.random,
    signal,
    onDelay: (next) => context.log?.write('retrying', { verb, ...next }),
  };
}
