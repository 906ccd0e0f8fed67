/**
 * Flows: storing jobs that wait for one another, and reading, cancelling and retrying them together.
 *
 * What always holds: whatever is wrong with a flow is found before any I/O; and no job of it starts before all of them
 * are stored. A flow that could not be stored to its end is abandoned: none of its jobs ever starts.
 *
 * @module
 */
import type { ObjectId } from 'mongodb';
import { abandonedBefore } from '../context/release-children.ts';
import type { EngineContext } from '../context/scheduler-context.ts';
import { toObjectId } from '../foundation/argument-checks.ts';
import type { Session } from '../foundation/driver-shapes.ts';
import { toError, UnknownOutcomeError, UnsupportedError } from '../foundation/errors.ts';
import { derivedId } from '../foundation/random.ts';
import { retrying } from '../foundation/retrying.ts';
import { type FlowEdges, type FlowPlace, placesOf } from '../job/flow-graph.ts';
import { endToken, storingToken } from '../job/flow-tokens.ts';
import { FLOW_VERSION, type Job, type JobStatus } from '../job/job.ts';
import { FlowAbandonedError } from '../job/job-errors.ts';
import { UNFINISHED } from '../job/job-lifecycle.ts';
import type { DataOf, JobTypes, NameOf } from '../job/typed-jobs.ts';
import type { FlowOutcome, FlowRecord } from '../ledger/ledger-repository.ts';
import {
  checkAddedJobs,
  checkFlow,
  checkPage,
  DEFAULT_FLOW_PAGE,
  type FlowGraph,
  type FlowJob,
  type FlowOptions,
  type FlowParentOf,
  fieldOf,
  type GetFlowOptions,
} from '../options/flow-options.ts';
import type { BulkOptions, BulkResult, BulkVerbs, InFlow } from './bulk-verbs.ts';
import type { DataField, Producer } from './enqueue.ts';

const LONGEST_DELAY_MS = 5_000;

/** The names of the workers of a flow's jobs, by what the jobs are called. */
export type FlowNames = Readonly<Record<string, string>>;

/** A flow whose jobs have the data that their names want. */
export interface TypedFlow<Types extends JobTypes, Jobs extends FlowNames> {
  /** A job is called by 1 to 256 characters; at most 50,000 jobs. */
  readonly jobs: {
    readonly [Ref in keyof Jobs]: Omit<FlowJob, 'name' | 'data' | 'after'> & {
      readonly name: Jobs[Ref] & NameOf<Types>;
      /** Its parents, by what they are called. */
      readonly after?: readonly FlowParentOf<keyof Jobs & string>[];
    } & DataField<DataOf<Types, Jobs[Ref]>>;
  };
}

/** A flow that was stored, with jobs of the types of their names. */
export interface FlowOf<Types extends JobTypes, Jobs extends FlowNames> extends Omit<Flow, 'jobs'> {
  /** The jobs by what they are called; none of a flow that was there before. */
  readonly jobs: { readonly [Ref in keyof Jobs]?: Job<DataOf<Types, Jobs[Ref]>> };
}

/** A flow that was stored, or the one that has its key. */
export interface Flow {
  readonly id: ObjectId;
  /** `existing`: nothing was stored, since an unfinished flow has the key. */
  readonly status: 'enqueued' | 'existing';
  /** The jobs by what they are called; none of a flow that was there before. */
  readonly jobs: Readonly<Record<string, Job>>;
}

/** A flow as it stands, with a page of its jobs. */
export interface FlowInfo {
  readonly id: ObjectId;
  /**
   * `storing`: its jobs are being stored; `abandoned`: that did not come to its end; `running`: some are not finished;
   * else how the worst of its jobs ended.
   */
  readonly state: 'storing' | 'abandoned' | 'running' | 'completed' | 'failed' | 'cancelled';
  readonly createdAt: Date;
  /** How many jobs it was stored with. */
  readonly size: number;
  readonly uniqueKey?: string;
  /** When it was noticed that none of its jobs was unfinished; absent while one is, and shortly after that. */
  readonly endedAt?: Date;
  /** How many of its jobs are in each state; states without one are left out. */
  readonly counts: Readonly<Partial<Record<JobStatus, number>>>;
  /** A page of its jobs, parents before their children. */
  readonly jobs: readonly Job[];
  /** Where the next page begins, for `after`; null at the end. */
  readonly next: ObjectId | null;
}

/** A flow in a list. How its jobs stand is told by `getFlow`. */
export interface FlowSummary
  extends Pick<FlowInfo, 'id' | 'createdAt' | 'size' | 'uniqueKey' | 'endedAt'> {
  /** `storing`: its jobs are being stored; `abandoned`: that did not come to its end; `stored`: all are there. */
  readonly state: FlowRecord['state'];
  /** How it ended: as the worst of its jobs did, or `abandoned`. */
  readonly outcome?: FlowOutcome;
}

/** What flows are made with. */
export interface FlowParts {
  readonly producer: Producer;
  readonly bulk: BulkVerbs;
  /** Lets those go on who wait for tokens, as far as that works now; a sweep does the rest. */
  readonly release: (tokens: readonly string[]) => Promise<void>;
}

