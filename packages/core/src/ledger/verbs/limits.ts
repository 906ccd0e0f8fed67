/**
 * Named limits: what the verbs are given and answer.
 *
 * Each instance holds a share of a limit, which it sets again and never adds to. What is free is no number of its own:
 * it is what the limit allows without all shares.
 *
 * @module
 */
import type { Bounded, InstanceParams, ManualAct } from './call.ts';

/** At most so many starts in a time, with a bound on what an idle limit saves. */
export interface RateLimit {
  /** How many starts. */
  readonly limit: number;
  /** In how many milliseconds. */
  readonly perMs: number;
  /** The most starts at once after a quiet time. */
  readonly burst: number;
}

/** The share of one instance. */
export interface LimitShare {
  readonly instanceId: string;
  /** How many jobs under the limit the instance may hold at once. */
  readonly count: number;
  /** How many more it would hold, and did not get, as it said when it began to wait. */
  readonly wants: number;
}

/** A limit as it stands. */
export interface LimitRecord {
  readonly key: string;
  /** The most jobs that are processing at once; absent where that is not bounded. */
  readonly concurrency?: number;
  /** Absent where starts are not bounded. */
  readonly rate?: RateLimit;
  /** The shares, also those of nothing. */
  readonly shares: readonly LimitShare[];
  /** Until when nothing starts, as somebody asked for; it may have passed. */
  readonly blockedUntil?: Date;
  /** When the rate allows the next start; it may have passed, and is absent while nothing was started. */
  readonly nextStartAt?: Date;
}

/** What {@link LimitVerbs.setLimit} is given; a bound that is left out does not hold any more. */
export interface SetLimitParams extends Bounded, ManualAct {
  readonly key: string;
  readonly concurrency?: number;
  readonly rate?: RateLimit;
  readonly now: Date;
}

/** What {@link LimitVerbs.takeShare} is given. */
export interface TakeShareParams extends InstanceParams {
  readonly key: string;
  /** Higher with each call of the instance for this limit: a call that comes late changes nothing. */
  readonly seq: number;
  /** What the share is to be; never less than what the instance uses. */
  readonly count: number;
  /** How many more it would hold. */
  readonly wants: number;
  /** How many starts it asks of the rate. */
  readonly starts: number;
}

/** What {@link LimitVerbs.takeShare} answers. */
export interface TakeShareResult {
  /** `stale`: a call with this number or a higher one was carried out before; nothing was changed. */
  readonly outcome: 'taken' | 'stale' | 'missing';
  /** What the share is now; 0 when nothing was changed. */
  readonly count: number;
  /** How many starts were given; they are the instance's whether it uses them or not. */
  readonly starts: number;
  /** The limit after the call; null when it is missing. */
  readonly limit: LimitRecord | null;
}

/** What {@link LimitVerbs.backOff} is given. */
export interface BackOffParams extends Bounded, ManualAct {
  readonly key: string;
  /** Nothing starts before; an earlier time than the one that holds changes nothing. */
  readonly until: Date;
}
