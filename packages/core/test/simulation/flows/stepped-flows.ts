/** Flows in the steps of the MongoDB ledger: records, keys, and the jobs that wait. */
import type { ObjectId } from 'mongodb';
import type { Job, JobStatus } from '../../../src/index.ts';
import { endToken, flowOfToken } from '../../../src/job/flow-tokens.ts';
import { UNFINISHED } from '../../../src/job/job-lifecycle.ts';
import type { TransitionParams } from '../../../src/job/lifecycle.ts';
import {
  type FlowStore,
  type ParentJob,
  releaseWaiting,
  type WaitingJob,
} from '../../../src/ledger/flow-release.ts';
import type {
  CloseFlowParams,
  CloseFlowResult,
  FindJobsParams,
  FlowEnd,
  FlowReading,
  FlowRecord,
  FlowVerbs,
  OpenFlowParams,
  OpenFlowResult,
  ReadFlowParams,
  ReleaseWaitingParams,
  ReleaseWaitingResult,
  SweepFlowsParams,
  SweepFlowsResult,
} from '../../../src/ledger/ledger-repository.ts';
import {
  mergedSteps,
  openFlowsFilter,
  stepOfWalk,
} from '../../../src/ledger/mongodb/flows/flow-queries.ts';
import type { Observer } from '../observer.ts';
import type { SteppedJobs } from '../stepped-jobs.ts';

const MOST_KEY_RACES = 10;

/** Keeps flows, and lets others in between two commands. */
export class SteppedFlows implements Omit<FlowVerbs, 'readFlows'>, FlowStore {
  readonly #jobs: SteppedJobs;
  readonly #observer: Observer;
  readonly #letOthersIn: () => Promise<void>;
  readonly #flows = new Map<string, FlowRecord>();
  readonly #keys = new Map<string, ObjectId>();
  /** The versions of those that have not ended, by the tokens of their ends. */
  readonly #open = new Map<string, number>();

  constructor(jobs: SteppedJobs, observer: Observer, letOthersIn: () => Promise<void>) {
    this.#jobs = jobs;
    this.#observer = observer;
    this.#letOthersIn = letOthersIn;
  }

  async openFlow({ flow, createdBefore }: OpenFlowParams): Promise<OpenFlowResult> {
    const id = flow.flowId.toHexString();
    if (!this.#flows.has(id)) {
      this.#flows.set(id, flow);
      this.#observer.facts.openFlows.add(id);
      this.#open.set(endToken(flow.flowId), flow.version as number);
    }
    const { uniqueKey } = flow;
    if (uniqueKey === undefined) return { outcome: 'opened', flow };
    for (let race = 0; race < MOST_KEY_RACES; race += 1) {
      await this.#letOthersIn();
      const taken = this.#keys.get(uniqueKey);
      if (taken === undefined) this.#keys.set(uniqueKey, flow.flowId);
      if (taken === undefined || taken.equals(flow.flowId)) return { outcome: 'opened', flow };
      await this.#letOthersIn();
      const holder = this.#flows.get(taken.toHexString());
      if (holder !== undefined && (await this.#isUnfinished(holder, createdBefore))) {
        await this.#withdraw(id, flow);
        return { outcome: 'existing', flow: holder };
      }
      await this.#letOthersIn();
      if (this.#keys.get(uniqueKey)?.equals(taken)) {
        this.#keys.set(uniqueKey, flow.flowId);
        return { outcome: 'opened', flow };
      }
    }
    throw new Error('A key of flows changed hands too often');
  }

  async #withdraw(id: string, flow: FlowRecord): Promise<void> {
    await this.#letOthersIn();
    if (this.#flows.get(id)?.state !== 'storing') return;
    this.#flows.delete(id);
    this.#observer.facts.openFlows.delete(id);
    await this.#letOthersIn();
    this.#open.delete(endToken(flow.flowId));
  }

  async #isUnfinished(flow: FlowRecord, createdBefore: Date): Promise<boolean> {
    if (flow.state === 'storing') {
      if (flow.createdAt >= createdBefore) return true;
      await this.#letOthersIn();
      this.#abandon(flow.flowId, createdBefore);
    }
    await this.#letOthersIn();
    if (this.#flows.get(flow.flowId.toHexString())?.state !== 'stored') return false;
    await this.#letOthersIn();
    return this.#ofFlow(flow.flowId).some(({ status }) => UNFINISHED.includes(status));
  }

  #abandon(flowId: ObjectId, createdBefore: Date): void {
    const flow = this.#flows.get(flowId.toHexString());
    if (flow?.state !== 'storing' || flow.createdAt >= createdBefore) return;
    this.#flows.set(flowId.toHexString(), { ...flow, state: 'abandoned' });
  }

