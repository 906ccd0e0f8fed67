/**
 * How jobs of a flow that wait are released, failed or cancelled, whatever the ledger is: by a few looks and writes of
 * it that each stand for themselves.
 *
 * What always holds: a job is released only after all that it waits for was seen without a holder, and fails only after a
 * parent was seen failed; every write is guarded by the fence that the job was read with. So any number of processes may do
 * this at once, late or twice, and one that dies leaves the rest to the next. What was seen of the parents stays so until
 * they are redriven, and their children after them: of a job that was redriven, the parents are looked at after it was read.
 *
 * A flow ends when its record is as it was before all its jobs were seen finished; and a job that was redriven goes on
 * only after the record was changed, as it was before the job was seen waiting. So of two that end a flow one does, and
 * nobody ends one that goes on.
 *
 * @module
 */
import type { ObjectId } from 'mongodb';
import {
  endToken,
  flowOfToken,
  isEndToken,
  isStoringToken,
  statesThatFail,
  statesThatHold,
} from '../job/flow-tokens.ts';
import type { Job, JobStatus } from '../job/job.ts';
import { UNFINISHED } from '../job/job-lifecycle.ts';
import type { TransitionParams } from '../job/lifecycle.ts';
import { historyEntries } from './settle-answers.ts';
import type {
  EndedFlow,
  FlowEnd,
  FlowOutcome,
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
  /** The record of a flow; undefined when there is none. */
  recordOf(flow: ObjectId): Promise<FlowRecord | undefined>;
  /**
   * Gives the record of a flow this end, or without one makes it open again; and raises its version, if that is still the
   * one of the record as it was read. False when it is not, and nothing was changed.
   */
  changeFlow(read: FlowRecord, end: FlowEnd | undefined): Promise<boolean>;
  /**
   * Called with a flow that has ended, also again, and without a version when there is no record of it; for a ledger that
   * keeps a list of those that have not.
   */
  noteEnded?(flow: Pick<FlowRecord, 'flowId' | 'version'>): Promise<void>;
  /** Forgets the flows of these of which no job is there. */
  forget(flows: readonly ObjectId[]): Promise<void>;
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

/** What is to be done with jobs that wait. */
interface Plan {
  /** All that were looked at. */
  readonly jobs: readonly WaitingJob[];
  /** With whom some of them fail. */
  readonly failed: ParentJob | undefined;
  readonly released: readonly WaitingJob[];
  readonly failing: readonly WaitingJob[];
  readonly abandoned: readonly WaitingJob[];
}

/** One call of the verb. */
class Release {
  readonly #store: FlowStore;
  readonly #now: Date;
  #room: number;
  readonly #queue: TokenPlace[];
  readonly #holders = new Map<string, Promise<ParentJob | undefined>>();
  readonly #records = new Map<string, Promise<FlowRecord | undefined>>();
  readonly #counts = { released: 0, failed: 0, cancelled: 0 };
  readonly #names = new Set<string>();
  readonly #ended: EndedFlow[] = [];

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
      try {
        await this.#look(place);
      } catch (error) {
        if (this.#ended.length === 0) throw error;
        // Nobody else tells of the ends that were recorded here. Whoever asked asks for the rest again.
        this.#queue.unshift(place);
        return;
      }
    }
  }

  result(): ReleaseWaitingResult {
    const ended = this.#ended;
    return {
      ...this.#counts,
      ...{ names: [...this.#names], again: this.#queue },
      ...(ended.length > 0 && { ended }),
    };
  }

  async #look(place: TokenPlace): Promise<void> {
    const { token } = place;
    if (isEndToken(token)) return this.#end(flowOfToken(token));
    const failed = await this.#failedParent(token);
    if (failed === undefined && (await this.#isHeldUp(token))) return;
    const limit = Math.min(this.#room, MOST_A_PAGE);
    const seen = await this.#plan(place, limit, failed);
    const plan = isToRedrive(seen) ? await this.#reopen(place, limit, failed) : seen;
    this.#room -= Math.max(seen.jobs.length, 1);
    // Somebody else ended the flow, or opened it.
    if (plan === undefined) this.#queue.unshift(place);
    else {
      if (plan.jobs.length === limit) {
        this.#queue.unshift({ token, after: (plan.jobs.at(-1) as WaitingJob)._id });
      }
      await this.#moveAll(plan);
    }
  }

  async #plan(
    { token, after }: TokenPlace,
    limit: number,
    failedBefore: ParentJob | undefined,
  ): Promise<Plan> {
    const jobs = await this.#store.findWaiting(token, after, limit);
    // Since what was seen of their parents, those may have been redriven, and these after them; or they were added.
    if (jobs.some(wasRedriven)) this.#holders.clear();
    const isSeenAgain = failedBefore !== undefined && jobs.length > 0;
    const failed = isSeenAgain ? await this.#failedParent(token) : undefined;
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
    return { jobs, failed, released, failing, abandoned };
  }

  /**
   * Opens the flow of redriven jobs before they go on; undefined when it changed meanwhile. They are looked for again
   * after the look at the record: while that stays as it is, nobody let them go on.
   */
  async #reopen(
    place: TokenPlace,
    limit: number,
    failed: ParentJob | undefined,
  ): Promise<Plan | undefined> {
    const record = await this.#store.recordOf(flowOfToken(place.token));
    const plan = await this.#plan(place, limit, failed);
    if (record?.version === undefined || !isToRedrive(plan)) return plan;
    return (await this.#store.changeFlow(record, undefined)) ? plan : undefined;
  }

  async #moveAll({ abandoned, failed, failing, released }: Plan): Promise<void> {
    await this.#cancel(abandoned);
    if (failed !== undefined) await this.#fail(failing, failed);
    await this.#release(released);
  }

  /** Ends a flow when none of its jobs is unfinished; most looks see at once that one is. */
  async #end(flow: ObjectId): Promise<void> {
    this.#room -= 1;
    if (await this.#isOpen(flow)) return;
    const record = await this.#store.recordOf(flow);
    if (record === undefined) return this.#store.noteEnded?.({ flowId: flow });
    if (record.version === undefined || record.state === 'storing') return;
    if (record.endedAt !== undefined) return this.#takeLeave(record);
    // One that is seen after the look at the record, and not before, was redriven or added meanwhile.
    if (await this.#isOpen(flow)) return;
    const end = { endedAt: this.#now, outcome: await this.#outcomeOf(record) };
    if (!(await this.#store.changeFlow(record, end))) return;
    const ended = { ...record, ...end, version: record.version + 1 };
    this.#ended.push(ended);
    // When that fails, a sweep finds it once more.
    await Promise.allSettled([this.#takeLeave(ended)]);
  }

  /** Of one that was abandoned there may be no job, with which its record would leave. */
  async #takeLeave(ended: FlowRecord): Promise<void> {
    if (ended.state === 'abandoned') await this.#store.forget([ended.flowId]);
    await this.#store.noteEnded?.(ended);
  }

  async #isOpen(flow: ObjectId): Promise<boolean> {
    return (await this.#store.findFeeding(endToken(flow), UNFINISHED)) !== undefined;
  }

  async #outcomeOf({ flowId, state }: FlowRecord): Promise<FlowOutcome> {
    if (state === 'abandoned') return state;
    for (const outcome of ['failed', 'cancelled'] as const) {
      if ((await this.#store.findFeeding(endToken(flowId), [outcome])) !== undefined)
        return outcome;
    }
    return 'completed';
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
    if (holder === undefined || UNFINISHED.includes(holder.status)) return true;
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

  async #flowState(flow: ObjectId): Promise<FlowRecord['state'] | undefined> {
    const key = flow.toHexString();
    const record = this.#records.get(key) ?? this.#store.recordOf(flow);
    this.#records.set(key, record);
    return (await record)?.state;
  }
}

/** True when a job that is to be moved was redriven. */
function isToRedrive({ released, failing, abandoned }: Plan): boolean {
  return [released, failing, abandoned].some((jobs) => jobs.some(wasRedriven));
}

/** None has a fence before it was claimed. */
function wasRedriven({ fence }: WaitingJob): boolean {
  return fence > 0;
}
