// A server that belongs to no replica set gives no hints and no transactions; all else works on it.
import { type ClientSession, type Db, MongoClient } from 'mongodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Monque, UnsupportedError } from '../../src/index.ts';
import { describeWithOwnMongo } from '../setup/mongodb.ts';
import { Hints } from './hints.ts';
import { at, claim, INSTANCE, makeJobs, openLedger, settlement, statesOf, TOKEN } from './jobs.ts';
import { type StandaloneServer, startStandaloneServer } from './standalone-server.ts';

describeWithOwnMongo('a ledger on a standalone server', (binary) => {
  let server: StandaloneServer;
  let client: MongoClient;
  let db: Db;

  beforeAll(async () => {
    server = await startStandaloneServer(binary);
    client = new MongoClient(server.uri);
    db = client.db('test');
  });

  afterAll(async () => {
    await client?.close();
    await server?.stop();
  });

  test('says that it cannot be watched, and announces nothing', async () => {
    const hints = new Hints();
    const watch = await openLedger(db).watch(hints.hear);
    expect(watch.unsupported).toBe('the server is not part of a replica set');
    await openLedger(db).enqueue({ jobs: makeJobs(1, { name: 'unheard' }) });
    await watch.close();
    expect(hints.kinds).toEqual([]);
    expect(client.listenerCount('serverDescriptionChanged')).toBe(0);
  });

  test('says what a unit of work needs, and hands on what else fails in one', async () => {
    const monque = new Monque(db, { collectionName: 'units' });
    const work = (session: ClientSession) => monque.enqueue('a', 1, { session });
    await expect(monque.transaction(work)).rejects.toThrow(UnsupportedError);
    await expect(monque.transaction(work)).rejects.toThrow('replica set, of one member too');
    const failing = async (): Promise<void> => {
      throw new Error('Mine');
    };
    await expect(monque.transaction(failing)).rejects.toThrow('Mine');
    await monque.stop();
  });

  test.each(['majority', 1] as const)('works with write concern %s', async (writeConcern) => {
    await db.dropDatabase();
    const ledger = openLedger(db, { writeConcern });
    const lease = { instanceId: INSTANCE, leaseDurationMs: 1_000 };
    await ledger.openLease(lease);
    expect(await ledger.renewLease(lease)).toBe(true);
    await ledger.enqueue({ jobs: makeJobs(3) });
    await ledger.enqueue({ jobs: makeJobs(1, { uniqueKey: 'k', uniqueLock: 'k' }) });
    const [holder] = (
      await ledger.enqueue({ jobs: makeJobs(1, { uniqueKey: 'k', uniqueLock: 'k' }) })
    ).answers;
    expect(holder).toMatchObject({ outcome: 'existing' });
    const { jobs } = await claim(ledger);
    expect(jobs).toHaveLength(4);
    expect(await ledger.readClaim({ instanceId: INSTANCE, claimToken: TOKEN })).toHaveLength(4);
    const settlements = jobs.slice(0, 2).map((job) => settlement('complete', job));
    expect(await ledger.settle({ settlements, now: at(1) })).toEqual({
      answers: ['settled', 'settled'],
    });
    const { _id: jobId } = jobs[2] ?? makeJobs(1)[0] ?? {};
    if (!jobId) throw new Error('Expected a job');
    expect(await ledger.cancel({ jobId, now: at(1) })).toMatchObject({ outcome: 'requested' });
    expect(await ledger.declareDead({ ...lease, counter: 1 })).toBe(true);
    const dead = { deadInstanceId: INSTANCE, rescueLimit: 5, now: at(1), limit: 10 };
    expect(await ledger.rescue(dead)).toMatchObject({ pending: 1, cancelled: 1 });
    await ledger.endLease(lease);
    expect(await ledger.readLeases()).toEqual([]);
    expect(await ledger.readTime()).toBeInstanceOf(Date);
    expect(await statesOf(db)).toEqual({ completed: 2, cancelled: 1, pending: 1 });
  });
});
