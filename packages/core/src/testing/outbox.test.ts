import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from 'vitest';
import { InvalidArgumentError, Monque, type PublishedMessage, UnsupportedError } from '../index.ts';
import type { OutboxMessage, OutboxOptions, Session } from '../types-api.ts';
import { makeTestMonque, type TestMonque } from './test-monque.ts';

interface World {
  readonly kit: TestMonque;
  /** What each call of `publish` was given. */
  readonly calls: (readonly PublishedMessage[])[];
  readonly add: (...messages: OutboxMessage[]) => Promise<boolean[]>;
}

function makeWorld(
  options: OutboxOptions & { fails?: (messages: readonly PublishedMessage[]) => boolean } = {},
): World {
  const kit = makeTestMonque();
  const calls: (readonly PublishedMessage[])[] = [];
  const { fails = () => false, ...given } = options;
  const outbox = kit.monque.outbox('events', {
    publish: (messages) => {
      calls.push(messages);
      if (fails(messages)) throw new Error('The broker is away');
    },
    backoff: { type: 'fixed', delay: 1_000 },
    ...given,
  });
  const add = (...messages: OutboxMessage[]): Promise<boolean[]> =>
    kit.monque.transaction<boolean[], Session>(async (session) => {
      const answers: boolean[] = [];
      for (const message of messages) answers.push(await outbox.add(message, { session }));
      return answers;
    });
  return { kit, calls, add };
}

const dataOf = (calls: World['calls']): unknown[][] =>
  calls.map((messages) => messages.map(({ data }) => data).toSorted());

