import { describe, expect, test } from 'vitest';
import { contextOver, makeContext } from '../../src/context/scheduler-context.ts';
import { Reconfigurer } from '../../src/engine/reconfigurer.ts';
import {
  InvalidArgumentError,
  type LogFields,
  type Logger,
  Monque,
  type MonqueOptions,
  type ReconfigureOptions,
} from '../../src/index.ts';
import { OPTION_NAMES } from '../../src/options/option-table.ts';
import { resolveOptions } from '../../src/options/resolve-options.ts';
import { enqueueSome, NAME, workHeld } from './held-work.ts';
import { makeOne, makeWorld, NO_EVENTS, payloads } from './kit.ts';

const DAY_MS = 86_400_000;

function recordLog(): { readonly logger: Logger; readonly entries: LogFields[] } {
  const entries: LogFields[] = [];
  const write = (fields: LogFields) => entries.push(fields);
  return { logger: { debug: write, info: write, warn: write, error: write }, entries };
}

function refusal(action: () => void): InvalidArgumentError {
  try {
    action();
  } catch (error) {
    if (error instanceof InvalidArgumentError) return error;
    throw error;
  }
  throw new Error('Expected an InvalidArgumentError, got none');
}

describe('what cannot be changed', () => {
  const live: Required<Pick<ReconfigureOptions, keyof MonqueOptions & keyof ReconfigureOptions>> = {
    pollInterval: 20,
    claimOnEnqueue: false,
    defaultConcurrency: 2,
    instanceConcurrency: 3,
    maxRetries: 4,
    baseRetryInterval: 5,
    maxBackoffDelay: 6,
    retryJitter: 0.5,
    shutdownTimeout: 7,
    rescueLimit: 8,
    lockTimeout: 2_000,
    jobRetention: { completed: false },
    maxPayloadSize: 100,
    logger: recordLog().logger,
    alerts: { queueLag: 10 },
    invariants: { rules: [] },
  };

  test('every option is either taken or refused by its name, with the way out', () => {
    const { monque } = makeOne();
    monque.reconfigure(live);
    const fixed = OPTION_NAMES.filter((name) => !Object.hasOwn(live, name));
    expect(fixed).toContain('leaseDuration');
    for (const name of fixed) {
      const { field, message } = refusal(() => monque.reconfigure({ [name]: 5_000 }));
      expect(field).toBe(`options.${name}`);
      expect(message).toContain('make a new scheduler');
    }
  });

  test.each<[string, string, object]>([
    ['a value out of bounds', 'options.pollInterval', { pollInterval: 1 }],
    ['a name that is no option', 'options', { concurency: 1 }],
    ['a worker that does not exist', 'options.workers', { workers: { other: { concurrency: 1 } } }],
    [
      'a wrong value of a worker',
      `options.workers.${NAME}.concurrency`,
      { workers: { [NAME]: { concurrency: 0 } } },
    ],
    [
      'a fixed option of a worker',
      `options.workers.${NAME}`,
      { workers: { [NAME]: { schema: {} } } },
    ],
  ])('%s is refused, and what stands beside it has not changed', async (_, field, wrong) => {
    const { monque, clock } = makeOne();
    const { running, endAll } = workHeld(monque);
    await monque.start();
    await enqueueSome(monque, 9);
    const both = { defaultConcurrency: 9, ...wrong };
    expect(refusal(() => monque.reconfigure(both)).field).toBe(field);
    await clock.advance(1_000);
    expect(running()).toBe(5);
    endAll();
    await clock.advance(1_000);
    endAll();
    await monque.stop();
  });

  test('no options at all are refused', () => {
    const given = null as unknown as ReconfigureOptions;
    expect(refusal(() => makeOne().monque.reconfigure(given)).field).toBe('options');
  });

  test('an actor has no such verb', () => {
    expect(makeOne().monque.as({ id: 'user:1' })).not.toHaveProperty('reconfigure');
  });
});

