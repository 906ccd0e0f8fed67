/**
 * What may be said of one enqueue, and how wrong values are refused.
 *
 * @module
 */
import type { ObjectId } from 'mongodb';
import {
  type Check,
  checkDate,
  checkFields,
  checkJobName,
  fields,
  integer,
  oneOf,
  toObjectId,
  YEAR_MS,
} from '../foundation/argument-checks.ts';
import type { Session } from '../foundation/driver-shapes.ts';
import { InvalidArgumentError } from '../foundation/errors.ts';
import { type BackoffPlan, DEFAULT_PRIORITY, type UniqueHold } from '../job/job.ts';
import type { JobMetadata } from '../job/metadata.ts';
import { checkGroup, checkOrder, checkUniqueKey, RUN_CHECKS } from './run-options.ts';
import { checkCallTimeout, checkSession } from './transaction-options.ts';

/** How long a job holds its unique key: until it is done, until it is claimed, or for a window of milliseconds. */
export type UniqueHoldOption = 'untilDone' | 'untilStarted' | { readonly window: number };

/**
 * What an enqueue does whose unique key is taken.
 *
 * - `keep`: nothing; the job that holds the key is the answer
 * - `replace`: gives a pending holder the new data, time and priority
 * - `{ debounce, maxWait }`: puts a pending holder off until `debounce` milliseconds from now, but not beyond `maxWait`
 *   milliseconds after its creation, with the new data
 * - `throw`: nothing; the enqueue fails with a `UniqueKeyTakenError` that names the holder
 * - `throttle`: for a key held for a window: runs in the next window instead, at most one job there
 */
export type WhenTaken =
  | 'keep'
  | 'replace'
  | 'throttle'
  | 'throw'
  | { readonly debounce: number; readonly maxWait?: number };

/** What an enqueue does to earlier jobs of its key, of which only the newest matters. */
export interface Supersede {
  /** 1 to 256 characters. */
  readonly key: string;
  /** Whether the one that runs is asked to cancel, or left to finish. @default 'cancel' */
  readonly running?: 'cancel' | 'finish';
}

/** Options of one enqueue. */
export interface EnqueueOptions {
  /** Not before this time. @default now */
  readonly runAt?: Date;
  /**
   * Not before so many milliseconds from now, by the ledger's clock; in place of `runAt`. From 0 to a year.
   *
   * @default 0
   */
  readonly delay?: number;
  /**
   * No second job of the same name and key is stored while a first holds it; the one that exists is returned. From 1
   * to 1024 characters.
   */
  readonly uniqueKey?: string;
  /** How long the key is held. @default 'untilDone'; 'untilStarted' with `debounce` */
  readonly uniqueHold?: UniqueHoldOption;
  /** What happens when the key is taken. @default 'keep' */
  readonly whenTaken?: WhenTaken;
  /**
   * The id of the job, 12 bytes of your choice that no other job has: the same id again stores nothing, and the job that
   * has it is returned, also when it is finished or in the archive. For calls that are repeated when their answer is
   * lost. Lists by id show it where its first four bytes, the seconds since 1970, put it. Costs three reads. Not with
   * `session`, and not in `enqueueMany`.
   *
   * @default a new one
   */
  readonly id?: ObjectId | string;
  /**
   * A key of 1 to 256 characters: the job starts when all jobs of this name and key that were stored before it are
   * finished, through their retries and rescues too. For a worker with the option `order`; goes with no `priority`.
   */
  readonly order?: string;
  /**
   * Whose job it is, such as a tenant, in 1 to 256 characters: jobs of different groups of a name take turns, and
   * `priority` goes within a group. For a worker with the option `groups`; not with `order`.
   */
  readonly group?: string;
  /**
   * Takes the place of earlier jobs of this name and key: one that waits gets the new data and time, one that runs is
   * asked to cancel, and the new one starts when that has ended. For a worker with the option `order`. Not with `order`,
   * `priority`, `uniqueKey`, `whenTaken`, `id` or `session`, and not in `enqueueMany`.
   */
  readonly supersede?: Supersede;
  /** An integer from -100 (first) to 100 (last). @default 0 */
  readonly priority?: number;
  /** A small object to find the job by: at most 4 KiB of texts, numbers, booleans, dates, lists and objects. */
  readonly metadata?: JobMetadata;
  /** Failures after which the job has failed for good, from 1. @default that of the worker */
  readonly maxRetries?: number;
  /** How long to wait before a retry. @default that of the worker */
  readonly backoff?: BackoffPlan;
  /** Milliseconds after which a run is aborted and counts as failed, from 1. @default that of the worker */
  readonly timeout?: number;
  /**
   * Milliseconds after which this call fails with an `UnknownOutcomeError` when MongoDB has not confirmed the job, from 1
   * to a day. What was sent is sent on until `resendLimit`, so the job may be stored later: call again with the same `id`
   * or `uniqueKey`. `enqueueMany` takes it as its second argument, for all entries.
   *
   * @default as long as `resendLimit` allows
   */
  readonly callTimeout?: number;
  /** Store the job inside this transaction: it exists if and when the transaction commits. */
  readonly session?: Session;
}

const checkWindow = fields({ window: integer(1_000, YEAR_MS) }, ['window']);

const checkDebounce = fields({ debounce: integer(1, YEAR_MS), maxWait: integer(1, YEAR_MS) }, [
  'debounce',
]);

