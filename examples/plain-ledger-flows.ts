/**
 * The flows of the plain ledger: what is looked at and written; when, is said by `releaseWaiting` of the library.
 *
 * @module
 */
import type * as verbs from '@monque/core/ledger';
import {
  endToken,
  type FlowStore,
  JOB_LIFECYCLE,
  type Job,
  type JobVerb,
  type ParentJob,
  releaseWaiting,
  type TransitionParams,
  UnsupportedError,
  type WaitingJob,
} from '@monque/core/ledger';
import type { JobRecord, JobTable } from './plain-ledger-jobs.ts';

type Move = (verb: JobVerb, job: JobRecord, params: TransitionParams) => JobRecord | null;

/** Flows by their ids. */
export class PlainFlows implements verbs.FlowVerbs, FlowStore {
  readonly #jobs: JobTable;
  readonly #move: Move;
  readonly #flows = new Map<string, verbs.FlowRecord>();

  constructor(jobs: JobTable, move: Move) {
    this.#jobs = jobs;
    this.#move = move;
  }

  async openFlow(params: verbs.OpenFlowParams): Promise<verbs.OpenFlowResult> {
    const { flow, createdBefore, session } = params;
    if (session !== undefined) {
      throw new UnsupportedError('The plain ledger has no transactions; leave out `session`');
    }
    const earlier = this.#flows.get(flow.flowId.toHexString());
    if (earlier !== undefined) return { outcome: 'opened', flow: earlier };
    for (const other of this.#flows.values()) {
      if (flow.uniqueKey === undefined || other.uniqueKey !== flow.uniqueKey) continue;
      this.#abandonOld(other, createdBefore);
      if (this.#isUnfinished(other.flowId)) return { outcome: 'existing', flow: other };
    }
    this.#put(flow);
    return { outcome: 'opened', flow };
  }

  async closeFlow({ flowId, state }: verbs.CloseFlowParams): Promise<verbs.CloseFlowResult> {
    const flow = this.#flows.get(flowId.toHexString());
    if (flow === undefined) return { state: 'missing' };
    if (flow.state === 'storing') this.#put({ ...flow, state });
    return { state: flow.state === 'storing' ? state : flow.state };
  }

  async readFlow({ flowId }: verbs.ReadFlowParams): Promise<verbs.FlowReading | null> {
    const flow = this.#flows.get(flowId.toHexString());
    if (flow === undefined) return null;
    const jobs = this.#jobsOf(flowId);
    const counts = JOB_LIFECYCLE.states.flatMap((state) => {
      const count = jobs.filter(({ status }) => status === state).length;
      return count === 0 ? [] : [[state, count] as const];
    });
    return { flow, counts: Object.fromEntries(counts) };
  }

  async readFlows({ after, limit }: verbs.ReadFlowsParams): Promise<readonly verbs.FlowRecord[]> {
    const before = after?.toHexString();
    const ids = [...this.#flows.keys()].filter((id) => before === undefined || id < before);
    const page = ids.sort().reverse().slice(0, limit);
    return page.map((id) => this.#flows.get(id) as verbs.FlowRecord);
  }

  releaseWaiting(params: verbs.ReleaseWaitingParams): Promise<verbs.ReleaseWaitingResult> {
    return releaseWaiting(this, params);
  }

  async sweepFlows(params: verbs.SweepFlowsParams): Promise<verbs.SweepFlowsResult> {
    const { after = '', limit, createdBefore, waitingOnly = false } = params;
    for (const flow of this.#flows.values()) this.#abandonOld(flow, createdBefore);
    const all = this.#jobs
      .all()
      .filter(isWaiting)
      .flatMap(({ waitsFor = [] }) => waitsFor);
    const open = [...this.#flows.values()]
      .filter(({ version, endedAt }) => !waitingOnly && version !== undefined && !endedAt)
      .map(({ flowId }) => endToken(flowId));
    const behind = [...new Set([...all, ...open])].filter((token) => token > after).sort();
    const tokens = behind.slice(0, limit);
    const position = behind.length > limit ? tokens.at(-1) : undefined;
    return { tokens, ...(position !== undefined && { position }) };
  }

  /** True while a job is there that has this one as a parent. */
  isAwaited({ feeds = [] }: Job): boolean {
    return this.#jobs.all().some(({ waitsFor = [] }) => waitsFor.some((of) => feeds.includes(of)));
  }

  async forget(flows: readonly Job['_id'][]): Promise<void> {
    for (const flow of flows) {
      if (this.#jobsOf(flow).length === 0) this.#flows.delete(flow.toHexString());
    }
  }

  async findFeeding(
    token: string,
    statuses: readonly Job['status'][],
  ): Promise<ParentJob | undefined> {
    const parents = this.#jobs.all().filter(({ feeds = [] }) => feeds.includes(token));
    return parents.find(({ status }) => statuses.includes(status));
  }

  async findWaiting(
    token: string,
    after: Job['_id'] | undefined,
    limit: number,
  ): Promise<readonly WaitingJob[]> {
    return this.#jobs
      .all()
      .filter((job) => isWaiting(job) && job.waitsFor?.includes(token))
      .filter(({ _id }) => after === undefined || _id.toHexString() > after.toHexString())
      .slice(0, limit);
  }

  async recordOf(flow: Job['_id']): Promise<verbs.FlowRecord | undefined> {
    return this.#flows.get(flow.toHexString());
  }

  async changeFlow(read: verbs.FlowRecord, end: verbs.FlowEnd | undefined): Promise<boolean> {
    const { endedAt: _endedAt, outcome: _outcome, ...flow } = read;
    const version = read.version ?? 0;
    const isAsRead = this.#flows.get(read.flowId.toHexString())?.version === version;
    if (isAsRead) this.#put({ ...flow, ...end, version: version + 1 });
    return isAsRead;
  }

  async moveWaiting(
    verb: 'releaseChild' | 'failByParent' | 'cancel',
    jobs: readonly WaitingJob[],
    params: TransitionParams,
  ): Promise<number> {
    const moved = jobs.filter(({ _id, fence }) => {
      const job = this.#jobs.get(_id);
      return job && this.#move(verb, job, { ...params, fenceBefore: fence }) !== null;
    });
    return moved.length;
  }

  #put(flow: verbs.FlowRecord): void {
    this.#flows.set(flow.flowId.toHexString(), flow);
  }

  #abandonOld(flow: verbs.FlowRecord, createdBefore: Date): void {
    const isOld = flow.state === 'storing' && flow.createdAt < createdBefore;
    if (isOld) this.#put({ ...flow, state: 'abandoned' });
  }

  #isUnfinished(flowId: Job['_id']): boolean {
    const { state } = this.#flows.get(flowId.toHexString()) ?? {};
    if (state !== 'stored') return state === 'storing';
    return this.#jobsOf(flowId).some(({ status }) => !JOB_LIFECYCLE.terminal.includes(status));
  }

  #jobsOf(flowId: Job['_id']): Job[] {
    return this.#jobs.all().filter(({ flow }) => flow?.equals(flowId));
  }
}

/** True for a job that waits for parents, and not at a gate. */
function isWaiting({ status, blockedBy }: Job): boolean {
  return status === 'blocked' && blockedBy === undefined;
}
