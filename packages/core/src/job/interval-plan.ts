/**
 * Intervals: the plans of series that run again and again after the same time.
 *
 * What always holds: the times of a plan are its anchor and what lies whole intervals after it. So nothing shifts them:
 * neither how long a run takes or how late it starts, nor which process computes them, nor a change of the clocks.
 *
 * A job keeps the plan as a text, `every 5 minutes from 2026-01-01T00:00:00.000Z`, in the place of a cron expression.
 * A version that knows of no intervals cannot read that, and leaves the series to those that can.
 *
 * @module
 */
import { checkFields, YEAR_MS } from '../foundation/argument-checks.ts';
import { InvalidArgumentError } from '../foundation/errors.ts';
import { intervalMsOf, intervalText } from '../foundation/intervals.ts';
import { type CronPlan, parseCron } from './cron.ts';

const SHORTEST_MS = 1_000;
const LONGEST_MS = 10 * YEAR_MS;
/** No Date is later. */
const LAST_MS = 8.64e15;

const TEXT = /^every (\S.*?) from (\S+)$/;

/** How often a series runs, for one that no cron expression is needed for. */
export interface Interval {
  /**
   * The time from one run to the next: milliseconds, or a text such as `5 minutes` or `1 hour and 30 minutes`; from one
   * second to ten years. Units are seconds, minutes, hours, days and weeks, a day being 24 hours.
   */
  readonly every: number | string;
}

/** The instants a plan means. */
export type PlannedTimes = Pick<CronPlan, 'next' | 'last'>;

/** An interval that was read. */
export interface IntervalPlan extends PlannedTimes {
  readonly everyMs: number;
}

/**
 * The milliseconds of an interval that a caller gave.
 *
 * @throws InvalidArgumentError naming `every`
 */
export function toEveryMs(interval: Interval): number {
  let everyMs: number | undefined;
  checkFields('cron', interval, {
    every(field, value) {
      everyMs = everyMsOf(value);
      if (everyMs === undefined) throw notAnInterval(field, value);
    },
  });
  if (everyMs === undefined) throw notAnInterval('cron.every', undefined);
  return everyMs;
}

function notAnInterval(field: string, value: unknown): InvalidArgumentError {
  const expected =
    'an interval such as `5 minutes`, or whole milliseconds, from one second to ten years';
  return new InvalidArgumentError(field, expected, value);
}

/** The milliseconds of an interval that series may have; undefined for any other value. */
export function everyMsOf(value: unknown): number | undefined {
  const everyMs = typeof value === 'string' ? intervalMsOf(value) : value;
  if (typeof everyMs !== 'number' || !Number.isInteger(everyMs)) return undefined;
  return everyMs >= SHORTEST_MS && everyMs <= LONGEST_MS ? everyMs : undefined;
}

/** The key of a series that was made with an interval and without a key: `every 5 minutes`, however it was written. */
export function keyOfInterval(everyMs: number): string {
  return `every ${intervalText(everyMs)}`;
}

/** The plan as a job keeps it. */
export function planText(everyMs: number, anchor: Date): string {
  return `${keyOfInterval(everyMs)} from ${anchor.toISOString()}`;
}

/** The interval that a job keeps; undefined when its plan is a cron expression, or nothing that this version can read. */
export function readInterval(repeatInterval: string): IntervalPlan | undefined {
  const [, interval = '', from = ''] = TEXT.exec(repeatInterval) ?? [];
  const everyMs = everyMsOf(interval);
  const anchorMs = Date.parse(from);
  if (everyMs === undefined || Number.isNaN(anchorMs)) return undefined;
  const at = (count: number): number => anchorMs + Math.max(0, count) * everyMs;
  return {
    everyMs,
    next(after) {
      const nextMs = at(Math.floor((after.getTime() - anchorMs) / everyMs) + 1);
      return nextMs > LAST_MS ? null : new Date(nextMs);
    },
    last(_first, before) {
      return new Date(at(Math.ceil((before.getTime() - anchorMs) / everyMs) - 1));
    },
  };
}

/**
 * Reads the plan of a series: an interval, or a cron expression.
 *
 * @throws InvalidCronError, or InvalidArgumentError, for a plan that this version cannot read
 */
export function readPlan(field: string, repeatInterval: string, timezone?: string): PlannedTimes {
  return readInterval(repeatInterval) ?? parseCron(field, repeatInterval, timezone);
}
