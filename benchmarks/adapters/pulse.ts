/**
 * Pulse on MongoDB, with the version of the driver that it brings.
 *
 * At its best settings it looks for jobs ten times a second and runs as many at once as every other system; at its
 * defaults it looks every five seconds and runs five of one name at once. It has no call that stores many jobs, and
 * nothing that announces new ones.
 *
 * @module
 */
import { Pulse } from '@pulsecron/pulse';
import { MongoClient } from 'mongodb';
import { concurrencyOfEach, type JobData, nameOf, type Place, type System } from '../adapter.ts';
import { inFlight } from '../in-flight.ts';

const CALLS_IN_FLIGHT = 50;

/** Opens Pulse. */
export async function openPulse(place: Place): Promise<System> {
  const address = databaseUrl(place);
  const pulse = new Pulse({
    db: { address, options: { monitorCommands: place.isCounted } },
    ...(place.tuning === 'best' && {
      // It knows no milliseconds: it takes '100 milliseconds' for a hundred seconds.
      processEvery: '0.1 seconds',
      maxConcurrency: place.concurrency,
      defaultConcurrency: concurrencyOfEach(place),
    }),
  });
  await new Promise((resolve) => pulse.once('ready', resolve));
  let commands = 0;
  pulse._db.on('commandStarted', ({ commandName }) => {
    if (commandName !== 'endSessions') commands += 1;
  });
  const client = await new MongoClient(place.url).connect();
  const { names } = place;
  const enqueue = async (data: JobData): Promise<void> => {
    await pulse.now(nameOf(data, names), data);
  };
  return {
    reportsEnds: true,
    enqueue,
    enqueueMany: (jobs) => inFlight(CALLS_IN_FLIGHT, jobs, enqueue),
    work: async (listener) => {
      for (const name of names) {
        pulse.define(name, async (job) => listener.started(job.attrs.data as JobData));
      }
      pulse.on('complete', () => listener.recorded(1));
      await pulse.start();
    },
    countUnfinished: () =>
      client
        .db(place.database)
        .collection('pulseJobs')
        .countDocuments({ lastFinishedAt: { $exists: false } }),
    counts: () => ({ commands, claimAttempts: 0 }),
    close: async () => {
      await pulse.stop();
      await pulse.close();
      await client.close();
    },
  };
}

function databaseUrl({ url, database }: Place): string {
  const address = new URL(url);
  address.pathname = `/${database}`;
  return address.href;
}
