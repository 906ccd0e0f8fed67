import { ObjectId } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { sleep } from '../../src/foundation/clock.ts';
import { gate, stage } from '../../src/index.ts';
import { deferred, makeOne, makeWorld, payloads } from './kit.ts';

const many = (name: string, count: number) => Array.from({ length: count }, () => ({ name }));

const counted = (points: readonly { readonly labels: object; readonly value: number }[]) =>
  points.map(({ labels, value }) => [...Object.values(labels), value]);

describe('events of limits', () => {
  test('report once that a limit is full, and again when there was room for all in between', async () => {
    const { monque, clock, events } = makeOne();
    await monque.setLimit('api', { concurrency: 1 });
    monque.worker('a', () => sleep(clock, 1_000), { concurrency: 5, limits: ['api'] });
    await monque.start();
    for (const full of [1, 2]) {
      await monque.enqueueMany(many('a', 4));
      await clock.advance(20_000);
      expect(payloads(events, 'limit:full')).toEqual(Array(full).fill({ limit: 'api' }));
    }
    expect(payloads(events, 'job:complete')).toHaveLength(8);
    expect(counted(monque.metrics().counters.limitsFull)).toEqual([['api', 2]]);
    await monque.stop();
  });

  test('say that a rate is used up', async () => {
    const { monque, clock, events } = makeOne();
    await monque.setLimit('api', { rate: { limit: 1, per: 10_000 } });
    monque.worker('a', () => undefined, { concurrency: 5, limits: ['api'] });
    await monque.start();
    await monque.enqueueMany(many('a', 3));
    await clock.advance(5_000);
    expect(payloads(events, 'limit:full')).toEqual([{ limit: 'api' }]);
    await monque.stop();
  });

  test('say that a handler backed off, and until when', async () => {
    const { monque, clock, events } = makeOne();
    await monque.setLimit('api', { concurrency: 2 });
    monque.worker('a', (_job, context) => context.backOff('api', 30_000), { limits: ['api'] });
    await monque.start();
    await monque.enqueue('a');
    await clock.advance(500);
    const [reported] = payloads(events, 'limit:backedOff');
    expect(reported?.until).toEqual((await monque.limits())[0]?.blockedUntil);
    expect(reported).toMatchObject({ limit: 'api' });
    expect(counted(monque.metrics().counters.backOffs)).toEqual([['api', 1]]);
    await monque.stop();
  });
});

describe('events of groups, orders, dead letters and superseded jobs', () => {
  test('report a group that is paused and resumed, and no other change', async () => {
    const { monque, events } = makeOne();
    await monque.setGroup('a', 'acme', { weight: 2 });
    await monque.setGroup('a', 'acme', { paused: true });
    await monque.setGroup('a', 'acme', { paused: false });
    const about = { name: 'a', group: 'acme' };
    expect(events).toEqual([
      { name: 'group:paused', payload: about },
      { name: 'group:resumed', payload: about },
    ]);
  });

  test('report a failed job that holds its order up, and none that does not', async () => {
    const { monque, clock, events } = makeOne();
    const fail = () => Promise.reject(new Error('no'));
    monque.worker('halts', fail, { maxRetries: 1, order: { whenFailed: 'halt' } });
    monque.worker('goes-on', fail, { maxRetries: 1, order: {} });
    await monque.start();
    const job = await monque.enqueue('halts', {}, { order: 'one' });
    await monque.enqueue('goes-on', {}, { order: 'one' });
    await monque.enqueue('halts', {});
    await clock.advance(2_000);
    expect(payloads(events, 'job:fail')).toHaveLength(3);
    expect(payloads(events, 'order:halted')).toMatchObject([
      { order: 'one', job: { _id: job._id, status: 'failed' } },
    ]);
    expect(counted(monque.metrics().counters.halted)).toEqual([['halts', 1]]);
    await monque.stop();
  });

  test('report a job that holds its order up since its instances died, or its gate stayed closed', async () => {
    const { clock, makeInstance } = makeWorld();
    const options = { leaseDuration: 3_000, rescueLimit: 1 };
    const [holder, other] = [makeInstance(options), makeInstance(options)];
    const order = { whenFailed: 'halt' } as const;
    const stages = [stage('first', () => 1), gate('closed', { timeout: 60_000 })];
    holder.monque.worker('dies', () => deferred().promise, { order });
    holder.monque.worker('waits', { stages }, { order });
    await holder.monque.start();
    const dies = await holder.monque.enqueue('dies', { secret: 1 }, { order: 'one' });
    const waits = await holder.monque.enqueue('waits', {}, { order: 'two' });
    await clock.advance(100);
    // Who reports it need run no such jobs; only who has such a gate looks at gates.
    other.monque.worker('waits', { stages }, { order });
    await other.monque.start();
    holder.network.down = true;
    await clock.advance(90_000);
    expect(payloads(other.events, 'order:halted')).toMatchObject([
      { order: 'one', job: { _id: dies._id, status: 'failed', data: { secret: 1 } } },
      { order: 'two', job: { _id: waits._id, status: 'failed' } },
    ]);
    const { halted } = other.monque.metrics().counters;
    expect(counted(halted).sort()).toEqual([
      ['dies', 1],
      ['waits', 1],
    ]);
    expect(payloads(holder.events, 'order:halted')).toEqual([]);
    await other.monque.stop();
  });

  test('report a dead letter, as it waits then', async () => {
    const { monque, clock, events } = makeOne();
    const fail = () => Promise.reject(new Error('no'));
    monque.worker('a', fail, { maxRetries: 1, deadLetter: 'a.dead' });
    await monque.start();
    const { _id } = await monque.enqueue('a');
    await clock.advance(2_000);
    expect(payloads(events, 'job:buried')).toMatchObject([
      { job: { _id, name: 'a.dead', status: 'pending', source: { name: 'a', reason: 'no' } } },
    ]);
    expect(counted(monque.metrics().counters.buried)).toEqual([['a', 1]]);
    await monque.stop();
  });

  test('report a job that a newer one supersedes, and not one that has left', async () => {
    const { monque, clock, events, faulty } = makeOne();
    monque.worker('a', () => sleep(clock, 1_000), { order: {} });
    await monque.start();
    const supersede = { key: 'doc' };
    const first = await monque.enqueue('a', 1, { supersede });
    await clock.advance(100);
    const second = await monque.enqueue('a', 2, { supersede });
    expect(payloads(events, 'job:superseded')).toMatchObject([
      { job: { _id: first._id, name: 'a' }, by: second._id },
    ]);
    faulty.findAhead = async () => ({ jobId: new ObjectId(), status: 'processing' });
    await monque.enqueue('a', 3, { supersede });
    expect(payloads(events, 'job:superseded')).toHaveLength(1);
    expect(counted(monque.metrics().counters.superseded)).toEqual([['a', 1]]);
    await clock.advance(10_000);
    await monque.stop();
  });
});
