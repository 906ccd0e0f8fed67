/**
 * Which jobs are meant by a filter, which are listed, and how wrong values are refused.
 *
 * @module
 */

import type { ObjectId } from 'mongodb';
import {
  type Check,
  checkDate,
  checkFields,
  checkJobName,
  integer,
  oneOf,
  text,
  toObjectId,
} from '../foundation/argument-checks.ts';
import { InvalidArgumentError } from '../foundation/errors.ts';
import { JobStatus } from '../job/job.ts';
import { checkMetadataFilter, type MetadataFilter } from '../job/metadata.ts';
import { checkGroup, checkOrder, checkUniqueKey } from './run-options.ts';

const MOST_LISTED = 10_000;
const MOST_COUNTED = 1_000_000;
const MOST_IDS = 1_000;
const LONGEST_PREFIX = 1_000;
const LONGEST_INSTANCE_ID = 256;
const LONGEST_TIMEOUT_MS = 600_000;

/** How many jobs are counted at most when nothing is said. */
export const DEFAULT_COUNT_LIMIT = 1_000;

/** How many jobs a list holds when nothing is said. */
export const DEFAULT_LIST_LIMIT = 100;

/** Which jobs are meant. A field that is left out does not restrict them. */
export interface JobsFilter {
  /** One name, or several. */
  readonly name?: string | readonly string[];
  /** One state, or several. */
  readonly status?: JobStatus | readonly JobStatus[];
  readonly uniqueKey?: string;
  /** The key of their order. */
  readonly order?: string;
  /** The group that they take their turns in. */
  readonly group?: string;
  /** The id of their flow. */
  readonly flow?: ObjectId | string;
  /** Jobs whose metadata holds each of these values; of a list, one of its items. */
  readonly metadata?: MetadataFilter;
  /** Jobs created at this time or later. */
  readonly createdFrom?: Date;
  /** Jobs created before this time. */
  readonly createdBefore?: Date;
  /** Jobs finished at this time or later. */
  readonly finishedFrom?: Date;
  /** Jobs finished before this time. */
  readonly finishedBefore?: Date;
  /** Jobs whose last failure has a message that begins with this text, of 1 to 1000 characters. */
  readonly failReason?: string;
  /** Dead letters of one name, or of several: jobs that failed under it and wait under another since then. */
  readonly deadLettersOf?: string | readonly string[];
  /** Jobs that the instance with this id holds. */
  readonly claimedBy?: string;
  /** The jobs with these ids, 1 to 1000 of them. */
  readonly ids?: readonly (ObjectId | string)[];
}

/** Which jobs are listed. */
export interface GetJobsOptions extends JobsFilter {
  /** How many at most, from 1 to 10000. @default 100 */
  readonly limit?: number;
  /** How many to pass over. @default 0 */
  readonly skip?: number;
  /** List the archive instead. @default false */
  readonly archived?: boolean;
  /** Milliseconds the list may take, from 1 to 600000; then a `ConnectionError`. @default `operationTimeout` */
  readonly timeout?: number;
}

/** Which jobs are listed, page by page. */
export interface GetJobsWithCursorOptions extends JobsFilter {
  /** @default '_id' */
  readonly orderBy?: '_id' | 'createdAt' | 'updatedAt' | 'nextRunAt';
  /** @default 'ascending' */
  readonly direction?: 'ascending' | 'descending';
  /** A cursor of an earlier page in the same order and direction; the first page when left out. */
  readonly cursor?: string;
  /** How many jobs a page holds, from 1 to 10000. @default 100 */
  readonly limit?: number;
  /** List the archive instead. @default false */
  readonly archived?: boolean;
  /** Milliseconds the page may take, from 1 to 600000; then a `ConnectionError`. @default `operationTimeout` */
  readonly timeout?: number;
}

