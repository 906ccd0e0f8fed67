/**
 * How a scheduler is that was not started.
 *
 * @module
 */
import type { Health } from '../context/health.ts';
import type { EngineContext } from '../context/scheduler-context.ts';

/** How a scheduler is that does not run. */
export function idleHealth({
  health,
  ledger,
}: Pick<EngineContext, 'health' | 'ledger'>): Omit<Health, 'running'> {
  return {
    connected: health.isConnected && ledger.health().connected,
    hints: 'polling',
    ...health.read(),
    runningJobs: 0,
    bufferedJobs: 0,
    unsettledJobs: 0,
    pausedNames: [],
    alerts: [],
    ledger: ledger.health(),
  };
}
