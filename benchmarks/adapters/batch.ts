/**
 * The limit: the protocol of batches without any library, on the library's own documents and indexes. Due ids are
 * found, claimed with one `updateMany` under a fresh token, read by that token, and settled with one `updateMany`,
 * while the next batch is claimed. There is no lease, no retry, no event and no waiting for new jobs.
 *
 * @module
 */
import { randomUUID } from 'node:crypto';
import type { Document } from 'mongodb';
import type { JobData, Listener, Place, System } from '../adapter.ts';
import { prepareCollection } from './job-template.ts';
import { connectMongo } from './mongo-connection.ts';

const BATCH = 500;
const INSTANCE = randomUUID();

/** Opens the bare protocol. */
export async function openBatch(place: Place): Promise<System> {
  const connection = await connectMongo(place);
  const { jobs, insert } = await prepareCollection(connection.db, place.writeConcern);
  const { names } = place;
  let isClosed = false;
  let rounds = Promise.resolve();

  const findIds = async (now: Date): Promise<unknown[]> => {
    const found = await jobs
      .find(
        { status: 'pending', name: { $in: [...names] }, nextRunAt: { $lte: now } },
        {
          projection: { _id: 1 },
          sort: { priority: 1, nextRunAt: 1, _id: 1 },
          limit: BATCH,
          hint: 'monque_claim',
        },
      )
      .toArray();
    return found.map(({ _id }) => _id);
  };

  const claim = async (): Promise<{ readonly token: string; readonly won: Document[] }> => {
    const now = new Date();
    const ids = await findIds(now);
    const token = randomUUID();
    if (ids.length === 0) return { token, won: [] };
    await jobs.updateMany(
      { _id: { $in: ids } as Document, status: 'pending', nextRunAt: { $lte: now } },
      {
        $set: {
          status: 'processing',
          claimToken: token,
          claimedBy: INSTANCE,
          lockedAt: now,
          updatedAt: now,
        },
        $inc: { fence: 1 },
      },
      { hint: '_id_' },
    );
    const won = await jobs
      .find(
        { status: 'processing', claimedBy: INSTANCE, claimToken: token },
        { hint: 'monque_claims' },
      )
      .toArray();
    return { token, won };
  };

  const settle = async (token: string, won: readonly Document[]): Promise<number> => {
    const now = new Date();
    const { matchedCount } = await jobs.updateMany(
      { _id: { $in: won.map(({ _id }) => _id) } as Document, claimToken: token },
      {
        $set: { status: 'completed', finishedAt: now, updatedAt: now, lastToken: token },
        $unset: { claimToken: '', claimedBy: '', lockedAt: '' },
      },
      { hint: '_id_' },
    );
    return matchedCount;
  };

  const runRounds = async (listener: Listener): Promise<void> => {
    let settling: Promise<unknown> = Promise.resolve();
    while (!isClosed) {
      const { token, won } = await claim();
      if (won.length === 0) break;
      await Promise.all(won.map(({ data }) => listener.started(data as JobData)));
      await settling;
      settling = settle(token, won).then((count) => listener.recorded(count));
    }
    await settling;
  };

  return {
    reportsEnds: true,
    enqueue: (data) => insert([data], names),
    enqueueMany: (data) => insert(data, names),
    work: async (listener) => {
      rounds = runRounds(listener);
    },
    countUnfinished: () => jobs.countDocuments({ status: { $ne: 'completed' } }),
    counts: connection.counts,
    close: async () => {
      isClosed = true;
      await rounds;
      await connection.close();
    },
  };
}
