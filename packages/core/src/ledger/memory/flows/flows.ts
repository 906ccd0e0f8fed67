/**
 * The flows of an in-memory ledger.
 *
 * @module
 */
import type { ObjectId } from 'mongodb';
import { endToken } from '../../../job/flow-tokens.ts';
import type { JobStatus } from '../../../job/job.ts';
import { UNFINISHED } from '../../../job/job-lifecycle.ts';
import type { TransitionParams } from '../../../job/lifecycle.ts';
import {
  type FlowStore,
  type ParentJob,
  releaseWaiting,
  type WaitingJob,
} from '../../flow-release.ts';
import type {
  CloseFlowParams,
  CloseFlowResult,
  FlowEnd,
  FlowReading,
  FlowRecord,
  FlowVerbs,
  OpenFlowParams,
  OpenFlowResult,
  ReadFlowParams,
  ReadFlowsParams,
  ReleaseWaitingParams,
  ReleaseWaitingResult,
  SweepFlowsParams,
  SweepFlowsResult,
} from '../../ledger-repository.ts';
import type { JobStore } from '../job-store.ts';
import type { Moves } from '../moves.ts';
import { noTransactions } from '../moves.ts';
import type { StoredJob } from '../stored-job.ts';

/** Keeps flows, and moves the jobs that wait in them. */
export class MemoryFlows implements FlowVerbs, FlowStore {
  readonly #jobs: JobStore;
  readonly #moves: Moves;
  readonly #flows = new Map<string, FlowRecord>();
  readonly #keys = new Map<string, FlowRecord>();

  constructor(jobs: JobStore, moves: Moves) {
    this.#jobs = jobs;
    this.#moves = moves;
  }

