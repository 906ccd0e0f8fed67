/**
 * Which part of a claim goes to jobs that have been due for longer than the patience of their worker.
 *
 * What always holds: it is at most half of what is asked of a name, or every second claim of one job; and what is asked
 * of a worker without patience stays as it was.
 *
 * @module
 */
import type { Demand } from '../../ledger/ledger-repository.ts';
import type { Worker } from '../../workers/worker.ts';

/** Remembers whose turn it is where jobs are claimed one by one. */
export class Patience {
  readonly #workers: ReadonlyMap<string, Worker>;
  /** Names whose last claim of one job was for those that had been due for too long. */
  readonly #hadTurn = new Set<string>();

  constructor(workers: ReadonlyMap<string, Worker>) {
    this.#workers = workers;
  }

  /** The same demand, with what of it is for jobs that have been due for too long at this time. */
  share(demand: readonly Demand[], now: Date): readonly Demand[] {
    return demand.map((wanted) => {
      const patienceMs = this.#workers.get(wanted.name)?.patienceMs;
      if (patienceMs === undefined) return wanted;
      const limit = wanted.limit > 1 ? Math.floor(wanted.limit / 2) : this.#inTurn(wanted.name);
      if (limit === 0) return wanted;
      return { ...wanted, overdue: { before: new Date(now.getTime() - patienceMs), limit } };
    });
  }

  /** Of a claim of one job: one and none by turns. */
  #inTurn(name: string): 0 | 1 {
    if (this.#hadTurn.delete(name)) return 0;
    this.#hadTurn.add(name);
    return 1;
  }
}
