/**
 * Series: how their plans are changed, and where their jobs are found.
 *
 * @module
 */
import type { HistoryEntry, Job } from '../../job/job.ts';
import { JOB_LIFECYCLE, type JobVerb } from '../../job/job-lifecycle.ts';
import type { TransitionParams } from '../../job/lifecycle.ts';
import type {
  EndSeriesParams,
  FindSeriesParams,
  ReplanParams,
  SeriesResult,
} from '../ledger-repository.ts';
import { handRecord, historyEntries } from '../settle-answers.ts';
import { fromDocument } from './job-document.ts';
import { seriesFilter } from './listing-queries.ts';
import type { MongoJobs } from './moves.ts';
import { IndexName } from './server/indexes.ts';

type SeriesVerb = Extract<JobVerb, 'replan' | 'replanRunning' | 'endSeries' | 'endSeriesAfterRun'>;

/** Changes and finds series. */
export class MongoSeries {
  readonly #jobs: MongoJobs;

  constructor(jobs: MongoJobs) {
    this.#jobs = jobs;
  }

  /** Gives the job of a series a new plan. */
  replan(params: ReplanParams): Promise<SeriesResult> {
    const { series, nextRun } = params;
    // That the times are others now counts for the run after the one that is on.
    const record = nextRun ? { scheduledFor: nextRun.scheduledFor } : {};
    return this.#change(params, ['replan', 'replanRunning'], { ...series, ...nextRun }, record);
  }

  /** Ends a series, at once or with the run that is on. */
  endSeries(params: EndSeriesParams): Promise<SeriesResult> {
    return this.#change(params, ['endSeries', 'endSeriesAfterRun'], {}, {});
  }

  /** By the first of the verbs that applies; the job may go from one state to the other in between. */
  #change(
    { jobId, seriesVersion, now, ...given }: EndSeriesParams,
    verbs: readonly SeriesVerb[],
    plan: TransitionParams,
    record: Pick<HistoryEntry, 'scheduledFor'>,
  ): Promise<SeriesResult> {
    return this.#jobs.untilAnswered<SeriesResult>(jobId, async () => {
      for (const verb of verbs) {
        const entries = historyEntries(verb, now, { ...handRecord(given), ...record });
        const params = { ...plan, seriesVersion, now, historyEntries: entries };
        const written = await this.#jobs.move(jobId, verb, params);
        if (written) return { outcome: 'written', job: written };
      }
      const job = await this.#jobs.find(jobId);
      if (job === null) return { outcome: 'missing', job };
      const isOpen = verbs.some((verb) => JOB_LIFECYCLE.allowsFrom(verb, job.status));
      const mayApply = isOpen && job.seriesVersion === seriesVersion;
      return mayApply ? undefined : { outcome: 'stale', job };
    });
  }

  /** Unfinished jobs that hold the key of a series, by name and key. */
  async find({ limit, ...filter }: FindSeriesParams): Promise<Job[]> {
    const { collection, commands } = this.#jobs;
    const documents = await collection
      .find(seriesFilter(filter), {
        ...commands.readOptions(),
        sort: { uniqueLock: 1, name: 1 },
        limit,
        hint: IndexName.LOCK,
      })
      .toArray();
    return documents.map(fromDocument).sort(byNameAndLock);
  }
}

function byNameAndLock(a: Job, b: Job): number {
  const [ofA, ofB] = [a, b].map(({ name, uniqueLock }) => [name, uniqueLock].join('\0'));
  return String(ofA) < String(ofB) ? -1 : 1;
}
