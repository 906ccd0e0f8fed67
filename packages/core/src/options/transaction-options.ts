/**
 * The session of a call and its bound, and what may be said of an inbox.
 *
 * @module
 */
import {
  type Check,
  checkFields,
  DAY_MS,
  hasMethods,
  integer,
  YEAR_MS,
} from '../foundation/argument-checks.ts';
import type { Session } from '../foundation/driver-shapes.ts';
import { InvalidArgumentError } from '../foundation/errors.ts';

/** How long an inbox, and an outbox, remember an id when nothing else is said, in milliseconds: a week. */
export const DEFAULT_KEEP_FOR: number = 7 * DAY_MS;

/** Options of calls that may be part of a transaction. */
export interface SessionOptions {
  /** Store it inside this transaction: it exists if and when the transaction commits. */
  readonly session?: Session;
}

/** Options of `enqueueMany`. */
export interface EnqueueManyOptions extends SessionOptions {
  /**
   * Milliseconds after which every entry is answered as `unknown` when MongoDB has not confirmed all of them, from 1 to a
   * day; with a session the call then throws an `UnknownOutcomeError`. What was sent is sent on until `resendLimit`.
   *
   * @default as long as `resendLimit` allows
   */
  readonly callTimeout?: number;
}

/** Options of an inbox. */
export interface InboxOptions {
  /**
   * Milliseconds for which an id is remembered, from 1 minute to a year: longer than a message may come again.
   *
   * @default 604800000, a week
   */
  readonly keepFor?: number;
}

/** What is taken for a session. */
export const checkSession: Check = hasMethods('inTransaction', 'endSession');

/** How long a call may take. */
export const checkCallTimeout: Check = integer(1, DAY_MS);

/** How long ids are remembered. */
export const checkKeepFor: Check = integer(60_000, YEAR_MS);

/** Checks the options of a call that takes nothing but a session. */
export function checkSessionOptions(options: SessionOptions): void {
  checkFields('options', options, { session: checkSession });
}

/** Checks the options of `enqueueMany`. */
export function checkEnqueueManyOptions(options: EnqueueManyOptions): void {
  checkFields('options', options, { session: checkSession, callTimeout: checkCallTimeout });
}

/** Checks a session whose transaction must be on. */
export function checkStarted(field: string, session: unknown): asserts session is Session {
  const isOn = (session as Partial<Session> | null | undefined)?.inTransaction;
  if (typeof isOn === 'function' && (session as Session).inTransaction()) return;
  const expected = 'a session with a started transaction';
  const hint = 'get one from monque.transaction(async (session) => { ... })';
  throw new InvalidArgumentError(field, expected, session, hint);
}

/** Checks the options of an inbox. */
export function checkInboxOptions(options: InboxOptions): void {
  checkFields('options', options, { keepFor: checkKeepFor });
}
