/**
 * Finds the jobs of an in-memory ledger by the tokens of flows: who feeds one, and who waits, or waited, for one.
 *
 * @module
 */
import type { StoredJob } from '../stored-job.ts';

type ByToken = Map<string, Map<string, StoredJob>>;

/** Jobs by token. No token is without a job. */
export class FlowIndex {
  readonly #feeding: ByToken = new Map();
  readonly #waiting: ByToken = new Map();

  /** Puts a job in. */
  add(stored: StoredJob): void {
    for (const token of stored.job.feeds ?? []) put(this.#feeding, token, stored);
    for (const token of stored.job.waitsFor ?? []) put(this.#waiting, token, stored);
  }

  /** Takes a job out. */
  delete({ id, job }: StoredJob): void {
    for (const token of job.feeds ?? []) take(this.#feeding, token, id);
    for (const token of job.waitsFor ?? []) take(this.#waiting, token, id);
  }

  /** The parents that a token stands for. */
  feeding(token: string): Iterable<StoredJob> {
    return this.#feeding.get(token)?.values() ?? [];
  }

  /** The jobs with parents that a token stands for, whatever state they are in. */
  waiting(token: string): Iterable<StoredJob> {
    return this.#waiting.get(token)?.values() ?? [];
  }

  /** The tokens that there are jobs for, in their order, behind one. */
  tokens(after: string): string[] {
    return [...this.#waiting.keys()].filter((token) => token > after).sort();
  }

  /** True while a job is there that has this one as a parent. */
  isAwaited({ job: { feeds = [] } }: StoredJob): boolean {
    return feeds.some((token) => this.#waiting.has(token));
  }
}

function put(jobs: ByToken, token: string, stored: StoredJob): void {
  const of = jobs.get(token) ?? new Map<string, StoredJob>();
  jobs.set(token, of);
  of.set(stored.id, stored);
}

function take(jobs: ByToken, token: string, id: string): void {
  const of = jobs.get(token);
  of?.delete(id);
  if (of?.size === 0) jobs.delete(token);
}
