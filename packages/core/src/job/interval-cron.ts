/**
 * Intervals as cron expressions.
 *
 * What always holds: the expression has the same time between any two runs as the interval. So only intervals that
 * divide the minute, the hour or the day have one; an interval of a day or more has none, since nobody said at what
 * time of the day.
 *
 * @module
 */

import { intervalMsOf } from '../foundation/intervals.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** The cron expression that has this interval; undefined when there is none. */
export function cronOfInterval(interval: string | number): string | undefined {
  const intervalMs = typeof interval === 'number' ? interval : intervalMsOf(interval);
  if (intervalMs === undefined) return undefined;
  if (divides(SECOND_MS, intervalMs, MINUTE_MS)) return `${step(intervalMs / SECOND_MS)} * * * * *`;
  if (divides(MINUTE_MS, intervalMs, HOUR_MS)) return `${step(intervalMs / MINUTE_MS)} * * * *`;
  if (divides(HOUR_MS, intervalMs, DAY_MS)) return `0 ${step(intervalMs / HOUR_MS)} * * *`;
  return undefined;
}

/** True when the interval is made of whole units, and the next larger unit of whole intervals. */
function divides(unitMs: number, intervalMs: number, largerMs: number): boolean {
  return (
    intervalMs >= unitMs &&
    intervalMs < largerMs &&
    intervalMs % unitMs === 0 &&
    largerMs % intervalMs === 0
  );
}

function step(count: number): string {
  return count === 1 ? '*' : `*/${count}`;
}
