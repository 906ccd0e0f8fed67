/**
 * Where a round of claims takes jobs from: those that wait by priority and time, those that stand in an order, and
 * those that take turns in groups.
 *
 * @module
 */
import { wantedInTurns } from '../../ledger/group-choice.ts';
import type {
  ClaimGroupsResult,
  ClaimParams,
  ClaimResult,
  Demand,
  GroupDemand,
  LedgerRepository,
} from '../../ledger/ledger-repository.ts';
import type { Worker } from '../../workers/worker.ts';
import { Patience } from './patience.ts';

/** So many batches that gather a claim looks for jobs for, and so many jobs at most: the rest is for other groups. */
const MOST_FILLED = 50;
const MOST_FILLS = 500;

/** What a claim found; of groups also when the rates allow more, and how many groups it lost to others. */
export type SourceResult = ClaimResult &
  Partial<Omit<ClaimGroupsResult, keyof ClaimResult>> & {
    /** Names of which batches wait for more jobs, and nothing is known but that there are none for them. */
    readonly filled?: readonly string[];
  };

/** Who asks for jobs, with what is known of the names. */
export interface Asker {
  /** Names that had no more to claim at the last look, and for which nothing was announced since. */
  readonly drained: Set<string>;
}

/** One way to claim, with what is known of its names. */
export interface ClaimSource extends Asker {
  /** True for a worker that has jobs of this kind. */
  serves(worker: Worker): boolean;
  /**
   * How many jobs of this kind the worker wants now.
   *
   * @param prefetch - how many of them ahead of free slots
   */
  wants(worker: Worker, prefetch: number): number;
  /** How many of those go to batches that gather here, and so take no slot that is free. */
  fills(worker: Worker): number;
  claim(params: ClaimParams): Promise<SourceResult>;
  /** Those of its jobs that are claimed alone. */
  readonly suspects: Asker;
  /** Names that filled the last batch. */
  satOut: ReadonlySet<string>;
}

/** @param lacks - how many jobs of this kind the batches by group lack that gather here */
function newSource(
  lacks = (worker: Worker): number => worker.lacking().get(undefined) ?? 0,
): Omit<ClaimSource, 'serves' | 'claim'> {
  return {
    wants: (worker, prefetch) => worker.demand(prefetch) + lacks(worker),
    fills: (worker) => worker.missing + lacks(worker),
    drained: new Set(),
    suspects: { drained: new Set() },
    satOut: new Set(),
  };
}

/** The jobs without an order, of any worker. */
function plainSource(ledger: LedgerRepository, workers: ReadonlyMap<string, Worker>): ClaimSource {
  const patience = new Patience(workers);
  return {
    ...newSource(),
    serves: () => true,
    claim: (params) => {
      const { demand, suspects, now } = params;
      return ledger.claim(suspects ? params : { ...params, demand: patience.share(demand, now) });
    },
  };
}

/** The jobs with an order, of the workers that run such. */
function orderSource(ledger: LedgerRepository, workers: ReadonlyMap<string, Worker>): ClaimSource {
  return {
    ...newSource(),
    serves: ({ order }) => order !== undefined,
    claim: ({ demand, widening: _, ...params }) =>
      ledger.claimOrders({
        ...params,
        demand: demand.map((wanted) => ({
          ...wanted,
          halts: workers.get(wanted.name)?.order === 'halt',
        })),
      }),
  };
}

/** The jobs with a group, of the workers that run such. */
function groupSource(ledger: LedgerRepository, workers: ReadonlyMap<string, Worker>): ClaimSource {
  const begunOf = (worker: Worker): NonNullable<GroupDemand['begun']> => {
    const lacking = [...worker.lacking()].slice(0, MOST_FILLED);
    const share = Math.floor(MOST_FILLS / lacking.length);
    return lacking.flatMap(([group, missing]) =>
      group === undefined ? [] : { group, missing: Math.min(missing, share) },
    );
  };
  const inBatches = (wanted: Demand): GroupDemand => {
    const worker = workers.get(wanted.name) as Worker;
    if (!worker.isByGroup) return wanted;
    return { ...wanted, batchSize: worker.jobsASlot, begun: begunOf(worker) };
  };
  return {
    ...newSource((worker) => begunOf(worker).reduce((sum, { missing }) => sum + missing, 0)),
    serves: ({ groups }) => groups !== undefined,
    claim: async ({ widening: _, ...params }) => {
      const demand = params.suspects ? params.demand : params.demand.map(inBatches);
      const result = await ledger.claimGroups({ ...params, demand });
      // Of the groups that have no batch here nothing is known, where all that was wanted was for those that have.
      const onlyFills = demand.filter((wanted) => wantedInTurns(wanted) <= 0);
      const isFill = new Set(onlyFills.map(({ name }) => name));
      return {
        ...result,
        drained: result.drained.filter((name) => !isFill.has(name)),
        filled: result.drained.filter((name) => isFill.has(name)),
      };
    },
  };
}

/** All ways to claim that the workers here have jobs for. */
export class ClaimSources {
  readonly plain: ClaimSource;
  readonly #inLanes: readonly ClaimSource[];
  readonly #workers: ReadonlyMap<string, Worker>;
  #turn = 0;

  constructor(ledger: LedgerRepository, workers: ReadonlyMap<string, Worker>) {
    this.plain = plainSource(ledger, workers);
    this.#inLanes = [orderSource(ledger, workers), groupSource(ledger, workers)];
    this.#workers = workers;
  }

  /** Each kind of jobs gets the free slots first in its turn. */
  inTurn(): readonly ClaimSource[] {
    const workers = [...this.#workers.values()];
    const sources = [...this.#inLanes.filter(({ serves }) => workers.some(serves)), this.plain];
    this.#turn = (this.#turn + 1) % sources.length;
    return [...sources.slice(this.#turn), ...sources.slice(0, this.#turn)];
  }

  /** There may be suspects that nobody announced. */
  lookForSuspects(): void {
    for (const { suspects } of [this.plain, ...this.#inLanes]) suspects.drained.clear();
  }

  /** True when the last look found no more jobs of this name to claim in lanes, and none was announced since. */
  lanesAreDrained(name: string): boolean {
    const worker = this.#workers.get(name);
    return this.#inLanes.every(
      ({ serves, drained }) => worker === undefined || !serves(worker) || drained.has(name),
    );
  }

  /** A place in a lane of this name is free. */
  noteLaneFree(name: string): void {
    for (const { drained } of this.#inLanes) drained.delete(name);
  }
}
