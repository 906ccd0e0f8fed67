/**
 * The filters and statements on flows, and on the jobs that wait in them, as pure functions.
 *
 * @module
 */
import type { Document, ObjectId } from 'mongodb';
import { END_PREFIX, endToken } from '../../../job/flow-tokens.ts';
import type { Job, JobStatus } from '../../../job/job.ts';
import type { TransitionParams } from '../../../job/lifecycle.ts';
import type { WaitingJob } from '../../flow-release.ts';
import type { FlowRecord, SweepFlowsParams, SweepFlowsResult } from '../../ledger-repository.ts';
import { JOB_ID } from '../engine-queries.ts';
import { guardedStatement, type UpdateStatement } from '../lifecycle-statements.ts';

/** A flow, as `<collection>.flows` has it. It lies apart, so that nobody who watches jobs hears of it. */
export interface FlowDocument extends Omit<FlowRecord, 'flowId'> {
  readonly _id: ObjectId;
  /** The flow that a transaction did not store last, since it found this one being stored. */
  readonly keptFor?: ObjectId;
}

/** Which flow has a key, beside the flows. */
export interface FlowKeyDocument {
  /** By {@link keyId}. */
  readonly _id: string;
  readonly flow: ObjectId;
}

/** A flow that has not ended, beside the flows. */
export interface OpenFlowDocument {
  /** The token of its end. */
  readonly _id: string;
  /** That of the record when it was written, or a later one; below it once the flow has ended. */
  readonly version: number;
}

/** The id of the document of a key. */
export function keyId(uniqueKey: string): string {
  return `key:${uniqueKey}`;
}

/** What is stored of a flow: its record, and that it has not ended. */
export function documentsOf({ flowId, ...rest }: FlowRecord): readonly Document[] {
  const { version } = rest;
  const open = version === undefined ? [] : [{ _id: endToken(flowId), version }];
  return [{ _id: flowId, ...rest }, ...open];
}

/** A flow as it is read. */
export function fromFlowDocument({ _id, keptFor: _, ...rest }: FlowDocument): FlowRecord {
  return { flowId: _id, ...rest };
}

/** Jobs that feed a token, in some states. */
export function feedingFilter(token: string, statuses: readonly JobStatus[]): Document {
  return { feeds: token, status: { $in: statuses }, _id: JOB_ID };
}

/** What a projection must show of a job that waits. */
export const WAITING_FIELDS: Readonly<Record<keyof WaitingJob, 1>> = {
  _id: 1,
  name: 1,
  fence: 1,
  nextRunAt: 1,
  flow: 1,
  waitsFor: 1,
  feeds: 1,
};

/** Blocked jobs that wait for a token, and not at a gate. */
export function waitingFilter(token: string, after: ObjectId | undefined): Document {
  const _id = after === undefined ? JOB_ID : { ...JOB_ID, $gt: after };
  return { status: 'blocked', waitsFor: token, blockedBy: null, _id };
}

/** Blocked jobs that wait for a token behind one. */
export function waitingBehindFilter(after: string): Document {
  return { status: 'blocked', waitsFor: { $gt: after }, blockedBy: null, _id: JOB_ID };
}

/** Jobs with any of these as parents, whatever state they are in. */
export function childrenFilter(tokens: readonly string[], states: readonly JobStatus[]): Document {
  return { status: { $in: states }, waitsFor: { $in: tokens }, _id: JOB_ID };
}

/** A verb on jobs that wait, as they were read. Nearly all of them have one fence. */
export function waitingStatements(
  verb: 'releaseChild' | 'failByParent' | 'cancel',
  jobs: readonly WaitingJob[],
  params: TransitionParams,
): UpdateStatement[] {
  const groups = new Map<number, ObjectId[]>();
  for (const { _id, fence } of jobs) {
    const ids = groups.get(fence) ?? [];
    groups.set(fence, ids);
    ids.push(_id);
  }
  return [...groups].map(([fence, ids]) =>
    guardedStatement(verb, ids, { ...params, fenceBefore: fence }),
  );
}

/**
 * One step of the walk through the tokens behind a place, by jobs that wait for them in the order of their first one
 * there. When there were as many jobs as were asked for, others may wait for tokens behind the last one's first; else
 * these are all, and so are all of their tokens.
 */
export function stepOfWalk(
  jobs: readonly Pick<Job, 'waitsFor'>[],
  { after = '', limit }: Pick<SweepFlowsParams, 'after' | 'limit'>,
): SweepFlowsResult {
  const all = new Set(jobs.flatMap(({ waitsFor = [] }) => waitsFor));
  const behind = [...all].filter((token) => token > after).sort();
  const last = jobs.at(-1);
  if (last === undefined || jobs.length < limit) return { tokens: behind };
  const position = firstBehind(last, after);
  return { tokens: behind.filter((token) => token <= position), position };
}

/** There is one: by that the job was found. */
function firstBehind({ waitsFor = [] }: Pick<Job, 'waitsFor'>, after: string): string {
  return waitsFor.filter((token) => token > after).sort()[0] as string;
}

/** The flows that have not ended behind a place in the walk, by the ids of their documents; undefined behind all of them. */
export function openFlowsFilter(after: string): Document | undefined {
  const end = `${END_PREFIX}~`;
  return after < end
    ? { _id: { $gt: after > END_PREFIX ? after : END_PREFIX, $lt: end } }
    : undefined;
}

/** One step of a walk through two lists of tokens, of which each may go on behind its last one. */
export function mergedSteps(steps: readonly SweepFlowsResult[]): SweepFlowsResult {
  const tokens = steps.flatMap((step) => step.tokens).sort();
  const [position] = steps.flatMap((step) => step.position ?? []).sort();
  if (position === undefined) return { tokens };
  return { tokens: tokens.filter((token) => token <= position), position };
}

/** Flows that are older than one, and no keys of flows, whose ids are texts. */
export function flowsFilter(after: ObjectId | undefined): Document {
  return { _id: after === undefined ? JOB_ID : { ...JOB_ID, $lt: after } };
}

/** How many jobs of a flow are in each state. */
export function flowCounts(flowId: ObjectId): Document[] {
  return [{ $match: { flow: flowId } }, { $group: { _id: '$status', count: { $sum: 1 } } }];
}

/** Jobs of a flow in some states. */
export function ofFlowFilter(flowId: ObjectId, statuses: readonly JobStatus[]): Document {
  return { flow: flowId, status: { $in: statuses } };
}