describe('an outbox', () => {
  test('sends what was committed, and nothing of an aborted transaction', async () => {
    const { kit, calls, add } = makeWorld();
    const { monque } = kit;
    const outbox = monque.outbox('others');
    const aborted = monque.transaction<void, Session>(async (session) => {
      await outbox.add({ key: 'a', data: 0 }, { session });
      throw new Error('No');
    });
    await expect(aborted).rejects.toThrow('No');
    await kit.assertNotEnqueued('others');
    await add({ key: 'a', id: 'm-1', data: 1 });
    await kit.drain();
    const [job] = await monque.getJobs({ name: 'events' });
    expect(calls).toEqual([[{ key: 'a', id: 'm-1', data: 1, jobId: job?._id, fence: 1 }]]);
    await kit.stop();
  });

  test('has the id of its job for a message without one', async () => {
    const { kit, calls, add } = makeWorld();
    await add({ key: 'a', data: { n: 1 } });
    await kit.drain();
    const [[message] = []] = calls;
    expect(message?.id).toBe(message?.jobId.toHexString());
    await kit.stop();
  });

  test('stores a message of one id once, in one transaction and after it', async () => {
    const { kit, calls, add } = makeWorld();
    const message = { key: 'a', id: 'm-1', data: 1 };
    expect(await add(message, message)).toEqual([true, false]);
    expect(await add(message)).toEqual([false]);
    await kit.drain();
    expect(dataOf(calls)).toEqual([[1]]);
    await kit.stop();
  });

  test('takes a message without a session in a transaction of its own', async () => {
    const { monque, assertEnqueued } = makeTestMonque();
    const outbox = monque.outbox<number>('events', { order: 'commit' });
    expect(outbox.name).toBe('events');
    expect(await outbox.add({ key: 'a', id: 'm-1', data: 1 })).toBe(true);
    expect(await outbox.add({ key: 'a', id: 'm-1', data: 1 })).toBe(false);
    expect(await assertEnqueued('events')).toMatchObject({ order: 'a', data: { data: 1 } });
  });

  test('sends messages of many keys together, and those of one key one after the other', async () => {
    const { kit, calls, add } = makeWorld({ batch: { size: 2 } });
    await add(
      { key: 'a', data: 'a1' },
      { key: 'a', data: 'a2' },
      { key: 'b', data: 'b1' },
      { key: 'c', data: 'c1' },
    );
    await kit.drain();
    expect(Math.max(...calls.map(({ length }) => length))).toBe(2);
    const sent = dataOf(calls).flat();
    expect(sent.toSorted()).toEqual(['a1', 'a2', 'b1', 'c1']);
    expect(sent.indexOf('a1')).toBeLessThan(sent.indexOf('a2'));
    const { batchSize } = kit.monque.metrics().histograms;
    const published = batchSize.find(({ labels }) => labels.verb === 'publish');
    expect(published?.count).toBe(calls.length);
    await kit.stop();
  });

  test('tries messages of a failed batch again alone, so that one keeps no other back', async () => {
    const isPoisoned = (messages: readonly PublishedMessage[]): boolean =>
      messages.some(({ data }) => data === 'poison');
    const { kit, calls, add } = makeWorld({ fails: isPoisoned, maxRetries: 2 });
    await add({ key: 'a', data: 'poison' }, { key: 'a', data: 'a2' }, { key: 'b', data: 'b1' });
    await kit.drain();
    expect(dataOf(calls)).toEqual([['b1', 'poison']]);
    await kit.advance(1_000);
    expect(dataOf(calls.slice(1)).toSorted()).toEqual([['b1'], ['poison']]);
    await kit.stop();
  });

  test('holds a key up behind a dead letter until that is redriven, and leaves no gap', async () => {
    let isAway = true;
    const { kit, calls, add } = makeWorld({ fails: () => isAway, maxRetries: 1 });
    await add({ key: 'a', data: 1 }, { key: 'a', data: 2 });
    await kit.drain();
    expect(await kit.monque.orders('events', { halted: true })).toMatchObject([{ order: 'a' }]);
    isAway = false;
    await kit.advance(60_000);
    expect(dataOf(calls)).toEqual([[1]]);
    await kit.monque.retryJobs({ name: 'events', status: 'failed' });
    await kit.drain();
    expect(dataOf(calls)).toEqual([[1], [1], [2]]);
    await kit.stop();
  });

  test('gives a call up that does not end in time, and goes on', async () => {
    const calls: unknown[][] = [];
    const aborted: boolean[] = [];
    const { monque, drain, advance, stop } = makeTestMonque();
    const outbox = monque.outbox<number>('events', {
      timeout: 2_000,
      backoff: { type: 'fixed', delay: 1_000 },
      publish: async (messages, { signal }) => {
        calls.push(messages.map(({ data }) => data));
        if (calls.length > 1) return;
        signal.addEventListener('abort', () => aborted.push(signal.aborted));
        await new Promise(() => undefined);
      },
    });
    await outbox.add({ key: 'a', data: 1 });
    await outbox.add({ key: 'b', data: 2 });
    await expect(drain()).rejects.toMatchObject({ code: 'STUCK' });
    await advance(2_000);
    expect(aborted).toEqual([true]);
    await advance(1_000);
    expect(calls[0]?.toSorted()).toEqual([1, 2]);
    expect(calls.slice(1).toSorted()).toEqual([[1], [2]]);
    await stop();
  });

  test('drops who waits no more from the batch to come', async () => {
    const calls: unknown[][] = [];
    let release = (): void => undefined;
    const monque = makeTestMonque();
    const outbox = monque.monque.outbox<number>('events', {
      batch: { size: 1 },
      publish: async (messages) => {
        calls.push(messages.map(({ data }) => data));
        if (calls.length > 1) return;
        await new Promise<void>((resolve) => {
          release = resolve;
        });
      },
    });
    await outbox.add({ key: 'a', data: 1 });
    await outbox.add({ key: 'b', data: 2 });
    await expect(monque.drain()).rejects.toMatchObject({ code: 'STUCK' });
    const jobs = await monque.monque.getJobs({ name: 'events' });
    const waiting = jobs.find(({ data }) => !isDeepStrictEqual(data, { data: calls[0]?.[0] }));
    await monque.monque.cancelJob(String(waiting?._id));
    release();
    await monque.drain();
    expect(calls).toHaveLength(1);
    expect(await monque.monque.getJob(String(waiting?._id))).toMatchObject({ status: 'cancelled' });
    await monque.stop();
  });

  test('sends nothing when nobody waits any more', async () => {
    const calls: unknown[][] = [];
    let isAway = true;
    const { monque, drain, stop } = makeTestMonque();
    const outbox = monque.outbox<number>('events', {
      batch: { size: 1 },
      publish: async (messages, { signal }) => {
        calls.push(messages.map(({ data }) => data));
        if (isAway)
          await new Promise((_, end) => signal.addEventListener('abort', () => end('no')));
      },
    });
    await outbox.add({ key: 'a', data: 1 });
    await outbox.add({ key: 'b', data: 2 });
    await expect(drain()).rejects.toMatchObject({ code: 'STUCK' });
    for (const { _id } of await monque.getJobs({ name: 'events' })) await monque.cancelJob(_id);
    isAway = false;
    await drain();
    expect(calls).toHaveLength(1);
    expect(await monque.getJobs({ name: 'events', status: 'cancelled' })).toHaveLength(2);
    await stop();
  });

  test('refuses a job of its name that is no message', async () => {
    const { kit, calls } = makeWorld({ maxRetries: 1 });
    const { _id } = await kit.monque.enqueue('events', 7, { order: 'a' });
    await kit.drain();
    expect((await kit.monque.getJob(_id))?.failReason).toContain('added to the outbox');
    expect(calls).toEqual([]);
    await kit.stop();
  });

  test('is refused by a ledger without transactions, and where the name has a worker', async () => {
    const monque = Monque.inMemory();
    const outbox = monque.outbox('events');
    await expect(outbox.add({ key: 'a', data: 1 })).rejects.toThrow(UnsupportedError);
    monque.outbox('others', { publish: () => undefined });
    expect(() => monque.outbox('others', { publish: () => undefined })).toThrow('`name`');
  });

  test.each([
    ['name', (monque: Monque) => monque.outbox('')],
    ['options', (monque: Monque) => monque.outbox('a', { sort: 1 } as never)],
    ['options.publish', (monque: Monque) => monque.outbox('a', { publish: 1 as never })],
    ['options.batch.size', (monque: Monque) => monque.outbox('a', { batch: { size: 0 } })],
    ['options.batch.size', (monque: Monque) => monque.outbox('a', { batch: {} as never })],
    ['options.order', (monque: Monque) => monque.outbox('a', { order: 'time' as never })],
    ['options.keepFor', (monque: Monque) => monque.outbox('a', { keepFor: 1 })],
    ['options.maxRetries', (monque: Monque) => monque.outbox('a', { maxRetries: 0 })],
    ['options.backoff', (monque: Monque) => monque.outbox('a', { backoff: 7 as never })],
    ['options.timeout', (monque: Monque) => monque.outbox('a', { timeout: 0 })],
    ['message', (monque: Monque) => monque.outbox('a').add(7 as never)],
    ['message.key', (monque: Monque) => monque.outbox('a').add({ data: 1 } as never)],
    ['message.key', (monque: Monque) => monque.outbox('a').add({ key: '', data: 1 })],
    ['message.id', (monque: Monque) => monque.outbox('a').add({ key: 'k', id: '', data: 1 })],
    [
      'message.data.data',
      (monque: Monque) => monque.outbox('a').add({ key: 'k', data: () => undefined }),
    ],
    [
      'options.session',
      (monque: Monque) => {
        const session = { inTransaction: () => false, endSession: async () => undefined };
        return monque.outbox('a').add({ key: 'k', data: 1 }, { session });
      },
    ],
  ])('refuses a wrong `%s` by its name', async (field, call) => {
    const { monque } = makeTestMonque();
    const error = await (async () => call(monque))().then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect(String(error)).toContain(`\`${field}\``);
  });

  test('takes a function for the delays between its tries', async () => {
    const { kit, calls, add } = makeWorld({ fails: () => true, backoff: () => 5_000 });
    await add({ key: 'a', data: 1 });
    await kit.drain();
    await kit.advance(4_999);
    expect(calls).toHaveLength(1);
    await kit.advance(1);
    expect(calls).toHaveLength(2);
    await kit.stop();
  });
});
