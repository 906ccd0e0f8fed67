import { ObjectId } from 'mongodb';
import { describe, expect, test } from 'vitest';
import {
  InMemoryLedgerRepository,
  InvalidArgumentError,
  LedgerFullError,
  Monque,
} from '../../src/index.ts';
import { ManualClock } from '../../src/testing/index.ts';
import { makeOne } from './kit.ts';

const id = new ObjectId('00000000aaaaaaaaaaaaaaaa');

describe('an enqueue with an id', () => {
  test('stores one job, however often it is repeated, and gives it as it is by then', async () => {
    const { monque } = makeOne();
    const first = await monque.enqueue('greet', 1, { id });
    expect(first).toMatchObject({ _id: id, data: 1, status: 'pending' });
    await monque.cancelJob(id);
    const again = await monque.enqueue('greet', 2, { id: String(id) });
    expect(again).toMatchObject({ _id: id, data: 1, status: 'cancelled' });
    expect(await monque.getJobs()).toHaveLength(1);
  });

  test('that are made at once store one job, and each gets the same', async () => {
    const { monque } = makeOne();
    const jobs = await Promise.all([1, 2, 3].map((n) => monque.enqueue('greet', n, { id })));
    const [stored] = await monque.getJobs();
    expect(jobs).toEqual([stored, stored, stored]);
  });

  test('runs once where it was stored, and not again when that is repeated', async () => {
    const { monque } = makeOne();
    const ran: unknown[] = [];
    monque.worker('greet', ({ data }) => void ran.push(data));
    await monque.start();
    await monque.enqueue('greet', 1, { id });
    await monque.waitFor(id);
    await monque.enqueue('greet', 2, { id });
    await monque.stop();
    expect(ran).toEqual([1]);
  });

  test('with a unique key that is taken gives the holder', async () => {
    const { monque } = makeOne();
    const holder = await monque.enqueue('greet', 1, { uniqueKey: 'k' });
    expect(await monque.enqueue('greet', 2, { id, uniqueKey: 'k' })).toEqual(holder);
    expect(await monque.getJob(id)).toBeNull();
  });

  test('is refused by a full ledger as any other is', async () => {
    const clock = new ManualClock();
    const monque = new Monque(new InMemoryLedgerRepository({ clock, maxJobs: 1 }), { clock });
    await monque.enqueue('greet');
    await expect(monque.enqueue('greet', 1, { id })).rejects.toBeInstanceOf(LedgerFullError);
    expect(await monque.getJob(id)).toBeNull();
  });

  test('says so when a job of another name has it', async () => {
    const { monque } = makeOne();
    await monque.enqueue('greet', 1, { id });
    await expect(monque.enqueue('part', 1, { id })).rejects.toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', field: 'options.id' }),
    );
  });

  test('is allowed to who may do that for this name alone', async () => {
    const ledger = new InMemoryLedgerRepository({ clock: new ManualClock() });
    const access = { may: ({ name }: { name?: string }) => name === 'greet' };
    const ann = new Monque(ledger, { access }).as('ann');
    expect(await ann.enqueue('greet', 1, { id })).toEqual(await ann.enqueue('greet', 2, { id }));
  });

  test.each<[string, object]>([
    ['options.id', { id: 'zz' }],
    ['options.id', { id, session: { inTransaction: () => true, endSession: () => undefined } }],
  ])('names %s when it is wrong', async (field, options) => {
    const { monque } = makeOne();
    const refused = monque.enqueue('greet', 1, options);
    await expect(refused).rejects.toThrow(expect.objectContaining({ field }));
  });

  test('is no option of one of many', async () => {
    const { monque } = makeOne();
    const entries = [{ name: 'greet', options: { id } }] as never;
    await expect(monque.enqueueMany(entries)).rejects.toThrow(InvalidArgumentError);
    const without = [{ name: 'greet', options: { id: undefined } }] as never;
    expect(await monque.enqueueMany(without)).toHaveLength(1);
  });
});
