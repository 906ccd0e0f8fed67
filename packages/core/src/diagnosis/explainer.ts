/**
 * Explains a job: reads it, the leases and the pauses, and finds the reasons.
 *
 * @module
 */
import type { ObjectId } from 'mongodb';
import type { EngineContext } from '../context/scheduler-context.ts';
import type { Instance } from '../engine/instance.ts';
import { toObjectId } from '../foundation/argument-checks.ts';
import { withDeadline } from '../foundation/clock.ts';
import { ConnectionError } from '../foundation/errors.ts';
import type { Job } from '../job/job.ts';
import { WaitError } from '../job/job-errors.ts';
import type { LeaseRecord } from '../ledger/ledger-repository.ts';
import { because, type Explanation, type Reason } from './explanation.ts';
import type { Facts } from './facts.ts';
import { readOpenParents, waitsForParents } from './flow-reasons.ts';
import { readLimitsOf } from './limit-reasons.ts';
import { reasonsOf } from './reasons-by-state.ts';

type ExplainerContext = Pick<
  EngineContext,
  'clock' | 'ledger' | 'ledgerTime' | 'options' | 'ready'
>;

/** How long an error is held back for its explanation. */
const EXPLAINED_WITHIN_MS = 2_000;

/** How many errors are explained at a time: thousands may wait in vain at once. */
const MOST_EXPLAINED = 10;

/** What an instance of this process says of itself. */
export type OwnInstance = Pick<Instance, 'id' | 'describe' | 'progressOf'>;

/** Looks at a job, and at who could run it. */
export class Explainer {
  readonly #context: ExplainerContext;
  readonly #ownInstance: () => OwnInstance | undefined;
  #explainedCount = 0;

  /** @param ownInstance - the instance of this process, while it runs */
  constructor(context: ExplainerContext, ownInstance: () => OwnInstance | undefined) {
    this.#context = context;
    this.#ownInstance = ownInstance;
  }

  /** Why the job runs or does not. A ledger that does not answer is a reason, not an error. */
  async explain(id: unknown): Promise<Explanation> {
    const jobId = toObjectId('id', id);
    try {
      await this.#context.ready();
      return await this.#explain(jobId);
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      const message = `Nothing is known of it: the ledger does not answer. ${error.message}`;
      return { jobId, state: 'unknown', others: [], ...because('unreachable', { error }, message) };
    }
  }

  /** The error of a wait that took too long, with why; any other error, or one that cannot be explained, as it is. */
  async explained(error: unknown): Promise<unknown> {
    // A job that was not seen may be in a transaction that is open.
    if (!(error instanceof WaitError) || error.reason !== 'timeout' || !error.job) return error;
    if (this.#explainedCount >= MOST_EXPLAINED) return error;
    const { jobId, job } = error;
    this.#explainedCount += 1;
    const late = (): Error => new ConnectionError('The ledger did not answer in time');
    try {
      const explanation = this.explain(jobId);
      const { message } = await withDeadline(
        this.#context.clock,
        explanation,
        EXPLAINED_WITHIN_MS,
        late,
      );
      return new WaitError('timeout', jobId, { job, explanation: message });
    } catch {
      return error;
    } finally {
      this.#explainedCount -= 1;
    }
  }

  async #explain(jobId: ObjectId): Promise<Explanation> {
    const { ledger } = this.#context;
    const stored = await ledger.getJob({ jobId });
    const job = stored ?? (await ledger.getJob({ jobId, archived: true }));
    if (job === null) {
      const message = 'There is no job with this id; it never was, or was deleted or pruned';
      return { jobId, state: 'missing', others: [], ...because('missing', {}, message) };
    }
    const isArchived = stored === null;
    const [decisive, ...others] = reasonsOf(await this.#factsOf(job, isArchived));
    // There is a reason for every state.
    return { jobId, state: job.status, others, ...(decisive as Reason) };
  }

  /** The leases are read after the job: who held the claim had a lease before. */
  async #factsOf(job: Job, isArchived: boolean): Promise<Facts> {
    const { ledger, ledgerTime, options } = this.#context;
    const { name, lane, group } = job;
    const isPending = job.status === 'pending';
    const isBehind = isPending && lane !== undefined && group === undefined;
    const inGroup = isPending && group !== undefined;
    const now = ledgerTime.now();
    const [leases, pauses, ahead, groups, openParents] = await Promise.all([
      ledger.readLeases({ informed: true }),
      ledger.readPaused(),
      isBehind ? ledger.findAhead({ name, lane }) : null,
      inGroup ? ledger.readGroups({ name, group, limit: 1, now }) : [],
      waitsForParents(job) ? readOpenParents(ledger, job) : null,
    ]);
    const own = this.#ownInstance();
    const { claimedBy, claimToken = '' } = job;
    const isOwn = own !== undefined && claimedBy === own.id;
    const informed = leases.map((lease) => withOwnInfo(lease, own));
    return {
      ...{ job, isArchived },
      ...(isPending && (await readLimitsOf(ledger, informed, name))),
      now: ledgerTime.now(),
      leases: informed,
      pauses,
      ...(ahead && { ahead }),
      ...(groups[0] && { group: groups[0] }),
      ...(openParents && { openParents }),
      lockTimeoutMs: options.lockTimeoutMs,
      leaseDurationMs: options.leaseDurationMs,
      ...(isOwn && { own: { progress: own.progressOf(job._id.toHexString(), claimToken) } }),
    };
  }
}

/** What this process knows of itself is newer than what it wrote. */
export function withOwnInfo(lease: LeaseRecord, own: OwnInstance | undefined): LeaseRecord {
  return lease.instanceId === own?.id ? { ...lease, info: own.describe() } : lease;
}
