import { describe, expect, test } from 'vitest';
import { InvalidArgumentError, type Job } from '../../src/index.ts';
import { deferred, makeOne, makeWorld, payloads } from './kit.ts';

describe('a worker', () => {
  test('runs an enqueued job once, with its data, and the job ends completed', async () => {
    const { monque, clock, events } = makeOne();
    const seen: unknown[] = [];
    monque.worker('greet', (job) => seen.push(job.data));
    await monque.start();
    const job = await monque.enqueue('greet', { to: 'Ada' });
    await clock.settle();
    expect(seen).toEqual([{ to: 'Ada' }]);
    expect(events.map(({ name }) => name)).toEqual(['job:start', 'job:complete']);
    const stored = await monque.getJob(job._id);
    expect(stored).toMatchObject({ status: 'completed', fence: 1 });
    expect(stored?.claimToken).toBeUndefined();
    expect(stored?.finishedAt).toBeInstanceOf(Date);
    await monque.stop();
    expect(clock.pendingTimers).toBe(0);
  });

  test('is given the claimed job, its fence and a signal', async () => {
    const { monque, clock } = makeOne();
    const seen: unknown[] = [];
    monque.worker('greet', (job, context) => {
      seen.push(job.status, job.claimedBy !== undefined, context.fence, context.signal.aborted);
    });
    await monque.start();
    await monque.enqueue('greet');
    await clock.settle();
    expect(seen).toEqual(['processing', true, 1, false]);
    await monque.stop();
  });

  test('is given a context that can be copied, wrapped and not changed', async () => {
    const { monque, clock } = makeOne();
    const seen: unknown[] = [];
    monque.worker('greet', (_job, context) => {
      seen.push(Object.keys({ ...context }).sort(), { ...context }.signal === context.signal);
      seen.push(new Proxy(context, {}).signal === context.signal, Object.isFrozen(context));
    });
    await monque.start();
    await monque.enqueue('greet');
    await clock.settle();
    const calls = [
      'addToFlow',
      'backOff',
      'complete',
      'log',
      'parentResults',
      'parents',
      'progress',
    ];
    const parts = [...calls, 'fence', 'setMetadata', 'signal'].sort();
    expect(seen).toEqual([parts, true, true, true]);
    await monque.stop();
  });

  test('runs at most as many handlers at once as its concurrency', async () => {
    const { monque, clock } = makeOne({ defaultConcurrency: 3 });
    const gate = deferred();
    let running = 0;
    let most = 0;
    monque.worker('slow', async () => {
      running += 1;
      most = Math.max(most, running);
      await gate.promise;
      running -= 1;
    });
    await monque.enqueueMany(Array.from({ length: 10 }, () => ({ name: 'slow' })));
    await monque.start();
    await clock.settle();
    expect(running).toBe(3);
    gate.resolve();
    await clock.settle();
    expect(most).toBe(3);
    await monque.stop();
  });

  test('has a concurrency of its own where it is given', async () => {
    const { monque, clock } = makeOne();
    const gate = deferred();
    let running = 0;
    monque.worker(
      'slow',
      () => {
        running += 1;
        return gate.promise;
      },
      { concurrency: 2 },
    );
    await monque.enqueueMany(Array.from({ length: 10 }, () => ({ name: 'slow' })));
    await monque.start();
    await clock.settle();
    expect(running).toBe(2);
    gate.resolve();
    await monque.stop();
  });

  test('may be registered after the start, and finds the jobs that wait', async () => {
    const { monque, clock, events } = makeOne();
    await monque.start();
    await monque.enqueue('late');
    await clock.settle();
    monque.worker('late', () => undefined);
    await clock.settle();
    expect(payloads(events, 'job:complete')).toHaveLength(1);
    await monque.stop();
  });

  test('leaves jobs of other names alone', async () => {
    const { monque, clock } = makeOne();
    monque.worker('mine', () => undefined);
    await monque.start();
    const job = await monque.enqueue('theirs');
    await clock.advance(60_000);
    expect((await monque.getJob(job._id))?.status).toBe('pending');
    await monque.stop();
  });

  test('runs jobs by priority, then by due time', async () => {
    const { monque, clock } = makeOne();
    const order: unknown[] = [];
    monque.worker('greet', (job) => order.push(job.data), { concurrency: 1 });
    const earlier = new Date(clock.now() - 1000);
    await monque.enqueue('greet', 'third');
    await monque.enqueue('greet', 'second', { runAt: earlier });
    await monque.enqueue('greet', 'fourth', { priority: 1, runAt: earlier });
    await monque.enqueue('greet', 'first', { priority: -1 });
    await monque.start();
    await clock.settle();
    expect(order).toEqual(['first', 'second', 'third', 'fourth']);
    await monque.stop();
  });

  test('does not start a job before its time, and starts it then', async () => {
    const { monque, clock, events } = makeOne();
    monque.worker('greet', () => undefined);
    await monque.start();
    await monque.enqueue('greet', 1, { runAt: new Date(clock.now() + 5_000) });
    await clock.advance(4_999);
    expect(payloads(events, 'job:start')).toHaveLength(0);
    await clock.advance(1);
    expect(payloads(events, 'job:start')).toHaveLength(1);
    await monque.stop();
  });

  test('a job due in 40 days does not fire at once, and fires then', async () => {
    const { monque, clock, events } = makeOne({ pollInterval: 86_400_000 });
    const days = 86_400_000;
    monque.worker('greet', () => undefined);
    await monque.start();
    await monque.enqueue('greet', 1, { runAt: new Date(clock.now() + 40 * days) });
    await clock.settle();
    expect(payloads(events, 'job:start')).toHaveLength(0);
    await monque.stop();
  });

  test('reports how long a handler took', async () => {
    const { monque, clock, events } = makeOne();
    const gate = deferred();
    monque.worker('slow', () => gate.promise);
    await monque.start();
    await monque.enqueue('slow');
    await clock.advance(250);
    gate.resolve();
    await clock.settle();
    expect(payloads(events, 'job:complete')[0]?.durationMs).toBe(250);
    await monque.stop();
  });
});

