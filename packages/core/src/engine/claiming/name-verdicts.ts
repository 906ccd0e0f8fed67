/**
 * What the last look said of each name: whether due jobs of it were left in the ledger.
 *
 * What always holds: a name counts as empty from a look that found no more of it until a look finds more, there was no
 * place here for a job of it, or somebody announced a job that the next round cannot ask for, or would not have announced it. That
 * a job was announced which is asked for does not end it: each look is older than some job, so a steady stream would
 * never find its name empty.
 *
 * @module
 */
import type { Demand } from '../../ledger/ledger-repository.ts';

/** Remembers for each name what the last look found. */
export class NameVerdicts {
  readonly #empty = new Set<string>();
  readonly #backlogged = new Set<string>();
  /** Names with jobs that were announced since the last look began. */
  readonly #hinted = new Set<string>();

  /** True when the last look found no due job of this name left. */
  isEmpty(name: string): boolean {
    return this.#empty.has(name);
  }

  /** True while a name had more due jobs than were asked for last. */
  get isBacklogged(): boolean {
    return this.#backlogged.size > 0;
  }

  /** A job of this name is due, and there was no place for it here. */
  noteWaiting(name: string): void {
    this.#empty.delete(name);
  }

  /** Somebody announced a due job of this name. */
  noteDue(name: string): void {
    this.#hinted.add(name);
  }

  /**
   * A look for these begins. What was announced and is not looked for now waits; while hints rest, so may any job of a name
   * that is not looked for.
   */
  beginLook(demand: readonly Demand[], hintsRest: boolean): void {
    const asked = new Set(demand.map(({ name }) => name));
    for (const name of hintsRest ? this.#empty : this.#hinted) {
      if (!asked.has(name)) this.#empty.delete(name);
    }
    this.#hinted.clear();
  }

  /** What the look for these found: names that had more jobs than were asked for, and names that had no more. */
  endLook(
    demand: readonly Demand[],
    { saturated, drained }: Record<'saturated' | 'drained', readonly string[]>,
  ): void {
    for (const name of saturated) this.#backlogged.add(name);
    for (const { name } of demand) this.#empty.delete(name);
    for (const name of drained) {
      this.#empty.add(name);
      this.#backlogged.delete(name);
    }
  }
}
