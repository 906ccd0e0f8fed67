/**
 * How what all names want becomes one claim of bounded size.
 *
 * @module
 */
import type { Demand } from '../../ledger/ledger-repository.ts';

/** What cutting needs to know of a name. */
export interface Cut {
  /** How many jobs one slot takes. */
  readonly size: number;
  /** How many jobs go to batches that have a slot already. */
  readonly fills: number;
}

/**
 * At most so many slots, and so many jobs, shared among the names. What batches lack that have their slots takes no other,
 * and nothing from what goes to others.
 */
export function cutDemand(
  demand: readonly Demand[],
  { slots, jobs }: { readonly slots: number; readonly jobs: number },
  cutOf: (name: string) => Cut,
): Demand[] {
  const wanted = demand.map(({ name, limit }) => {
    const { size, fills } = cutOf(name);
    const fill = Math.min(limit, fills);
    return { name, size, fill, rest: limit - fill };
  });
  const inSlots = cutTo(
    wanted.map(({ rest, size }) => Math.ceil(rest / size)),
    slots,
  );
  const rests = wanted.map(({ rest, size }, index) =>
    Math.min(rest, (inSlots[index] as number) * size),
  );
  const filled = wanted.reduce((sum, { fill }) => sum + fill, 0);
  const inJobs = cutTo(rests, Math.max(0, jobs - filled));
  return wanted.map(({ name, fill }, index) => ({ name, limit: fill + (inJobs[index] as number) }));
}

/** Shares so many among those that want some, each at least one. */
function cutTo(wanted: readonly number[], most: number): number[] {
  const total = wanted.reduce((sum, limit) => sum + limit, 0);
  if (total <= most) return [...wanted];
  const share = most / total;
  return wanted.map((limit) => Math.min(limit, Math.max(1, Math.floor(limit * share))));
}
