/**
 * What a handler does to a limit: nothing under it starts for a while, as the other side asked for.
 *
 * @module
 */
import type { EngineContext } from '../../context/scheduler-context.ts';
import { checkJobName, DAY_MS, integer } from '../../foundation/argument-checks.ts';
import { InvalidArgumentError } from '../../foundation/errors.ts';

/** The longest time, in milliseconds. */
const MOST_MS = 7 * DAY_MS;

/**
 * Lets nothing under a limit start for some milliseconds.
 *
 * @param onBackOff - called once the ledger has it
 * @throws InvalidArgumentError also when there is no such limit
 */
export async function backOffLimit(
  context: Pick<EngineContext, 'ledger' | 'ledgerTime' | 'emit' | 'metrics'>,
  limit: string,
  ms: number,
  onBackOff: (key: string, until: Date) => void,
): Promise<void> {
  const { ledger, ledgerTime, emit, metrics } = context;
  checkJobName('limit', limit);
  integer(1, MOST_MS)('ms', ms);
  const until = new Date(ledgerTime.now().getTime() + ms);
  if (!(await ledger.backOff({ key: limit, until }))) {
    throw new InvalidArgumentError('limit', 'the key of a limit that was set', limit);
  }
  onBackOff(limit, until);
  metrics.count('backOffs', { limit });
  emit('limit:backedOff', { limit, until });
}
