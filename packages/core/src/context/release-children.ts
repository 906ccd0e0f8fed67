/**
 * Lets the jobs of flows go on whose parents have come to an end: asks the ledger until it has looked at all of them; and
 * says from when on a flow that is being stored counts as given up.
 *
 * @module
 */
import type { EngineContext } from './scheduler-context.ts';

/** How many jobs are looked at in one call. */
const MOST_JOBS_A_CALL = 1_000;

/** Flows that are older than this and still being stored never will be. */
export function abandonedBefore({
  ledgerTime,
  options,
}: Pick<EngineContext, 'ledgerTime' | 'options'>): Date {
  return new Date(ledgerTime.now().getTime() - 2 * options.resendLimitMs);
}

/**
 * Looks at who waits for these tokens.
 *
 * @returns the names of the jobs that became pending
 */
export async function releaseChildren(
  { ledger, ledgerTime }: Pick<EngineContext, 'ledger' | 'ledgerTime'>,
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
    places = step.again;
  }
  return [...names];
}
