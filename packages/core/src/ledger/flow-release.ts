/**
 * How jobs of a flow that wait are released, failed or cancelled, whatever the ledger is: by a few looks and writes of
 * it that each stand for themselves.
 *
 * What always holds: a job is released only after all that it waits for was seen without a holder, which stays so; and
 * every write is guarded by the fence that the job was read with. So any number of processes may do this at once, late
 * or twice, and one that dies leaves the rest to the next.
 *
 * @module
 */
import type { ObjectId } from 'mongodb';
import { flowOfToken, isStoringToken, statesThatFail, statesThatHold } from '../job/flow-tokens.ts';
import type { Job, JobStatus } from '../job/job.ts';
import { JOB_LIFECYCLE } from '../job/job-lifecycle.ts';
import type { TransitionParams } from '../job/lifecycle.ts';
import { historyEntries } from './settle-answers.ts';
import type {
  FlowRecord,
  ReleaseWaitingParams,
  ReleaseWaitingResult,
  TokenPlace,
} from './verbs/flows.ts';

const MOST_A_PAGE = 1_000;

/** What is known of a job that waits for its parents. */
export type WaitingJob = Pick<
  Job,
  '_id' | 'name' | 'fence' | 'nextRunAt' | 'flow' | 'waitsFor' | 'feeds'
>;

/** What is known of a parent. */
export type ParentJob = Pick<Job, '_id' | 'status' | 'ref'>;

/** What a ledger looks at and writes for flows. */
export interface FlowStore {
  /** A job that feeds a token and is in one of these states. */
  findFeeding(token: string, statuses: readonly JobStatus[]): Promise<ParentJob | undefined>;
  /** Blocked jobs that wait for a token, in the order of their ids, behind one. */
  findWaiting(
    token: string,
    after: ObjectId | undefined,
    limit: number,
  ): Promise<readonly WaitingJob[]>;
  /** The state of a flow; undefined when there is no record of it. */
  stateOf(flow: ObjectId): Promise<FlowRecord['state'] | undefined>;
  /** Applies a verb to jobs as they were read, by the guards of its row; gives how many it applied to. */
  moveWaiting(
    verb: 'releaseChild' | 'failByParent' | 'cancel',
    jobs: readonly WaitingJob[],
    params: TransitionParams,
  ): Promise<number>;
}

/** Looks at who waits for these tokens, and moves those whose time has come. */
export async function releaseWaiting(
  store: FlowStore,
  params: ReleaseWaitingParams,
): Promise<ReleaseWaitingResult> {
  const release = new Release(store, params);
  await release.run();
  return release.result();
}

/** One call of the verb. */
class Release {
  readonly #store: FlowStore;
  readonly #now: Date;
  #room: number;
  readonly #queue: TokenPlace[];
  readonly #holders = new Map<string, Promise<ParentJob | undefined>>();
  readonly #states = new Map<string, Promise<FlowRecord['state'] | undefined>>();
  readonly #counts = { released: 0, failed: 0, cancelled: 0 };
  readonly #names = new Set<string>();

  constructor(store: FlowStore, { tokens, now, limit }: ReleaseWaitingParams) {
    this.#store = store;
    this.#now = now;
    this.#room = limit;
    this.#queue = [...tokens];
  }

  async run(): Promise<void> {
    while (this.#room > 0) {
      const place = this.#queue.shift();
      if (place === undefined) return;
      await this.#look(place);
    }
  }

