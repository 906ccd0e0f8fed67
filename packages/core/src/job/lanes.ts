/**
 * Lanes: where the jobs of one order stand behind one another.
 *
 * A lane's name is a hash of its key, a colon and the key. So lanes are spread evenly over all hashes, whatever their
 * keys are, and a walk through them may begin anywhere.
 *
 * @module
 */
import { type Job, ORDERED_PRIORITY, ORDERED_VERSION } from './job.ts';

/** How many hashes there are. */
export const LANE_HASHES: number = 2 ** 32;

const HASH_DIGITS = 8;

/** What sorts behind every hash. */
const BEHIND_HASHES = 'g';

/** The lane of the jobs with this key. */
export function laneOf(key: string): string {
  return `${hashStart(hashOf(key))}:${key}`;
}

/** Where lanes with this hash or a later one begin. */
export function hashStart(hash: number): string {
  return hash >= LANE_HASHES ? BEHIND_HASHES : hash.toString(16).padStart(HASH_DIGITS, '0');
}

/** The key of a lane. */
export function keyOfLane(lane: string): string {
  return lane.slice(HASH_DIGITS + 1);
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
