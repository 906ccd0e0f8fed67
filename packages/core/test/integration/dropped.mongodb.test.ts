// Tests drop their database between cases, restores and people drop more. A scheduler that runs goes on, or says why not.
import { MongoClient } from 'mongodb';
import { afterAll, afterEach, beforeEach, expect, inject, test } from 'vitest';
import { Monque, type MonqueOptions } from '../../src/index.ts';
import { ENGINE_INDEXES } from '../../src/ledger/mongodb/server/indexes.ts';
import { payloads, type RecordedEvent, recordEvents } from '../engine/kit.ts';
import { cleanupTestDb, closeMongoDb, describeWithMongo, getTestDb } from '../setup/mongodb.ts';
import { until } from '../setup/until.ts';

const NAME = 'monque_jobs';

describeWithMongo('a scheduler that runs', () => {
  let client: MongoClient;
  let databaseName: string;
  const started: Monque[] = [];

  beforeEach(async () => {
    databaseName = (await getTestDb('dropped')).databaseName;
    client = new MongoClient(inject('mongoUri'));
  });

  afterEach(async () => {
    await Promise.all(started.splice(0).map((monque) => monque.stop()));
    await cleanupTestDb(client.db(databaseName));
    await client.close();
  });

  afterAll(closeMongoDb);

  const db = () => client.db(databaseName);

  async function start(
    options: MonqueOptions = {},
  ): Promise<{ readonly monque: Monque; readonly events: readonly RecordedEvent[] }> {
    const monque = new Monque(db(), {
      // What is born claimed asks for no index of claims; those are missed by the next look.
      ...{ pollInterval: 100, leaseDuration: 3_000, claimOnEnqueue: false },
      ...options,
    });
    const events = recordEvents(monque);
    started.push(monque);
    monque.worker('work', ({ data }) => data);
    await monque.start();
    return { monque, events };
  }

  /** Enqueues jobs and waits until they are recorded as completed. A job that is claimed alone needs no index of claims. */
  async function work(monque: Monque, events: readonly RecordedEvent[]): Promise<void> {
    const ended = (): number => payloads(events, 'job:complete').length;
    const before = ended();
    const jobs = ['a', 'b'].map((key) => ({
      name: 'work',
      data: before,
      options: { uniqueKey: `${key} ${before}` },
    }));
    await monque.enqueueMany(jobs);
    await until('the jobs to end', () => ended() >= before + jobs.length, 15_000);
  }

  const DROPS: readonly (readonly [string, () => Promise<unknown>])[] = [
    ['database', () => db().dropDatabase()],
    ['jobs', () => db().collection(NAME).drop()],
    ['indexes of jobs', () => db().collection(NAME).dropIndexes()],
    ['index of claims', () => db().collection(NAME).dropIndex('monque_claims')],
    ['leases', () => db().collection(`${NAME}.instances`).drop()],
    ['log', () => db().collection(`${NAME}.transitions`).drop()],
  ];

  test.each(DROPS)('goes on after a drop of its %s', async (_, drop) => {
    const { monque, events } = await start({ transitionLog: true });
    await work(monque, events);
    await drop();
    await work(monque, events);
    await until('it to be healthy', () => monque.isHealthy());
    const names = (await db().collection(NAME).indexes()).map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(ENGINE_INDEXES.map(({ name }) => name)));
    const last = payloads(events, 'job:complete').at(-1)?.job;
    expect(await monque.getHistory(last?._id ?? '')).not.toEqual([]);
    const log = await db().collection(`${NAME}.transitions`).indexes();
    expect(log.map(({ name }) => name)).toContain('monque_transitions');
  });

  test('that may make no indexes is not healthy without one, says what to do, and is when it is there', async () => {
    await new Monque(db()).initialize();
    const { monque, events } = await start({ skipIndexCreation: true });
    await work(monque, events);
    await db().collection(NAME).dropIndex('monque_claim');
    await monque.enqueue('work', 1);
    await until('it to be unhealthy', () => !monque.isHealthy());
    const reported = payloads(events, 'job:error').map(({ error }) => error.message);
    expect(reported).toContainEqual(
      expect.stringMatching(/lacks the indexes monque_claim; create them with db\.runCommand\(.*/),
    );
    expect(monque.health().connected).toBe(false);
    await new Monque(db()).initialize();
    await until('it to be healthy', () => monque.isHealthy(), 15_000);
    await work(monque, events);
  });

  test('with more than ten others on one client prints no warning of Node.js', async () => {
    const warnings: Error[] = [];
    const heed = (warning: Error): void => void warnings.push(warning);
    process.on('warning', heed);
    const several = await Promise.all(Array.from({ length: 12 }, () => start()));
    await Promise.all(several.map(({ monque }) => monque.stop()));
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', heed);
    expect(warnings.map(({ name, message }) => `${name}: ${message}`)).toEqual([]);
    expect(client.listenerCount('serverDescriptionChanged')).toBe(0);
  });
});
