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
import { nextStartAt, startsAllowed, usedUpUnder } from './limit-share.ts';
import type { GroupSettings } from './verbs/groups.ts';

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
  /** How many jobs of it may be claimed at most. */
  readonly room: number;
  /** How many of them at each turn. */
  readonly weight: number;
}

/** What each group gets, and the last one that got a turn, whom the others come before next time. */
export interface Turns {
  readonly shares: readonly number[];
  readonly last: number;
}

/** Shares jobs among groups in their order: at each turn of a group as many as it weighs, until all are given. */
export function takeTurns(groups: readonly GroupInTurn[], wanted: number): Turns {
  const shares = groups.map(() => 0);
  let left = wanted;
  let last = -1;
  let gaveSome = true;
  while (left > 0 && gaveSome) {
    gaveSome = false;
    for (const [index, { room, weight }] of groups.entries()) {
      const has = shares[index] as number;
      const given = Math.min(weight, room - has, left);
      if (given <= 0) continue;
      shares[index] = has + given;
      left -= given;
      last = index;
      gaveSome = true;
    }
  }
  return { shares, last };
}
