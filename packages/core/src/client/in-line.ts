/**
 * Changes of the jobs of a flow, many at once, each after those of the jobs that it is tied to and that came before it.
 *
 * What always holds: a change begins when all changes that were asked for before it of its parents are over, or of its
 * children where those go first; so nobody finds a job changed and what comes before it as it was.
 *
 * @module
 */
import type { Job } from '../job/job.ts';

/** Whether the changes of parents or those of children come first. */
export type FirstInLine = 'parents' | 'children';

/** Changes in the order of a flow. */
export class InLine {
  readonly #first: FirstInLine;
  /** The changes of those before, by the tokens that tie them to others. */
  readonly #changes = new Map<string, Promise<unknown>>();

  constructor(first: FirstInLine) {
    this.#first = first;
  }

  /** Changes a job in its turn, which is after those that were given before it. */
  change<T>({ feeds = [], waitsFor = [] }: Job, change: () => Promise<T>): Promise<T> {
    const [before, own] = this.#first === 'parents' ? [waitsFor, feeds] : [feeds, waitsFor];
    const earlier = Promise.all(before.map((token) => this.#changes.get(token)));
    const changed = earlier.then(change);
    // How it ended is for whoever asked.
    const isOver = changed.catch(() => undefined);
    for (const token of own) {
      this.#changes.set(token, Promise.all([this.#changes.get(token), isOver]));
    }
    return changed;
  }
}
