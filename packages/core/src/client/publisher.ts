/**
 * Puts messages together that are sent at the same time.
 *
 * What always holds: one call of `publish` is under way at a time, beside those of messages that failed before; who comes
 * meanwhile goes together in the next; nobody is waited for; and a message that failed is tried again alone, so that one
 * that never goes through keeps no other back.
 *
 * @module
 */
import type { EngineContext } from '../context/scheduler-context.ts';
import type { OutboxOptions, PublishedMessage } from '../options/outbox-options.ts';

/** Sends messages. */
type Publish<T> = NonNullable<OutboxOptions<T>['publish']>;

/** What the publisher needs of a scheduler. */
export type PublisherContext = Pick<EngineContext, 'detached' | 'metrics'>;

interface Waiting<T> {
  readonly message: PublishedMessage<T>;
  /** Aborts when nobody waits for this message any more. */
  readonly signal: AbortSignal;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Sends the messages of one outbox. */
export class Publisher<T> {
  readonly #context: PublisherContext;
  readonly #publish: Publish<T>;
  readonly #size: number;
  #waiting: Waiting<T>[] = [];
  #isSending = false;

  constructor(context: PublisherContext, publish: Publish<T>, size: number) {
    this.#context = context;
    this.#publish = publish;
    this.#size = size;
  }

  /** Sends a message with others; resolves when it was sent. */
  send(message: PublishedMessage<T>, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      this.#waiting.push({ message, signal, resolve, reject });
      if (!this.#isSending) void this.#context.detached(() => this.#sendAll());
    });
  }

  /** Sends a message alone. */
  async sendAlone(message: PublishedMessage<T>, signal: AbortSignal): Promise<void> {
    this.#context.metrics.record('batchSize', { verb: 'publish' }, 1);
    await this.#publish([message], { signal });
  }

  async #sendAll(): Promise<void> {
    this.#isSending = true;
    // Handlers that start together come together.
    await Promise.resolve();
    for (let batch = this.#nextBatch(); batch.length > 0; batch = this.#nextBatch()) {
      await this.#sendBatch(batch);
    }
    this.#isSending = false;
  }

  /** Of those that still wait, the first. */
  #nextBatch(): Waiting<T>[] {
    this.#waiting = this.#waiting.filter(({ signal }) => !signal.aborted);
    return this.#waiting.splice(0, this.#size);
  }

  async #sendBatch(batch: readonly Waiting<T>[]): Promise<void> {
    const givenUp = new AbortController();
    let waitedFor = batch.length;
    for (const { signal } of batch) {
      const stop = (): void => {
        waitedFor -= 1;
        if (waitedFor === 0) givenUp.abort(signal.reason);
      };
      signal.addEventListener('abort', stop, { once: true });
    }
    const { signal } = givenUp;
    const abandoned = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    this.#context.metrics.record('batchSize', { verb: 'publish' }, batch.length);
    try {
      const messages = batch.map(({ message }) => message);
      // What one call enters with `enterWith` ends with it.
      const sent = this.#context.detached(async () => this.#publish(messages, { signal }));
      // One that does not heed its signal keeps the others back no longer.
      await Promise.race([sent, abandoned]);
      for (const { resolve } of batch) resolve();
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}
