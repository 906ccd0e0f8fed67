/**
 * What a call for a share of a limit gets: every ledger has to choose alike.
 *
 * What always holds: a share that grows takes no more than what is free; a share is never cut, only given back; and of
 * a rate no more starts are given than it allows by the clock of the ledger.
 *
 * @module
 */
import type { LimitRecord, RateLimit, TakeShareParams } from './verbs/limits.ts';

/** A start that is missing by less counts as allowed: the times are sums of fractions. */
const ROUNDING = 0.01;

/** What a limit allows beside the shares of others. */
export interface ShareChoice {
  readonly count: number;
  readonly starts: number;
  /** When the starts that were given are used up at the rate, in milliseconds; absent where it does not change. */
  readonly usedUpMs?: number;
  /** True when those who wait for the limit have something to learn. */
  readonly isNews: boolean;
}

/** What a ledger keeps of a limit beside its record. */
export interface RateState {
  /** When what was started so far is used up at the rate, in milliseconds. */
  readonly usedUpMs?: number | undefined;
}

/** What a call gets. */
export function chooseShare(
  limit: Pick<LimitRecord, 'concurrency' | 'rate' | 'shares' | 'blockedUntil'>,
  state: RateState,
  params: Pick<TakeShareParams, 'instanceId' | 'count' | 'wants' | 'starts'>,
  nowMs: number,
): ShareChoice {
  const { instanceId, wants } = params;
  const mine = limit.shares.find((share) => share.instanceId === instanceId);
  const held = mine?.count ?? 0;
  const total = limit.shares.reduce((sum, { count }) => sum + count, 0);
  const free = Math.max((limit.concurrency ?? Number.POSITIVE_INFINITY) - total, 0);
  const count = Math.min(params.count, held + free);
  const isBlocked = limit.blockedUntil !== undefined && limit.blockedUntil.getTime() > nowMs;
  const isNews = count < held || (wants > 0 && (mine?.wants ?? 0) === 0);
  const { rate } = limit;
  if (rate === undefined) return { count, starts: isBlocked ? 0 : params.starts, isNews };
  const room = startsAllowed(rate, state.usedUpMs, nowMs);
  const starts = isBlocked ? 0 : Math.min(params.starts, room);
  const after = starts > 0 && { usedUpMs: usedUpAfter(rate, state.usedUpMs, nowMs, starts) };
  return { count, starts, isNews, ...after };
}

/** How many starts a rate allows at a time. */
export function startsAllowed(
  rate: RateLimit,
  usedUpMs: number | undefined,
  nowMs: number,
): number {
  const everyMs = rate.perMs / rate.limit;
  const fromMs = Math.max(usedUpMs ?? 0, nowMs);
  const room = Math.floor((nowMs + rate.burst * everyMs - fromMs) / everyMs + ROUNDING);
  return Math.max(room, 0);
}

/** When a rate is used up to after more starts. */
export function usedUpAfter(
  rate: RateLimit,
  usedUpMs: number | undefined,
  nowMs: number,
  starts: number,
): number {
  return Math.max(usedUpMs ?? 0, nowMs) + starts * (rate.perMs / rate.limit);
}

/** When the rate allows the next start; undefined while nothing was started. */
export function nextStartAt(
  rate: RateLimit | undefined,
  usedUpMs: number | undefined,
): Date | undefined {
  if (rate === undefined || usedUpMs === undefined) return undefined;
  return new Date(Math.ceil(usedUpMs - (rate.burst - 1) * (rate.perMs / rate.limit)));
}

/** The same under a rate that was changed: at worst as if a whole burst had been started just now. */
export function usedUpUnder(
  rate: RateLimit | undefined,
  usedUpMs: number | undefined,
  nowMs: number,
): number | undefined {
  if (rate === undefined || usedUpMs === undefined) return undefined;
  return Math.min(usedUpMs, nowMs + rate.burst * (rate.perMs / rate.limit));
}
