/**
 * What a flow is described by, and how wrong ones are refused.
 *
 * @module
 */
import type { ObjectId } from 'mongodb';
import {
  type Check,
  checkFields,
  checkJobName,
  fields,
  integer,
  oneOf,
  text,
  toObjectId,
} from '../foundation/argument-checks.ts';
import type { Session } from '../foundation/driver-shapes.ts';
import { InvalidArgumentError } from '../foundation/errors.ts';
import { isPlainObject } from '../foundation/kinds.ts';
import { type FlowEdge, type FlowEdges, parentsFirst } from '../job/flow-graph.ts';
import type { OnParentFailure } from '../job/flow-tokens.ts';
import type { EnqueueOptions } from './enqueue-options.ts';
import { checkUniqueKey } from './run-options.ts';
import { checkCallTimeout, checkSession } from './transaction-options.ts';

/** The most jobs of one flow. */
const MOST_FLOW_JOBS = 50_000;
/** The most jobs that one call adds to a flow. */
const MOST_ADDED = 10_000;
const MOST_EDGES = 1_000_000;
const LONGEST_REF = 256;
const MOST_LISTED = 1_000;

/** How many jobs of a flow are read when nothing is said. */
export const DEFAULT_FLOW_PAGE = 100;

/** A parent of a job, by what it is called in the flow. */
export type FlowParentOf<Ref extends string> =
  | Ref
  | {
      readonly ref: Ref;
      /**
       * What happens when the parent fails or is cancelled. `fail`: this job fails too; `wait`: it waits until the parent
       * is retried and completes; `continue`: it starts once the parent is finished, however that ended.
       *
       * @default 'fail'
       */
      readonly onFailure?: OnParentFailure;
    };

/** A parent of a job, by what it is called in the flow. */
export type FlowParent = FlowParentOf<string>;

/** Options of a job of a flow: no keys, order or id of its own, and nothing of the call that stores it. */
export type FlowJobOptions = Omit<
  EnqueueOptions,
  | 'session'
  | 'id'
  | 'uniqueKey'
  | 'uniqueHold'
  | 'whenTaken'
  | 'order'
  | 'supersede'
  | 'callTimeout'
>;

/** One job of a flow. */
export interface FlowJob<T = unknown> {
  /** The name of the worker that is to run it. */
  readonly name: string;
  readonly data?: T;
  /** Its parents: it starts when all of them have come to an end that lets it. */
  readonly after?: readonly FlowParent[];
  readonly options?: FlowJobOptions;
}

/** The jobs of a flow by what they are called there, at most 50,000, with no more than 1,000,000 parents in all. */
export interface FlowGraph {
  /** A job is called by 1 to 256 characters. */
  readonly jobs: Readonly<Record<string, FlowJob>>;
}

/** How a flow is stored. */
export interface FlowOptions {
  /** While a flow with this key is not finished no second one is stored. From 1 to 1024 characters. */
  readonly uniqueKey?: string;
  /**
   * Milliseconds after which this call fails with an `UnknownOutcomeError` when MongoDB has not confirmed the whole flow,
   * from 1 to a day. Storing goes on until `resendLimit`, so all of it may be there later: call again with the same
   * `uniqueKey`.
   *
   * @default as long as `resendLimit` allows
   */
  readonly callTimeout?: number;
  /** Store it inside this transaction: all of it exists if and when the transaction commits. */
  readonly session?: Session;
}

/** Which page of the jobs of a flow is read. */
export interface GetFlowOptions {
  /** How many jobs, from 1 to 1000. @default 100 */
  readonly limit?: number;
  /** Those behind this one, for the next page: `next` of the page before. */
  readonly after?: ObjectId | string;
}

/** Which page of the parents of a job is read. */
export type ParentsOptions = GetFlowOptions;

const checkRef = text(LONGEST_REF);
const checkParent = fields({ ref: checkRef, onFailure: oneOf('fail', 'wait', 'continue') }, [
  'ref',
]);

const REFUSED = [
  ...(['session', 'id', 'uniqueKey', 'uniqueHold', 'whenTaken'] as const),
  ...(['order', 'supersede', 'callTimeout'] as const),
] as const;

