/**
 * Lanes: where the jobs of one order, or of one group, stand behind one another.
 *
 * A lane's name is a hash of its key, a colon and the key. So lanes are spread evenly over all hashes, whatever their
 * keys are, and a walk through them may begin anywhere. Those of groups begin with a letter of their own, behind all of
 * orders.
 *
 * @module
 */
import { type Job, ORDERED_PRIORITY, ORDERED_VERSION } from './job.ts';

/** How many hashes there are. */
export const LANE_HASHES: number = 2 ** 32;

const HASH_DIGITS = 8;

/** What sorts behind every hash. */
const BEHIND_HASHES = 'g';

/** What the lanes of groups begin with. No digit of a hash sorts behind it. */
export const GROUP_MARK = 'g';

/** What sorts behind the lanes of all groups. */
const BEHIND_GROUPS = 'h';

/** The lane of the jobs with this key of an order. */
export function laneOf(key: string): string {
  return `${hashStart(hashOf(key))}:${key}`;
}

/** Where lanes with this hash or a later one begin. */
export function hashStart(hash: number): string {
  return hash >= LANE_HASHES ? BEHIND_HASHES : hash.toString(16).padStart(HASH_DIGITS, '0');
}

/** The lane of the jobs of this group. */
export function laneOfGroup(group: string): string {
  return `${GROUP_MARK}${laneOf(group)}`;
}

/** Where lanes of groups with this hash or a later one begin. */
export function groupHashStart(hash: number): string {
  return hash >= LANE_HASHES ? BEHIND_GROUPS : `${GROUP_MARK}${hashStart(hash)}`;
}

/** The hash that a lane of an order begins with. */
export function hashOfLane(lane: string): number {
  return Number.parseInt(lane.slice(0, HASH_DIGITS), 16);
}

/** The hash that a lane of a group begins with. */
export function hashOfGroupLane(lane: string): number {
  return hashOfLane(lane.slice(1));
}

/** True for the lane of a group. */
export function isGroupLane(lane: string): boolean {
  return lane.startsWith(GROUP_MARK);
}

/** The key of a lane. */
export function keyOfLane(lane: string): string {
  return lane.slice(HASH_DIGITS + (isGroupLane(lane) ? 2 : 1));
}

/** What a job has that stands in the order of a key. */
export function orderFields(
  key: string,
): Pick<Job, 'order' | 'lane' | 'priority' | 'documentVersion'> {
  return {
    order: key,
    lane: laneOf(key),
    priority: ORDERED_PRIORITY,
    documentVersion: ORDERED_VERSION,
  };
}

/** What a job has that takes its turn in a group. */
export function groupFields(
  group: string,
  priority: number,
): Pick<Job, 'group' | 'lane' | 'rank' | 'priority' | 'documentVersion'> {
  return {
    ...{ group, lane: laneOfGroup(group), rank: priority },
    ...{ priority: ORDERED_PRIORITY, documentVersion: ORDERED_VERSION },
  };
}

/** FNV-1a, whose bits are mixed once more, since keys that differ at their ends are to be far apart. */
function hashOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < key.length; index += 1) {
    hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
