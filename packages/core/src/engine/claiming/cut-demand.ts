/**
 * How a demand for jobs is cut to what one claim may bring.
 *
 * @module
 */
import type { Demand } from '../../ledger/ledger-repository.ts';

/**
 * At most so many slots, and so many jobs, shared among the names.
 *
 * @param sizeOf - how many jobs of a name one slot takes
 */
export function cutDemand(
  demand: readonly Demand[],
  slots: number,
  jobs: number,
  sizeOf: (name: string) => number,
): Demand[] {
  const wanted = demand.map(({ name, limit }) => ({
    name,
    limit: Math.ceil(limit / sizeOf(name)),
  }));
  const inSlots = cutTo(wanted, slots).map(({ name, limit }, index) => ({
    name,
    limit: Math.min(Number(demand[index]?.limit), limit * sizeOf(name)),
  }));
  return cutTo(inSlots, jobs);
}

/** Shares one batch among the names, each at least one job. */
function cutTo(demand: readonly Demand[], most: number): Demand[] {
  const total = demand.reduce((sum, { limit }) => sum + limit, 0);
  if (total <= most) return [...demand];
  const share = most / total;
  return demand.map(({ name, limit }) => ({ name, limit: Math.max(1, Math.floor(limit * share)) }));
}