/** Stores flows and acts on them. */
export class Flows {
  readonly #context: EngineContext;
  readonly #parts: FlowParts;

  constructor(context: EngineContext, parts: FlowParts) {
    this.#context = context;
    this.#parts = parts;
  }

  /** Stores a flow: all of it, or none that starts. */
  async enqueue(graph: FlowGraph, options: FlowOptions): Promise<Flow> {
    const edges = checkFlow(graph, options);
    const refs = [...edges.keys()];
    const made = await this.#parts.producer.makeJobs(
      refs.map((ref) => ({ field: fieldOf(ref), ...(graph.jobs[ref] as FlowJob) })),
    );
    const { random, ledgerTime } = this.#context;
    const createdAt = ledgerTime.now();
    const flowId = random.objectId(createdAt.getTime());
    const { session, uniqueKey } = options;
    const flow: FlowRecord = {
      ...{ flowId, createdAt, size: refs.length, version: 0 },
      state: session === undefined ? 'storing' : 'stored',
      ...(uniqueKey !== undefined && { uniqueKey }),
    };
    const jobs = inFlow(flow, edges, made);
    const stored = await (session === undefined
      ? this.#store(flow, jobs)
      : this.#storeIn(session, flow, jobs));
    if (stored.outcome === 'existing') {
      return { id: stored.flow.flowId, status: 'existing', jobs: {} };
    }
    const byRef = Object.fromEntries(jobs.map((job) => [job.ref, job]));
    return { id: flowId, status: 'enqueued', jobs: byRef };
  }

  async #storeIn(session: Session, flow: FlowRecord, jobs: readonly Job[]) {
    const { ledger } = this.#context;
    const opened = await ledger.openFlow({
      flow,
      createdBefore: abandonedBefore(this.#context),
      session,
    });
    if (opened.outcome === 'opened') await this.#parts.producer.storeJobs(jobs, session);
    return opened;
  }

  /** The record, then the jobs, then the word that all are there. */
  async #store(flow: FlowRecord, jobs: readonly Job[]) {
    const { ledger } = this.#context;
    const { flowId } = flow;
    const createdBefore = abandonedBefore(this.#context);
    const opened = await this.#confirmed(() => ledger.openFlow({ flow, createdBefore }));
    if (opened.outcome === 'existing') return opened;
    try {
      const answers = await this.#parts.producer.storeJobs(jobs);
      const failed = answers.find((answer) => 'error' in answer);
      if (failed !== undefined && 'error' in failed) throw failed.error;
      const { state } = await this.#confirmed(() => ledger.closeFlow({ flowId, state: 'stored' }));
      if (state !== 'stored') throw new FlowAbandonedError(flowId);
    } catch (error) {
      await this.#abandon(flowId);
      throw error;
    }
    await this.#parts.release([storingToken(flowId)]);
    return opened;
  }