  result(): ReleaseWaitingResult {
    return { ...this.#counts, names: [...this.#names], again: this.#queue };
  }

  async #look({ token, after }: TokenPlace): Promise<void> {
    const failed = await this.#failedParent(token);
    if (failed === undefined && (await this.#isHeldUp(token))) return;
    const limit = Math.min(this.#room, MOST_A_PAGE);
    const jobs = await this.#store.findWaiting(token, after, limit);
    this.#room -= Math.max(jobs.length, 1);
    if (jobs.length === limit) {
      this.#queue.unshift({ token, after: (jobs.at(-1) as WaitingJob)._id });
    }
    await this.#moveAll(jobs, failed);
  }

  async #moveAll(jobs: readonly WaitingJob[], failed: ParentJob | undefined): Promise<void> {
    const released: WaitingJob[] = [];
    const failing: WaitingJob[] = [];
    const abandoned: WaitingJob[] = [];
    for (const job of jobs) {
      const state = await this.#stateOf(job);
      if (state === 'storing') continue;
      if (state !== 'stored') abandoned.push(job);
      else if (failed !== undefined) failing.push(job);
      else if (await this.#isFree(job)) released.push(job);
    }
    await this.#cancel(abandoned);
    if (failed !== undefined) await this.#fail(failing, failed);
    await this.#release(released);
  }

  async #cancel(jobs: readonly WaitingJob[]): Promise<void> {
    if (jobs.length === 0) return;
    const now = this.#now;
    const reason = 'The flow was not stored to its end';
    const entries = historyEntries('cancel', now, { reason });
    const params = { now, historyEntries: entries };
    this.#counts.cancelled += await this.#store.moveWaiting('cancel', jobs, params);
    this.#addNext(jobs);
  }

  /** Those that fail hold up others, or let them go on. */
  async #fail(jobs: readonly WaitingJob[], parent: ParentJob): Promise<void> {
    if (jobs.length === 0) return;
    const now = this.#now;
    const { ref = parent._id.toHexString(), status } = parent;
    const failReason = `The parent '${ref}' ${status === 'cancelled' ? 'was cancelled' : 'failed'}`;
    const entries = historyEntries('failByParent', now, { reason: failReason });
    const params = { now, failReason, historyEntries: entries };
    this.#counts.failed += await this.#store.moveWaiting('failByParent', jobs, params);
    this.#addNext(jobs);
  }

  #addNext(jobs: readonly WaitingJob[]): void {
    const known = new Set(this.#queue.map(({ token }) => token));
    for (const token of jobs.flatMap(({ feeds = [] }) => feeds)) {
      // What was open a moment ago may be closed by now.
      this.#holders.delete(token);
      if (known.has(token)) continue;
      known.add(token);
      this.#queue.push({ token });
    }
  }

  /** A job that was to start later still does; the others are due from now on. */
  async #release(jobs: readonly WaitingJob[]): Promise<void> {
    const now = this.#now;
    const later = jobs.filter(({ nextRunAt }) => nextRunAt > now);
    const due = jobs.filter(({ nextRunAt }) => !(nextRunAt > now));
    for (const [group, params] of [
      [due, { now, nextRunAt: now }],
      [later, { now }],
    ] as const) {
      if (group.length === 0) continue;
      this.#counts.released += await this.#store.moveWaiting('releaseChild', group, params);
      for (const { name } of group) this.#names.add(name);
    }
  }

  async #failedParent(token: string): Promise<ParentJob | undefined> {
    const statuses = statesThatFail(token);
    return statuses.length === 0 ? undefined : this.#store.findFeeding(token, statuses);
  }

  async #isFree({ waitsFor = [] }: WaitingJob): Promise<boolean> {
    for (const token of waitsFor) {
      if (await this.#holds(token)) return false;
    }
    return true;
  }

  /** That the flow is stored is asked of each job, whatever it waits for. */
  async #holds(token: string): Promise<boolean> {
    if (isStoringToken(token)) return (await this.#flowState(flowOfToken(token))) === 'storing';
    return (await this.#holderOf(token)) !== undefined;
  }

  /** In a flow that was given up nobody waits for a parent to be retried. */
  async #isHeldUp(token: string): Promise<boolean> {
    if (!(await this.#holds(token))) return false;
    const holder = isStoringToken(token) ? undefined : await this.#holderOf(token);
    if (holder === undefined || !JOB_LIFECYCLE.terminal.includes(holder.status)) return true;
    const state = await this.#flowState(flowOfToken(token));
    return state === 'storing' || state === 'stored';
  }

  #holderOf(token: string): Promise<ParentJob | undefined> {
    const known = this.#holders.get(token);
    const holder = known ?? this.#store.findFeeding(token, statesThatHold(token));
    this.#holders.set(token, holder);
    return holder;
  }

  #stateOf({ flow }: WaitingJob): Promise<FlowRecord['state'] | undefined> {
    return flow === undefined ? Promise.resolve(undefined) : this.#flowState(flow);
  }

  #flowState(flow: ObjectId): Promise<FlowRecord['state'] | undefined> {
    const key = flow.toHexString();
    const state = this.#states.get(key) ?? this.#store.stateOf(flow);
    this.#states.set(key, state);
    return state;
  }
}
