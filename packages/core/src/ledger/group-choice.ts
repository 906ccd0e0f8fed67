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
  /** How many jobs of it may be claimed at most. */
  readonly room: number;
  /** How many of them, or how many batches of them, at each turn. */
  readonly weight: number;
}

/** What each group gets, and the last one that got a turn, whom the others come before next time. */
export interface Turns {
  readonly shares: readonly number[];
  readonly last: number;
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
  let left = inTurns;
  let last = -1;
  let gaveSome = true;
  while (left > 0 && gaveSome) {
    gaveSome = false;
    for (const [index, { lane, room, weight }] of groups.entries()) {
      const has = shares[index] as number;
      const given = Math.min(weight * batchSize, room - has, left);
      if (given <= 0 || lacking.has(lane)) continue;
      shares[index] = has + given;
      left -= countedJobs(given, batchSize);
      last = index;
      gaveSome = true;
    }
  }
  return { shares, last, isSpent: inTurns > 0 ? left <= 0 : toFill <= 0 };
}
