/**
 * The loop that most job queues on MongoDB are, without a library: one `findOneAndUpdate` claims a job, one `updateOne`
 * acknowledges it, in as many slots as jobs may run at once. Its enqueue is one plain `insertOne`.
 *
 * @module
 */
import {
  concurrencyOfEach,
  type JobData,
  type Listener,
  nameOf,
  type Place,
  type System,
} from '../adapter.ts';
import { connectMongo } from './mongo-connection.ts';

const EMPTY_PAUSE_MS = 100;

interface LoopJob {
  readonly name: string;
  readonly status: string;
  readonly nextRunAt: Date;
  readonly data: JobData;
}

/** Opens the loop. */
export async function openLoop(place: Place): Promise<System> {
  const connection = await connectMongo(place);
  const jobs = connection.db.collection<LoopJob>('loop_jobs');
  await jobs.createIndex({ name: 1, status: 1, nextRunAt: 1 });
  const { names } = place;
  const closed = new AbortController();
  const slots: Promise<void>[] = [];

  const toDocument = (data: JobData): LoopJob => ({
    name: nameOf(data, names),
    status: 'pending',
    nextRunAt: new Date(),
    data,
  });

  const runOne = async (name: string, listener: Listener): Promise<boolean> => {
    const now = new Date();
    const job = await jobs.findOneAndUpdate(
      { name, status: 'pending', nextRunAt: { $lte: now } },
      { $set: { status: 'processing', lockedAt: now } },
      { sort: { nextRunAt: 1 } },
    );
    if (job === null) return false;
    await listener.started(job.data);
    const completion = { $set: { status: 'completed', finishedAt: new Date() } };
    await jobs.updateOne({ _id: job._id, status: 'processing' }, completion);
    listener.recorded(1);
    return true;
  };

  const runSlot = async (name: string, listener: Listener): Promise<void> => {
    while (!closed.signal.aborted) {
      if (await runOne(name, listener)) continue;
      await new Promise((resolve) => setTimeout(resolve, EMPTY_PAUSE_MS));
    }
  };

  const insertMany = async (data: readonly JobData[]): Promise<void> => {
    await jobs.insertMany(data.map(toDocument), { ordered: false });
  };

  return {
    reportsEnds: true,
    enqueue: async (data) => {
      await jobs.insertOne(toDocument(data));
    },
    enqueueMany: insertMany,
    work: async (listener) => {
      for (const name of names) {
        for (let slot = 0; slot < concurrencyOfEach(place); slot += 1) {
          slots.push(runSlot(name, listener));
        }
      }
    },
    countUnfinished: () => jobs.countDocuments({ status: { $ne: 'completed' } }),
    counts: connection.counts,
    close: async () => {
      closed.abort();
      await Promise.all(slots);
      await connection.close();
    },
  };
}
