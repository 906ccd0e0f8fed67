/** What people do to single jobs and to series, and how old jobs leave, in the steps of the MongoDB ledger. */
import type { Job } from '../../src/index.ts';
import { JOB_LIFECYCLE, type JobVerb, UNFINISHED } from '../../src/job/job-lifecycle.ts';
import type { TransitionParams } from '../../src/job/lifecycle.ts';
import { seriesLock } from '../../src/job/unique-locks.ts';
import { type CancelChoice, cancelsUnseen, chooseCancel } from '../../src/ledger/cancel-choice.ts';
import type {
  AmendParams,
  AmendResult,
  CancelParams,
  CancelResult,
  EndSeriesParams,
  FindSeriesParams,
  JobParams,
  PruneParams,
  PruneResult,
  RedriveParams,
  RedriveResult,
  RemoveResult,
  ReplanParams,
  SeriesResult,
} from '../../src/ledger/ledger-repository.ts';
import { firstIdAt } from '../../src/ledger/mongodb/engine-queries.ts';
import { chooseRedrive } from '../../src/ledger/redrive-choice.ts';
import {
  endSeriesChanges,
  replanChanges,
  type SeriesChange,
} from '../../src/ledger/series-verbs.ts';
import { historyEntries } from '../../src/ledger/settle-answers.ts';
import type { SteppedFlows } from './flows/stepped-flows.ts';
import { LockHeldError, type SteppedJobs } from './stepped-jobs.ts';
import type { SteppedOrders } from './stepped-orders.ts';

/** Changes jobs, and lets others in between two commands. */
export class SteppedControl {
  readonly #jobs: SteppedJobs;
  readonly #orders: SteppedOrders;
  readonly #flows: SteppedFlows;
  readonly #letOthersIn: () => Promise<void>;

  constructor(
    jobs: SteppedJobs,
    orders: SteppedOrders,
    flows: SteppedFlows,
    letOthersIn: () => Promise<void>,
  ) {
    this.#jobs = jobs;
    this.#orders = orders;
    this.#flows = flows;
    this.#letOthersIn = letOthersIn;
  }

