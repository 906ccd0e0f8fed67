import { EventEmitter } from 'node:events';
import { describe, expect, test } from 'vitest';
import type { Clock } from '../../src/index.ts';
import { type SignalSource, stopOnSignals } from '../../src/stop-on-signals.ts';
import { ManualClock } from '../../src/testing/index.ts';
import { deferred, makeOne, makeWorld, payloads } from './kit.ts';

describe('isHealthy and health', () => {
  test('are false before start and after stop, true between', async () => {
    const { monque, clock } = makeOne();
    expect(monque.isHealthy()).toBe(false);
    expect(monque.health()).toMatchObject({ running: false, connected: false, runningJobs: 0 });
    await monque.start();
    await clock.advance(100);
    expect(monque.isHealthy()).toBe(true);
    expect(monque.health()).toEqual({
      running: true,
      connected: true,
      hints: 'flowing',
      queueLagMs: 0,
      runningJobs: 0,
      bufferedJobs: 0,
      unsettledJobs: 0,
      pausedNames: [],
      alerts: [],
      ledger: { connected: true, lastAnswerAt: expect.any(Date) },
    });
    await monque.stop();
    expect(monque.isHealthy()).toBe(false);
  });

  test('report a lost connection, with events for losing it and having it again', async () => {
    const { monque, clock, network, events } = makeOne();
    await monque.start();
    await clock.advance(1_000);
    network.down = true;
    await clock.advance(15_000);
    expect(monque.isHealthy()).toBe(false);
    expect(monque.health()).toMatchObject({ running: true, connected: false });
    expect(monque.health().lastError?.error.message).toContain('lost');
    network.down = false;
    await clock.advance(15_000);
    expect(monque.isHealthy()).toBe(true);
    expect(payloads(events, 'connection:lost')).toHaveLength(1);
    expect(payloads(events, 'connection:restored')).toHaveLength(1);
    await monque.stop();
  });

  test('say what runs, how late the last claim was, and when it was', async () => {
    const { monque, clock } = makeOne();
    const gate = deferred();
    monque.worker('work', () => gate.promise, { concurrency: 1 });
    await monque.enqueueMany([{ name: 'work' }, { name: 'work' }]);
    await clock.advance(3_000);
    await monque.start();
    await clock.advance(100);
    const health = monque.health();
    expect(health.runningJobs).toBe(1);
    expect(health.queueLagMs).toBeGreaterThanOrEqual(3_000);
    expect(health.lastClaimAt).toBeInstanceOf(Date);
    gate.resolve();
    await clock.advance(100);
    expect(monque.health().runningJobs).toBe(0);
    await monque.stop();
  });

  test('an application whose own calls get no answer makes it unhealthy until one is answered', async () => {
    const { monque, clock, faulty } = makeOne();
    await monque.start();
    await clock.advance(100);
    faulty.plan('getJob', { fail: 'before' });
    await expect(monque.getJob('0'.repeat(24))).rejects.toThrow('lost');
    expect(monque.isHealthy()).toBe(false);
    const { ledger } = monque.health();
    expect(ledger).toMatchObject({ connected: false, lastError: { verb: 'getJob' } });
    expect(await monque.getJob('0'.repeat(24))).toBe(null);
    expect(monque.isHealthy()).toBe(true);
    await monque.stop();
  });

  test('a claim that fails makes it unhealthy until one works, and is no loss of the connection', async () => {
    const { monque, clock, faulty, events } = makeOne();
    monque.worker('work', () => undefined);
    await monque.start();
    faulty.plan('claim', { onArrival: () => Promise.reject(new Error('bug')) });
    await monque.enqueue('work');
    await clock.advance(10);
    expect([monque.isHealthy(), monque.health().connected]).toEqual([false, false]);
    expect(monque.health().lastError?.error.message).toBe('bug');
    await clock.advance(100);
    expect(monque.isHealthy()).toBe(true);
    expect(payloads(events, 'job:complete')).toHaveLength(1);
    expect(payloads(events, 'connection:lost')).toEqual([]);
    await monque.stop();
  });

  test('say that jobs are found by polling where the ledger gives no hints', async () => {
    const { monque, clock, faulty } = makeOne();
    faulty.watch = async () => ({
      unsupported: 'a standalone server',
      close: async () => undefined,
    });
    await monque.start();
    await clock.advance(100);
    expect(monque.health()).toMatchObject({ hints: 'polling', connected: true });
    await monque.stop();
  });

  test('an event loop that was blocked for more than a third of the lease is reported', async () => {
    const world = makeWorld();
    let aheadMs = 0;
    const { clock } = world;
    const blocked: Clock = {
      now: () => clock.now() + aheadMs,
      monotonic: () => clock.monotonic() + aheadMs,
      setTimer: (callback, delayMs) => clock.setTimer(callback, delayMs),
      setImmediate: (callback) => clock.setImmediate(callback),
    };
    const { monque, events } = world.makeInstance({ leaseDuration: 3_000, clock: blocked });
    await monque.start();
    await clock.advance(500);
    // Timers that should have fired meanwhile fire only now.
    aheadMs = 2_000;
    await clock.advance(600);
    const [delayed] = payloads(events, 'loop:delayed');
    expect(delayed?.delayMs).toBeGreaterThan(1_000);
    await clock.advance(5_000);
    expect(payloads(events, 'loop:delayed')).toHaveLength(1);
    await monque.stop();
  });
});

