/**
 * The filters and statements on lanes, and on the jobs that stand in them, as pure functions.
 *
 * @module
 */
import type { Document, ObjectId } from 'mongodb';
import { SUPERSEDE_PREFIX } from '../../../job/unique-locks.ts';
import type { ClaimOrdersParams } from '../../ledger-repository.ts';
import { claimantFilter } from '../engine-queries.ts';
import { guardedStatement, ID_INDEX, type UpdateStatement } from '../lifecycle-statements.ts';

/** Who holds a lane, as `<collection>.lanes` has it. It lies apart, so that nobody who watches jobs hears of it. */
export interface LaneDocument {
  /** By {@link laneId}. */
  readonly _id: string;
  /** The job that may be claimed, or was; with the fence that the claim gives it. */
  readonly held: readonly { readonly job: ObjectId; readonly fence: number }[];
  /** True when it holds the lane after it has failed, too. */
  readonly halts: boolean;
  /** The token of the claim that named it: another one for each change. */
  readonly token: string;
  readonly usedAt: Date;
}

/** Lanes of a name that lie between two texts: where hashes begin, or lanes. */
export interface LaneRange {
  readonly name: string;
  readonly after: string;
  readonly before: string;
}

/** The jobs that one lane can name next. */
export interface NamedJob {
  readonly laneId: string;
  readonly name: string;
  readonly jobId: ObjectId;
  /** The fence that it has until the claim. */
  readonly fenceBefore: number;
  readonly halts: boolean;
  /** The token of the lane as it was read; absent for one that was not there. */
  readonly seen?: string;
}

/** Those that wait and are to have the one before them cancelled, by what their locks begin with; from one lock on. */
export function supersedingFilter(from: string = SUPERSEDE_PREFIX): Document {
  return {
    startLock: { $gte: from, $lt: SUPERSEDE_PREFIX.replace(':', ';') },
    ...{ status: 'pending', supersedes: 'cancel' },
  };
}

/** The id of a lane's document. The length keeps apart a name and a lane that would read the same joined. */
export function laneId(name: string, lane: string): string {
  return `${laneIdPrefix(name)}${lane}`;
}

/** What the ids of a name's lanes begin with. */
export function laneIdPrefix(name: string): string {
  return `${name.length}/${name}/`;
}

/** The lanes of a name, behind one if one is given. */
export function lanesOfNameFilter(name: string, after?: string): Document {
  const prefix = laneIdPrefix(name);
  const from = after === undefined ? { $gte: `${prefix}0` } : { $gt: `${prefix}${after}` };
  return { _id: { ...from, $lt: `${prefix}g` } };
}

/** The first job of each of the first lanes in a range: one key for each lane of the range, and no document. */
export function laneHeads({ name, after, before }: LaneRange, limit: number): Document[] {
  const range = { $gt: after, $lt: before };
  const first = Object.fromEntries(
    ['nextRunAt', 'fence', 'rescueCount'].map((field) => [field, { $first: `$${field}` }]),
  );
  return [
    { $match: { status: 'pending', name: { $eq: name }, lane: range } },
    { $sort: { status: 1, name: 1, lane: 1, rank: 1, nextRunAt: 1, _id: 1 } },
    { $group: { _id: '$lane', jobId: { $first: '$_id' }, ...first } },
    { $sort: { _id: 1 } },
    { $limit: limit },
  ];
}

/**
 * Adds who else holds claims, with the lanes of these that they have jobs of. It is found by the claims of each instance
 * that is not excepted: one key for each that is.
 */
export function strangersIn(
  collectionName: string,
  { name, after, before }: LaneRange,
  except: readonly string[],
): Document {
  const isIn = [
    { $eq: ['$name', { $literal: name }] },
    { $gt: ['$lane', { $literal: after }] },
    { $lt: ['$lane', { $literal: before }] },
  ];
  const lane = { $cond: [{ $and: isIn }, '$lane', '$$REMOVE'] };
  const { _id: _, ...claims } = claimantFilter(except, '');
  return {
    $unionWith: {
      coll: collectionName,
      pipeline: [{ $match: claims }, { $group: { _id: '$claimedBy', lanes: { $addToSet: lane } } }],
    },
  };
}

/** The pending jobs of one lane. */
export function ofLaneFilter(name: string, lane: string): Document {
  return { status: 'pending', name: { $eq: name }, lane: { $eq: lane } };
}

/** The order in which those go. */
export const LANE_ORDER: Readonly<Record<string, 1>> = Object.freeze({
  rank: 1,
  nextRunAt: 1,
  _id: 1,
});

/** A lane that names a job from now on. */
export function laneNaming(
  { laneId: _id, jobId, fenceBefore, halts }: NamedJob,
  { claimToken, now }: Pick<ClaimOrdersParams, 'claimToken' | 'now'>,
): LaneDocument {
  const held = [{ job: jobId, fence: fenceBefore + 1 }];
  return { _id, held, halts, token: claimToken, usedAt: now };
}

/** Names a job in a lane that is as it was read. */
export function namingStatement(
  named: NamedJob,
  params: Pick<ClaimOrdersParams, 'claimToken' | 'now'>,
): UpdateStatement {
  const { _id, ...fields } = laneNaming(named, params);
  return {
    q: { _id, token: { $eq: named.seen } },
    u: { $set: fields },
    multi: true,
    hint: ID_INDEX,
  };
}

/** Claims jobs that their lanes name: those of one fence at a time, which are nearly all. */
export function claimNamedStatements(
  named: readonly Pick<NamedJob, 'fenceBefore' | 'jobId'>[],
  { instanceId, claimToken, now }: Pick<ClaimOrdersParams, 'instanceId' | 'claimToken' | 'now'>,
): UpdateStatement[] {
  const byFence = new Map<number, ObjectId[]>();
  for (const { fenceBefore, jobId } of named) {
    byFence.set(fenceBefore, [...(byFence.get(fenceBefore) ?? []), jobId]);
  }
  return [...byFence].map(([fenceBefore, ids]) =>
    guardedStatement('claimInOrder', ids, { instanceId, claimToken, now, fenceBefore }),
  );
}