  cancel(params: CancelParams): Promise<CancelResult> {
    const { jobId } = params;
    return this.#jobs.untilAnswered<CancelResult>(async () => {
      for (const { verb, params: values, outcome } of cancelsUnseen(params)) {
        const moved = this.#jobs.move(verb, jobId, values);
        if (moved) return { outcome, job: moved };
        await this.#letOthersIn();
      }
      const job = this.#jobs.find(jobId);
      if (job === null) return { outcome: 'missing', job };
      const choice = chooseCancel(job, params);
      if (choice === undefined) return { outcome: 'refused', job };
      if (choice.verb === 'requestCancel') {
        return job.cancelRequestedAt && { outcome: 'requested', job };
      }
      return choice.verb === 'cancel' ? undefined : this.#cancelRun(jobId, choice);
    });
  }

  /** Undefined when the job changed since it was read. */
  async #cancelRun(
    jobId: Job['_id'],
    { verb, params, outcome }: CancelChoice,
  ): Promise<CancelResult | undefined> {
    await this.#letOthersIn();
    const moved = this.#jobs.move(verb, jobId, params);
    return moved === null ? undefined : { outcome, job: moved };
  }

  redrive(params: RedriveParams): Promise<RedriveResult> {
    const { jobId } = params;
    return this.#jobs.untilAnswered<RedriveResult>(async () => {
      const job = this.#jobs.find(jobId);
      if (job === null) return { outcome: 'missing', job };
      const { verb, params: values, name } = chooseRedrive(job, params);
      if (!JOB_LIFECYCLE.applies(verb, { ...job }, values)) return { outcome: 'refused', job };
      await this.#letOthersIn();
      // The lock was chosen by what was read of the series.
      if (this.#jobs.find(jobId)?.seriesVersion !== job.seriesVersion) return undefined;
      try {
        const redriven = this.#jobs.move(verb, jobId, values);
        return redriven === null ? undefined : { outcome: 'redriven', job: redriven };
      } catch (error) {
        if (!(error instanceof LockHeldError)) throw error;
        await this.#letOthersIn();
        const holder = this.#jobs.findHolder({ ...job, ...values, name });
        return { outcome: 'taken', job, ...(holder && { holder }) };
      }
    });
  }

  amend({ jobId, changes, now, fence }: AmendParams): Promise<AmendResult> {
    return this.#jobs.untilAnswered<AmendResult>(async () => {
      const job = this.#jobs.find(jobId);
      const isClaimedSince = job !== null && fence !== undefined && job.fence !== fence;
      if (isClaimedSince) return { outcome: 'refused', job };
      const amended = this.#move('amend', jobId, { ...changes, now });
      if (amended) return { outcome: 'amended', job: amended };
      await this.#letOthersIn();
      return unmoved('amend', this.#jobs.find(jobId));
    });
  }

  remove({ jobId }: JobParams): Promise<RemoveResult> {
    return this.#jobs.untilAnswered<RemoveResult>(async () => {
      const before = this.#jobs.find(jobId);
      if (this.#jobs.take('remove', jobId, {})) return this.#removed(before);
      await this.#letOthersIn();
      const job = this.#jobs.find(jobId);
      if (job?.feeds === undefined) return unmoved('remove', job);
      await this.#letOthersIn();
      if (this.#flows.isAwaited(job)) return { outcome: 'refused', job };
      await this.#letOthersIn();
      return this.#jobs.take('removeParent', jobId, {})
        ? this.#removed(job)
        : { outcome: 'refused', job };
    });
  }

  async #removed(job: Job | null): Promise<RemoveResult> {
    if (job?.flow !== undefined) await this.#flows.forget([job.flow]);
    return { outcome: 'removed', job };
  }

  replan(params: ReplanParams): Promise<SeriesResult> {
    return this.#changeSeries(params, replanChanges(params));
  }

  endSeries(params: EndSeriesParams): Promise<SeriesResult> {
    return this.#changeSeries(params, endSeriesChanges(params));
  }

  findSeries({ name, key, limit }: FindSeriesParams): readonly Job[] {
    return [...this.#jobs.all()]
      .filter((job) => UNFINISHED.includes(job.status))
      .filter((job) => name === undefined || job.name === name)
      .filter(({ uniqueLock }) =>
        key === undefined ? uniqueLock?.startsWith(seriesLock('')) : uniqueLock === seriesLock(key),
      )
      .slice(0, limit);
  }

  /** A look, and then a delete for each state, under the guards of its row. */
  async prune(params: PruneParams): Promise<PruneResult> {
    const { after, createdBefore, finishedBefore, limit, now } = params;
    const first = after?.toHexString() ?? '';
    const behind = firstIdAt(createdBefore.getTime()).toHexString();
    const seen = [...this.#jobs.all()]
      .filter(({ _id }) => _id.toHexString() > first && _id.toHexString() < behind)
      .sort((a, b) => (a._id.toHexString() < b._id.toHexString() ? -1 : 1))
      .slice(0, limit);
    await this.#letOthersIn();
    const halting = seen.filter((job) => this.#orders.isHalting(job));
    await this.#letOthersIn();
    const kept = new Set([...halting, ...seen.filter((job) => this.#flows.isAwaited(job))]);
    let pruned = 0;
    for (const status of JOB_LIFECYCLE.terminal) {
      const values = { finishedBefore: finishedBefore[status], now };
      const leaving = seen.filter(
        (job) =>
          job.status === status &&
          !kept.has(job) &&
          job.createdAt < createdBefore &&
          JOB_LIFECYCLE.applies('prune', { ...job }, values),
      );
      await this.#letOthersIn();
      for (const { _id } of leaving) {
        const isStill = this.#jobs.find(_id)?.status === status;
        if (isStill && this.#jobs.take('prune', _id, values)) pruned += 1;
      }
    }
    if (pruned > 0) await this.#flows.forget(seen.flatMap(({ flow }) => flow ?? []));
    const last = seen.length === limit ? seen.at(-1) : undefined;
    return { pruned, ...(last && { position: last._id }) };
  }

  /** By the first of the verbs that applies; the job may go from one state to the other in between. */
  #changeSeries(
    { jobId, seriesVersion }: EndSeriesParams,
    changes: readonly SeriesChange[],
  ): Promise<SeriesResult> {
    return this.#jobs.untilAnswered<SeriesResult>(async () => {
      for (const { verb, params } of changes) {
        const written = this.#jobs.move(verb, jobId, params);
        if (written) return { outcome: 'written', job: written };
        await this.#letOthersIn();
      }
      const job = this.#jobs.find(jobId);
      if (job === null) return { outcome: 'missing', job };
      const isOpen = changes.some(({ verb }) => JOB_LIFECYCLE.allowsFrom(verb, job.status));
      const mayApply = isOpen && job.seriesVersion === seriesVersion;
      return mayApply ? undefined : { outcome: 'stale', job };
    });
  }

  #move(
    verb: JobVerb,
    jobId: Job['_id'],
    params: TransitionParams & { readonly now: Date },
  ): Job | null {
    const entries = historyEntries(verb, params.now, {});
    return this.#jobs.move(verb, jobId, { ...params, historyEntries: entries });
  }
}

/** Undefined when the verb applies to the job by now. */
function unmoved(
  verb: JobVerb,
  job: Job | null,
): { readonly outcome: 'missing' | 'refused'; readonly job: Job | null } | undefined {
  if (job === null) return { outcome: 'missing', job };
  return JOB_LIFECYCLE.allowsFrom(verb, job.status) ? undefined : { outcome: 'refused', job };
}
