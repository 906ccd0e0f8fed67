/**
 * What may be said of groups, and how wrong values are refused.
 *
 * @module
 */
import { type Check, checkFields, fields, integer, oneOf } from '../foundation/argument-checks.ts';
import type { GroupSettings, RateLimit } from '../ledger/ledger-repository.ts';
import {
  LIMIT_CHECKS,
  type LimitOptions,
  type RateOptions,
  resolveLimit,
} from './limit-options.ts';

/** How a worker runs jobs with a group: what holds for each group that has nothing else set, over all processes. */
export interface WorkerGroups extends LimitOptions {
  /** How many jobs of a group are claimed at each of its turns, from 1 to 1000. @default 1 */
  readonly weight?: number;
}

/** What is set for one group, over all processes; what is left out stays as it is, and null takes it back. */
export interface GroupOptions {
  /** The most jobs of the group that run at once, from 0. @default that of the worker */
  readonly concurrency?: number | null;
  /** How many jobs of the group start in a time; each try counts. @default that of the worker */
  readonly rate?: RateOptions | null;
  /** How many jobs of the group are claimed at each of its turns, from 1 to 1000. @default that of the worker */
  readonly weight?: number | null;
  /** True: no job of the group starts; those that run go on. @default false */
  readonly paused?: boolean;
}

const weight = integer(1, 1_000);

/** Refuses what says nothing of the groups of a worker. */
export const checkWorkerGroups: Check = fields({ ...LIMIT_CHECKS, weight });

const GROUP_CHECKS: Readonly<Record<keyof GroupOptions, Check>> = {
  concurrency: orNull(LIMIT_CHECKS.concurrency),
  rate: orNull(LIMIT_CHECKS.rate),
  weight: orNull(weight),
  paused: oneOf(true, false),
};

/** Refuses what is nothing to be set for a group. */
export function checkGroupOptions(field: string, value: unknown): void {
  checkFields(field, value, GROUP_CHECKS);
}

/** What a worker says of each group, with what is left out filled in. */
export function resolveWorkerGroups({ weight: most, ...limit }: WorkerGroups): GroupSettings {
  return { ...resolveLimit(limit), ...(most !== undefined && { weight: most }) };
}

/** A rate as the ledger takes it; null takes one back. */
export function resolveRate(rate: RateOptions | null): RateLimit | null {
  return rate === null ? null : (resolveLimit({ rate }).rate as RateLimit);
}

function orNull(check: Check): Check {
  return (field, value) => {
    if (value !== null) check(field, value);
  };
}
