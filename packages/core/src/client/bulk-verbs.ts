/**
 * A verb on every job that matches a filter.
 *
 * What always holds: a job that the verb does not apply to is left as it is, and counted with the reason; the jobs are
 * those that matched when their page was read.
 *
 * @module
 */
import type { ObjectId } from 'mongodb';
import type { EngineContext } from '../context/scheduler-context.ts';
import { messageOf, toError } from '../foundation/errors.ts';
import type { Job } from '../job/job.ts';
import { JobStateError, UniqueKeyTakenError } from '../job/job-errors.ts';
import { checkJobsFilter, type JobsFilter } from '../options/list-options.ts';
import { type ManualVerbOptions, whyOf } from '../options/manual-verb-options.ts';
import { toFilter } from './listing.ts';
import type { ManualVerbs } from './manual-verbs.ts';

const MOST_JOBS_A_PAGE = 500;
const MOST_AT_ONCE = 16;

/** What became of the jobs of a filter. */
export interface BulkResult {
  /** Jobs that matched the filter. */
  readonly matched: number;
  /** Jobs that were changed; of running jobs that are to be cancelled, those that were asked to. */
  readonly changed: number;
  /** Why the others were left as they were, with how many there were of each. */
  readonly left: readonly { readonly reason: string; readonly count: number }[];
}

/** The verbs by a filter. */
export class BulkVerbs {
  readonly #context: Pick<EngineContext, 'ledger' | 'ready'>;
  readonly #verbs: ManualVerbs;

  /** @param verbs - what is done to each job */
  constructor(context: Pick<EngineContext, 'ledger' | 'ready'>, verbs: ManualVerbs) {
    this.#context = context;
    this.#verbs = verbs;
  }

  /** `cancelJob` for all that match. */
  cancelJobs(filter: JobsFilter, options: ManualVerbOptions): Promise<BulkResult> {
    return this.#forAll(filter, options, async ({ _id }) => {
      return (await this.#verbs.cancelJob(_id, options)) !== null;
    });
  }

  /** `retryJob` for all that match. */
  retryJobs(filter: JobsFilter, options: ManualVerbOptions): Promise<BulkResult> {
    return this.#forAll(filter, options, async ({ _id }) => {
      return (await this.#verbs.retryJob(_id, options)) !== null;
    });
  }

  /** `deleteJob` for all that match. */
  deleteJobs(filter: JobsFilter, options: ManualVerbOptions): Promise<BulkResult> {
    return this.#forAll(filter, options, ({ _id }) => this.#verbs.deleteJob(_id, options));
  }

  /** Applies a verb to every job that matched when its page was read, a page at a time. */
  async #forAll(
    filter: JobsFilter,
    options: ManualVerbOptions,
    apply: (job: Job) => Promise<boolean>,
  ): Promise<BulkResult> {
    checkJobsFilter(filter);
    // Once for all, so that a wrong option is an error and not a reason at each job.
    whyOf(options);
    await this.#context.ready();
    const tally = new Tally();
    let last: ObjectId | undefined;
    for (;;) {
      const page = await this.#context.ledger.findJobs({
        filter: toFilter(filter),
        orderBy: '_id',
        direction: 'ascending',
        ...(last && { after: { jobId: last } }),
        limit: MOST_JOBS_A_PAGE,
      });
      const waiting = page.values();
      const lanes = Array.from({ length: MOST_AT_ONCE }, async () => {
        for (const job of waiting) await tally.count(() => apply(job));
      });
      await Promise.all(lanes);
      last = page.at(-1)?._id;
      if (page.length < MOST_JOBS_A_PAGE) return tally.result();
    }
  }
}

/** Counts what became of the jobs of a filter. */
class Tally {
  #matched = 0;
  #changed = 0;
  readonly #left = new Map<string, number>();

  async count(apply: () => Promise<boolean>): Promise<void> {
    this.#matched += 1;
    try {
      if (await apply()) this.#changed += 1;
      else this.#leave('gone');
    } catch (error) {
      this.#leave(reasonOf(error));
    }
  }

  result(): BulkResult {
    const left = [...this.#left].map(([reason, count]) => ({ reason, count }));
    return { matched: this.#matched, changed: this.#changed, left };
  }

  #leave(reason: string): void {
    this.#left.set(reason, (this.#left.get(reason) ?? 0) + 1);
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof JobStateError) return error.status;
  if (error instanceof UniqueKeyTakenError) return 'unique key taken';
  return messageOf(toError(error));
}
