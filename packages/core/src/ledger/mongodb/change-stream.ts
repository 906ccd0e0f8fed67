/**
 * Hints from a change stream. The driver resumes a stream by itself after most faults; where it gives up, the stream
 * is opened anew, and `opened` tells that what came in between may have been missed.
 *
 * @module
 */
import type { ChangeStream, ChangeStreamDocument, Collection, Document } from 'mongodb';
import { retryDelayMs } from '../../backoff.ts';
import { type Clock, sleep } from '../../clock.ts';
import type { Job } from '../../job.ts';
import type { Random } from '../../random.ts';
import type { LedgerHint, LedgerWatch } from '../ledger-repository.ts';
import { readError } from './driver-errors.ts';
import { hintPipeline } from './queries.ts';

/** How long the server waits for news before it answers that there are none. Each answer costs a command. */
export const STREAM_AWAIT_MS = 15_000;

const REOPEN_BASE_MS = 100;
const REOPEN_LONGEST_MS = 30_000;

/** What {@link watchCollection} needs. */
export interface WatchCollectionParams {
  readonly collection: Collection<Job>;
  readonly listener: (hint: LedgerHint) => void;
  readonly clock: Clock;
  readonly random: Random;
}

/** Watches a collection until the watch is closed. */
export function watchCollection(params: WatchCollectionParams): LedgerWatch {
  const watcher = new Watcher(params);
  const running = watcher.run();
  return {
    async close(): Promise<void> {
      await watcher.stop();
      await running;
    },
  };
}

class Watcher {
  readonly #params: WatchCollectionParams;
  readonly #stopped = new AbortController();
  #stream: ChangeStream | undefined;
  #attempt = 0;

  constructor(params: WatchCollectionParams) {
    this.#params = params;
  }

  async run(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      try {
        await this.#follow();
      } catch (error) {
        await this.#interrupted(error);
      }
    }
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#stream?.close().catch(() => undefined);
  }

  async #follow(): Promise<void> {
    const { collection, listener } = this.#params;
    const stream = collection.watch(hintPipeline(), { maxAwaitTimeMS: STREAM_AWAIT_MS });
    this.#stream = stream;
    try {
      let change: ChangeStreamDocument | null = await stream.tryNext();
      this.#attempt = 0;
      listener({ kind: 'opened' });
      while (!this.#stopped.signal.aborted) {
        if (change !== null) listener(toHint(change));
        change = await stream.next();
      }
    } finally {
      await stream.close().catch(() => undefined);
    }
  }

  async #interrupted(thrown: unknown): Promise<void> {
    const { signal } = this.#stopped;
    if (signal.aborted) return;
    const { clock, listener, random } = this.#params;
    listener({ kind: 'interrupted', error: readError('watch', thrown) });
    this.#attempt += 1;
    const delayMs = retryDelayMs({
      attempt: this.#attempt,
      baseMs: REOPEN_BASE_MS,
      longestMs: REOPEN_LONGEST_MS,
      fraction: random.fraction(),
    });
    await sleep(clock, delayMs, signal);
  }
}

/** The stages of the pipeline let nothing else through than inserts and updates. */
function toHint(change: Document): LedgerHint {
  if (change.operationType === 'insert') {
    return { kind: 'due', name: change.fullDocument.name, dueAt: change.fullDocument.nextRunAt };
  }
  const updated: Document = change.updateDescription.updatedFields;
  if (updated.cancelRequestedAt !== undefined) {
    return { kind: 'cancelRequested', jobId: change.documentKey._id };
  }
  return { kind: 'due', ...(updated.nextRunAt !== undefined && { dueAt: updated.nextRunAt }) };
}
