/**
 * Lets the jobs of flows go on whose parents have come to an end: asks the ledger until it has looked at all of them, and
 * reports the flows that ended with that; and says from when on a flow that is being stored counts as given up.
 *
 * @module
 */
import type { EngineContext } from './scheduler-context.ts';

/** How many jobs are looked at in one call. */
const MOST_JOBS_A_CALL = 1_000;

/** What it takes to let jobs go on. */
export type ReleaseContext = Pick<EngineContext, 'ledger' | 'ledgerTime' | 'emit' | 'metrics'>;

/** Flows that are older than this and still being stored never will be. */
export function abandonedBefore({
  ledgerTime,
  options,
}: Pick<EngineContext, 'ledgerTime' | 'options'>): Date {
  return new Date(ledgerTime.now().getTime() - 2 * options.resendLimitMs);
}

/**
 * Looks at who waits for these tokens, and reports the flows that this ended.
 *
 * @returns the names of the jobs that became pending
 */
export async function releaseChildren(
  { ledger, ledgerTime, emit, metrics }: ReleaseContext,
  tokens: readonly string[],
): Promise<readonly string[]> {
  const names = new Set<string>();
  let places: Awaited<ReturnType<typeof ledger.releaseWaiting>>['again'] = tokens.map((token) => ({
    token,
  }));
  while (places.length > 0) {
    const step = await ledger.releaseWaiting({
      tokens: places,
      now: ledgerTime.now(),
      limit: MOST_JOBS_A_CALL,
    });
    for (const name of step.names) names.add(name);
    for (const { flowId: flow, outcome, uniqueKey } of step.ended ?? []) {
      metrics.count('flowsEnded', { outcome });
      emit('flow:ended', { flow, outcome, ...(uniqueKey !== undefined && { uniqueKey }) });
    }
    places = step.again;
  }
  return [...names];
}
