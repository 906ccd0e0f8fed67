/**
 * Where a round of claims takes jobs from: those that wait by priority and time, and those that stand in an order.
 *
 * @module
 */
import type { ClaimParams, ClaimResult, LedgerRepository } from '../../ledger/ledger-repository.ts';
import type { Worker } from '../../workers/worker.ts';

/** One way to claim, with what is known of its names. */
export interface ClaimSource {
  /** True for a worker that has jobs of this kind. */
  serves(worker: Worker): boolean;
  claim(params: ClaimParams): Promise<ClaimResult>;
  /** Names that had no more to claim at the last look, and that nobody told of since. */
  readonly drained: Set<string>;
  /** Names that filled the last batch. */
  satOut: ReadonlySet<string>;
}

/** The jobs without an order, of any worker. */
export function plainSource(ledger: LedgerRepository): ClaimSource {
  return {
    serves: () => true,
    claim: (params) => ledger.claim(params),
    drained: new Set(),
    satOut: new Set(),
  };
}

/** The jobs with an order, of the workers that run such. */
export function orderSource(
  ledger: LedgerRepository,
  workers: ReadonlyMap<string, Worker>,
): ClaimSource {
  return {
    serves: ({ order }) => order !== undefined,
    claim: ({ demand, widening: _, ...params }) =>
      ledger.claimOrders({
        ...params,
        demand: demand.map((wanted) => ({
          ...wanted,
          halts: workers.get(wanted.name)?.order === 'halt',
        })),
      }),
    drained: new Set(),
    satOut: new Set(),
  };
}
