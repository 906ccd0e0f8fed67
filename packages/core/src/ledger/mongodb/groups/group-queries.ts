/**
 * The filters, pipelines and statements on the lanes of groups, and on the jobs that wait in them, as pure functions.
 *
 * @module
 */
import type { Document } from 'mongodb';
import { ORDERED_PRIORITY } from '../../../job/job.ts';
import { GROUP_MARK, groupHashStart, isGroupLane, LANE_HASHES } from '../../../job/lanes.ts';
import { holdsPlace, type NamedHolder } from '../../group-choice.ts';
import type { LaneJob } from '../../lane-choice.ts';
import {
  type RateLimit,
  type SetGroupParams,
  SUSPECT_RESCUE_COUNT,
} from '../../ledger-repository.ts';
import { usedUpAfter } from '../../limit-share.ts';
import { claimantFilter } from '../engine-queries.ts';
import { ID_INDEX, transitionFilter, type UpdateStatement } from '../lifecycle-statements.ts';
import { type LaneDocument, laneId } from '../orders/lane-queries.ts';

/** The lane of a group, or what holds for all groups of a name, beside the lanes of orders. */
export interface GroupDocument extends Pick<LaneDocument, '_id' | 'token' | 'usedAt'> {
  /** Who has a place, where the concurrency is bounded. */
  readonly held: readonly NamedHolder[];
  /** When what was started so far is used up at the rate, in milliseconds. */
  readonly usedUpMs?: number;
  readonly concurrency?: number;
  readonly rate?: RateLimit;
  readonly weight?: number;
  readonly pausedAt?: Date;
  readonly setAt?: Date;
  /** Who set it, where that was said. */
  readonly setBy?: string;
  /** Why, where that was said. */
  readonly setReason?: string;
}

/** Jobs of one lane that are to be claimed, and what the lane is to be from then on. */
export interface LaneChange {
  readonly name: string;
  readonly laneId: string;
  /** The token of the lane as it was read; absent for one that was not there. */
  readonly seen?: string;
  /** Who keeps a place. */
  readonly kept: readonly NamedHolder[];
  readonly jobs: readonly { readonly jobId: LaneJob['_id']; readonly fenceBefore: number }[];
  readonly concurrency?: number;
  readonly rate?: RateLimit;
}

/** The order of the jobs of one lane. */
const WITHIN_LANE = { rank: 1, nextRunAt: 1, _id: 1 };

/** The lanes of all groups. */
const ALL_LANES = { $gte: groupHashStart(0), $lt: groupHashStart(LANE_HASHES) };

const NOW_MS = { $toDouble: '$$NOW' };

/** A start that is missing by less counts as allowed: the times are sums of fractions. */
const ROUNDING = 0.01;

/** Where what holds for all groups of a name is kept, before its lanes. */
export function allGroupsId(name: string): string {
  return laneId(name, GROUP_MARK);
}

/** True for the id of the lane of a group, or of what holds for all groups of a name. */
export function isGroupLaneId(id: string): boolean {
  const length = Number.parseInt(id, 10);
  return isGroupLane(id.slice(String(length).length + length + 2));
}

/** Due jobs of a name, in lanes of groups of a range. */
function dueInLanes(name: string, lane: Document, now: Date): Document {
  const { lane: _, fence: __, ...due } = transitionFilter('claimInOrder', { now });
  const rescueCount = { $not: { $gte: SUSPECT_RESCUE_COUNT } };
  return { ...due, name: { $eq: name }, lane, rescueCount };
}

/** The first job of each lane, of jobs that were sorted. */
const FIRST_OF_EACH = { _id: '$lane', jobId: { $first: '$_id' }, fence: { $first: '$fence' } };

/** The first due job of each lane of a range, of so many lanes at most: one key each, and no document. */
export function groupHeads(name: string, lanes: Document, most: number, now: Date): Document[] {
  return [
    { $match: dueInLanes(name, lanes, now) },
    { $sort: { status: 1, name: 1, lane: 1, rank: 1, nextRunAt: 1, _id: 1 } },
    { $group: FIRST_OF_EACH },
    // Lanes come in their order, so that this ends the scan, after those that the server reads in one go.
    { $limit: most },
    { $sort: { _id: 1 } },
  ];
}

