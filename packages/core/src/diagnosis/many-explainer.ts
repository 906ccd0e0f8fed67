/**
 * Why many jobs run or do not, counted: one look at the leases and the pauses for all of them, and none for one alone.
 *
 * @module
 */
import type { ObjectId } from 'mongodb';
import { toFilter } from '../client/listing.ts';
import type { EngineContext } from '../context/scheduler-context.ts';
import { checkFields, integer } from '../foundation/argument-checks.ts';
import { isClaimed } from '../job/job.ts';
import { checkJobsFilter, type JobsFilter } from '../options/list-options.ts';
import { type OwnInstance, withOwnInfo } from './explainer.ts';
import type { ExplanationReason, Reason } from './explanation.ts';
import { readLimitsOf } from './limit-reasons.ts';
import { reasonsOf } from './reasons-by-state.ts';

const DEFAULT_LIMIT = 1_000;
const MOST_JOBS = 10_000;
const LONGEST_TIMEOUT_MS = 600_000;

/** How many jobs are explained. */
export interface ExplainManyOptions {
  /** The most jobs that are looked at, the oldest ids first, from 1 to 10000. @default 1000 */
  readonly limit?: number;
  /** Milliseconds the read of the jobs may take, from 1 to 600000. @default `operationTimeout` */
  readonly timeout?: number;
}

/** Jobs with the same decisive reason. */
export interface ReasonCount {
  readonly reason: ExplanationReason;
  readonly count: number;
  /** What was said of the first of them. */
  readonly message: string;
  /** The first of them. */
  readonly jobId: ObjectId;
}

/** What {@link MonqueManagement.explainMany} answers. */
export interface ReasonCounts {
  /** When it was, by the ledger's clock. */
  readonly at: Date;
  /** Jobs that were looked at. */
  readonly explained: number;
  /** False when more match than were looked at. */
  readonly isComplete: boolean;
  /** The decisive reasons, the most frequent first. */
  readonly reasons: readonly ReasonCount[];
}

type ManyContext = Pick<EngineContext, 'ledger' | 'ledgerTime' | 'options' | 'ready'>;

/** Explains the jobs of a filter. */
export class ManyExplainer {
  readonly #context: ManyContext;
  readonly #ownInstance: () => OwnInstance | undefined;

  /** @param ownInstance - the instance of this process, while it runs */
  constructor(context: ManyContext, ownInstance: () => OwnInstance | undefined) {
    this.#context = context;
    this.#ownInstance = ownInstance;
  }

  /** Counts the decisive reasons. */
  async explainMany(filter: JobsFilter, options: ExplainManyOptions): Promise<ReasonCounts> {
    checkJobsFilter(filter);
    checkFields('options', options, {
      limit: integer(1, MOST_JOBS),
      timeout: integer(1, LONGEST_TIMEOUT_MS),
    });
    const { limit = DEFAULT_LIMIT, timeout } = options;
    await this.#context.ready();
    const { ledger, ledgerTime, options: own } = this.#context;
    const found = await ledger.findJobs({
      filter: toFilter(filter),
      ...{ orderBy: '_id', direction: 'ascending', limit: limit + 1 },
      ...(timeout !== undefined && { deadlineMs: timeout }),
    });
    // After the jobs: who held a claim had a lease before.
    const [leases, pauses] = await Promise.all([
      ledger.readLeases({ informed: true }),
      ledger.readPaused(),
    ]);
    const instance = this.#ownInstance();
    const informed = leases.map((lease) => withOwnInfo(lease, instance));
    const limits = await readLimitsOf(ledger, informed);
    const at = ledgerTime.now();
    const facts = {
      ...{ isArchived: false, isOneOfMany: true, now: at, pauses, leases: informed },
      ...limits,
      lockTimeoutMs: own.lockTimeoutMs,
      leaseDurationMs: own.leaseDurationMs,
    };
    const jobs = found.slice(0, limit);
    const counts = new Map<
      ExplanationReason,
      { count: number; message: string; jobId: ObjectId }
    >();
    for (const job of jobs) {
      const progress =
        instance !== undefined && isClaimed(job) && job.claimedBy === instance.id
          ? { own: { progress: instance.progressOf(String(job._id), job.claimToken) } }
          : {};
      // There is a reason for every state.
      const [decisive] = reasonsOf({ ...facts, job, ...progress }) as readonly [Reason];
      const { reason, message } = decisive;
      const known = counts.get(reason);
      if (known === undefined) counts.set(reason, { count: 1, message, jobId: job._id });
      else known.count += 1;
    }
    const reasons = [...counts].map(([reason, rest]) => ({ reason, ...rest }));
    return {
      ...{ at, explained: jobs.length, isComplete: found.length <= limit },
      reasons: reasons.sort((a, b) => b.count - a.count),
    };
  }
}