const ENQUEUE_CHECKS: Readonly<Record<keyof EnqueueOptions, Check>> = {
  runAt: checkDate,
  delay: integer(0, YEAR_MS),
  uniqueKey: checkUniqueKey,
  uniqueHold: objectOr(checkWindow, oneOf('untilDone', 'untilStarted')),
  order: checkOrder,
  group: checkGroup,
  supersede: fields({ key: checkOrder, running: oneOf('cancel', 'finish') }, ['key']),
  whenTaken: objectOr(checkDebounce, oneOf('keep', 'replace', 'throttle', 'throw')),
  id: toObjectId,
  ...RUN_CHECKS,
  callTimeout: checkCallTimeout,
  session: checkSession,
};

/** The options of an enqueue with the defaults that need no time. */
export interface ResolvedEnqueueOptions extends EnqueueOptions {
  readonly priority: number;
  readonly whenTaken: WhenTaken;
  readonly hold: UniqueHold;
  /** For a key that is held for a window. */
  readonly windowMs: number;
}

/**
 * Checks the options of an enqueue and fills in the defaults.
 *
 * @param field - what the options are called in errors
 * @throws InvalidArgumentError naming the option
 */
export function resolveEnqueueOptions(
  field: string,
  options: EnqueueOptions = {},
): ResolvedEnqueueOptions {
  checkFields(field, options, ENQUEUE_CHECKS);
  if (options.supersede !== undefined) return superseding(field, options, options.supersede);
  const { whenTaken = 'keep', uniqueKey, uniqueHold } = options;
  if (options.order !== undefined && options.priority !== undefined) {
    const expected = 'left out with order, which sets the turn';
    throw new InvalidArgumentError(`${field}.priority`, expected, options.priority);
  }
  if (options.order !== undefined && options.group !== undefined) {
    throw new InvalidArgumentError(`${field}.group`, 'left out with order', options.group);
  }
  checkUnique(field, options);
  const isDebounced = typeof whenTaken === 'object';
  const hold = uniqueHold ?? (isDebounced ? 'untilStarted' : 'untilDone');
  const resolved = typeof hold === 'object' ? 'window' : hold;
  return {
    ...options,
    priority: options.priority ?? DEFAULT_PRIORITY,
    whenTaken,
    hold: uniqueKey === undefined ? 'untilDone' : resolved,
    windowMs: typeof hold === 'object' ? hold.window : 0,
  };
}

/** One that waits is held by a key until it starts; the order keeps it behind the one that runs. */
function superseding(
  field: string,
  options: EnqueueOptions,
  { key }: Supersede,
): ResolvedEnqueueOptions {
  for (const option of SAID_BY_SUPERSEDE) {
    const value = options[option];
    if (value === undefined) continue;
    throw new InvalidArgumentError(`${field}.${option}`, 'left out with supersede', value);
  }
  checkUnique(field, options);
  return {
    ...options,
    ...{ order: key, uniqueKey: key, priority: DEFAULT_PRIORITY },
    ...{ whenTaken: 'replace', hold: 'untilStarted', windowMs: 0 },
  };
}

const SAID_BY_SUPERSEDE = [
  ...(['order', 'group', 'priority', 'uniqueKey', 'uniqueHold', 'whenTaken'] as const),
  ...(['id', 'session'] as const),
];

/** Options that mean nothing without each other, or against each other. */
function checkUnique(field: string, options: EnqueueOptions): void {
  const { uniqueKey, uniqueHold, whenTaken, runAt, delay, id, session } = options;
  const refuse = (option: string, expected: string, value: unknown): never => {
    throw new InvalidArgumentError(`${field}.${option}`, expected, value);
  };
  if (runAt !== undefined && delay !== undefined) refuse('delay', 'left out with runAt', delay);
  if (id !== undefined && session !== undefined) refuse('id', 'left out with a session', id);
  if (uniqueKey === undefined) {
    if (uniqueHold !== undefined) refuse('uniqueHold', 'left out without a uniqueKey', uniqueHold);
    if (whenTaken !== undefined) refuse('whenTaken', 'left out without a uniqueKey', whenTaken);
  }
  if (whenTaken === 'throttle' && typeof uniqueHold !== 'object') {
    refuse('uniqueHold', 'a window, as throttle needs it', uniqueHold);
  }
  if (typeof whenTaken === 'object') {
    const expected = 'left out with debounce, which sets the time';
    if (runAt !== undefined) refuse('runAt', expected, runAt);
    if (delay !== undefined) refuse('delay', expected, delay);
    const { debounce, maxWait = debounce } = whenTaken;
    if (maxWait < debounce) refuse('whenTaken.maxWait', 'at least debounce', maxWait);
  }
}

/** Checks one entry of many: its fields, and that its options have nothing that goes with one job alone. */
export function checkEnqueueEntry(field: string, entry: unknown): void {
  checkFields(field, entry, {
    name: checkJobName,
    data: () => undefined,
    options: (optionsField, options) => {
      if (typeof options !== 'object' || options === null) return;
      for (const name of ['session', 'id', 'supersede', 'callTimeout']) {
        const given: unknown = Reflect.get(options, name);
        if (given === undefined) continue;
        throw new InvalidArgumentError(`${optionsField}.${name}`, 'left out', given);
      }
    },
  });
}

function objectOr(checkObject: Check, check: Check): Check {
  return (field, value) => {
    if (typeof value === 'object' && value !== null) checkObject(field, value);
    else check(field, value);
  };
}

/**
 * Refuses a job for a worker that runs no such jobs and would leave it waiting for ever.
 *
 * @throws InvalidArgumentError when it is given
 */
export function refuseLane(
  field: string,
  name: string,
  option: 'order' | 'supersede' | 'group',
  given: string | undefined,
): void {
  if (given === undefined) return;
  const own = option === 'group' ? 'groups' : 'order';
  const hint = `give it one, as in worker('${name}', handler, { ${own}: {} })`;
  const expected = `left out, since the worker has no option \`${own}\``;
  throw new InvalidArgumentError(`${field}.${option}`, expected, given, hint);
}
