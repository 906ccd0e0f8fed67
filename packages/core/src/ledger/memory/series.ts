/**
 * How the plans of series are changed in an in-memory ledger, and where their jobs are found.
 *
 * @module
 */
import type { Job } from '../../job/job.ts';
import { UNFINISHED } from '../../job/job-lifecycle.ts';
import { seriesLock } from '../../job/unique-locks.ts';
import type {
  EndSeriesParams,
  FindSeriesParams,
  ReplanParams,
  SeriesResult,
} from '../ledger-repository.ts';
import { endSeriesChanges, replanChanges, type SeriesChange } from '../series-verbs.ts';
import type { JobStore } from './job-store.ts';
import { type Moves, noTransactions } from './moves.ts';
import { copyOut } from './stored-job.ts';

/** Changes and finds series. */
export class MemorySeries {
  readonly #jobs: JobStore;
  readonly #moves: Moves;

  constructor(jobs: JobStore, moves: Moves) {
    this.#jobs = jobs;
    this.#moves = moves;
  }

  /** Gives the job of a series a new plan. */
  async replan(params: ReplanParams): Promise<SeriesResult> {
    if (params.session !== undefined) throw noTransactions();
    return this.#change(params, replanChanges(params));
  }

  /** Ends a series, at once or with the run that is on. */
  async endSeries(params: EndSeriesParams): Promise<SeriesResult> {
    return this.#change(params, endSeriesChanges(params));
  }

  /** The unfinished jobs that hold the key of a series, by name and key. */
  async findSeries({ name, key, limit }: FindSeriesParams): Promise<readonly Job[]> {
    return [...this.#jobs.all()]
      .filter(({ job }) => UNFINISHED.includes(job.status))
      .filter(({ job }) => name === undefined || job.name === name)
      .filter(({ job: { uniqueLock } }) =>
        key === undefined ? uniqueLock?.startsWith(seriesLock('')) : uniqueLock === seriesLock(key),
      )
      .sort((a, b) => (placeOf(a.job) < placeOf(b.job) ? -1 : 1))
      .slice(0, limit)
      .map(copyOut);
  }

  /** By the first of the verbs that applies. */
  #change({ jobId }: EndSeriesParams, changes: readonly SeriesChange[]): SeriesResult {
    const stored = this.#jobs.find(jobId.toHexString());
    if (stored === undefined) return { outcome: 'missing', job: null };
    for (const { verb, params } of changes) {
      const written = this.#moves.move(verb, stored, params);
      if (written !== null) return { outcome: 'written', job: copyOut(written) };
    }
    return { outcome: 'stale', job: copyOut(stored) };
  }
}

function placeOf({ name, uniqueLock }: Job): string {
  return `${name}\0${uniqueLock}`;
}