describe('concurrency', () => {
  test('more of it starts what waits, at once', async () => {
    const { monque, clock } = makeOne({ pollInterval: DAY_MS });
    const { running, endAll } = workHeld(monque, { concurrency: 1 });
    await monque.start();
    await enqueueSome(monque, 3);
    await clock.advance(100);
    expect(running()).toBe(1);
    monque.reconfigure({ workers: { [NAME]: { concurrency: 3 } } });
    await clock.advance(100);
    expect(running()).toBe(3);
    endAll();
    await monque.stop();
    expect(clock.pendingTimers).toBe(0);
  });

  test('less of it lets what runs end, and starts no more until below', async () => {
    const { monque, clock } = makeOne();
    const { running, endOne, endAll } = workHeld(monque);
    await monque.start();
    await enqueueSome(monque, 10);
    await clock.advance(100);
    expect(running()).toBe(5);
    monque.reconfigure({ defaultConcurrency: 2 });
    const seen: number[] = [];
    for (let ends = 0; ends < 5; ends += 1) {
      endOne();
      await clock.advance(1_000);
      seen.push(running());
    }
    expect(seen).toEqual([4, 3, 2, 2, 2]);
    endAll();
    await monque.stop();
  });

  test('what a worker states itself goes before a new default, and stays when another worker changes', async () => {
    const { monque, clock } = makeOne();
    const { running, endAll } = workHeld(monque, { concurrency: 1 });
    monque.worker('other', () => undefined);
    monque.reconfigure({ defaultConcurrency: 4, workers: { other: { concurrency: 3 } } });
    monque.reconfigure({ workers: { [NAME]: {} } });
    await monque.start();
    await enqueueSome(monque, 3);
    await clock.advance(100);
    expect(running()).toBe(1);
    endAll();
    await monque.stop();
  });

  test('that of the instance bounds all workers, from the next start of a handler on', async () => {
    const { monque, clock } = makeOne();
    const { running, endAll } = workHeld(monque);
    await monque.start();
    monque.reconfigure({ instanceConcurrency: 2 });
    await enqueueSome(monque, 5);
    await clock.advance(100);
    expect(running()).toBe(2);
    monque.reconfigure({ instanceConcurrency: 4 });
    await clock.advance(100);
    expect(running()).toBe(4);
    endAll();
    await monque.stop();
  });
});

describe('times', () => {
  test('a shorter poll interval takes the place of the wait that is under way', async () => {
    const { clock, makeInstance } = makeWorld();
    const { monque, faulty } = makeInstance({ pollInterval: DAY_MS });
    const watch = { close: () => Promise.resolve() };
    faulty.watch = () => Promise.resolve(watch);
    const ran: unknown[] = [];
    monque.worker(NAME, ({ data }) => ran.push(data));
    await monque.start();
    await clock.advance(1_000);
    monque.reconfigure({ pollInterval: 100 });
    await clock.advance(50);
    await makeInstance().monque.enqueue(NAME, 'unannounced');
    await clock.advance(200);
    expect(ran).toEqual(['unannounced']);
    await monque.stop();
    expect(clock.pendingTimers).toBe(0);
  });

  test('later failures are retried by the new plan, as often as it says', async () => {
    const { monque, clock, events } = makeOne({ baseRetryInterval: DAY_MS });
    monque.worker(NAME, () => {
      throw new Error('failed');
    });
    await monque.start();
    monque.reconfigure({ baseRetryInterval: 10, maxBackoffDelay: 15, maxRetries: 3 });
    const { _id } = await monque.enqueue(NAME);
    await clock.advance(1_000);
    expect(payloads(events, 'job:fail')).toHaveLength(3);
    expect((await monque.getJob(_id))?.status).toBe('failed');
    await monque.stop();
  });

  test('a stop waits as long as was said last', async () => {
    const { monque, clock } = makeOne();
    const { running } = workHeld(monque);
    await monque.start();
    await enqueueSome(monque, 1);
    await clock.advance(100);
    monque.reconfigure({ shutdownTimeout: 10 });
    const before = clock.now();
    const stopping = monque.stop();
    await clock.advance(1_000);
    await stopping;
    expect(running()).toBe(1);
    expect(clock.now() - before).toBeLessThan(2_000);
  });

  test('data may take as much as was said last, also through a codec', async () => {
    const codec = { encode: (value: unknown) => value, decode: (value: unknown) => value };
    for (const options of [{}, { codec }]) {
      const { monque } = makeOne(options);
      const data = 'x'.repeat(200);
      monque.reconfigure({ maxPayloadSize: 100 });
      await expect(monque.enqueue(NAME, data)).rejects.toThrow(InvalidArgumentError);
      monque.reconfigure({ maxPayloadSize: 1_000 });
      expect((await monque.enqueue(NAME, data)).data).toBe(data);
    }
  });
});