const JOB_CHECKS: Readonly<Record<keyof FlowJob, Check>> = {
  name: checkJobName,
  data: () => undefined,
  after: (field, value) => {
    if (!Array.isArray(value)) throw new InvalidArgumentError(field, 'a list of parents', value);
  },
  options: (field, options) => {
    if (typeof options !== 'object' || options === null) return;
    for (const name of REFUSED) {
      const value: unknown = Reflect.get(options, name);
      if (value === undefined) continue;
      throw new InvalidArgumentError(`${field}.${name}`, 'left out in a flow', value);
    }
  },
};

/**
 * Checks a flow.
 *
 * @returns the parents of each job, with all parents before their children
 * @throws InvalidArgumentError naming the job and what is wrong with it; a circle is named by the jobs in it
 */
export function checkFlow(graph: FlowGraph, options: FlowOptions): FlowEdges {
  checkFields('flow', graph, { jobs: checkJobs(MOST_FLOW_JOBS) });
  checkFields('options', options, {
    uniqueKey: checkUniqueKey,
    callTimeout: checkCallTimeout,
    session: checkSession,
  });
  const count = Object.values(graph.jobs).reduce((sum, { after = [] }) => sum + after.length, 0);
  if (count > MOST_EDGES) {
    throw new InvalidArgumentError('flow.jobs', `at most ${MOST_EDGES} parents in all`, count);
  }
  const edges = new Map<string, readonly FlowEdge[]>();
  for (const [ref, job] of Object.entries(graph.jobs)) {
    const parents = (job.after ?? []).map((parent, index) =>
      edgeOf(fieldOf(ref, `.after[${index}]`), parent, graph.jobs),
    );
    const once = new Set<string>();
    const twice = parents.find((parent) => once.size === once.add(parent.ref).size);
    if (twice !== undefined) {
      throw new InvalidArgumentError(fieldOf(ref, '.after'), 'each parent once', twice.ref);
    }
    edges.set(ref, parents);
  }
  const { refs, cycle } = parentsFirst(edges);
  if (cycle.length > 0) {
    const [first = ''] = cycle;
    const circle = [...cycle, first].join(' -> ');
    throw new InvalidArgumentError(fieldOf(first, '.after'), 'no circle of jobs', circle);
  }
  return new Map(refs.map((ref) => [ref, edges.get(ref) as readonly FlowEdge[]]));
}

/** Checks jobs that are added to a flow while one of its jobs runs. */
export function checkAddedJobs(jobs: FlowGraph['jobs']): void {
  checkJobs(MOST_ADDED)('jobs', jobs);
  for (const [ref, { after }] of Object.entries(jobs)) {
    if (after === undefined) continue;
    throw new InvalidArgumentError(`jobs.${ref}.after`, 'left out of jobs that are added', after);
  }
}

/** Checks which page is meant. */
export function checkPage(options: GetFlowOptions): void {
  checkFields('options', options, { limit: integer(1, MOST_LISTED), after: toObjectId });
}

/** What a job is called in errors. */
export function fieldOf(ref: string, rest = ''): string {
  return `flow.jobs.${ref}${rest}`;
}

function checkJobs(most: number): Check {
  return (field, jobs) => {
    if (!isPlainObject(jobs)) throw new InvalidArgumentError(field, 'an object of jobs', jobs);
    const entries = Object.entries(jobs);
    if (entries.length === 0 || entries.length > most) {
      throw new InvalidArgumentError(field, `from 1 to ${most} jobs`, entries.length);
    }
    for (const [ref, job] of entries) {
      checkRef(`${field}.${ref}`, ref);
      checkFields(`${field}.${ref}`, job, JOB_CHECKS);
      checkJobName(`${field}.${ref}.name`, Object(job).name);
    }
  };
}

function edgeOf(field: string, parent: FlowParent, jobs: FlowGraph['jobs']): FlowEdge {
  if (typeof parent === 'string') checkRef(field, parent);
  else checkParent(field, parent);
  const { ref, onFailure = 'fail' } = typeof parent === 'string' ? { ref: parent } : parent;
  if (!Object.hasOwn(jobs, ref)) {
    throw new InvalidArgumentError(field, 'what a job of the flow is called', ref);
  }
  return { ref, onFailure };
}
