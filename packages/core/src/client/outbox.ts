/**
 * An outbox: messages that are stored in the transaction of what they announce, and sent after it, in order.
 *
 * A message is a job with an order, so all that holds for such a job holds for it: claimed by one process at a time,
 * given back when that dies, tried again, halted behind one that failed for good until that is redriven. What is added
 * here is the id by which a message is stored once, and the batch it is sent in.
 *
 * @module
 */
import { checkJobName } from '../foundation/argument-checks.ts';
import type { Session } from '../foundation/driver-shapes.ts';
import { InvalidArgumentError } from '../foundation/errors.ts';
import type { Job } from '../job/job.ts';
import { copyPayload } from '../job/payload.ts';
import {
  checkMessage,
  checkOutboxOptions,
  DEFAULT_OUTBOX_BATCH,
  type OutboxMessage,
  type OutboxOptions,
  type PublishedMessage,
} from '../options/outbox-options.ts';
import {
  checkSessionOptions,
  checkStarted,
  DEFAULT_KEEP_FOR,
  type SessionOptions,
} from '../options/transaction-options.ts';
import type { WorkerOptions } from '../options/worker-options.ts';
import type { JobHandler } from '../workers/handler.ts';
import { Publisher, type PublisherContext } from './publisher.ts';
import {
  after,
  runTransaction,
  setMark,
  type TransactionContext,
  transactionsOf,
} from './transactions.ts';

const DEFAULT_TIMEOUT = 60_000;

/** What a message is stored as: the data of its job. */
interface StoredMessage<T> {
  readonly id?: string;
  readonly data: T;
}

/** What an outbox needs of a scheduler. */
export type OutboxContext = TransactionContext & PublisherContext;

/** Stores a job; what a scheduler and its actors have. */
type Enqueue = (
  name: string,
  data: unknown,
  options: { readonly order: string; readonly session: Session },
) => Promise<unknown>;

/** The messages of one name. */
export class Outbox<T = unknown> {
  /** The name of its jobs. */
  readonly name: string;
  readonly #context: OutboxContext;
  readonly #enqueue: Enqueue;
  readonly #options: OutboxOptions<T>;

  /** @param enqueue - stores its jobs */
  constructor(context: OutboxContext, name: string, options: OutboxOptions<T>, enqueue: Enqueue) {
    checkJobName('name', name);
    checkOutboxOptions(options);
    this.name = name;
    this.#context = context;
    this.#options = options;
    this.#enqueue = enqueue;
  }

  /**
   * Adds a message: it is sent if and when the transaction of `session` commits. Without a session it is added in a
   * transaction of its own.
   *
   * @returns false when a message with this id was added before; then nothing is stored
   * @throws InvalidArgumentError naming the field; UnsupportedError when the ledger has no transactions
   */
  async add(message: OutboxMessage<T>, options: SessionOptions = {}): Promise<boolean> {
    checkMessage(message);
    checkSessionOptions(options);
    const { session } = options;
    if (session !== undefined) checkStarted('options.session', session);
    const { key, id, data } = message;
    const { maxGivenBytes } = this.#context.options;
    const stored = copyPayload(
      'message.data',
      { ...(id !== undefined && { id }), data },
      maxGivenBytes,
    );
    const add = (own: Session): Promise<boolean> => this.#add(key, id, stored, own);
    return session === undefined ? runTransaction(this.#context, add) : add(session);
  }

  /** The worker that sends its messages; undefined where this process only adds them. */
  get work():
    | { readonly handler: JobHandler<StoredMessage<T>>; readonly options: WorkerOptions }
    | undefined {
    const { publish, batch, maxRetries, backoff, timeout = DEFAULT_TIMEOUT } = this.#options;
    if (publish === undefined) return undefined;
    const size = batch?.size ?? DEFAULT_OUTBOX_BATCH;
    const publisher = new Publisher<T>(this.#context, publish, size);
    return {
      handler: (job, { signal }) => {
        const message = toMessage(job);
        return job.failCount > 0
          ? publisher.sendAlone(message, signal)
          : publisher.send(message, signal);
      },
      options: {
        order: { whenFailed: 'halt' },
        concurrency: size,
        timeout,
        ...(maxRetries !== undefined && { maxRetries }),
        ...(backoff !== undefined && { backoff }),
      },
    };
  }

  async #add(
    key: string,
    id: string | undefined,
    stored: unknown,
    session: Session,
  ): Promise<boolean> {
    const { name } = this;
    const { keepFor = DEFAULT_KEEP_FOR, order } = this.#options;
    const context = this.#context;
    const transactions = transactionsOf(context);
    if (id !== undefined) {
      const isNew = await setMark(context, { kind: 'outbox', name, id, keepFor, session });
      if (!isNew) return false;
    }
    if (order === 'commit') {
      await context.ready();
      const expiresAt = after(context, DEFAULT_KEEP_FOR);
      await transactions.countAtMark({ kind: 'order', name, id: key, expiresAt, session });
    }
    // Last, so that it is stamped when no other transaction can come between.
    await this.#enqueue(name, stored, { order: key, session });
    return true;
  }
}

/** A job of this name that somebody enqueued without the outbox is no message. */
function toMessage<T>(job: Job<StoredMessage<T>>): PublishedMessage<T> {
  const { _id: jobId, data: stored, order: key, fence } = job;
  if (key === undefined || typeof stored !== 'object' || stored === null) {
    throw new InvalidArgumentError('job', 'a message that was added to the outbox', stored);
  }
  return { key, id: stored.id ?? jobId.toHexString(), data: stored.data, jobId, fence };
}