describe('await using', () => {
  test('stops the scheduler at the end of the block', async () => {
    const { monque, clock } = makeOne();
    await monque.start();
    await clock.advance(10);
    await monque[Symbol.asyncDispose]();
    expect(monque.health().running).toBe(false);
    expect(clock.pendingTimers).toBe(0);
  });
});

class FakeProcess extends EventEmitter {
  readonly pid = 42;
  readonly killed: string[] = [];

  kill(_pid: number, signal: string): true {
    this.killed.push(signal);
    return true;
  }

  send(signal: NodeJS.Signals): void {
    this.emit(signal, signal);
  }
}

describe('signals', () => {
  test('stop the scheduler once, then end the process as they would have', async () => {
    const source = new FakeProcess();
    const gate = deferred();
    let stops = 0;
    const stop = () => {
      stops += 1;
      return gate.promise;
    };
    const signals = ['SIGTERM', 'SIGINT'] as const;
    stopOnSignals({ signals, clock: new ManualClock() }, stop, source as unknown as SignalSource);
    source.send('SIGTERM');
    source.send('SIGINT');
    expect(stops).toBe(1);
    expect(source.killed).toEqual([]);
    gate.resolve();
    await gate.promise;
    await Promise.resolve();
    expect(source.killed).toEqual(['SIGTERM']);
    expect(source.listenerCount('SIGTERM') + source.listenerCount('SIGINT')).toBe(0);
  });

  test('that come again end the process at once, but not one that came twice at a time', async () => {
    const source = new FakeProcess();
    const clock = new ManualClock();
    const gate = deferred();
    const options = { signals: ['SIGTERM', 'SIGINT'], clock } as const;
    stopOnSignals(options, () => gate.promise, source as unknown as SignalSource);
    source.send('SIGINT');
    await clock.advance(999);
    source.send('SIGINT');
    expect(source.killed).toEqual([]);
    await clock.advance(1);
    source.send('SIGTERM');
    expect(source.killed).toEqual(['SIGTERM']);
    expect(source.listenerCount('SIGTERM') + source.listenerCount('SIGINT')).toBe(0);
    gate.resolve();
    await clock.settle();
    expect(source.killed).toEqual(['SIGTERM']);
  });

  test('leave the end of the process to whoever else listens', async () => {
    const source = new FakeProcess();
    source.on('SIGTERM', () => undefined);
    const options = { signals: ['SIGTERM'], clock: new ManualClock() } as const;
    stopOnSignals(options, async () => undefined, source as unknown as SignalSource);
    source.send('SIGTERM');
    await Promise.resolve();
    await Promise.resolve();
    expect(source.killed).toEqual([]);
    expect(source.listenerCount('SIGTERM')).toBe(1);
  });

  test('leave it also to whoever listens for one time only', async () => {
    const source = new FakeProcess();
    source.once('SIGTERM', () => undefined);
    const options = { signals: ['SIGTERM'], clock: new ManualClock() } as const;
    const gate = deferred();
    stopOnSignals(options, () => gate.promise, source as unknown as SignalSource);
    source.once('SIGTERM', () => undefined);
    source.send('SIGTERM');
    gate.resolve();
    await gate.promise;
    await Promise.resolve();
    expect(source.listenerCount('SIGTERM')).toBe(0);
    expect(source.killed).toEqual([]);
  });

  test('end the process after the last of several schedulers', async () => {
    const source = new FakeProcess();
    const gates = [deferred(), deferred()];
    for (const { promise } of gates) {
      const options = { signals: ['SIGTERM'], clock: new ManualClock() } as const;
      stopOnSignals(options, () => promise, source as unknown as SignalSource);
    }
    source.send('SIGTERM');
    for (const { promise, resolve } of gates) {
      expect(source.killed).toEqual([]);
      resolve();
      await promise;
      await Promise.resolve();
    }
    expect(source.killed).toEqual(['SIGTERM']);
  });

  test('that reach the process stop the scheduler', async () => {
    const { monque, clock } = makeOne({ handleSignals: ['SIGUSR2'] });
    const another = (): void => undefined;
    process.on('SIGUSR2', another);
    await monque.start();
    process.emit('SIGUSR2', 'SIGUSR2');
    expect(monque.health().running).toBe(true);
    await clock.advance(100);
    expect(monque.health().running).toBe(false);
    expect(clock.pendingTimers).toBe(0);
    process.off('SIGUSR2', another);
  });

  test('are listened for from start to stop only, and only when that is wanted', async () => {
    const before = process.listenerCount('SIGTERM');
    const { monque } = makeOne({ handleSignals: true });
    expect(process.listenerCount('SIGTERM')).toBe(before);
    await monque.start();
    expect(process.listenerCount('SIGTERM')).toBe(before + 1);
    expect(process.listenerCount('SIGINT')).toBeGreaterThan(0);
    await monque.stop();
    expect(process.listenerCount('SIGTERM')).toBe(before);
    const other = makeOne({ handleSignals: ['SIGUSR2'] });
    const usr2 = process.listenerCount('SIGUSR2');
    await other.monque.start();
    expect(process.listenerCount('SIGUSR2')).toBe(usr2 + 1);
    expect(process.listenerCount('SIGTERM')).toBe(before);
    await other.monque.stop();
  });
});
