/**
 * pg-boss on PostgreSQL. A queue is a job name here.
 *
 * At its best settings it fetches batches and goes on at once while they are full, hears of new jobs by the
 * database, and does not sort; a handler is given the whole batch. At its defaults it fetches one job every two
 * seconds.
 *
 * @module
 */
import { Pool } from 'pg';
import { type Job, PgBoss, type WorkOptions } from 'pg-boss';
import { type JobData, nameOf, type Place, type System } from '../adapter.ts';

const BATCH = 500;
const MOST_A_CALL = 5_000;
const CONNECTIONS = 20;

/** Opens it and makes the queues. */
export async function openPgBoss(place: Place): Promise<System> {
  const connectionString = `${place.url}/${place.database}`;
  const isTuned = place.tuning === 'best';
  const boss = new PgBoss({
    connectionString,
    ...(isTuned && { max: CONNECTIONS, useListenNotify: true }),
  });
  boss.on('error', (error: Error) => console.error(error));
  await boss.start();
  const { names } = place;
  for (const name of names) await boss.createQueue(name, isTuned ? { notify: true } : {});
  const pool = new Pool({ connectionString, max: 1 });
  const insert = async (name: string, jobs: readonly JobData[]): Promise<void> => {
    for (let at = 0; at < jobs.length; at += MOST_A_CALL) {
      const part = jobs.slice(at, at + MOST_A_CALL);
      await boss.insert(
        name,
        part.map((data) => ({ data })),
      );
    }
  };
  return {
    reportsEnds: false,
    enqueue: async (data) => {
      await boss.send(nameOf(data, names), data);
    },
    enqueueMany: async (jobs) => {
      for (const name of names) {
        await insert(
          name,
          jobs.filter((data) => nameOf(data, names) === name),
        );
      }
    },
    work: async (listener) => {
      const handler = async (jobs: Job<JobData>[]): Promise<void> => {
        await Promise.all(jobs.map(({ data }) => listener.started(data)));
      };
      for (const name of names) await boss.work<JobData>(name, tuned(isTuned), handler);
    },
    countUnfinished: async () => {
      const text = "select count(*) as unfinished from pgboss.job where state < 'completed'";
      const { rows } = await pool.query(text);
      return Number(rows[0].unfinished);
    },
    close: async () => {
      await boss.stop({ graceful: true, close: true });
      await pool.end();
    },
  };
}

function tuned(isTuned: boolean): WorkOptions {
  if (!isTuned) return {};
  return {
    batchSize: BATCH,
    burstWhenBatchFull: true,
    pollingIntervalSeconds: 0.5,
    orderByCreatedOn: false,
  };
}