/**
 * The first due job of each lane, of so many jobs that are due longest, with how many those are of each lane: a document
 * a job. Jobs with an order are among them.
 */
export function headsByTime(name: string, most: number, now: Date): Document[] {
  const { lane: _, ...due } = dueInLanes(name, {}, now);
  return [
    { $match: { ...due, priority: { $eq: ORDERED_PRIORITY } } },
    { $sort: { priority: 1, nextRunAt: 1, _id: 1 } },
    { $limit: most },
    { $sort: WITHIN_LANE },
    { $group: { ...FIRST_OF_EACH, jobs: { $sum: 1 } } },
    { $sort: { _id: 1 } },
  ];
}

/** So many of the first due jobs of each of these lanes, in one read: a key each, and no document. */
export function firstOfLanes(
  collectionName: string,
  name: string,
  lanes: readonly { readonly lane: string; readonly count: number }[],
  now: Date,
): Document[] {
  const [first = [], ...others] = lanes.map(({ lane, count }) => [
    { $match: dueInLanes(name, { $eq: lane }, now) },
    { $sort: WITHIN_LANE },
    { $limit: count },
    { $project: { lane: 1, fence: 1 } },
  ]);
  const unions = others.map((pipeline) => ({ $unionWith: { coll: collectionName, pipeline } }));
  return [...first, ...unions];
}

/** The lanes of a range that have pending jobs, due or not. */
export function lanesWithJobs(name: string, lanes: Document): Document[] {
  return [
    { $match: { status: 'pending', name: { $eq: name }, lane: lanes } },
    { $group: { _id: '$lane' } },
  ];
}

/** How many lanes of a range have pending jobs: a key each. */
export function countedLanes(name: string, lanes: Document): Document[] {
  return [...lanesWithJobs(name, lanes), { $count: 'lanes' }];
}

/** The jobs of these lanes that are processing for an instance. */
export function processingInLanes(name: string, lanes: readonly string[]): Document {
  return { ...claimantFilter([], ''), name: { $eq: name }, lane: { $in: lanes } };
}

/**
 * The first due suspect of each lane of a name, in the order in which they became due. All suspects are read, since one
 * whose group has no place may stand before any number of others; they are few.
 */
export function suspectHeads(name: string, now: Date): Document[] {
  const rescueCount = { $exists: true, $gte: SUSPECT_RESCUE_COUNT };
  return [
    { $match: { ...dueInLanes(name, ALL_LANES, now), rescueCount } },
    { $sort: WITHIN_LANE },
    { $group: { ...FIRST_OF_EACH, nextRunAt: { $first: '$nextRunAt' } } },
    { $sort: { nextRunAt: 1, jobId: 1 } },
  ];
}

/** Who has a place in a lane from now on. Where the concurrency is not bounded nobody is added; it may be bounded again. */
function heldAfter({ kept, jobs, concurrency }: LaneChange): readonly NamedHolder[] {
  if (concurrency === undefined) return kept;
  const added = jobs
    .map(({ jobId, fenceBefore }) => ({ job: jobId, fence: fenceBefore + 1 }))
    .filter(({ job, fence }) => !kept.some((one) => one.job.equals(job) && one.fence === fence));
  return [...kept, ...added];
}

/** How many of the jobs were not named before. */
function newStarts({ kept, jobs }: LaneChange): number {
  return jobs.filter(
    ({ jobId, fenceBefore }) =>
      !kept.some((one) => one.job.equals(jobId) && one.fence === fenceBefore + 1),
  ).length;
}

/** A lane that is not there yet. */
export function newLane(
  change: LaneChange,
  { claimToken: token, now }: { readonly claimToken: string; readonly now: Date },
): GroupDocument {
  const { laneId: _id, rate } = change;
  const starts = newStarts(change);
  const used = rate && { usedUpMs: usedUpAfter(rate, undefined, now.getTime(), starts) };
  return { _id, held: heldAfter(change), token, usedAt: now, ...used };
}

