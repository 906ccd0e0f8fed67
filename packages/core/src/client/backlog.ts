/**
 * How many jobs of each name are due, and how many have failed, by bounded counts.
 *
 * @module
 */
import type { EngineContext } from '../context/scheduler-context.ts';
import { type Check, checkFields, checkJobName } from '../foundation/argument-checks.ts';
import { InvalidArgumentError } from '../foundation/errors.ts';

const MOST_NAMES = 200;
const MOST_JOBS = 1_000;

/** What waits and what has failed, of one name. */
export interface BacklogOfName {
  readonly name: string;
  /** Its pending jobs that are due, up to 1000. */
  readonly due: number;
  /** True when there may be more. */
  readonly dueIsCut: boolean;
  /** How long the job that waits longest has been due; 0 when none is. */
  readonly queueLagMs: number;
  /** Its jobs that have failed for good, up to 1000; absent without `listingIndexes`, when all jobs would have to be read. */
  readonly failed?: number;
  /** True when there may be more; absent where `failed` is. */
  readonly failedIsCut?: boolean;
}

/** What waits and what has failed, of some names. */
export interface Backlog {
  /** When it was, by the ledger's clock. */
  readonly at: Date;
  /** In the order of the names; at most 200. */
  readonly names: readonly BacklogOfName[];
  /** True when there are more names. */
  readonly namesAreCut: boolean;
}

/** Which names the backlog is read of. */
export interface BacklogFilter {
  /** These, at most 200; without them every name that has pending jobs. */
  readonly names?: readonly string[];
}

const checkNames: Check = (field, names) => {
  if (!Array.isArray(names) || names.length > MOST_NAMES) {
    throw new InvalidArgumentError(field, `a list of at most ${MOST_NAMES} names`, names);
  }
  for (const [index, name] of names.entries()) checkJobName(`${field}[${index}]`, name);
};

/** Reads the backlog of some names, or of all that have pending jobs. */
export async function readBacklog(
  { ledger, ledgerTime, ready }: Pick<EngineContext, 'ledger' | 'ledgerTime' | 'ready'>,
  filter: BacklogFilter,
): Promise<Backlog> {
  checkFields('filter', filter, { names: checkNames });
  const { names } = filter;
  await ready();
  const at = ledgerTime.now();
  const bounds = { mostNames: MOST_NAMES, mostJobs: MOST_JOBS, mostFailed: MOST_JOBS };
  const counts = await ledger.countDue({ now: at, ...bounds, ...(names && { names }) });
  return {
    at,
    names: counts.names.map(({ name, due, isCut, queueLagMs, failed }) => ({
      ...{ name, due, dueIsCut: isCut, queueLagMs },
      ...(failed !== undefined && { failed, failedIsCut: failed >= MOST_JOBS }),
    })),
    namesAreCut: counts.isCut,
  };
}