/** How jobs are counted. */
export interface CountJobsOptions {
  /** How many are counted at most, from 1 to 1000000. @default 1000 */
  readonly limit?: number;
  /** Count the archive instead. @default false */
  readonly archived?: boolean;
  /** Milliseconds it may take, from 1 to 600000; then a `ConnectionError`. @default `operationTimeout` */
  readonly timeout?: number;
}

const checkStatus = oneOf(...Object.values(JobStatus));

/** Checks one name, or a list of them. */
export const checkNames: Check = oneOrMany(checkJobName);

const FILTER_CHECKS: Readonly<Record<keyof JobsFilter, Check>> = {
  name: checkNames,
  status: oneOrMany(checkStatus),
  uniqueKey: checkUniqueKey,
  order: checkOrder,
  group: checkGroup,
  flow: toObjectId,
  metadata: checkMetadataFilter,
  createdFrom: checkDate,
  createdBefore: checkDate,
  finishedFrom: checkDate,
  finishedBefore: checkDate,
  failReason: text(LONGEST_PREFIX),
  deadLettersOf: checkNames,
  claimedBy: text(LONGEST_INSTANCE_ID),
  ids: checkIds,
};

/** How what is listed is checked. */
export const LIST_CHECKS: Readonly<Record<keyof GetJobsOptions, Check>> = {
  ...FILTER_CHECKS,
  limit: integer(1, MOST_LISTED),
  skip: integer(0, Number.MAX_SAFE_INTEGER),
  archived: oneOf(true, false),
  timeout: integer(1, LONGEST_TIMEOUT_MS),
};

const CURSOR_CHECKS: Readonly<Record<keyof GetJobsWithCursorOptions, Check>> = {
  ...FILTER_CHECKS,
  orderBy: oneOf('_id', 'createdAt', 'updatedAt', 'nextRunAt'),
  direction: oneOf('ascending', 'descending'),
  cursor: text(1_000),
  limit: LIST_CHECKS.limit,
  archived: LIST_CHECKS.archived,
  timeout: LIST_CHECKS.timeout,
};

const COUNT_CHECKS: Readonly<Record<keyof CountJobsOptions, Check>> = {
  limit: integer(1, MOST_COUNTED),
  archived: LIST_CHECKS.archived,
  timeout: LIST_CHECKS.timeout,
};

/** Checks how jobs are to be counted. */
export function checkCountJobsOptions(options: CountJobsOptions): void {
  checkFields('options', options, COUNT_CHECKS);
}

/** Checks a filter of jobs that are to be changed: what was forgotten must not mean all of them. */
export function checkJobsFilter(filter: JobsFilter): void {
  if (typeof filter !== 'object' || filter === null || Array.isArray(filter)) {
    throw new InvalidArgumentError('filter', 'an object', filter, 'pass {} for all jobs');
  }
  checkFields('filter', filter, FILTER_CHECKS);
  for (const [field, value] of Object.entries(filter)) {
    if (value !== undefined) continue;
    throw new InvalidArgumentError(`filter.${field}`, 'a value, or left out', value);
  }
}

/** Checks what is to be listed. */
export function checkGetJobsOptions(options: GetJobsOptions = {}): void {
  checkFields('options', options, LIST_CHECKS);
}

/** Checks what is to be listed page by page. */
export function checkGetJobsWithCursorOptions(options: GetJobsWithCursorOptions = {}): void {
  checkFields('options', options, CURSOR_CHECKS);
}

function checkIds(field: string, value: unknown): void {
  const isList = Array.isArray(value) && value.length > 0 && value.length <= MOST_IDS;
  if (!isList) throw new InvalidArgumentError(field, `a list of 1 to ${MOST_IDS} ids`, value);
  for (const [index, id] of value.entries()) toObjectId(`${field}[${index}]`, id);
}

function oneOrMany(check: Check): Check {
  return (field, value) => {
    if (!Array.isArray(value)) {
      check(field, value);
      return;
    }
    if (value.length === 0)
      throw new InvalidArgumentError(field, 'a list that is not empty', value);
    for (const [index, item] of value.entries()) check(`${field}[${index}]`, item);
  };
}
