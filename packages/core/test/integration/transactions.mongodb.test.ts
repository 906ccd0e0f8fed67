// Units of work on a real server: what is stored when one commits, conflicts, aborts, and when messages come twice.
import type { ClientSession, Db } from 'mongodb';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { Monque } from '../../src/index.ts';
import { deferred } from '../engine/kit.ts';
import { cleanupTestDb, closeMongoDb, describeWithMongo, getTestDb } from '../setup/mongodb.ts';

describeWithMongo('a unit of work on MongoDB', () => {
  let db: Db;
  let monque: Monque;

  beforeEach(async () => {
    db = await getTestDb('transactions');
    monque = new Monque(db);
    await db.createCollection('orders');
  });

  afterEach(async () => {
    await monque.stop();
    await cleanupTestDb(db);
  });

  afterAll(closeMongoDb);

  const count = (name: string): Promise<number> => db.collection(name).countDocuments();

  async function storeAll(session: ClientSession): Promise<string> {
    await db.collection('orders').insertOne({ total: 1 }, { session });
    await monque.enqueue('mail', 1, { session });
    const entries = [
      { name: 'mail', data: 2 },
      { name: 'mail', data: 3 },
      { name: 'mail', data: 4, options: { uniqueKey: 'a' } },
      { name: 'mail', data: 5, options: { uniqueKey: 'a' } },
      { name: 'mail', data: 6, options: { uniqueKey: 'a', whenTaken: 'throw' } },
      { name: 'mail', data: 7 },
    ] as const;
    const results = await monque.enqueueMany(entries, { session });
    expect(results.map(({ status }) => status)).toEqual([
      ...['enqueued', 'enqueued', 'enqueued', 'existing', 'failed', 'enqueued'],
    ]);
    await monque.schedule('0 3 * * *', 'report', 1, { session, metadata: { a: 1 } });
    return 'stored';
  }

  test('stores all of it, and the writes of the user, when it resolves', async () => {
    expect(await monque.transaction(storeAll)).toBe('stored');
    expect(await count('orders')).toBe(1);
    const jobs = await monque.getJobs({ name: 'mail' });
    expect(jobs.map(({ data }) => data).sort()).toEqual([1, 2, 3, 4, 7]);
    expect(await monque.getSchedules()).toMatchObject([{ name: 'report', metadata: { a: 1 } }]);
  });

  test('stores nothing when it rejects', async () => {
    const failed = monque.transaction(async (session) => {
      await storeAll(session);
      throw new Error('No');
    });
    await expect(failed).rejects.toThrow('No');
    expect(await count('orders')).toBe(0);
    expect(await monque.getJobs()).toEqual([]);
  });

  test('changes a series and its metadata if and when it commits', async () => {
    const options = { uniqueKey: 'a', metadata: { of: 1 } };
    await monque.schedule('0 3 * * *', 'report', 1, options);
    const change = async (session: ClientSession): Promise<void> => {
      const changed = { uniqueKey: 'a', metadata: { of: 2 }, session };
      await monque.schedule('0 4 * * *', 'report', 2, changed);
      expect(await monque.getSchedules()).toMatchObject([{ cron: '0 3 * * *', data: 1 }]);
    };
    const aborted = monque.transaction(async (session) => {
      await change(session);
      throw new Error('No');
    });
    await expect(aborted).rejects.toThrow('No');
    expect(await monque.getSchedules()).toMatchObject([{ data: 1, metadata: { of: 1 } }]);
    await monque.transaction(change);
    const changed = { cron: '0 4 * * *', data: 2, metadata: { of: 2 } };
    expect(await monque.getSchedules()).toMatchObject([changed]);
  });

  test('runs what it stored, and is waited for', async () => {
    monque.worker('mail', ({ data }) => `sent ${data}`);
    await monque.start();
    const [result] = await monque.transaction((session) =>
      monque.enqueueMany([{ name: 'mail', data: 1 }], { session }),
    );
    if (result?.status !== 'enqueued') throw new Error('It was not enqueued');
    expect(await monque.waitFor(result.job)).toBe('sent 1');
  });

  test('is tried again after a conflict', async () => {
    const { insertedId: _id } = await db.collection<{ n: number }>('orders').insertOne({ n: 0 });
    let tries = 0;
    await Promise.all(
      [1, 2].map(() =>
        monque.transaction(async (session) => {
          tries += 1;
          await db.collection('orders').updateOne({ _id }, { $inc: { n: 1 } }, { session });
          await monque.enqueue('mail', 1, { session });
        }),
      ),
    );
    expect(tries).toBeGreaterThanOrEqual(2);
    expect(await db.collection('orders').findOne({ _id })).toMatchObject({ n: 2 });
    expect(await monque.getJobs()).toHaveLength(2);
  });

  test.each(
    (['keep', 'throw'] as const).flatMap((whenTaken) =>
      (['untilDone', 'untilStarted'] as const).flatMap((uniqueHold) =>
        [false, true].map((many) => ({ whenTaken, uniqueHold, many })),
      ),
    ),
  )('stores its job when who had the key ran beside it: %o', async ({ many, ...policy }) => {
    const options = { uniqueKey: 'a', ...policy };
    const first = await monque.enqueue('mail', 1, options);
    const runFirst = async (): Promise<void> => {
      const other = new Monque(db);
      other.worker('mail', () => undefined);
      await other.start();
      await other.waitFor(first);
      await other.stop();
    };
    let tries = 0;
    await monque.transaction(async (session) => {
      await db.collection('orders').insertOne({ total: 1 }, { session });
      tries += 1;
      if (tries === 1) await runFirst();
      if (many) await monque.enqueueMany([{ name: 'mail', data: 2, options }], { session });
      else await monque.enqueue('mail', 2, { ...options, session });
    });
    expect(tries).toBe(2);
    const states = (await monque.getJobs()).map(({ data, status }) => [data, status]);
    expect(states.sort()).toEqual([
      [1, 'completed'],
      [2, 'pending'],
    ]);
  });

  test('does the work of a message once, though many get it at the same time', async () => {
    const inbox = monque.inbox('billing');
    const receive = (): Promise<boolean> =>
      monque.transaction((session) =>
        inbox.once('message 1', session, () =>
          db.collection('orders').insertOne({ total: 1 }, { session }),
        ),
      );
    const answers = await Promise.all(Array.from({ length: 8 }, receive));
    expect(answers.filter(Boolean)).toHaveLength(1);
    expect(await receive()).toBe(false);
    expect(await count('orders')).toBe(1);
  });

  test('that began before the message was worked on elsewhere is tried again, and does nothing', async () => {
    const inbox = monque.inbox('billing');
    await monque.transaction((session) => inbox.once('other', session, () => undefined));
    const seen = deferred();
    const done = deferred();
    const answers: string[] = [];
    const late = monque.transaction(async (session) => {
      // Its snapshot is from here.
      await db.collection('orders').findOne({}, { session });
      answers.push('read');
      seen.resolve();
      await done.promise;
      return inbox.once('1', session, () => answers.push('worked'));
    });
    await seen.promise;
    await monque.transaction((session) => inbox.once('1', session, () => undefined));
    done.resolve();
    expect(await late).toBe(false);
    expect(answers).toEqual(['read', 'read']);
  });

  test('that was aborted leaves a message to be worked on', async () => {
    const inbox = monque.inbox('billing', { keepFor: 3_600_000 });
    const failed = monque.transaction((session) =>
      inbox.once('1', session, () => {
        throw new Error('No stock');
      }),
    );
    await expect(failed).rejects.toThrow('No stock');
    const work = (session: ClientSession) => inbox.once('1', session, () => undefined);
    expect(await monque.transaction(work)).toBe(true);
    const [mark] = await db.collection('monque_jobs.marks').find().toArray();
    const left = Number(mark?.expiresAt) - Date.now();
    expect(left).toBeGreaterThan(3_500_000);
    expect(left).toBeLessThan(3_700_000);
    const indexes = await db.collection('monque_jobs.marks').indexes();
    expect(indexes).toMatchObject([{}, { name: 'monque_marks', expireAfterSeconds: 0 }]);
  });

  test('makes no index where it may not', async () => {
    await monque.initialize();
    const careful = new Monque(db, { skipIndexCreation: true });
    const work = (session: ClientSession) => careful.inbox('a').once('1', session, () => undefined);
    expect(await careful.transaction(work)).toBe(true);
    expect(await db.collection('monque_jobs.marks').indexes()).toHaveLength(1);
    await careful.stop();
  });

  test('makes no collection for marks where none is set', async () => {
    await monque.transaction((session) => monque.enqueue('mail', 1, { session }));
    expect(await db.listCollections({ name: 'monque_jobs.marks' }).toArray()).toEqual([]);
  });
});
