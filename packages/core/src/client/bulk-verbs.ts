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
import {
  type BulkVerbOptions,
  type ManualVerbOptions,
  whyOfAll,
} from '../options/manual-verb-options.ts';
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
  /** False when a limit or a signal ended it before all that match were looked at. */
  readonly isComplete: boolean;
}

/** How a verb by a filter is done. */
export type BulkOptions = BulkVerbOptions<BulkResult>;

type Direction = 'ascending' | 'descending';

type Apply = (job: Job, why: ManualVerbOptions) => Promise<boolean>;

interface PageOfAll {
  readonly last: ObjectId | undefined;
  readonly room: number;
  readonly direction: Direction;
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

  /** `cancelJob` for all that match, in the order of their ids or the other way round. */
  cancelJobs(
    filter: JobsFilter,
    options: BulkOptions,
    direction: Direction = 'ascending',
  ): Promise<BulkResult> {
    const apply: Apply = async ({ _id }, why) => (await this.#verbs.cancelJob(_id, why)) !== null;
    return this.#forAll(filter, options, apply, direction);
  }

  /** `retryJob` for all that match. */
  retryJobs(filter: JobsFilter, options: BulkOptions): Promise<BulkResult> {
    return this.#forAll(filter, options, async ({ _id }, why) => {
      return (await this.#verbs.retryJob(_id, why)) !== null;
    });
  }

  /** `deleteJob` for all that match. */
  deleteJobs(filter: JobsFilter, options: BulkOptions): Promise<BulkResult> {
    return this.#forAll(filter, options, ({ _id }, why) => this.#verbs.deleteJob(_id, why));
  }

  /** Applies a verb to every job that matched when its page was read, a page at a time. */
  async #forAll(
    filter: JobsFilter,
    options: BulkOptions,
    apply: Apply,
    direction: Direction = 'ascending',
  ): Promise<BulkResult> {
    checkJobsFilter(filter);
    // Once for all, so that a wrong option is an error and not a reason at each job.
    const why = whyOfAll(options);
    const { limit = Number.POSITIVE_INFINITY, signal, onProgress } = options;
    await this.#context.ready();
    const tally = new Tally();
    let last: ObjectId | undefined;
    for (;;) {
      const page = await this.#readPage(filter, { last, room: limit - tally.matched, direction });
      const waiting = page.values();
      const lanes = Array.from({ length: MOST_AT_ONCE }, async () => {
        for (const job of waiting) {
          if (signal?.aborted === true) return;
          await tally.count(() => apply(job, why));
        }
      });
      await Promise.all(lanes);
      last = page.at(-1)?._id;
      const isLast = page.length < MOST_JOBS_A_PAGE && tally.matched < limit;
      const isCut = signal?.aborted === true || tally.matched >= limit;
      const result = tally.result(isLast && !isCut);
      await onProgress?.(result);
      if (isLast || isCut) return result;
    }
  }

  async #readPage(
    filter: JobsFilter,
    { last, room, direction }: PageOfAll,
  ): Promise<readonly Job[]> {
    return this.#context.ledger.findJobs({
      filter: toFilter(filter),
      orderBy: '_id',
      direction,
      ...(last && { after: { jobId: last } }),
      limit: Math.min(MOST_JOBS_A_PAGE, room),
    });
  }
}

/** Counts what became of the jobs of a filter. */
class Tally {
  #matched = 0;
  #changed = 0;
  readonly #left = new Map<string, number>();

  get matched(): number {
    return this.#matched;
  }

  async count(apply: () => Promise<boolean>): Promise<void> {
    this.#matched += 1;
    try {
      if (await apply()) this.#changed += 1;
      else this.#leave('gone');
    } catch (error) {
      this.#leave(reasonOf(error));
    }
  }

  result(isComplete: boolean): BulkResult {
    const left = [...this.#left].map(([reason, count]) => ({ reason, count }));
    return { matched: this.#matched, changed: this.#changed, left, isComplete };
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
