/**
 * Hints from a change stream. The driver resumes a stream by itself after most faults; where it gives up, the stream
 * is opened again, and `opened` says that what came in between may have been missed.
 *
 * @module
 */
import { once } from 'node:events';
import type { ChangeStream, Collection } from 'mongodb';
import { type Clock, sleep } from '../../../foundation/clock.ts';
import type { Random } from '../../../foundation/random.ts';
import { pauseBeforeRetry } from '../../../foundation/retrying.ts';
import type { Job } from '../../../job/job.ts';
import { BSON_OPTIONS } from '../../../job/payload.ts';
import type { LedgerHint, LedgerWatch } from '../../ledger-repository.ts';
import { hintPipeline, toHint } from '../hints/hint-pipeline.ts';
import { readError } from './driver-errors.ts';

/** How long the server waits for news before it answers that there are none. Each answer costs a command. */
const STREAM_AWAIT_MS = 15_000;

const STREAM_OPTIONS = {
  ...BSON_OPTIONS,
  readPreference: 'primary',
  readConcern: { level: 'majority' },
  maxAwaitTimeMS: STREAM_AWAIT_MS,
} as const;

/** How long a stop waits for a stream that is being opened. */
const LONGEST_OPENING_MS = 1_000;

const REOPEN_BASE_MS = 100;
const REOPEN_LONGEST_MS = 30_000;

/** What {@link watchCollection} needs. */
export interface WatchCollectionParams {
  readonly collection: Collection<Job>;
  readonly listener: (hint: LedgerHint) => void;
  readonly clock: Clock;
  readonly random: Random;
}

/** A watch that can rest: an open stream costs the server about a third of what a batch of jobs costs. */
type RestingWatch = Pick<LedgerWatch, 'rest' | 'close'>;

/** Watches a collection until the watch is closed. */
export function watchCollection(params: WatchCollectionParams): Required<RestingWatch> {
  const watcher = new Watcher(params);
  void watcher.run();
  return {
    rest: (isResting) => watcher.rest(isResting),
    close: () => watcher.stop(),
  };
}

class Watcher {
  readonly #params: WatchCollectionParams;
  readonly #stopped = new AbortController();
  #stream: ChangeStream | undefined;
  #rested: ChangeStream | undefined;
  #awake: Promise<void> = Promise.resolve();
  #wake: (() => void) | undefined;
  #attempt = 0;
  /** Resolves when the server answered the first command of the stream, or did not. */
  #opening: Promise<unknown> = Promise.resolve();

  constructor(params: WatchCollectionParams) {
    this.#params = params;
  }

  async run(): Promise<void> {
    for (;;) {
      await this.#awake;
      if (this.#stopped.signal.aborted) return;
      try {
        await this.#follow();
      } catch (error) {
        await this.#interrupted(error);
      }
    }
  }

  /**
   * Does not wait for the request in flight, which the server answers only when {@link STREAM_AWAIT_MS} are over. It does
   * for a stream that is being opened: closed before, its cursor would stay on the server.
   */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#wake?.();
    const { clock } = this.#params;
    const ended = new AbortController();
    void this.#opening.then(() => ended.abort());
    await sleep(clock, LONGEST_OPENING_MS, ended.signal);
    void Promise.allSettled([this.#stream?.close()]);
  }

  /** Closes the stream until it is called for again. */
  rest(isResting: boolean): void {
    if (isResting === (this.#wake !== undefined)) return;
    if (!isResting) {
      this.#wake?.();
      this.#wake = undefined;
      return;
    }
    this.#awake = new Promise((resolve) => {
      this.#wake = resolve;
    });
    this.#rested = this.#stream;
    const stream = this.#stream;
    void this.#opening.then(() => Promise.allSettled([stream?.close()]));
  }

  async #follow(): Promise<void> {
    const stream = this.#params.collection.watch(hintPipeline(), STREAM_OPTIONS);
    this.#stream = stream;
    const open = new AbortController();
    this.#opening = once(open.signal, 'abort');
    // The reply to the first command brings a token. Asking for the first change would wait for one.
    stream.once('resumeTokenChanged', () => {
      // The stream knows its cursor, to close it, only after this.
      this.#params.clock.setImmediate(() => open.abort());
      this.#opened();
    });
    try {
      for (;;) this.#notify(toHint(await stream.next()));
    } catch (error) {
      if (stream !== this.#rested) throw error;
    } finally {
      open.abort();
      await Promise.allSettled([stream.close()]);
    }
  }

  #opened(): void {
    this.#attempt = 0;
    this.#notify({ kind: 'opened' });
  }

  #notify(hint: LedgerHint): void {
    if (!this.#stopped.signal.aborted) this.#params.listener(hint);
  }

  async #interrupted(thrown: unknown): Promise<void> {
    const { signal } = this.#stopped;
    if (signal.aborted) return;
    const { clock, random } = this.#params;
    this.#notify({ kind: 'interrupted', error: readError('watch', thrown) });
    this.#attempt += 1;
    const delays = { baseMs: REOPEN_BASE_MS, longestMs: REOPEN_LONGEST_MS };
    await pauseBeforeRetry({ clock, random, signal, ...delays }, this.#attempt);
  }
}