  /**
   * Makes the record of a flow.
   *
   * @throws UnsupportedError when it is to happen in a transaction
   */
  async openFlow({ flow, createdBefore, session }: OpenFlowParams): Promise<OpenFlowResult> {
    if (session !== undefined) throw noTransactions();
    const earlier = this.#flows.get(flow.flowId.toHexString());
    if (earlier !== undefined) return { outcome: 'opened', flow: earlier };
    const holder = flow.uniqueKey === undefined ? undefined : this.#keys.get(flow.uniqueKey);
    const known = holder && this.#flows.get(holder.flowId.toHexString());
    if (known !== undefined) {
      if (known.state === 'storing' && known.createdAt < createdBefore) {
        this.#set({ ...known, state: 'abandoned' });
      } else if (this.#isUnfinished(known)) return { outcome: 'existing', flow: known };
    }
    this.#set(flow);
    if (flow.uniqueKey !== undefined) this.#keys.set(flow.uniqueKey, flow);
    return { outcome: 'opened', flow };
  }

  /** Closes a flow; the first word counts. */
  async closeFlow({ flowId, state }: CloseFlowParams): Promise<CloseFlowResult> {
    const flow = this.#flows.get(flowId.toHexString());
    if (flow === undefined) return { state: 'missing' };
    if (flow.state !== 'storing') return { state: flow.state };
    this.#set({ ...flow, state });
    return { state };
  }

  /** A flow with the number of its jobs in each state. */
  async readFlow({ flowId }: ReadFlowParams): Promise<FlowReading | null> {
    const flow = this.#flows.get(flowId.toHexString());
    if (flow === undefined) return null;
    const counts: Partial<Record<JobStatus, number>> = {};
    for (const { job } of this.#ofFlow(flowId)) counts[job.status] = (counts[job.status] ?? 0) + 1;
    return { flow, counts };
  }

  /** A page of the flows, the newest ids first. */
  async readFlows({ after, limit }: ReadFlowsParams): Promise<FlowRecord[]> {
    const before = after?.toHexString();
    const ids = [...this.#flows.keys()].filter((id) => before === undefined || id < before);
    const page = ids.sort().reverse().slice(0, limit);
    return page.map((id) => this.#flows.get(id) as FlowRecord);
  }

  /** Moves those whose time has come. */
  releaseWaiting(params: ReleaseWaitingParams): Promise<ReleaseWaitingResult> {
    return releaseWaiting(this, params);
  }

  /** One step of the walk through the tokens that jobs wait for, and those of flows that have not ended. */
  async sweepFlows({
    after = '',
    limit,
    createdBefore,
    waitingOnly = false,
  }: SweepFlowsParams): Promise<SweepFlowsResult> {
    for (const flow of this.#flows.values()) {
      if (flow.state === 'storing' && flow.createdAt < createdBefore) {
        this.#set({ ...flow, state: 'abandoned' });
      }
    }
    const { byToken } = this.#jobs;
    const waiting = byToken
      .tokens(after)
      .filter((token) => [...byToken.waiting(token)].some(isWaiting));
    const open = [...this.#flows.values()]
      .filter(({ version, endedAt }) => version !== undefined && endedAt === undefined)
      .map(({ flowId }) => endToken(flowId))
      .filter((token) => token > after);
    const all = waitingOnly ? waiting : [...waiting, ...open].sort();
    const tokens = all.slice(0, limit);
    const last = all.length > limit ? tokens.at(-1) : undefined;
    return { tokens, ...(last !== undefined && { position: last }) };
  }

  /** Forgets the flows of these of which no job is there. */
  async forget(flows: readonly ObjectId[]): Promise<void> {
    for (const flowId of flows) {
      const flow = this.#flows.get(flowId.toHexString());
      if (flow === undefined || this.#ofFlow(flow.flowId).length > 0) continue;
      this.#flows.delete(flow.flowId.toHexString());
      const { uniqueKey } = flow;
      const holder = uniqueKey === undefined ? undefined : this.#keys.get(uniqueKey);
      if (uniqueKey !== undefined && holder?.flowId.equals(flow.flowId)) {
        this.#keys.delete(uniqueKey);
      }
    }
  }

  async findFeeding(token: string, statuses: readonly JobStatus[]): Promise<ParentJob | undefined> {
    for (const { job } of this.#jobs.byToken.feeding(token)) {
      if (statuses.includes(job.status)) return job;
    }
    return undefined;
  }

  async findWaiting(
    token: string,
    after: ObjectId | undefined,
    limit: number,
  ): Promise<readonly WaitingJob[]> {
    const behind = after?.toHexString() ?? '';
    return [...this.#jobs.byToken.waiting(token)]
      .filter((stored) => isWaiting(stored) && stored.id > behind)
      .sort((a, b) => (a.id < b.id ? -1 : 1))
      .slice(0, limit)
      .map(({ job }) => job);
  }

  async recordOf(flow: ObjectId): Promise<FlowRecord | undefined> {
    return this.#flows.get(flow.toHexString());
  }

  async changeFlow(
    { flowId, version = 0 }: FlowRecord,
    end: FlowEnd | undefined,
  ): Promise<boolean> {
    const flow = this.#flows.get(flowId.toHexString());
    if (flow?.version !== version) return false;
    const { endedAt: _endedAt, outcome: _outcome, ...open } = flow;
    this.#set({ ...open, ...end, version: version + 1 });
    return true;
  }

  async moveWaiting(
    verb: 'releaseChild' | 'failByParent' | 'cancel',
    jobs: readonly WaitingJob[],
    params: TransitionParams,
  ): Promise<number> {
    let moved = 0;
    for (const { _id, fence } of jobs) {
      const stored = this.#jobs.find(_id.toHexString());
      if (stored === undefined) continue;
      if (this.#moves.move(verb, stored, { ...params, fenceBefore: fence }) !== null) moved += 1;
    }
    return moved;
  }

  #set(flow: FlowRecord): void {
    this.#flows.set(flow.flowId.toHexString(), flow);
  }

  #ofFlow(flowId: ObjectId): StoredJob[] {
    return [...this.#jobs.all()].filter(({ job }) => job.flow?.equals(flowId) === true);
  }

  #isUnfinished({ flowId, state }: FlowRecord): boolean {
    if (state !== 'stored') return state === 'storing';
    return this.#ofFlow(flowId).some(({ job }) => UNFINISHED.includes(job.status));
  }
}

/** True for a job that waits for parents, and not at a gate. */
function isWaiting({ job }: StoredJob): boolean {
  return job.status === 'blocked' && job.blockedBy === undefined;
}
