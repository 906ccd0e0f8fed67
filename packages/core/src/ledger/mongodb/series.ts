/**
 * Series: how their plans are changed, and where their jobs are found.
 *
 * @module
 */
import type { Session } from '../../foundation/driver-shapes.ts';
import type { Job } from '../../job/job.ts';
import { JOB_LIFECYCLE } from '../../job/job-lifecycle.ts';
import type {
  EndSeriesParams,
  FindSeriesParams,
  ReplanParams,
  SeriesResult,
} from '../ledger-repository.ts';
import { endSeriesChanges, replanChanges, type SeriesChange } from '../series-verbs.ts';
import { fromDocument } from './job-document.ts';
import { seriesFilter } from './listing-queries.ts';
import type { MongoJobs } from './moves.ts';
import { IndexName } from './server/indexes.ts';
import { driverSession } from './server/server-checks.ts';

/** Changes and finds series. */
export class MongoSeries {
  readonly #jobs: MongoJobs;

  constructor(jobs: MongoJobs) {
    this.#jobs = jobs;
  }

  /** Gives the job of a series a new plan. */
  replan(params: ReplanParams): Promise<SeriesResult> {
    return this.#change(params, replanChanges(params), params.session);
  }

  /** Ends a series, at once or with the run that is on. */
  endSeries(params: EndSeriesParams): Promise<SeriesResult> {
    return this.#change(params, endSeriesChanges(params));
  }

  /** By the first of the verbs that applies; the job may go from one state to the other in between. */
  #change(
    { jobId }: EndSeriesParams,
    changes: readonly SeriesChange[],
    given?: Session,
  ): Promise<SeriesResult> {
    const session = given && driverSession(given);
    return this.#jobs.untilAnswered<SeriesResult>(jobId, async () => {
      for (const { verb, params } of changes) {
        const written = await this.#jobs.move(jobId, verb, params, { session });
        if (written) return { outcome: 'written', job: written };
      }
      const job = await this.#jobs.find(jobId, session);
      if (job === null) return { outcome: 'missing', job };
      const mayApply = changes.some(({ verb, params }) => JOB_LIFECYCLE.applies(verb, job, params));
      return mayApply ? undefined : { outcome: 'stale', job };
    });
  }

  /** Unfinished jobs that hold the key of a series, by name and key. */
  async findSeries({ limit, ...filter }: FindSeriesParams): Promise<readonly Job[]> {
    const { collection, commands } = this.#jobs;
    const documents = await collection
      .find(seriesFilter(filter), {
        ...commands.readOptions(),
        // Sorted by the server, as far as the limit: the index has the keys of all series before their names.
        sort: { name: 1, uniqueLock: 1 },
        limit,
        hint: IndexName.LOCK,
      })
      .toArray();
    return documents.map(fromDocument);
  }
}
