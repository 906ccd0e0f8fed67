// An outbox on a real server: what conflicts, what order messages are sent in, and who sends them.
import type { ClientSession, Db } from 'mongodb';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { Monque, type Outbox } from '../../src/index.ts';
import type { OutboxOptions } from '../../src/types-api.ts';
import { deferred } from '../engine/kit.ts';
import { cleanupTestDb, closeMongoDb, describeWithMongo, getTestDb } from '../setup/mongodb.ts';
import { until } from '../setup/until.ts';

describeWithMongo('an outbox on MongoDB', () => {
  let db: Db;
  const started: Monque[] = [];
  const sent: unknown[] = [];

  beforeEach(async () => {
    db = await getTestDb('outbox');
    sent.length = 0;
  });

  afterEach(async () => {
    await Promise.all(started.splice(0).map((monque) => monque.stop()));
    await cleanupTestDb(db);
  });

  afterAll(closeMongoDb);

  function make(options: OutboxOptions = {}): { monque: Monque; outbox: Outbox } {
    const monque = new Monque(db);
    started.push(monque);
    return { monque, outbox: monque.outbox('events', options) };
  }

  const publish = async (messages: readonly { readonly data: unknown }[]): Promise<void> => {
    sent.push(...messages.map(({ data }) => data));
  };

  test('sends what was committed by one process from another, by key in order', async () => {
    const { monque, outbox } = make();
    const senders = [make({ publish }), make({ publish, batch: { size: 3 } })];
    await Promise.all(senders.map((sender) => sender.monque.start()));
    for (let n = 0; n < 30; n += 1) {
      const work = monque.transaction(async (session) => {
        await outbox.add({ key: `key-${n % 4}`, id: `m-${n}`, data: n }, { session });
        if (n % 3 === 0) throw new Error('No');
      });
      await work.catch(() => undefined);
    }
    const committed = Array.from({ length: 30 }, (_, n) => n).filter((n) => n % 3 !== 0);
    await until('all is sent', () => sent.length >= committed.length, 20_000);
    for (let key = 0; key < 4; key += 1) {
      const ofKey = (n: unknown): boolean => Number(n) % 4 === key;
      expect(sent.filter(ofKey)).toEqual(committed.filter(ofKey));
    }
  });

  test('stores a message once, though many add it at the same time', async () => {
    const { outbox, monque } = make();
    const message = { key: 'a', id: 'm-1', data: 1 };
    const answers = await Promise.all(Array.from({ length: 6 }, () => outbox.add(message)));
    expect(answers.filter(Boolean)).toHaveLength(1);
    expect(await monque.getJobs({ name: 'events' })).toHaveLength(1);
  });

  /** Two transactions of one key: the one that adds first commits last. Gives what the second needed. */
  async function overtake(order: 'stamp' | 'commit'): Promise<{ tries: number }> {
    const { monque, outbox } = make({ order });
    // Makes the collections, beside which an open transaction could not go on.
    await outbox.add({ key: 'other', id: 'm-0', data: 'other' });
    const added = deferred();
    const second = deferred();
    let tries = 0;
    const slow = monque.transaction(async (session: ClientSession) => {
      await outbox.add({ key: 'a', data: 'first added' }, { session });
      added.resolve();
      await second.promise;
    });
    await added.promise;
    const fast = monque.transaction(async (session: ClientSession) => {
      tries += 1;
      // Committed, or found out to conflict.
      if (tries === 2) second.resolve();
      await outbox.add({ key: 'a', data: 'second added' }, { session });
    });
    void fast.then(() => second.resolve());
    await Promise.all([slow, fast]);
    const sender = make({ publish, order });
    await sender.monque.start();
    await until('all is sent', () => sent.length === 3, 20_000);
    return { tries };
  }

  test('sends in the order of adding, for which transactions need not conflict', async () => {
    expect((await overtake('stamp')).tries).toBe(1);
    expect(sent.filter((data) => data !== 'other')).toEqual(['first added', 'second added']);
  });

  test('makes transactions of a key conflict where the order is that of the commits', async () => {
    expect((await overtake('commit')).tries).toBeGreaterThan(1);
    expect(sent.filter((data) => data !== 'other')).toEqual(['first added', 'second added']);
  });

  test('stops with what is under way, and another goes on with the rest', async () => {
    const release = deferred();
    const { monque, outbox } = make({
      batch: { size: 1 },
      publish: async (messages) => {
        await release.promise;
        await publish(messages);
      },
    });
    await monque.start();
    for (const key of ['a', 'b', 'c']) await outbox.add({ key, data: key });
    await until('one is being sent', () => monque.metrics().gauges.runningJobs === 1);
    const stopped = monque.stop();
    release.resolve();
    await stopped;
    expect(sent).toHaveLength(1);
    await make({ publish }).monque.start();
    await until('all is sent', () => sent.length === 3, 20_000);
    expect(sent.toSorted()).toEqual(['a', 'b', 'c']);
  });
});
