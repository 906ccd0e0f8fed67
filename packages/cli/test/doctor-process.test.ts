/**
 * Each prepared fault, and a sound system, looked at by `monque doctor` as a process against a real MongoDB.
 */
import { Monque } from '@monque/core';
import { type Db, MongoClient } from 'mongodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startStandaloneServer } from '../../core/test/mongodb/standalone-server.ts';
import { uriOf } from '../../core/test/package/mongo-uri.ts';
import {
  cleanupTestDb,
  closeMongoDb,
  describeWithMongo,
  describeWithOwnMongo,
  getTestDb,
} from '../../core/test/setup/mongodb.ts';
import { ensureCliBuilt, runPiped } from './setup/process.ts';

beforeAll(ensureCliBuilt, 180_000);

interface Found {
  readonly code: number | null;
  readonly err: string;
  /** The kinds of what was found. */
  readonly kinds: string[];
  /** What each kind advises. */
  readonly advice: string[];
}

async function doctor(env: Readonly<Record<string, string>>, ...argv: string[]): Promise<Found> {
  const { code, out, err } = await runPiped(['doctor', '--json', ...argv], { env });
  const records = out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
  const found = records.filter(({ weight }) => weight !== 'fact');
  const said = (field: string): string[] => found.map((one) => String(one[field]));
  return { code, err, kinds: said('kind'), advice: said('advice') };
}

/** Sets the clock of a process a minute on. */
const LATER = `--import data:text/javascript,${encodeURIComponent(
  'const { now } = Date; globalThis.Date = class extends Date { constructor(...given) { given.length ? super(...given) : super(now() + 60_000); } static now() { return now() + 60_000; } };',
)}`;

interface Place {
  readonly db: Db;
  readonly monque: Monque;
  readonly collection: string;
}

/** What is done to a sound system, and what doctor then finds. */
interface Fault {
  readonly kinds: readonly string[];
  readonly prepare: (place: Place) => Promise<unknown>;
  readonly env?: Readonly<Record<string, string>>;
}

const jobsOf = ({ db, collection }: Place) => db.collection(collection);

interface Lease {
  readonly _id: string;
  readonly info: { readonly vitals: object };
}

/** A lease like that of the one instance there is, with something else in it. */
async function addLease(
  { db, collection }: Place,
  change: (own: Lease) => Record<string, unknown>,
): Promise<void> {
  const leases = db.collection<Lease>(`${collection}.instances`);
  const own = (await leases.findOne()) as Lease;
  await leases.insertOne({ ...own, ...change(own) } as Lease);
}

const LATER_MS = 600_000;

const FAULTS: Readonly<Record<string, Fault>> = {
  nothing: { kinds: [], prepare: async () => undefined },
  'jobs with an order and a group, and a flow': {
    kinds: [],
    prepare: async ({ monque }) => {
      await monque.enqueue('ordered', {}, { order: 'k', delay: LATER_MS });
      await monque.enqueue('grouped', {}, { group: 'acme', delay: LATER_MS });
      const options = { delay: LATER_MS };
      await monque.enqueueFlow({
        jobs: { a: { name: 'email', options }, b: { name: 'email', after: ['a'] } },
      });
    },
  },
  'a missing index': {
    kinds: ['indexMissing'],
    prepare: (place) => jobsOf(place).dropIndex('monque_gates'),
  },
  'an index of another shape': {
    kinds: ['indexShape'],
    prepare: async (place) => {
      await jobsOf(place).dropIndex('monque_gates');
      await jobsOf(place).createIndex({ blockedUntil: -1 }, { name: 'monque_gates' });
    },
  },
  'a clock that is off by a minute': {
    kinds: ['clock'],
    prepare: async () => undefined,
    env: { NODE_OPTIONS: LATER },
  },
  'an instance whose clock is off by a minute': {
    kinds: ['instanceClock'],
    prepare: (place) =>
      addLease(place, ({ info }) => {
        const vitals = { ...info.vitals, clockErrorMs: 60_000 };
        return { _id: 'skewed', leaseDurationMs: LATER_MS, info: { ...info, vitals } };
      }),
  },
  'a dead instance with claims': {
    kinds: ['deadInstance'],
    prepare: async (place) => {
      const { _id } = await place.monque.enqueue('other', {}, { delay: LATER_MS });
      const claim = { status: 'processing', claimedBy: 'lost', claimToken: 'x', fence: 1 };
      await jobsOf(place).updateOne({ _id }, { $set: claim });
      await addLease(place, ({ info }) => {
        return { _id: 'lost', info: { ...info, reportedAt: new Date(0) } };
      });
    },
  },
  'a newer document': {
    kinds: ['newerDocument'],
    prepare: async (place) => {
      const { _id } = await place.monque.enqueue('email', {}, { delay: LATER_MS });
      await jobsOf(place).updateOne({ _id }, { $set: { documentVersion: 99 } });
    },
  },
  'a suspect job': {
    kinds: ['suspectJob'],
    prepare: async (place) => {
      const { _id } = await place.monque.enqueue('email', {}, { delay: LATER_MS });
      await jobsOf(place).updateOne({ _id }, { $set: { rescueCount: 3 } });
    },
  },
  'a paused name with due jobs': {
    kinds: ['pausedDue'],
    prepare: async ({ monque }) => {
      await monque.pause('email');
      await monque.enqueue('email');
    },
  },
  'a series without a worker': {
    kinds: ['seriesWithoutWorker'],
    prepare: ({ monque }) => monque.schedule('@daily', 'report'),
  },
};

