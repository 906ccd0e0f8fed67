/**
 * Agenda 6 on MongoDB.
 *
 * At its best settings it looks for jobs ten times a second, hears of new ones by a change stream, and runs as many
 * at once as every other system; at its defaults it looks every five seconds and runs five of one name at once. It has
 * no call that stores many jobs.
 *
 * @module
 */
import { MongoBackend, MongoChangeStreamNotificationChannel } from '@agendajs/mongo-backend';
import { Agenda, type AgendaOptions } from 'agenda';
import type { Db } from 'mongodb';
import { concurrencyOfEach, type JobData, nameOf, type Place, type System } from '../adapter.ts';
import { inFlight } from '../in-flight.ts';
import { connectMongo } from './mongo-connection.ts';

const PROCESS_EVERY_MS = 100;
const CALLS_IN_FLIGHT = 50;

/** Opens Agenda. */
export async function openAgenda(place: Place): Promise<System> {
  const connection = await connectMongo(place);
  const { db } = connection;
  const agenda = new Agenda({ backend: new MongoBackend({ mongo: db }), ...tuned(db, place) });
  await agenda.ready;
  const { names } = place;
  const enqueue = async (data: JobData): Promise<void> => {
    await agenda.now(nameOf(data, names), data);
  };
  return {
    reportsEnds: true,
    enqueue,
    enqueueMany: (jobs) => inFlight(CALLS_IN_FLIGHT, jobs, enqueue),
    work: async (listener) => {
      for (const name of names) {
        agenda.define(name, async (job) => listener.started(job.attrs.data as JobData));
      }
      agenda.on('complete', () => listener.recorded(1));
      await agenda.start();
    },
    countUnfinished: () =>
      db.collection('agendaJobs').countDocuments({ lastFinishedAt: { $exists: false } }),
    counts: connection.counts,
    close: async () => {
      await agenda.stop();
      await connection.close();
    },
  };
}

function tuned(db: Db, place: Place): Partial<AgendaOptions> {
  if (place.tuning === 'defaults') return {};
  return {
    processEvery: PROCESS_EVERY_MS,
    maxConcurrency: place.concurrency,
    defaultConcurrency: concurrencyOfEach(place),
    notificationChannel: new MongoChangeStreamNotificationChannel({ db }),
  };
}
