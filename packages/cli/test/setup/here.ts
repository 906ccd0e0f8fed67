/** A scheduler on a database of its own for each test of a file, and the command line on the same database. */
import { type Job, Monque } from '@monque/core';
import type { Db } from 'mongodb';
import { afterAll, beforeEach } from 'vitest';
import { uriOf } from '../../../core/test/package/mongo-uri.ts';
import { cleanupTestDb, closeMongoDb, getTestDb } from '../../../core/test/setup/mongodb.ts';
import { runner } from './io.ts';

/** No job has it. */
export const NO_ID = '665f1f77bcf86cd799439011';

/** What a test finds ready. */
export interface Here {
  db: Db;
  monque: Monque;
  monqueCli: ReturnType<typeof runner>;
}

/**
 * Makes it before each test of the block that calls this, and clears it away afterwards.
 *
 * @param database - what the names of the databases begin with
 */
export function useHere(database: string): Here {
  const here = {} as Here;
  beforeEach(async () => {
    here.db = await getTestDb(database);
    here.monque = new Monque(here.db, { logger: false });
    here.monqueCli = runner(uriOf(here.db.databaseName));
    return async () => {
      await here.monque.stop();
      await cleanupTestDb(here.db);
    };
  });
  afterAll(closeMongoDb);
  return here;
}

/** Jobs named `email` that failed with these messages; the scheduler is stopped then. */
export async function failedJobs(monque: Monque, ...messages: string[]): Promise<Job[]> {
  const jobs: Job[] = [];
  for (const message of messages) jobs.push(await monque.enqueue('email', { message }));
  monque.worker<{ message: string }>(
    'email',
    ({ data }) => {
      throw new Error(data.message);
    },
    { maxRetries: 1 },
  );
  await monque.start();
  await Promise.allSettled(jobs.map((job) => monque.waitFor(job)));
  await monque.stop();
  return jobs;
}