describe('the logger', () => {
  test('gets the names of what changed, never the values, and takes over from the former', async () => {
    const [former, next] = [recordLog(), recordLog()];
    const { monque } = makeOne({ logger: former.logger });
    await monque.start();
    monque.reconfigure({ pollInterval: 77, maxRetries: 3, shutdownTimeout: undefined as never });
    expect(former.entries.at(-1)).toEqual({
      event: 'reconfigured',
      options: ['pollInterval', 'maxRetries'],
    });
    monque.reconfigure({ logger: next.logger });
    const reported = former.entries.length;
    await monque.stop();
    expect(former.entries).toHaveLength(reported);
    expect(next.entries.map(({ event }) => event)).toEqual(
      expect.arrayContaining(['reconfigured', 'stopping', 'stopped']),
    );
  });
});

test('a scheduler of an actor writes to the logger of the scheduler, as it is at the time', () => {
  const { logger, entries } = recordLog();
  const { ledger } = makeWorld();
  const context = makeContext({ ledger, options: resolveOptions() }, NO_EVENTS);
  const ofActor = contextOver(context, ledger);
  expect(ofActor.log).toBeUndefined();
  new Reconfigurer(context, new Map(), {}).reconfigure({ logger });
  ofActor.log?.write('stopped', { instanceId: 'one' });
  expect(entries.at(-1)).toEqual({ event: 'stopped', instanceId: 'one' });
});

describe('reconfigure', () => {
  test('holds before the first start, and between a stop and the next start', async () => {
    const { monque, clock } = makeOne();
    const { running, endAll } = workHeld(monque);
    monque.reconfigure({ defaultConcurrency: 1 });
    await monque.start();
    await enqueueSome(monque, 4);
    await clock.advance(100);
    expect(running()).toBe(1);
    endAll();
    await monque.stop();
    monque.reconfigure({ defaultConcurrency: 2 });
    await monque.start();
    await clock.advance(2_000);
    expect(running()).toBe(2);
    endAll();
    await monque.stop();
  });

  test('holds for workers that are added later', async () => {
    const { monque, clock } = makeOne();
    await monque.start();
    monque.reconfigure({ defaultConcurrency: 1 });
    const { running, endAll } = workHeld(monque);
    await enqueueSome(monque, 3);
    await clock.advance(100);
    expect(running()).toBe(1);
    endAll();
    await monque.stop();
  });

  test('during a start holds from that start on', async () => {
    const { monque, clock, faulty } = makeOne({ maxRetries: 1 });
    monque.worker(NAME, () => {
      throw new Error('failed');
    });
    const openLease = faulty.openLease.bind(faulty);
    faulty.openLease = async (params) => {
      monque.reconfigure({ alerts: { failureRate: 1, failureMinimum: 1 } });
      await openLease(params);
    };
    await monque.start();
    await monque.enqueue(NAME);
    await clock.advance(20_000);
    expect(monque.health().alerts).toEqual(['failureRate']);
    await monque.stop();
    expect(clock.pendingTimers).toBe(0);
  });

  test('adds up over calls: what a later one leaves out stays', async () => {
    const { monque, clock, events } = makeOne({ baseRetryInterval: 10 });
    monque.worker(NAME, () => {
      throw new Error('failed');
    });
    await monque.start();
    monque.reconfigure({ maxRetries: 5 });
    monque.reconfigure({ maxRetries: 2 });
    monque.reconfigure({ pollInterval: 500 });
    await monque.enqueue(NAME);
    await clock.advance(5_000);
    expect(payloads(events, 'job:fail')).toHaveLength(2);
    await monque.stop();
  });

  test('goes in memory too, where workers are typed by their names', async () => {
    const monque = Monque.inMemory<{ parse: { page: number } }>();
    monque.worker('parse', () => undefined);
    monque.reconfigure({ workers: { parse: { concurrency: 7 } } });
    await monque.start();
    const [instance] = (await monque.inspect()).instances;
    expect(instance?.info?.workers).toEqual([{ name: 'parse', concurrency: 7, running: 0 }]);
    await monque.stop();
  });
});