describeWithMongo('doctor as a process', () => {
  afterAll(closeMongoDb);

  test('finds each fault in a system that is sound else, and nothing where it is sound', async () => {
    const db = await getTestDb('cli_doctor_process');
    const env = { MONQUE_URI: uriOf(db.databaseName) };
    const schedulers: Monque[] = [];
    const found: Record<string, Found> = {};
    const waiting = Object.entries(FAULTS).entries();
    const look = async (): Promise<void> => {
      for (const [index, [name, fault]] of waiting) {
        const collection = `jobs${index}`;
        // Nothing is given back within the test, so that a fault stays as it was prepared.
        const monque = new Monque(db, {
          collectionName: collection,
          recoverStaleJobs: false,
          logger: false,
        });
        schedulers.push(monque);
        monque.worker('email', () => undefined);
        monque.worker('ordered', () => undefined, { order: {} });
        monque.worker('grouped', () => undefined, { groups: {} });
        await monque.start();
        await monque.schedule('@daily', 'email');
        await fault.prepare({ db, monque, collection });
        found[name] = await doctor({ ...env, ...fault.env }, '--collection', collection);
      }
    };
    try {
      await Promise.all([look(), look(), look()]);
    } finally {
      await Promise.all(schedulers.map((monque) => monque.stop()));
      await cleanupTestDb(db);
    }
    for (const [name, { kinds }] of Object.entries(FAULTS)) {
      const count = kinds.length;
      const end =
        count === 0
          ? 'Nothing must be done.\n'
          : `${count} thing${count > 1 ? 's' : ''} must be done.\n`;
      const { advice = [], ...rest } = found[name] ?? {};
      expect({ name, ...rest }).toEqual({ name, kinds, code: count === 0 ? 0 : 1, err: end });
      expect(advice.filter((text) => text.length < 10)).toEqual([]);
    }
  }, 120_000);
});

describeWithOwnMongo('doctor as a process, on a server of its own,', (binary) => {
  test('finds that there is no replica set, and that the user lacks rights', async () => {
    const server = await startStandaloneServer(binary, ['--auth']);
    const admin = new MongoClient(server.uri);
    try {
      const root = { createUser: 'admin', pwd: 'secret', roles: ['root'] };
      await admin.db('admin').command(root);
      const as = (user: string) =>
        server.uri.replace('//', `//${user}:secret@`).concat('app?authSource=admin');
      const client = new MongoClient(as('admin'));
      const roles = [{ role: 'read', db: 'app' }];
      await client.db('admin').command({ createUser: 'reader', pwd: 'secret', roles });
      await new Monque(client.db('app')).initialize();
      await client.close();
      const [sound, reader] = await Promise.all(
        ['admin', 'reader'].map((user) => doctor({ MONQUE_URI: as(user) })),
      );
      expect(sound).toMatchObject({ code: 1, kinds: ['noReplicaSet'] });
      expect(reader?.kinds.slice(0, 2)).toEqual(['noReplicaSet', 'noRights']);
      expect([sound, reader].map((one) => one?.err).join('')).not.toContain('secret');
    } finally {
      await admin.close();
      await server.stop();
    }
  }, 120_000);
});