const NOTHING = (): void => undefined;

describe('registering a worker', () => {
  test.each([
    ['a name that is taken', ['taken', NOTHING], 'name'],
    ['no name', ['', NOTHING], 'name'],
    ['no handler', ['x', undefined], 'handler'],
    ['a concurrency of zero', ['x', NOTHING, { concurrency: 0 }], 'options.concurrency'],
    ['an unknown option', ['x', NOTHING, { concurency: 1 }], 'options'],
  ] as const)('refuses %s', (_, [name, handler, options], field) => {
    const { monque } = makeOne();
    monque.worker('taken', () => undefined);
    const register = () => monque.worker(name, handler as never, options as never);
    expect(register).toThrow(InvalidArgumentError);
    expect(register).toThrow(`\`${field}\``);
  });
});

describe('several instances', () => {
  test('run each of many jobs once', async () => {
    const { clock, makeInstance } = makeWorld();
    const runs = new Map<string, number>();
    const instances = [makeInstance(), makeInstance(), makeInstance()];
    for (const { monque } of instances) {
      monque.worker('count', (job: Job) => {
        const id = job._id.toHexString();
        runs.set(id, (runs.get(id) ?? 0) + 1);
      });
    }
    await instances[0]?.monque.enqueueMany(Array.from({ length: 1000 }, () => ({ name: 'count' })));
    await Promise.all(instances.map(({ monque }) => monque.start()));
    await clock.advance(5_000);
    expect(runs.size).toBe(1000);
    expect([...runs.values()].every((count) => count === 1)).toBe(true);
    await Promise.all(instances.map(({ monque }) => monque.stop()));
    expect(clock.pendingTimers).toBe(0);
  });

  test('that do nothing hear of a job another one enqueued', async () => {
    const { clock, makeInstance } = makeWorld();
    const [producer, consumer] = [makeInstance(), makeInstance()];
    consumer.monque.worker('greet', () => undefined);
    await consumer.monque.start();
    await clock.advance(10_000);
    await producer.monque.enqueue('greet');
    await clock.settle();
    expect(payloads(consumer.events, 'job:complete')).toHaveLength(1);
    await consumer.monque.stop();
  });
});
