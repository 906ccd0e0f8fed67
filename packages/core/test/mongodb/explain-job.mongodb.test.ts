// Why a job runs or does not, and the instances, on MongoDB.
import { type Db, MongoClient, ObjectId } from 'mongodb';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { Monque } from '../../src/index.ts';
import { MongoLedgerRepository } from '../../src/ledger/mongodb/mongo-ledger-repository.ts';
import { deferred } from '../engine/kit.ts';
import { NAME, openInstance, type SituationWorld } from '../engine/situation-world.ts';
import { SITUATIONS } from '../engine/situations.ts';
import { cleanupTestDb, closeMongoDb, describeWithMongo, getTestDb } from '../setup/mongodb.ts';
import { until } from '../setup/until.ts';
import { CommandLog, namesOf } from './command-log.ts';
import { leasesIn, openLedger } from './jobs.ts';

describeWithMongo('on MongoDB', () => {
  let db: Db;
  let client: MongoClient;
  let collections = 0;

  beforeAll(async () => {
    client = new MongoClient(inject('mongoUri'), { monitorCommands: true });
    db = client.db((await getTestDb('explain_job')).databaseName);
  });

  afterAll(async () => {
    await cleanupTestDb(db);
    await client.close();
    await closeMongoDb();
  });

  async function setUp(): Promise<SituationWorld> {
    collections += 1;
    const collectionName = `jobs${collections}`;
    const ledger = new MongoLedgerRepository(db, { collectionName });
    const now = await ledger.readTime();
    const putForeign = async (job: object): Promise<void> => {
      await db.collection(collectionName).insertOne({ ...job }, { ignoreUndefined: true });
    };
    const at = (ms: number): Date => new Date(now.getTime() + ms);
    return { ledger, monque: new Monque(ledger), putForeign, at };
  }

  describe('explain finds', () => {
    for (const { name, arrange, reason, others, details } of SITUATIONS) {
      test(`${name}: ${[reason, ...(others ?? [])].join(', ')}`, async () => {
        const world = await setUp();
        const jobId = await arrange(world);
        const explanation = await world.monque.explain(jobId);
        expect(explanation).toMatchObject({ jobId, reason });
        if (others) expect(explanation.others.map((other) => other.reason)).toEqual(others);
        if (details) expect(explanation.details).toMatchObject(details);
        await world.monque.stop();
      });
    }

    test('that the client was closed', async () => {
      const other = new MongoClient(inject('mongoUri'));
      const monque = new Monque(other.db(db.databaseName), { collectionName: 'jobs1' });
      await monque.initialize();
      await other.close(true);
      const explanation = await monque.explain(new ObjectId());
      expect(explanation).toMatchObject({ state: 'unknown', reason: 'unreachable' });
    });

    test('its answer with a read of the job, of the leases and of the pauses', async () => {
      const world = await setUp();
      await openInstance(world);
      const job = await world.monque.enqueue(NAME);
      const log = new CommandLog(client);
      const commands = await log.during(() => world.monque.explain(job._id));
      expect(namesOf(commands)).toEqual(['find', 'find', 'find']);
      await world.monque.stop();
    });
  });

  describe('inspect shows', () => {
    let monques: Monque[] = [];

    afterEach(async () => {
      await Promise.all(monques.map((monque) => monque.stop()));
      monques = [];
    });

    test('the instances with what they run, what waits, and what nobody works on', async () => {
      collections += 1;
      const options = { collectionName: `jobs${collections}`, leaseDuration: 3_000 };
      const [worker, asking] = [new Monque(db, options), new Monque(db, options)];
      monques = [worker, asking];
      const gate = deferred();
      worker.worker(NAME, () => gate.promise, { concurrency: 1 });
      await worker.start();
      await worker.enqueueMany([{ name: NAME }, { name: NAME }, { name: 'orphan' }]);
      await asking.pause('asleep');
      await until('the instance to report its run', async () => {
        const [first] = (await asking.inspect()).instances;
        return first?.info?.runningJobs === 1;
      });
      const { instances, names, pausedNames } = await asking.inspect();
      expect(instances).toHaveLength(1);
      expect(instances[0]).toMatchObject({
        isOwn: false,
        state: 'alive',
        leaseDurationMs: 3_000,
        info: { pid: process.pid, workers: [{ name: NAME, concurrency: 1, running: 1 }] },
        claims: { count: 1, byName: [{ name: NAME, count: 1 }] },
      });
      expect(names).toMatchObject([
        { name: 'asleep', isPaused: true, instances: 0, due: 0 },
        { name: 'orphan', isPaused: false, instances: 0, due: 1 },
        { name: NAME, isPaused: false, instances: 1, due: 1 },
      ]);
      expect(pausedNames).toEqual(['asleep']);
      gate.resolve();
    });

    test('what an instance says of itself only where it has the form that is known', async () => {
      const fresh = await getTestDb('explain_forms');
      const ledger = openLedger(fresh);
      const at = (ms: number): Date => new Date(Date.UTC(2025, 0, 1) + ms);
      await openInstance({ ledger, at });
      const wellFormed = (await ledger.readLeases({ informed: true }))[0]?.info;
      expect(wellFormed).toMatchObject({ host: 'host-a', workers: [{ name: NAME }] });
      const forms = ['text', null, [], {}, { ...wellFormed, workers: [{ name: 1 }] }];
      for (const info of [...forms, { ...wellFormed, reportedAt: 'yesterday' }]) {
        await leasesIn(fresh).updateOne({}, { $set: { info } });
        expect(await ledger.readLeases({ informed: true })).toEqual([
          { instanceId: 'instance-a', counter: 0, status: 'live', leaseDurationMs: 30_000 },
        ]);
        expect(await ledger.renewLease({ instanceId: 'instance-a' })).toBe(true);
        await leasesIn(fresh).updateOne({}, { $set: { counter: 0 } });
      }
      await cleanupTestDb(fresh);
    });
  });
});
