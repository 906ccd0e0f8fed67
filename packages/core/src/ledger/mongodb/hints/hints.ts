/**
 * How a ledger in MongoDB is watched: the change stream of its jobs, where the server can give one, and the changes of
 * the primary, whose clock the ledger's time is.
 *
 * @module
 */
import type { Collection, DbOptions, MongoClient, ServerDescriptionChangedEvent } from 'mongodb';
import type { Clock } from '../../../foundation/clock.ts';
import type { Random } from '../../../foundation/random.ts';
import type { Job } from '../../../job/job.ts';
import type { LedgerHint, LedgerWatch } from '../../ledger-repository.ts';
import { watchCollection } from '../server/change-stream.ts';

/** What {@link watchJobs} needs. */
export interface WatchJobsParams {
  readonly client: MongoClient;
  readonly collection: Collection<Job>;
  /** False where the server cannot announce changes. */
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

/** Whom to notify of another primary, by client. Each listener at the client itself would count towards a warning of Node.js. */
const PRIMARY_WATCHES = new WeakMap<MongoClient, PrimaryWatches>();

interface PrimaryWatches {
  readonly listeners: Set<() => void>;
  readonly end: () => void;
}

/** Another primary has another clock. */
function watchPrimary({ client, listener }: WatchJobsParams): () => void {
  const { listeners, end } = PRIMARY_WATCHES.get(client) ?? listenTo(client);
  const notify = (): void => listener({ kind: 'clockChanged' });
  listeners.add(notify);
  return () => {
    listeners.delete(notify);
    if (listeners.size === 0) end();
  };
}

/** One listener for all watches of a client, until the last of them ends. */
function listenTo(client: MongoClient): PrimaryWatches {
  const listeners = new Set<() => void>();
  const onChange = ({
    previousDescription,
    newDescription,
  }: ServerDescriptionChangedEvent): void => {
    const becamePrimary =
      newDescription.type === 'RSPrimary' && previousDescription.type !== 'RSPrimary';
    for (const notify of becamePrimary ? listeners : []) notify();
  };
  client.on('serverDescriptionChanged', onChange);
  const watches = {
    listeners,
    end: () => {
      client.off('serverDescriptionChanged', onChange);
      PRIMARY_WATCHES.delete(client);
    },
  };
  PRIMARY_WATCHES.set(client, watches);
  return watches;
}
