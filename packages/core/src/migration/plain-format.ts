/**
 * A queue that keeps a state and a due time in each document, as many applications write it for themselves.
 *
 * @module
 */
import { type Check, fields, oneOf, text } from '../foundation/argument-checks.ts';
import { InvalidArgumentError } from '../foundation/errors.ts';

/** What a document of such a queue may say, each in a field of its own. */
export type PlainField =
  | 'name'
  | 'data'
  | 'status'
  | 'priority'
  | 'nextRunAt'
  | 'createdAt'
  | 'startedAt'
  | 'finishedAt'
  | 'failReason'
  | 'uniqueKey'
  | 'repeatInterval'
  | 'timezone';

/** The states of such a queue, by what they are called here. */
export type PlainStatus = 'pending' | 'processing' | 'completed' | 'failed' | 'cancelled';

/** How a queue keeps its jobs. */
export interface PlainFormat {
  /** Where something is kept, such as `{ data: 'payload.body' }`. What is not named is kept under its own name. */
  readonly fields?: Readonly<Partial<Record<PlainField, string>>>;
  /** The values of each state, such as `{ pending: ['new', 'waiting'] }`. @default what they are called here */
  readonly statuses?: Readonly<Partial<Record<PlainStatus, readonly unknown[]>>>;
  /** The name of all jobs, for a queue whose documents have none. */
  readonly name?: string;
  /** Which priority goes first. @default 'lowerFirst' */
  readonly priorityOrder?: 'lowerFirst' | 'higherFirst';
}

export const FIELDS: readonly PlainField[] = [
  ...(['name', 'data', 'status', 'priority', 'nextRunAt', 'createdAt', 'startedAt'] as const),
  ...(['finishedAt', 'failReason', 'uniqueKey', 'repeatInterval', 'timezone'] as const),
];

export const STATUSES: readonly PlainStatus[] = [
  'pending',
  'processing',
  'completed',
  'failed',
  'cancelled',
];

const LONGEST_PATH = 256;
const LONGEST_NAME = 256;

const CHECKS: Readonly<Record<keyof PlainFormat, Check>> = {
  fields: fields(Object.fromEntries(FIELDS.map((name) => [name, text(LONGEST_PATH)]))),
  statuses: fields(Object.fromEntries(STATUSES.map((status) => [status, checkValues]))),
  name: text(LONGEST_NAME),
  priorityOrder: oneOf('lowerFirst', 'higherFirst'),
};

/** Checks the description of a queue. */
export function checkPlainFormat(field: string, value: unknown): void {
  fields(CHECKS)(field, value);
}

function checkValues(field: string, value: unknown): void {
  if (!Array.isArray(value)) throw new InvalidArgumentError(field, 'an array', value);
}
