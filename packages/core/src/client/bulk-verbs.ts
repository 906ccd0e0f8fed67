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
import { checkFields, numberFrom, oneOf } from '../foundation/argument-checks.ts';
import { messageOf, toError } from '../foundation/errors.ts';
import type { Job } from '../job/job.ts';
import { JobStateError, UniqueKeyTakenError } from '../job/job-errors.ts';
import { JOB_LIFECYCLE } from '../job/job-lifecycle.ts';
import type { JobFilter } from '../ledger/ledger-repository.ts';
import { checkJobsFilter, type JobsFilter } from '../options/list-options.ts';
import {
  BULK_CHECKS,
  type BulkVerbOptions,
  type ManualVerbOptions,
  whyOfAll,
} from '../options/manual-verb-options.ts';
import { type FirstInLine, InLine } from './in-line.ts';
import { toFilter } from './listing.ts';
import type { ManualVerbs, OnTokens } from './manual-verbs.ts';

const MOST_JOBS_A_PAGE = 500;
const MOST_AT_ONCE = 16;

/** How many dead letters a preview counts that says no limit. */
const MOST_PREVIEWED = 10_000;

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

/** How a verb is done to all jobs of a flow. */
export interface InFlow {
  /** Each job comes after those that it is tied to. */
  readonly first: FirstInLine;
  /** In place of what the verb does at each job for those that wait for it. */
  readonly onTokens: OnTokens;
}

type Apply = (job: Job, why: ManualVerbOptions) => Promise<boolean>;

interface PageOfAll {
  readonly last: ObjectId | undefined;
  readonly room: number;
  readonly direction: Direction;
}

/** How dead letters are redriven by a filter. */
export interface RedriveDeadLettersOptions extends BulkOptions {
  /**
   * How many of them become due in a second, from 0.001 to 1000000: each is given a time of its own, so that it goes on
   * when this process ends. @default all at once
   */
  readonly perSecond?: number;
  /** Only counts what matches, up to `limit`, or 10000; nothing is changed. @default false */
  readonly preview?: boolean;
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
  cancelJobs(filter: JobsFilter, options: BulkOptions, inFlow?: InFlow): Promise<BulkResult> {
    const apply: Apply = async ({ _id }, why) =>
      (await this.#verbs.cancelJob(_id, why, inFlow?.onTokens)) !== null;
    return this.#forAll(filter, options, apply, inFlow);
  }

  /** `retryJob` for all that match. */
  retryJobs(filter: JobsFilter, options: BulkOptions, inFlow?: InFlow): Promise<BulkResult> {
    const apply: Apply = async ({ _id }, why) =>
      (await this.#verbs.retryJob(_id, why, inFlow?.onTokens)) !== null;
    return this.#forAll(filter, options, apply, inFlow);
  }

  /** `deleteJob` for all that match. */
  deleteJobs(filter: JobsFilter, options: BulkOptions): Promise<BulkResult> {
    return this.#forAll(filter, options, ({ _id }, why) => this.#verbs.deleteJob(_id, why));
  }

  /** `redriveDeadLetter` for all that match, or a count of them. */
  async redriveDeadLetters(
    filter: JobsFilter,
    options: RedriveDeadLettersOptions,
  ): Promise<BulkResult> {
    checkJobsFilter(filter);
    const { perSecond, preview = false, bulk, why } = checkRedrive(options);
    const found = deadLettersFilter(filter);
    if (preview) return this.#forEach(found, { limit: MOST_PREVIEWED, ...bulk }, undefined);
    const gapMs = perSecond === undefined ? 0 : 1_000 / perSecond;
    let redriven = 0;
    return this.#forEach(found, bulk, async ({ _id }) => {
      const delayMs = Math.floor(redriven * gapMs);
      redriven += 1;
      return (await this.#verbs.redriveDeadLetter(_id, why, delayMs)) !== null;
    });
  }

  /** Applies a verb to every job of a filter that people gave. */
  async #forAll(
    filter: JobsFilter,
    options: BulkOptions,
    apply: Apply,
    inFlow?: InFlow,
  ): Promise<BulkResult> {
    checkJobsFilter(filter);
    // Once for all, so that a wrong option is an error and not a reason at each job.
    const why = whyOfAll(options);
    const change = (job: Job): Promise<boolean> => apply(job, why);
    if (inFlow === undefined) return this.#forEach(toFilter(filter), options, change);
    const line = new InLine(inFlow.first);
    // The ids of the jobs of a flow are in the order of its graph.
    const direction = inFlow.first === 'parents' ? 'ascending' : 'descending';
    const inTurn = (job: Job): Promise<boolean> => line.change(job, () => change(job));
    return this.#forEach(toFilter(filter), options, inTurn, direction);
  }

  /** Applies a verb to every job that matched when its page was read, a page at a time; without one they are counted. */
  async #forEach(
    filter: JobFilter,
    options: BulkOptions,
    apply: ((job: Job) => Promise<boolean>) | undefined,
    direction: Direction = 'ascending',
  ): Promise<BulkResult> {
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
          if (apply === undefined) tally.countMatch();
          else await tally.count(() => apply(job));
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
    filter: JobFilter,
    { last, room, direction }: PageOfAll,
  ): Promise<readonly Job[]> {
    return this.#context.ledger.findJobs({
      filter,
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

  countMatch(): void {
    this.#matched += 1;
  }

  async count(apply: () => Promise<boolean>): Promise<void> {
    this.countMatch();
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

function checkRedrive(options: RedriveDeadLettersOptions): {
  readonly perSecond?: number;
  readonly preview?: boolean;
  readonly bulk: BulkOptions;
  readonly why: ManualVerbOptions;
} {
  checkFields('options', options, {
    ...BULK_CHECKS,
    perSecond: numberFrom(0.001, 1_000_000),
    preview: oneOf(true, false),
  });
  const { perSecond, preview, ...bulk } = options;
  return {
    ...(perSecond !== undefined && { perSecond }),
    ...(preview !== undefined && { preview }),
    ...{ bulk, why: whyOfAll(bulk) },
  };
}

/** Dead letters that can be redriven, unless other states are asked for. */
function deadLettersFilter(filter: JobsFilter): JobFilter {
  return { statuses: REDRIVABLE, deadLettersOf: [], ...toFilter(filter) };
}

const REDRIVABLE = JOB_LIFECYCLE.transitions.redriveDeadLetter.from;

function reasonOf(error: unknown): string {
  if (error instanceof JobStateError) return error.status;
  if (error instanceof UniqueKeyTakenError) return 'unique key taken';
  return messageOf(toError(error));
}
