/**
 * BullMQ on Redis, through ioredis.
 *
 * A queue is a job name here, with a worker of its own. At its best settings a worker runs as many jobs at once as
 * every other system and removes what it completed; at its defaults it runs one at a time and keeps all.
 *
 * @module
 */
import { type ConnectionOptions, Queue, Worker } from 'bullmq';
import {
  concurrencyOfEach,
  type JobData,
  type Listener,
  nameOf,
  type Place,
  type System,
} from '../adapter.ts';

/** Opens queues; their workers are made when work begins. */
export async function openBullMq(place: Place): Promise<System> {
  const { hostname, port } = new URL(place.url);
  const connection: ConnectionOptions = { host: hostname, port: Number(port) };
  const { names } = place;
  const queues = new Map(names.map((name) => [name, new Queue<JobData>(name, { connection })]));
  const workers: Worker<JobData>[] = [];
  const queueOf = (data: JobData): Queue<JobData> => queues.get(nameOf(data, names)) as Queue;
  await Promise.all([...queues.values()].map((queue) => queue.waitUntilReady()));
  const startWorker = (name: string, listener: Listener): Worker<JobData> => {
    const worker = new Worker<JobData>(name, async (job) => listener.started(job.data), {
      connection,
      ...(place.tuning === 'best' && {
        concurrency: concurrencyOfEach(place),
        removeOnComplete: { count: 0 },
      }),
    });
    worker.on('completed', () => listener.recorded(1));
    worker.on('error', (error) => console.error(error));
    return worker;
  };
  return {
    reportsEnds: true,
    enqueue: async (data) => {
      await queueOf(data).add('job', data);
    },
    enqueueMany: async (jobs) => {
      for (const [name, queue] of queues) {
        const own = jobs.filter((data) => nameOf(data, names) === name);
        if (own.length > 0) await queue.addBulk(own.map((data) => ({ name: 'job', data })));
      }
    },
    work: async (listener) => {
      for (const name of names) workers.push(startWorker(name, listener));
      await Promise.all(workers.map((worker) => worker.waitUntilReady()));
    },
    countUnfinished: async () => {
      const counts = await Promise.all(
        [...queues.values()].map((queue) => queue.getJobCountByTypes('wait', 'active', 'delayed')),
      );
      return counts.reduce((sum, count) => sum + count, 0);
    },
    close: async () => {
      await Promise.all(workers.map((worker) => worker.close()));
      await Promise.all([...queues.values()].map((queue) => queue.close()));
    },
  };
}