  async closeFlow({ flowId, state }: CloseFlowParams): Promise<CloseFlowResult> {
    const id = flowId.toHexString();
    const flow = this.#flows.get(id);
    if (flow?.state === 'storing') {
      this.#flows.set(id, { ...flow, state });
      return { state };
    }
    await this.#letOthersIn();
    return { state: this.#flows.get(id)?.state ?? 'missing' };
  }

  async readFlow({ flowId }: ReadFlowParams): Promise<FlowReading | null> {
    const flow = this.#flows.get(flowId.toHexString());
    if (flow === undefined) return null;
    await this.#letOthersIn();
    const counts: Partial<Record<JobStatus, number>> = {};
    for (const { status } of this.#ofFlow(flowId)) counts[status] = (counts[status] ?? 0) + 1;
    return { flow, counts };
  }

  releaseWaiting(params: ReleaseWaitingParams): Promise<ReleaseWaitingResult> {
    return releaseWaiting(this, params);
  }

  async sweepFlows(params: SweepFlowsParams): Promise<SweepFlowsResult> {
    const { after = '', limit, createdBefore, waitingOnly = false } = params;
    const behind = ({ waitsFor = [] }: Job): string =>
      waitsFor.filter((token) => token > after).sort()[0] ?? '';
    const found = [...this.#jobs.all()]
      .filter((job) => isWaiting(job) && behind(job) !== '')
      .sort((a, b) => (behind(a) < behind(b) ? -1 : 1))
      .slice(0, limit);
    const waiting = stepOfWalk(found, params);
    await this.#letOthersIn();
    const step = mergedSteps([waiting, ...(waitingOnly ? [] : [this.#openStep(after, limit)])]);
    for (const token of step.tokens) {
      await this.#letOthersIn();
      this.#abandon(flowOfToken(token), createdBefore);
    }
    return step;
  }

  #openStep(after: string, limit: number): SweepFlowsResult {
    if (openFlowsFilter(after) === undefined) return { tokens: [] };
    const behind = [...this.#open.keys()].filter((token) => token > after).sort();
    const tokens = behind.slice(0, limit);
    const last = tokens.length === limit ? tokens.at(-1) : undefined;
    return { tokens, ...(last !== undefined && { position: last }) };
  }

  /** True when others, which are still there, have this one as a parent. */
  isAwaited({ feeds = [] }: Job): boolean {
    const children = [...this.#jobs.all()];
    return children.some(({ waitsFor = [] }) => waitsFor.some((token) => feeds.includes(token)));
  }

  async forget(flows: readonly ObjectId[]): Promise<void> {
    for (const flow of flows) await this.#forget(flow);
  }

  async #forget(flowId: ObjectId): Promise<void> {
    await this.#letOthersIn();
    if (this.#ofFlow(flowId).length > 0) return;
    await this.#letOthersIn();
    const flow = this.#flows.get(flowId.toHexString());
    if (flow === undefined) return;
    await this.#letOthersIn();
    const { uniqueKey = '' } = flow;
    if (this.#keys.get(uniqueKey)?.equals(flowId)) this.#keys.delete(uniqueKey);
    this.#open.delete(endToken(flowId));
    this.#flows.delete(flowId.toHexString());
    this.#observer.facts.openFlows.delete(flowId.toHexString());
  }

  /** Lists of jobs of flows, in the order of their ids. */
  findJobs({ filter, after, direction, limit }: FindJobsParams): readonly Job[] {
    const sign = direction === 'ascending' ? 1 : -1;
    const place = after?.jobId.toHexString();
    const compare = (a: string, b: string): number => sign * (a < b ? -1 : Number(a > b));
    return [...this.#jobs.all()]
      .filter(({ flow, feeds = [], status, _id }) => {
        const isOf = filter.flow === undefined || flow?.equals(filter.flow) === true;
        const isFeeding = filter.feeds?.some((token) => feeds.includes(token)) ?? true;
        const isIn = filter.statuses?.includes(status) ?? true;
        const isBehind = place === undefined || compare(_id.toHexString(), place) > 0;
        return isOf && isFeeding && isIn && isBehind;
      })
      .sort((a, b) => compare(a._id.toHexString(), b._id.toHexString()))
      .slice(0, limit);
  }

  async findFeeding(token: string, statuses: readonly JobStatus[]): Promise<ParentJob | undefined> {
    await this.#letOthersIn();
    return [...this.#jobs.all()].find(
      ({ feeds, status }) => feeds?.includes(token) === true && statuses.includes(status),
    );
  }

  async findWaiting(
    token: string,
    after: ObjectId | undefined,
    limit: number,
  ): Promise<readonly WaitingJob[]> {
    await this.#letOthersIn();
    const behind = after?.toHexString() ?? '';
    return [...this.#jobs.all()]
      .filter((job) => isWaiting(job) && job.waitsFor?.includes(token))
      .filter(({ _id }) => _id.toHexString() > behind)
      .sort((a, b) => (a._id.toHexString() < b._id.toHexString() ? -1 : 1))
      .slice(0, limit);
  }

  async recordOf(flow: ObjectId): Promise<FlowRecord | undefined> {
    await this.#letOthersIn();
    return this.#flows.get(flow.toHexString());
  }

  async changeFlow(
    { flowId, version = 0 }: FlowRecord,
    end: FlowEnd | undefined,
  ): Promise<boolean> {
    const next = version + 1;
    if (end === undefined) {
      await this.#letOthersIn();
      const token = endToken(flowId);
      this.#open.set(token, Math.max(this.#open.get(token) ?? 0, next));
    }
    await this.#letOthersIn();
    const flow = this.#flows.get(flowId.toHexString());
    if (flow?.version !== version) return false;
    const { endedAt: _endedAt, outcome: _outcome, ...open } = flow;
    this.#flows.set(flowId.toHexString(), { ...open, ...end, version: next });
    const { facts } = this.#observer;
    if (end === undefined) facts.openFlows.add(flowId.toHexString());
    else {
      facts.openFlows.delete(flowId.toHexString());
      facts.flowEnded(flowId.toHexString(), false);
    }
    return true;
  }

  async noteEnded({ flowId, version }: Pick<FlowRecord, 'flowId' | 'version'>): Promise<void> {
    await this.#letOthersIn();
    const token = endToken(flowId);
    const known = this.#open.get(token);
    if (version === undefined || (known !== undefined && known < version)) this.#open.delete(token);
  }

  async moveWaiting(
    verb: 'releaseChild' | 'failByParent' | 'cancel',
    jobs: readonly WaitingJob[],
    params: TransitionParams,
  ): Promise<number> {
    let moved = 0;
    for (const { _id, fence } of jobs) {
      await this.#letOthersIn();
      if (this.#jobs.move(verb, _id, { ...params, fenceBefore: fence }) !== null) moved += 1;
    }
    return moved;
  }

  #ofFlow(flowId: ObjectId): Job[] {
    return [...this.#jobs.all()].filter(({ flow }) => flow?.equals(flowId) === true);
  }
}

/** True for a job that waits for parents, and not at a gate. */
function isWaiting({ status, blockedBy, waitsFor }: Job): boolean {
  return status === 'blocked' && blockedBy === undefined && waitsFor !== undefined;
}
