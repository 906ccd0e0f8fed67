/**
 * graphile-worker on PostgreSQL.
 *
 * Its best settings are those of the page on performance in its documentation, with as many jobs at once as every
 * other system. It deletes what it completed.
 *
 * @module
 */
import { Logger, makeWorkerUtils, type Runner, run, type TaskList } from 'graphile-worker';
import { Pool } from 'pg';
import { type JobData, type Listener, nameOf, type Place, type System } from '../adapter.ts';

const LOCAL_QUEUE_SIZE = 500;
const MOST_A_CALL = 5_000;

/** Opens it; jobs run once work begins. */
export async function openGraphileWorker(place: Place): Promise<System> {
  const connectionString = `${place.url}/${place.database}`;
  const logger = new Logger(() => () => {});
  const pool = new Pool({ connectionString, max: place.concurrency + 1 });
  // Without a listener it warns; what fails reaches the caller anyway.
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  const utilities = await makeWorkerUtils({ pgPool: pool, logger });
  await utilities.migrate();
  const { names } = place;
  let runner: Runner | undefined;
  const enqueueMany = async (jobs: readonly JobData[]): Promise<void> => {
    for (let at = 0; at < jobs.length; at += MOST_A_CALL) {
      const part = jobs.slice(at, at + MOST_A_CALL);
      await utilities.addJobs(
        part.map((data) => ({ identifier: nameOf(data, names), payload: data })),
      );
    }
  };
  return {
    reportsEnds: false,
    enqueue: async (data) => {
      await utilities.addJob(nameOf(data, names), data);
    },
    enqueueMany,
    work: async (listener) => {
      const taskList = tasksOf(names, listener);
      runner = await run({ connectionString, logger, taskList, ...tuned(place) });
    },
    countUnfinished: async () => {
      const { rows } = await pool.query(
        'select count(*) as unfinished from graphile_worker._private_jobs',
      );
      return Number(rows[0].unfinished);
    },
    close: async () => {
      await runner?.stop();
      await utilities.release();
      await pool.end();
    },
  };
}

function tasksOf(names: readonly string[], listener: Listener): TaskList {
  const task = async (payload: unknown): Promise<void> => listener.started(payload as JobData);
  return Object.fromEntries(names.map((name) => [name, task]));
}

function tuned({ tuning, concurrency }: Place): Partial<Parameters<typeof run>[0]> {
  const noHandleSignals = true;
  if (tuning === 'defaults') return { noHandleSignals };
  return {
    noHandleSignals,
    preset: {
      worker: {
        concurrentJobs: concurrency,
        maxPoolSize: concurrency + 1,
        localQueue: { size: LOCAL_QUEUE_SIZE },
        completeJobBatchDelay: 0,
        failJobBatchDelay: 0,
      },
    },
  };
}
