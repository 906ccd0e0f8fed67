/**
 * What may be said of an outbox and of one message, and how wrong values are refused.
 *
 * @module
 */

import type { ObjectId } from 'mongodb';
import {
  type Check,
  checkFields,
  checkFunction,
  fields,
  integer,
  oneOf,
  text,
} from '../foundation/argument-checks.ts';
import { checkBackoff, checkOrder, RUN_CHECKS } from './run-options.ts';
import { checkKeepFor } from './transaction-options.ts';
import type { WorkerOptions } from './worker-options.ts';

/** The most messages that one call of `publish` is given, when nothing else is said. */
export const DEFAULT_OUTBOX_BATCH = 100;

const LONGEST_ID = 512;

/** A message as it is added to an outbox. */
export interface OutboxMessage<T = unknown> {
  /** Messages of one key are sent in order: 1 to 256 characters, such as the id of what the message is about. */
  readonly key: string;
  /**
   * 1 to 512 characters: the same id again, within `keepFor`, adds nothing.
   *
   * @default that of its job, in hexadecimal characters
   */
  readonly id?: string;
  /** What is sent; copied now, as the data of a job. */
  readonly data: T;
}

/** A message as it is given to `publish`. */
export interface PublishedMessage<T = unknown> {
  readonly key: string;
  readonly id: string;
  readonly data: T;
  /** The job that sends it. */
  readonly jobId: ObjectId;
  /**
   * Rises with each try, and when its job is changed while it waits or put back; never falls. A receiver that remembers
   * the highest can refuse a late try.
   */
  readonly fence: number;
}

/** What `publish` is given beside the messages. */
export interface PublishContext {
  /** Aborts when nobody waits for the answer any more: all of the messages were cancelled, timed out, or the scheduler stops. */
  readonly signal: AbortSignal;
}

/** Options of an outbox. */
export interface OutboxOptions<T = unknown> {
  /**
   * Sends messages, and resolves when they are received: at most one of each key, at most `batch.size` in all. When it
   * rejects, each of them is tried again, then alone. Without it this process only adds messages, and another one sends
   * them.
   */
  readonly publish?: (messages: readonly PublishedMessage<T>[], context: PublishContext) => unknown;
  /** How many messages one call of `publish` is given at most, from 1 to 1000. @default 100 */
  readonly batch?: { readonly size: number };
  /**
   * What is first of two messages of one key: the one that was added first (`stamp`), or the one whose transaction was
   * committed first (`commit`), which makes transactions that add to one key conflict. @default 'stamp'
   */
  readonly order?: 'stamp' | 'commit';
  /** Milliseconds for which ids are remembered, from 1 minute to a year. @default 604800000, a week */
  readonly keepFor?: number;
  /** Failures after which a message has failed for good, from 1. @default `maxRetries` of the scheduler */
  readonly maxRetries?: number;
  /** How long to wait before a message is tried again. @default that of the scheduler */
  readonly backoff?: WorkerOptions['backoff'];
  /**
   * Milliseconds that the run of a message may take, from 1; one that was not sent by then has failed. The wait for the
   * call of `publish` before counts too. A call is given up when all of its messages have failed so.
   *
   * @default 60000
   */
  readonly timeout?: number;
}

const OUTBOX_CHECKS: Readonly<Record<keyof OutboxOptions, Check>> = {
  publish: checkFunction,
  batch: fields({ size: integer(1, 1_000) }, ['size']),
  order: oneOf('stamp', 'commit'),
  keepFor: checkKeepFor,
  maxRetries: RUN_CHECKS.maxRetries,
  backoff: (field, value) => {
    if (typeof value !== 'function') checkBackoff(field, value);
  },
  timeout: RUN_CHECKS.timeout,
};

const MESSAGE_CHECKS: Readonly<Record<keyof OutboxMessage, Check>> = {
  key: checkOrder,
  id: text(LONGEST_ID),
  data: () => undefined,
};

/** Checks the options of an outbox. */
export function checkOutboxOptions<T>(options: OutboxOptions<T>): void {
  checkFields('options', options, OUTBOX_CHECKS);
}

/** Checks a message. */
export function checkMessage<T>(message: OutboxMessage<T>): void {
  checkFields('message', message, MESSAGE_CHECKS);
  checkOrder('message.key', message.key);
}
