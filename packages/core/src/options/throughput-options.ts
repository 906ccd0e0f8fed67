/**
 * Which counts by minute are read, and how wrong values are refused.
 *
 * @module
 */
import {
  type Check,
  checkDate,
  checkFields,
  DAY_MS,
  integer,
  oneOf,
} from '../foundation/argument-checks.ts';
import { InvalidArgumentError } from '../foundation/errors.ts';
import { checkNames, LIST_CHECKS } from './list-options.ts';

const MINUTE_MS = 60_000;

/** How long a step is when nothing is said, in milliseconds. */
export const DEFAULT_THROUGHPUT_STEP: number = MINUTE_MS;

/** How many points an answer holds at most. */
export const MOST_THROUGHPUT_POINTS = 10_000;

/** Which counts by minute are read. */
export interface ThroughputOptions {
  /** Steps that begin at this time or later; the step that holds it is the first. @default an hour before `before` */
  readonly from?: Date;
  /** Minutes before this time. @default now, with the minute that is on */
  readonly before?: Date;
  /** How long a step is, in milliseconds: whole minutes, up to a day. @default 60000 */
  readonly step?: number;
  /** One name, or several. @default all together */
  readonly name?: string | readonly string[];
  /** A point for each name instead of one for all. @default false */
  readonly perName?: boolean;
  /** Milliseconds it may take, from 1 to 600000; then a `ConnectionError`. @default `operationTimeout` */
  readonly timeout?: number;
}

const CHECKS: Readonly<Record<keyof ThroughputOptions, Check>> = {
  from: checkDate,
  before: checkDate,
  step: (field, value) => {
    integer(MINUTE_MS, DAY_MS)(field, value);
    if ((value as number) % MINUTE_MS === 0) return;
    throw new InvalidArgumentError(field, 'whole minutes, as milliseconds', value);
  },
  name: checkNames,
  perName: oneOf(true, false),
  timeout: LIST_CHECKS.timeout,
};

/** Checks what is to be read. */
export function checkThroughputOptions(options: ThroughputOptions): void {
  checkFields('options', options, CHECKS);
}
