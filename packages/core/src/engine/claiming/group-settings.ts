/**
 * What workers say of their groups, written for all processes.
 *
 * @module
 */
import type { EngineContext } from '../../context/scheduler-context.ts';
import type { Worker } from '../../workers/worker.ts';

/** Writes it for each worker that runs jobs with a group; that of the last start holds. */
export async function writeGroups(
  { ledger, ledgerTime }: Pick<EngineContext, 'ledger' | 'ledgerTime'>,
  workers: Iterable<Worker>,
): Promise<void> {
  for (const { name, groups } of workers) {
    if (groups === undefined) continue;
    const { concurrency = null, rate = null, weight = null } = groups;
    await ledger.setGroup({ name, concurrency, rate, weight, now: ledgerTime.now() });
  }
}
