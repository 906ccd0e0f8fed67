import { describe, expect, test } from 'vitest';
import {
  ConnectionError,
  InvalidArgumentError,
  type Logger,
  MonqueError,
} from '../../src/index.ts';
import { Log, type LogEvent, type LogFields } from '../../src/telemetry/log.ts';
import { deferred, makeOne, makeWorld } from './kit.ts';
import { NAME } from './situation-world.ts';

interface Entry {
  readonly level: keyof Logger;
  readonly fields: LogFields;
  readonly message: string;
}

function recordLog(): { readonly logger: Logger; readonly entries: Entry[] } {
  const entries: Entry[] = [];
  const at = (level: keyof Logger) => (fields: LogFields, message: string) =>
    entries.push({ level, fields, message });
  const logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  return { logger, entries };
}

function fieldsOf(entries: readonly Entry[], event: LogEvent): LogFields[] {
  return entries.map(({ fields }) => fields).filter((fields) => fields.event === event);
}

describe('the log', () => {
  test('reports a life from start to stop, in its order', async () => {
    const { logger, entries } = recordLog();
    const { monque, clock } = makeOne({ logger });
    monque.worker(NAME, () => 'result');
    await monque.start();
    await monque.enqueue(NAME, { secret: 'of the user' });
    await clock.advance(100);
    const { instanceId } = (await monque.inspect()).instances[0] ?? {};
    await monque.stop();
    const order: LogEvent[] = [
      'leaseOpened',
      'started',
      'claimed',
      'settled',
      'stopping',
      'stopped',
    ];
    const events = entries.map(({ fields }) => fields.event);
    expect(order.map((event) => events.indexOf(event))).toEqual(
      order.map((event) => events.indexOf(event)).sort((a, b) => a - b),
    );
    expect(events).toEqual(expect.arrayContaining(order));
    expect(fieldsOf(entries, 'started')).toEqual([{ event: 'started', instanceId, workers: 1 }]);
    expect(fieldsOf(entries, 'claimed')).toContainEqual({
      ...{ event: 'claimed', names: 1, attempted: 1, claimed: 1 },
      ...{ suspects: false, tookMs: expect.any(Number) },
    });
    expect(fieldsOf(entries, 'settled')).toEqual([
      { event: 'settled', settlements: 1, attempts: 1 },
    ]);
    expect(entries.every(({ message }) => /^[A-Z].*[^.]$/.test(message))).toBe(true);
  });

  test('holds nothing of what jobs hold, also when things go wrong', async () => {
    const { logger, entries } = recordLog();
    const { monque, clock, faulty } = makeOne({ logger });
    const schema = {
      '~standard': {
        version: 1 as const,
        vendor: 'test',
        validate: () => ({ issues: [{ message: 'secret' }] }),
      },
    };
    monque.worker(NAME, (_, context) => {
      context.log('secret');
      context.progress('secret');
      throw new Error('secret');
    });
    monque.worker('wrong', () => 'secret');
    monque.worker('unstorable', () => ({ secret: () => 'secret' }));
    monque.worker('refused', () => 'secret', { schema });
    monque.on('job:start', () => {
      throw new Error('secret of a listener');
    });
    await monque.start();
    faulty.plan('settle', { onArrival: () => Promise.reject(new Error('secret in a key')) });
    await monque.enqueue(NAME, { secret: 'secret' }, { uniqueKey: 'secret' });
    for (const name of ['wrong', 'unstorable']) await monque.enqueue(name, { secret: 'secret' });
    await clock.advance(10_000);
    await monque.stop();
    expect(fieldsOf(entries, 'failed')).toContainEqual({ event: 'failed', error: 'Error' });
    expect(JSON.stringify(entries)).not.toContain('secret');
  });

  test('reports a ledger that does not answer, and what is tried again', async () => {
    const { logger, entries } = recordLog();
    const { monque, clock, faulty } = makeOne({ logger });
    monque.worker(NAME, () => undefined);
    await monque.start();
    faulty.plan('settle', { fail: 'before' }, 2);
    await monque.enqueue(NAME);
    await clock.advance(1_000);
    expect(fieldsOf(entries, 'retrying')).toMatchObject([
      { verb: 'settle', attempt: 1 },
      { verb: 'settle', attempt: 2 },
    ]);
    expect(fieldsOf(entries, 'settled')).toMatchObject([{ settlements: 1, attempts: 3 }]);
    expect(fieldsOf(entries, 'failed')[0]).toMatchObject({
      ...{ error: 'UnknownOutcomeError', code: 'UNKNOWN_OUTCOME' },
      why: expect.stringContaining('settle'),
    });
    faulty.plan('claim', { fail: 'after' });
    await monque.enqueue(NAME);
    await clock.advance(1_000);
    expect(fieldsOf(entries, 'retrying').map(({ verb }) => verb)).toContain('readClaim');
    faulty.plan('claim', { onArrival: () => Promise.reject(new Error('bug')) });
    await monque.enqueue(NAME);
    await clock.advance(1_000);
    expect(fieldsOf(entries, 'retrying').at(-1)).toMatchObject({ verb: 'claim', attempt: 1 });
    await monque.stop();
  });

  test('reports settlements that a stop gave up, and handlers that it aborted', async () => {
    const { logger, entries } = recordLog();
    const { monque, clock, network } = makeOne({ logger, shutdownTimeout: 1_000 });
    const gate = deferred();
    monque.worker(NAME, () => gate.promise);
    await monque.start();
    await monque.enqueue(NAME);
    await clock.advance(100);
    network.down = true;
    const stopping = monque.stop();
    await clock.advance(1_200);
    gate.resolve();
    await clock.advance(60_000);
    await stopping;
    expect(fieldsOf(entries, 'handlersAborted')).toMatchObject([{ runningJobs: 1 }]);
    expect(fieldsOf(entries, 'settlementsGivenUp')).toMatchObject([{ settlements: 1 }]);
    expect(fieldsOf(entries, 'settled')).toEqual([]);
    expect(fieldsOf(entries, 'stopping')).toMatchObject([{ runningJobs: 1, bufferedJobs: 0 }]);
  });

  test('reports leases that are renewed, lapse and are refused, the dead, and what they held', async () => {
    const world = makeWorld();
    const [first, second] = [recordLog(), recordLog()];
    const options = { leaseDuration: 3_000 };
    const dying = world.makeInstance({ ...options, logger: first.logger });
    const watching = world.makeInstance({ ...options, logger: second.logger });
    const gate = deferred();
    dying.monque.worker(NAME, () => gate.promise);
    await dying.monque.start();
    await watching.monque.start();
    await dying.monque.enqueue(NAME);
    await world.clock.advance(2_500);
    expect(fieldsOf(first.entries, 'leaseRenewed')).toMatchObject([
      { hadLapsed: false },
      { hadLapsed: false },
    ]);
    dying.network.down = true;
    await world.clock.advance(10_000);
    const instanceId = fieldsOf(first.entries, 'leaseOpened')[0]?.instanceId;
    expect(fieldsOf(second.entries, 'declaredDead')).toEqual([
      { event: 'declaredDead', instanceId },
    ]);
    expect(fieldsOf(second.entries, 'rescued')).toEqual([
      { event: 'rescued', instanceId, count: 1 },
    ]);
    dying.network.down = false;
    await world.clock.advance(10_000);
    expect(fieldsOf(first.entries, 'leaseRefused')).toEqual([
      { event: 'leaseRefused', instanceId },
    ]);
    expect(fieldsOf(first.entries, 'leaseOpened')).toHaveLength(2);
    gate.resolve();
    await world.clock.advance(1_000);
    await Promise.all([dying.monque.stop(), watching.monque.stop()]);
  });

  test('reports when hints begin and end, and which names are paused', async () => {
    const { logger, entries } = recordLog();
    const { monque, clock, faulty } = makeOne({ logger });
    let interrupt: () => void = () => undefined;
    faulty.watch = async (listener) => {
      listener({ kind: 'opened' });
      interrupt = () => listener({ kind: 'interrupted', error: new ConnectionError('Gone') });
      return { close: async () => undefined };
    };
    await monque.start();
    await monque.pause('a');
    await clock.advance(5_000);
    await monque.resume('a');
    await clock.advance(5_000);
    interrupt();
    await monque.stop();
    expect(fieldsOf(entries, 'hintsChanged').map(({ hints }) => hints)).toEqual([
      ...['flowing', 'polling'],
    ]);
    expect(fieldsOf(entries, 'pausesChanged').map(({ pausedNames }) => pausedNames)).toEqual([
      ...[['a'], []],
    ]);
  });

  test('shows no message of an error that may show what a job holds', () => {
    const { logger, entries } = recordLog();
    const log = new Log(logger);
    log.failed(new InvalidArgumentError('data.a', 'a number', 'secret'));
    log.failed(new MonqueError('LEDGER_REFUSED', 'secret'));
    log.failed(new MonqueError('INTERNAL', 'This is a fault in Monque'));
    expect(entries.map(({ fields }) => [fields.code, fields.why])).toEqual([
      ['INVALID_ARGUMENT', undefined],
      ['LEDGER_REFUSED', undefined],
      ['INTERNAL', 'This is a fault in Monque'],
    ]);
  });

  test('of a logger that throws or rejects hurts nobody', async () => {
    const fails = (): never => {
      throw new Error('No disk');
    };
    const rejects = (): Promise<never> => Promise.reject(new Error('No network'));
    for (const call of [fails, rejects]) {
      const logger = { debug: call, info: call, warn: call, error: call };
      const { monque, clock, events } = makeOne({ logger });
      monque.worker(NAME, () => undefined);
      await monque.start();
      const job = await monque.enqueue(NAME);
      await clock.advance(100);
      expect((await monque.getJob(job._id))?.status).toBe('completed');
      await monque.stop();
      expect(events.filter(({ name }) => name === 'job:error')).toEqual([]);
    }
  });

  test('needs an object with the four methods', () => {
    const log = (): undefined => undefined;
    expect(() => makeOne({ logger: { debug: log, info: log, warn: log } as never })).toThrow(
      'options.logger',
    );
  });

  test('calls the methods on the logger itself', async () => {
    class Counter implements Logger {
      #count = 0;
      get count(): number {
        return this.#count;
      }
      debug(): void {
        this.#count += 1;
      }
      info(): void {
        this.#count += 1;
      }
      warn(): void {
        this.#count += 1;
      }
      error(): void {
        this.#count += 1;
      }
    }
    const logger = new Counter();
    const { monque } = makeOne({ logger });
    await monque.start();
    await monque.stop();
    expect(logger.count).toBeGreaterThan(2);
  });
});
