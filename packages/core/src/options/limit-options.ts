/**
 * What may be said of a limit, and how wrong values are refused.
 *
 * @module
 */
import {
  type Check,
  checkFields,
  fields,
  integer,
  text,
  YEAR_MS,
} from '../foundation/argument-checks.ts';
import { InvalidArgumentError } from '../foundation/errors.ts';
import type { RateLimit } from '../ledger/ledger-repository.ts';

/** At most so many starts in a time. */
export interface RateOptions {
  /** How many starts, from 1. */
  readonly limit: number;
  /** In how many milliseconds, from 1; at most 10 starts a millisecond. */
  readonly per: number;
  /** The most starts at once after a quiet time, from 1. @default `limit` */
  readonly burst?: number;
}

/** What a limit allows, of all processes together. */
export interface LimitOptions {
  /** The most jobs that run at once, from 0, which lets none start. @default no bound */
  readonly concurrency?: number;
  /** How many jobs start in a time; each try counts. @default no bound */
  readonly rate?: RateOptions;
}

/** What a limit allows, with what is left out filled in. */
export interface ResolvedLimit {
  readonly concurrency?: number;
  readonly rate?: RateLimit;
}

const LONGEST_KEY = 256;
const MOST_KEYS = 20;
const MOST = 1_000_000;
const FASTEST_PER_MS = 10;

/** What the keys of the limits begin with that a worker has for itself. */
const OWN_PREFIX = 'worker:';

const RATE_FIELDS = fields(
  { limit: integer(1, MOST), per: integer(1, YEAR_MS), burst: integer(1, MOST) },
  ['limit', 'per'],
);

const checkRate: Check = (field, value) => {
  RATE_FIELDS(field, value);
  const { limit, per } = value as RateOptions;
  if (limit / per > FASTEST_PER_MS) {
    throw new InvalidArgumentError(field, `at most ${FASTEST_PER_MS} starts a millisecond`, value);
  }
};

/** What values a limit takes. */
export const LIMIT_CHECKS: Readonly<Record<keyof LimitOptions, Check>> = {
  concurrency: integer(0, MOST),
  rate: checkRate,
};

/** Refuses what is no limit. */
export function checkLimit(field: string, value: unknown): void {
  checkFields(field, value, LIMIT_CHECKS);
}

/** Refuses what is no key of a limit, and the keys of limits that workers have for themselves. */
export function checkLimitKey(field: string, value: unknown): void {
  text(LONGEST_KEY)(field, value);
  if (!isOwnLimitKey(String(value))) return;
  const hint = 'that limit is set by the option `limit` of its worker';
  throw new InvalidArgumentError(
    field,
    `a key that does not begin with ${OWN_PREFIX}`,
    value,
    hint,
  );
}

/** Refuses what is no list of different keys of limits. */
export function checkLimitKeys(field: string, value: unknown): void {
  if (!Array.isArray(value) || value.length > MOST_KEYS) {
    throw new InvalidArgumentError(field, `a list of up to ${MOST_KEYS} keys of limits`, value);
  }
  for (const [index, key] of value.entries()) checkLimitKey(`${field}[${index}]`, key);
  if (new Set(value).size < value.length) {
    throw new InvalidArgumentError(field, 'a list of different keys', value);
  }
}

/** The key of the limit that a worker has for itself. */
export function ownLimitKey(name: string): string {
  return `${OWN_PREFIX}${name}`;
}

/** True for the key of a limit that a worker has for itself. */
export function isOwnLimitKey(key: string): boolean {
  return key.startsWith(OWN_PREFIX);
}

/** Fills in what was left out. */
export function resolveLimit({ concurrency, rate }: LimitOptions): ResolvedLimit {
  return {
    ...(concurrency !== undefined && { concurrency }),
    ...(rate && { rate: { limit: rate.limit, perMs: rate.per, burst: rate.burst ?? rate.limit } }),
  };
}
