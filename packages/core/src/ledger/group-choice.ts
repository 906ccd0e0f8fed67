/**
 * Which groups get a turn, and how many jobs of each are claimed: every ledger has to choose alike.
 *
 * What always holds: nothing is ever given back. Who is named stands in the lane of the group, and whether the name still
 * counts is read off the job itself.
 *
 * @module
 */
import type { ObjectId } from 'mongodb';
import type { Job } from '../job/job.ts';
import { laneOfGroup } from '../job/lanes.ts';
import { nextStartAt, startsAllowed, usedUpUnder } from './limit-share.ts';
import type { GroupDemand, GroupSettings } from './verbs/groups.ts';

/** A job that is named in a lane, with the fence that the claim gives it. */
export interface NamedHolder {
  readonly job: ObjectId;
  readonly fence: number;
}

/** True while a job that is named has its place: until it is claimed, and then until that claim has ended. */
export function holdsPlace(
  job: Pick<Job, 'status' | 'fence'> | undefined,
  { fence }: Pick<NamedHolder, 'fence'>,
): boolean {
  if (job?.status === 'processing') return job.fence === fence;
  return job?.status === 'pending' && job.fence === fence - 1;
}

/** What holds for a group: its own settings before those of all groups of its name. */
export function groupSettings(own: GroupSettings, ofAll: GroupSettings): GroupSettings {
  const concurrency = own.concurrency ?? ofAll.concurrency;
  const rate = own.rate ?? ofAll.rate;
  const weight = own.weight ?? ofAll.weight;
  return {
    ...(concurrency !== undefined && { concurrency }),
    ...(rate && { rate }),
    ...(weight !== undefined && { weight }),
  };
}

/** When the rate of a group allows the next start; undefined while nothing was started. */
export function nextStartOf(
  { rate }: GroupSettings,
  usedUpMs: number | undefined,
  nowMs: number,
): Date | undefined {
  return nextStartAt(rate, usedUpUnder(rate, usedUpMs, nowMs));
}

/** How many more jobs of a group may be named and started now. */
export function roomOf(
  { concurrency = Number.POSITIVE_INFINITY, rate }: GroupSettings,
  held: number,
  usedUpMs: number | undefined,
  nowMs: number,
): number {
  const usedMs = usedUpUnder(rate, usedUpMs, nowMs);
  const starts = rate ? startsAllowed(rate, usedMs, nowMs) : Number.POSITIVE_INFINITY;
  return Math.max(Math.min(concurrency - held, starts), 0);
}

/** A group that may get a turn. */
export interface GroupInTurn {
  readonly lane: string;
  /** How many jobs of it may be claimed at most, also where fewer are wanted. */
  readonly room: number;
  /** How many of them, or how many batches of them, at each turn. */
  readonly weight: number;
  /** So many are left of a turn that was cut short, and are its first one here. */
  readonly left?: number | undefined;
}

/** The group that had the last turn of a claim, and how many jobs are left of that. */
export interface LastTurn {
  readonly lane: string;
  readonly left: number;
}

/** True for the lanes that come before the others next time: those behind the last one, and itself if its turn was cut short. */
export function isAhead(lane: string, last: LastTurn): boolean {
  return last.left > 0 ? lane >= last.lane : lane > last.lane;
}

/** What is left of a turn of this lane that was cut short. */
export function leftOf(lane: string, last: LastTurn): number | undefined {
  return last.left > 0 && lane === last.lane ? last.left : undefined;
}

/** What each group gets, and the last one that got a turn, whom the others come before next time. */
export interface Turns {
  readonly shares: readonly number[];
  readonly last: number;
  /**
   * How many jobs are left of the turn of the last one, since no more were wanted: then it comes first next time, with
   * so many. 0 after a whole turn.
   */
  readonly left: number;
  /** True when nothing of what was wanted is left. */
  readonly isSpent: boolean;
}

/** How many jobs a demand leaves for other groups than those with a batch that waits for more. */
export function wantedInTurns({ limit, begun = [] }: Omit<GroupDemand, 'name'>): number {
  return begun.reduce((left, { missing }) => left - missing, limit);
}

/** How many jobs a demand counts as taken for so many of one group: batches that are begun count as full ones. */
export function countedJobs(jobs: number, batchSize = 1): number {
  return Math.ceil(jobs / batchSize) * batchSize;
}

/** How many jobs the first turn of a group is here. */
export function firstTurnOf({ weight, left }: GroupInTurn, batchSize = 1): number {
  return left ?? weight * batchSize;
}

/**
 * Shares jobs among groups in their order: first what batches lack that are begun; then at each turn of another group as
 * many as it weighs, or as many batches, until all are given.
 */
export function takeTurns(
  groups: readonly GroupInTurn[],
  demand: Omit<GroupDemand, 'name'>,
): Turns {
  const { limit, batchSize = 1, begun = [] } = demand;
  const lacking = new Map(begun.map(({ group, missing }) => [laneOfGroup(group), missing]));
  let toFill = limit;
  const shares = groups.map(({ lane, room }) => {
    const given = Math.min(lacking.get(lane) ?? 0, room, toFill);
    toFill -= given;
    return given;
  });
  const inTurns = wantedInTurns(demand);
  let toGive = inTurns;
  let last = -1;
  let left = 0;
  let isFirstPass = true;
  let gaveSome = true;
  while (toGive > 0 && gaveSome) {
    gaveSome = false;
    for (const [index, group] of groups.entries()) {
      const has = shares[index] as number;
      const turn = isFirstPass ? firstTurnOf(group, batchSize) : group.weight * batchSize;
      const most = Math.min(turn, group.room - has);
      const given = Math.min(most, toGive);
      if (given <= 0 || lacking.has(group.lane)) continue;
      shares[index] = has + given;
      const counted = countedJobs(given, batchSize);
      toGive -= counted;
      left = Math.max(most - counted, 0);
      last = index;
      gaveSome = true;
    }
    isFirstPass = false;
  }
  return { shares, last, left, isSpent: inTurns > 0 ? toGive <= 0 : toFill <= 0 };
}
