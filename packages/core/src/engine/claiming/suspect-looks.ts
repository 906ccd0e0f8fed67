/**
 * When to look for suspects, and for those of which names.
 *
 * What always holds: a name is looked at again until there was room for a suspect of it and none was found; and who
 * waits for room takes turns with the other jobs, which would take every place that gets free.
 *
 * @module
 */
import type { ClaimResult, Demand } from '../../ledger/ledger-repository.ts';
import type { Worker } from '../../workers/worker.ts';
import type { Executor } from '../running/executor.ts';
import type { Permits } from './permits.ts';
import type { ClaimSource } from './sources.ts';

/** So many looks in a row may leave it open whether there are any; then the rest is for the next poll. */
const MOST_IN_A_ROW = 200;

/** The looks for suspects of one process, which has only one suspect at a time. */
export class SuspectLooks {
  readonly #executor: Pick<Executor, 'hasSuspect' | 'roomFor'>;
  readonly #permits: Pick<Permits, 'allowed' | 'drained'>;
  readonly #short = new Set<string>();
  #inARow = 0;

  constructor(
    executor: Pick<Executor, 'hasSuspect' | 'roomFor'>,
    permits: Pick<Permits, 'allowed' | 'drained'>,
  ) {
    this.#executor = executor;
    this.#permits = permits;
  }

  /** True while a look waits for room: then suspects go before the others. */
  get isShort(): boolean {
    return this.#short.size > 0;
  }

  /** True while a look for suspects of this name waits for room. */
  waitsFor(name: string): boolean {
    return this.#short.has(name);
  }

  /** Looks begin: what was short of room asks again. */
  begin(): void {
    this.#short.clear();
  }

  /** One of each name that was not looked at since there may be some, as far as there is room. */
  demand({ suspects }: ClaimSource, workers: readonly Worker[]): readonly Demand[] {
    const isTaken = this.#executor.hasSuspect();
    const waiting = isTaken ? [] : workers.filter(({ name }) => !suspects.drained.has(name));
    const free = this.#executor.roomFor(0) > 0 ? waiting.filter(hasFreeSlot) : [];
    const wanted = free.map(({ name }) => ({ name, limit: 1 }));
    const demand = this.#permits.allowed(suspects, wanted);
    const asked = new Set(demand.map(({ name }) => name));
    for (const { name } of waiting) if (!asked.has(name)) this.#short.add(name);
    return demand;
  }

  /**
   * A look has shown of some names whether there are any: it may have been for a part of their jobs, and somebody else
   * may have won what it found.
   *
   * @returns true when it brought none, and another one is to show whether there are any
   */
  looked(
    { suspects }: ClaimSource,
    demand: readonly Demand[],
    { jobs, drained }: Pick<ClaimResult, 'jobs' | 'drained'>,
  ): boolean {
    if (jobs.length > 0) {
      // The others wait until this one has ended.
      this.#short.clear();
      this.#inARow = 0;
      return false;
    }
    const isOpen = drained.length < demand.length && this.#inARow < MOST_IN_A_ROW;
    this.#inARow = isOpen ? this.#inARow + 1 : 0;
    const names = isOpen ? drained : demand.map(({ name }) => name);
    for (const name of names) suspects.drained.add(name);
    this.#permits.drained(suspects, names);
    return isOpen;
  }
}

function hasFreeSlot({ freeSlots }: Worker): boolean {
  return freeSlots > 0;
}