  /** When even that does not work, a sweep abandons it once it is old. */
  async #abandon(flowId: ObjectId): Promise<void> {
    const { ledger, report } = this.#context;
    try {
      await ledger.closeFlow({ flowId, state: 'abandoned' });
      await this.#parts.release([storingToken(flowId), endToken(flowId)]);
    } catch (error) {
      report(error);
    }
  }

  /** Sends a write until it is answered, or `resendLimit` is over; sending it again is safe. */
  async #confirmed<T>(call: () => Promise<T>): Promise<T> {
    const { clock, random, options } = this.#context;
    const startedMs = clock.monotonic();
    let unconfirmed: unknown;
    const answered = await retrying({
      ...{ clock, random, longestMs: LONGEST_DELAY_MS, call },
      onFailed: (error) => {
        if (!(error instanceof UnknownOutcomeError)) throw error;
        unconfirmed = error;
      },
      mayGoOn: () => clock.monotonic() - startedMs <= options.resendLimitMs,
    });
    if (answered === undefined) throw unconfirmed;
    return answered.value;
  }

  /**
   * Adds jobs to the flow of a job that runs: who waits for that job waits for them too. The same job that adds the same
   * again, in a later run, adds nothing while those are there.
   */
  async add(parent: Job, jobs: FlowGraph['jobs']): Promise<Readonly<Record<string, Job>>> {
    checkAddedJobs(jobs);
    if (parent.flow === undefined) {
      const id = parent._id.toHexString();
      const advice = 'enqueue the jobs, or store this one in a flow';
      throw new UnsupportedError(`Job ${id} belongs to no flow; ${advice}`);
    }
    const refs = Object.keys(jobs);
    const made = await this.#parts.producer.makeJobs(
      Object.entries(jobs).map(([ref, job]) => ({ field: `jobs.${ref}`, ...job })),
    );
    const { flow, feeds } = parent;
    const added = made.map((job, index): Job => {
      const ref = refs[index] as string;
      return {
        ...job,
        _id: derivedId(parent._id, ref),
        ...{ flow, ref },
        ...(feeds && { feeds }),
        // It starts at once; once it was redriven it goes on like the others.
        waitsFor: [storingToken(parent.flow as ObjectId)],
        documentVersion: FLOW_VERSION,
      };
    });
    const answers = await this.#parts.producer.storeJobs(added);
    for (const answer of answers) if ('error' in answer) throw toError(answer.error);
    return Object.fromEntries(added.map((job) => [job.ref, job]));
  }

  /** A flow with a page of its jobs; null when there is none. */
  async get(id: unknown, options: GetFlowOptions): Promise<FlowInfo | null> {
    const flowId = toObjectId('id', id);
    checkPage(options);
    const { ledger, ready } = this.#context;
    await ready();
    const { limit = DEFAULT_FLOW_PAGE, after } = options;
    const reading = await ledger.readFlow({ flowId });
    if (reading === null) return null;
    const found = await ledger.findJobs({
      filter: { flow: flowId },
      ...{ orderBy: '_id', direction: 'ascending', limit: limit + 1 },
      ...(after !== undefined && { after: { jobId: toObjectId('options.after', after) } }),
    });
    const jobs = found.slice(0, limit);
    const { flow, counts } = reading;
    const { createdAt, size, uniqueKey, endedAt } = flow;
    const hasEnded = endedAt !== undefined && !isUnfinished(counts);
    return {
      ...{ id: flowId, state: stateOf(flow, counts), createdAt, size },
      ...(uniqueKey !== undefined && { uniqueKey }),
      ...(hasEnded && { endedAt }),
      ...{ counts, jobs },
      next: found.length > limit ? ((jobs.at(-1) as Job)._id as ObjectId) : null,
    };
  }

  /** A page of the flows, the newest first. */
  async list(options: GetFlowOptions): Promise<FlowSummary[]> {
    checkPage(options);
    const { ledger, ready } = this.#context;
    await ready();
    const { limit = DEFAULT_FLOW_PAGE, after } = options;
    const flows = await ledger.readFlows({
      limit,
      ...(after !== undefined && { after: toObjectId('options.after', after) }),
    });
    return flows.map(({ flowId: id, version: _version, ...rest }) => ({ id, ...rest }));
  }

  /** Children first, so that no parent's end moves them; again for what was released or added meanwhile. */
  async cancel(id: unknown, options: BulkOptions): Promise<BulkResult> {
    const flow = toObjectId('id', id);
    const { bulk } = this.#parts;
    return this.#inFlow('children', async (inFlow) => {
      const first = await bulk.cancelJobs({ flow, status: UNFINISHED }, options, inFlow);
      if (!first.isComplete) return first;
      const waiting: readonly JobStatus[] = ['pending', 'blocked'];
      const rest = await bulk.cancelJobs({ flow, status: waiting }, options, inFlow);
      return {
        matched: first.matched + rest.matched,
        changed: first.changed + rest.changed,
        left: [...first.left, ...rest.left],
        isComplete: rest.isComplete,
      };
    });
  }

  /** Parents first, so that a child that failed with its parent finds it waiting again. */
  async redrive(id: unknown, options: BulkOptions): Promise<BulkResult> {
    const flow = toObjectId('id', id);
    const status: readonly JobStatus[] = ['failed', 'cancelled'];
    return this.#inFlow('parents', (inFlow) =>
      this.#parts.bulk.retryJobs({ flow, status }, options, inFlow),
    );
  }

  /** Many jobs are changed at once: what one of them does to others comes when all are changed. */
  async #inFlow<T>(first: InFlow['first'], change: (inFlow: InFlow) => Promise<T>): Promise<T> {
    const tokens = new Set<string>();
    const onTokens = async (more: readonly string[]): Promise<void> => {
      for (const token of more) tokens.add(token);
    };
    try {
      return await change({ first, onTokens });
    } finally {
      await this.#parts.release([...tokens]);
    }
  }
}

/** The jobs with what ties them together. In a session all become visible at once, so that those without parents wait for nothing. */
function inFlow(flow: FlowRecord, edges: FlowEdges, jobs: readonly Job[]): Job[] {
  const places = placesOf(flow.flowId, edges);
  return [...edges.keys()].map((ref, index) => {
    const { feeds, waitsFor: tokens } = places.get(ref) as FlowPlace;
    const isFirst = tokens.length === 0;
    const isHeld = !isFirst || flow.state === 'storing';
    return {
      ...(jobs[index] as Job),
      ...{ flow: flow.flowId, ref },
      feeds: [...feeds, endToken(flow.flowId)],
      waitsFor: isFirst ? [storingToken(flow.flowId)] : tokens,
      ...(isHeld && { status: 'blocked' as const }),
      documentVersion: FLOW_VERSION,
    };
  });
}

function stateOf({ state }: FlowRecord, counts: FlowInfo['counts']): FlowInfo['state'] {
  if (state !== 'stored') return state;
  if (isUnfinished(counts)) return 'running';
  if (has(counts, ['failed'])) return 'failed';
  return has(counts, ['cancelled']) ? 'cancelled' : 'completed';
}

function isUnfinished(counts: FlowInfo['counts']): boolean {
  return has(counts, UNFINISHED);
}

function has(counts: FlowInfo['counts'], states: readonly JobStatus[]): boolean {
  return states.some((state) => (counts[state] ?? 0) > 0);
}
