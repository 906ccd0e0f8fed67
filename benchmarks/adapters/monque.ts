/**
 * This library on MongoDB.
 *
 * @module
 */
import { Monque, type MonqueOptions } from '@monque/core';
import type { InvariantOptions } from '@monque/core/types';
import {
  concurrencyOfEach,
  type JobData,
  type Listener,
  nameOf,
  type Place,
  type System,
} from '../adapter.ts';
import { prepareCollection } from './job-template.ts';
import { connectMongo } from './mongo-connection.ts';

/** All rules of the ledger's own, and two that look at every write. */
export const EVERY_RULE: InvariantOptions = {
  modes: { payloadSize: 'enforce' },
  rules: [
    {
      name: 'has-index',
      check: ({ verb, job }) =>
        verb === 'enqueue' && typeof Object(job.data).index !== 'number' ? 'no index' : undefined,
    },
    {
      name: 'small-result',
      check: ({ job }) => (String(job.result ?? '').length > 100 ? 'a large result' : undefined),
    },
  ],
};

/** Opens a scheduler on MongoDB. At its defaults a worker runs five jobs at once. */
export async function openMonque(place: Place): Promise<System> {
  const connection = await connectMongo(place);
  const { db } = connection;
  const monque = new Monque(db, optionsOf(place));
  return {
    ...schedulerSystem(monque, place),
    fill: async (jobs) => {
      const collection = await prepareCollection(db, place.writeConcern);
      await collection.insert(jobs, place.names);
    },
    countUnfinished: () =>
      db.collection('monque_jobs').countDocuments({ status: { $ne: 'completed' } }),
    counts: connection.counts,
    close: async () => {
      await monque.stop();
      await connection.close();
    },
  };
}

/** What a scheduler does wherever its jobs are. */
export function schedulerSystem(
  monque: Monque,
  place: Place,
): Pick<System, 'reportsEnds' | 'enqueue' | 'enqueueMany' | 'work'> {
  const { names, tuning } = place;
  return {
    reportsEnds: true,
    enqueue: async (data) => {
      await monque.enqueue(nameOf(data, names), data);
    },
    enqueueMany: async (jobs) => {
      await monque.enqueueMany(jobs.map((data) => ({ name: nameOf(data, names), data })));
    },
    work: async (listener: Listener) => {
      monque.on('job:complete', () => listener.recorded(1));
      const options = tuning === 'best' ? { concurrency: concurrencyOfEach(place) } : {};
      for (const name of names) {
        monque.worker(name, async (job) => listener.started(job.data as JobData), options);
      }
      await monque.start();
    },
  };
}

function optionsOf({ writeConcern, hasRules }: Place): MonqueOptions {
  return { writeConcern, ...(hasRules && { invariants: EVERY_RULE }) };
}
