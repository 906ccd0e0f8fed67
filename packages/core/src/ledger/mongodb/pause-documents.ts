/**
 * The documents that say which names are paused. They lie among the jobs, so that the change stream of the jobs carries
 * them; without a state and a name they are in no index that the engine looks for jobs in, and their ids are texts.
 *
 * @module
 */
import type { Document } from 'mongodb';

/** The stored form of a pause. */
export interface PauseDocument {
  readonly _id: string;
  readonly pausedName: string;
  readonly pausedAt: Date;
  /** Who paused it, where that was said. */
  readonly pausedBy?: string;
  /** Why, where that was said. */
  readonly pausedReason?: string;
}

const PREFIX = 'pause:';
/** The first text behind all that begin with the prefix. */
const BEHIND_PREFIX = 'pause;';

/** What the ids of these documents look like. */
export const PAUSE_ID_PATTERN: RegExp = /^pause:/;

/** The id of the document that pauses a name. */
export function pauseId(name: string): string {
  return `${PREFIX}${name}`;
}

/** All of these documents. */
export function pausesFilter(): Document {
  return { _id: { $gte: PREFIX, $lt: BEHIND_PREFIX } };
}