/**
 * Names jobs in lanes that are as they were read, and whose rates allow the starts by the clock of the server: all in one
 * statement, in which each lane finds what belongs to it by its place in the list.
 */
export function namingStatement(
  changes: readonly LaneChange[],
  { claimToken, now }: { readonly claimToken: string; readonly now: Date },
): UpdateStatement {
  const ids = changes.map((change) => change.laneId);
  const own = (values: readonly unknown[]): Document => ({
    $arrayElemAt: [{ $literal: values }, { $indexOfArray: [{ $literal: ids }, '$_id'] }],
  });
  const isSeen = { $eq: ['$token', own(changes.map(({ seen }) => seen))] };
  const rated = changes.some(({ rate }) => rate !== undefined) ? rateOf(changes, own) : undefined;
  return {
    q: { _id: { $in: ids }, $expr: rated ? { $and: [isSeen, rated.isAllowed] } : isSeen },
    u: [
      {
        $set: {
          held: own(changes.map(heldAfter)),
          token: { $literal: claimToken },
          usedAt: now,
          ...(rated && { usedUpMs: rated.usedUpMs }),
        },
      },
    ] as Document,
    multi: true,
    hint: ID_INDEX,
  };
}

/** A lane without a rate uses nothing up, and is allowed anything. */
function rateOf(
  changes: readonly LaneChange[],
  own: (values: readonly unknown[]) => Document,
): { readonly isAllowed: Document; readonly usedUpMs: Document } {
  const span = own(
    changes.map((change) => {
      const { rate } = change;
      return rate === undefined ? 0 : (newStarts(change) * rate.perMs) / rate.limit;
    }),
  );
  const most = own(
    changes.map(({ rate }) => {
      if (rate === undefined) return Number.POSITIVE_INFINITY;
      return ((rate.burst + ROUNDING) * rate.perMs) / rate.limit;
    }),
  );
  // Under a rate that was made faster: at worst as if a whole burst had been started just now.
  const used = { $min: [{ $ifNull: ['$usedUpMs', 0] }, { $add: [NOW_MS, most] }] };
  const usedUpMs = { $add: [{ $max: [used, NOW_MS] }, span] };
  return { isAllowed: { $lte: [usedUpMs, { $add: [NOW_MS, most] }] }, usedUpMs };
}

/** Sets what is given, takes back what is null, and leaves the rest as it is. */
export function settingGroup(
  { concurrency, rate, weight, paused, now, by, reason }: SetGroupParams,
  token: string,
): Document {
  const pausedAt = paused === undefined ? undefined : paused ? now : null;
  const given = Object.entries({ concurrency, rate, weight, pausedAt }).filter(
    ([, value]) => value !== undefined,
  );
  const set = given.filter(([, value]) => value !== null);
  const why = Object.entries({ setBy: by, setReason: reason });
  const unset = [...given, ...why].filter(([, value]) => value === null || value === undefined);
  return {
    $set: {
      ...Object.fromEntries([...set, ...why.filter(([, value]) => value !== undefined)]),
      ...{ token, usedAt: now, setAt: now },
    },
    $setOnInsert: { held: [] },
    ...(unset.length > 0 && { $unset: Object.fromEntries(unset.map(([field]) => [field, ''])) }),
  };
}

/** True for a lane of a group that may be forgotten: nothing was set for it, nothing counts under its rate, nobody holds it. */
export function isFreeGroup(
  lane: GroupDocument,
  jobs: ReadonlyMap<string, LaneJob>,
  usedBefore: Date,
): boolean {
  const { concurrency, rate, weight, pausedAt, usedUpMs = 0, held } = lane;
  if ([concurrency, rate, weight, pausedAt].some((value) => value !== undefined)) return false;
  if (usedUpMs >= usedBefore.getTime()) return false;
  return !held.some((named) => holdsPlace(jobs.get(named.job.toHexString()), named));
}
