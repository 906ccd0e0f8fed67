/**
 * How a ledger in MongoDB is watched: the change stream of its jobs, where the server can give one, and the changes of
 * the primary, whose clock the ledger's time is.
 *
 * @module
 */
import type { Collection, DbOptions, MongoClient, ServerDescriptionChangedEvent } from 'mongodb';
import type { Clock } from '../../foundation/clock.ts';
import type { Random } from '../../foundation/random.ts';
import type { Job } from '../../job/job.ts';
import type { LedgerHint, LedgerWatch } from '../ledger-repository.ts';
import { watchCollection } from './server/change-stream.ts';

/** What {@link watchJobs} needs. */
export interface WatchJobsParams {
  readonly client: MongoClient;
  readonly collection: Collection<Job>;
  /** False where the server cannot tell of changes. */
  readonly canWatch: boolean;
  readonly listener: (hint: LedgerHint) => void;
  readonly clock: Clock;
  readonly random: Random;
}

/** Sends hints to the listener until the watch is closed. */
export function watchJobs(params: WatchJobsParams): LedgerWatch {
  const unwatchPrimary = watchPrimary(params);
  const unsupported = whyNoHints(params);
  if (unsupported !== undefined) return { unsupported, close: async () => unwatchPrimary() };
  const watch = watchCollection({ ...params, collection: unbounded(params) });
  return {
    rest: watch.rest,
    async close(): Promise<void> {
      unwatchPrimary();
      await watch.close();
    },
  };
}

/** A change stream waits on a connection of its own, so it must not be the only one. */
function whyNoHints({ canWatch, client }: WatchJobsParams): string | undefined {
  if (!canWatch) return 'the server is not part of a replica set';
  if (client.options.maxPoolSize === 1) return 'the client has a `maxPoolSize` of 1';
  return undefined;
}

/**
 * The same collection without the `timeoutMS` of a client: that bounds each wait of a change stream, which is to wait
 * for as long as nothing changes.
 */
function unbounded({ client, collection }: WatchJobsParams): Collection<Job> {
  const { dbName, collectionName } = collection;
  const options: DbOptions = Object.fromEntries([['timeoutMS', undefined]]);
  return client.db(dbName, options).collection<Job>(collectionName);
}

/** Another primary has another clock. */
function watchPrimary({ client, listener }: WatchJobsParams): () => void {
  const told = primaryWatches.get(client) ?? new PrimaryWatch(client);
  primaryWatches.set(client, told);
  return told.add(() => listener({ kind: 'clockChanged' }));
}

const primaryWatches = new WeakMap<object, PrimaryWatch>();

/** Listens to a client once, however many schedulers rest on it: Node.js warns of more than ten listeners. */
class PrimaryWatch {
  readonly #client: MongoClient;
  readonly #told = new Set<() => void>();

  constructor(client: MongoClient) {
    this.#client = client;
  }

  /** The answer takes it away. */
  add(onNewPrimary: () => void): () => void {
    if (this.#told.size === 0) this.#client.on('serverDescriptionChanged', this.#onChange);
    this.#told.add(onNewPrimary);
    return () => {
      this.#told.delete(onNewPrimary);
      if (this.#told.size === 0) this.#client.off('serverDescriptionChanged', this.#onChange);
    };
  }

  readonly #onChange = ({
    previousDescription,
    newDescription,
  }: ServerDescriptionChangedEvent): void => {
    const becamePrimary =
      newDescription.type === 'RSPrimary' && previousDescription.type !== 'RSPrimary';
    if (becamePrimary) for (const tell of this.#told) tell();
  };
}
