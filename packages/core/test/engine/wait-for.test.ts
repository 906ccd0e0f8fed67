import { describe, expect, test } from 'vitest';
import { InvalidArgumentError, Monque, WaitError } from '../../src/index.ts';
import { InMemoryLedgerRepository } from '../../src/ledger/memory/in-memory-ledger-repository.ts';
import { FaultyLedgerRepository } from '../../src/testing/faulty-ledger-repository.ts';
import { ManualClock } from '../../src/testing/index.ts';
import { deferred, makeOne, makeWorld } from './kit.ts';

describe('waitFor', () => {
  /** The error of each wait. */
  function errorsOf(waits: readonly Promise<unknown>[]): Promise<WaitError[]> {
    const ends = waits.map((wait) =>
      wait.then(
        () => undefined as never,
        (error: WaitError) => error,
      ),
    );
    return Promise.all(ends);
  }

  test('that took too long says why the job was not finished', async () => {
    const { monque, clock } = makeOne();
    await monque.pause('work');
    const job = await monque.enqueue('work');
    const errors = errorsOf([monque.waitFor(job, { timeout: 100 })]);
    await clock.advance(1_000);
    const { message } = await monque.explain(job._id);
    const [error] = await errors;
    expect(error).toMatchObject({ reason: 'timeout', explanation: message, job: { _id: job._id } });
    expect(error?.message).toContain(`within the timeout: ${message}`);
    await monque.stop();
    expect(clock.pendingTimers).toBe(0);
  });

  test('that took too long has no explanation when the ledger does not answer in time', async () => {
    const clock = new ManualClock();
    const ledger = new InMemoryLedgerRepository({ clock });
    const faulty = new FaultyLedgerRepository(ledger, {
      clock,
      chooseFault: ({ verb }) => (verb === 'readLeases' ? { delayBeforeMs: 60_000 } : {}),
    });
    const monque = new Monque(faulty, { clock, logger: false, operationTimeout: 20_000 });
    const job = await monque.enqueue('work');
    const errors = errorsOf([monque.waitFor(job, { timeout: 100 })]);
    await clock.advance(2_500);
    const [error] = await errors;
    expect(error).toMatchObject({ reason: 'timeout', job: { _id: job._id } });
    expect(error?.explanation).toBeUndefined();
    await clock.advance(60_000);
    await monque.stop();
  });

  test('of thousands that took too long explains ten at a time', async () => {
    const { monque, clock, faulty } = makeOne();
    const job = await monque.enqueue('work');
    const waits = Array.from({ length: 1_000 }, () => monque.waitFor(job, { timeout: 100 }));
    const errors = errorsOf(waits);
    await clock.advance(1_000);
    const explained = (await errors).filter(({ explanation }) => explanation !== undefined);
    expect(explained).toHaveLength(10);
    expect(faulty.calls('readLeases')).toBe(10);
    await monque.stop();
  });

  test('ends when the scheduler is stopped, and leaves no timer behind', async () => {
    const { monque, clock } = makeOne();
    const job = await monque.enqueue('work');
    const waits = [monque.waitFor(job), monque.waitFor(job)];
    const ends = Promise.allSettled(waits);
    await clock.advance(500);
    await monque.stop();
    expect(clock.pendingTimers).toBe(0);
    expect(await ends).toMatchObject(waits.map(() => ({ reason: { reason: 'stopped' } })));
    const later = expect(monque.waitFor(job, { timeout: 100 })).rejects.toThrow('timeout');
    await clock.advance(1_000);
    await later;
  });

  test('gives the result of a job that runs in this process, at once', async () => {
    const { monque, clock } = makeOne();
    const gate = deferred<number>();
    monque.worker('work', () => gate.promise);
    await monque.start();
    const job = await monque.enqueue('work');
    const result = monque.waitFor(job);
    await clock.advance(5_000);
    const before = clock.now();
    gate.resolve(42);
    let endedAt = 0;
    void result.then(() => {
      endedAt = clock.now();
    });
    await clock.advance(20);
    expect(await result).toBe(42);
    expect(endedAt - before).toBeLessThanOrEqual(20);
    await monque.stop();
  });

  test('gives the result of a job that runs in another process within about a second', async () => {
    const { clock, makeInstance } = makeWorld();
    const [runner, producer] = [makeInstance(), makeInstance()];
    runner.monque.worker(
      'work',
      () => new Promise((resolve) => clock.setTimer(() => resolve('done'), 10_000)),
    );
    await runner.monque.start();
    const { _id } = await producer.monque.enqueue('work');
    const result = producer.monque.waitFor(_id.toHexString());
    await clock.advance(11_100);
    expect(await result).toBe('done');
    await runner.monque.stop();
    expect(clock.pendingTimers).toBe(0);
  });

  test('reads the jobs of all who wait together, however many they are', async () => {
    const { clock, makeInstance } = makeWorld();
    const [runner, producer] = [makeInstance(), makeInstance()];
    runner.monque.worker('work', (job) => job.data, { concurrency: 50 });
    const runAt = new Date(clock.now() + 10_000);
    const jobs = await Promise.all(
      Array.from({ length: 60 }, (_, index) => producer.monque.enqueue('work', index, { runAt })),
    );
    await runner.monque.start();
    const results = [...jobs, ...jobs].map((job) => producer.monque.waitFor(job));
    await clock.advance(9_000);
    // Six turns in the first second or so, then one a second.
    expect(producer.faulty.calls('findJobs')).toBeLessThanOrEqual(6 + 9);
    await clock.advance(3_000);
    const expected = jobs.map((_, index) => index);
    expect(await Promise.all(results)).toEqual([...expected, ...expected]);
    expect(producer.faulty.calls('getJob')).toBe(0);
    await runner.monque.stop();
    expect(clock.pendingTimers).toBe(0);
  });

  test('of those who wait each has an answer when there are more than one read takes', async () => {
    const { monque, clock, faulty } = makeOne();
    const jobs = await Promise.all(
      Array.from({ length: 401 }, (_, index) => monque.enqueue('work', index)),
    );
    const waits = jobs.map((job) =>
      monque.waitFor(job, { timeout: 0 }).catch((error: unknown) => error),
    );
    const errors = (await Promise.all(waits)) as WaitError[];
    expect(errors.map(({ job }) => job?.data)).toEqual(jobs.map(({ data }) => data));
    expect(faulty.calls('findJobs')).toBe(3);
    expect(clock.pendingTimers).toBe(0);
  });

  test('of a job that is gone notifies only those who wait for that', async () => {
    const { clock, makeInstance } = makeWorld();
    const [one, other] = [makeInstance(), makeInstance()];
    const [gone, stays] = [await one.monque.enqueue('work'), await one.monque.enqueue('work')];
    const ends = [gone, stays, gone].map((job) =>
      one.monque.waitFor(job, { timeout: 5_000 }).catch(({ reason }: WaitError) => reason),
    );
    await clock.advance(2_000);
    await other.monque.deleteJob(gone._id);
    await clock.advance(4_000);
    expect(await Promise.all(ends)).toEqual(['gone', 'timeout', 'gone']);
    // One for the job that is gone, one to explain the job that was not finished.
    expect(one.faulty.calls('getJob')).toBe(2);
  });

  test('finds an answer after calls that the ledger left unanswered', async () => {
    const { monque, clock, network } = makeOne();
    const job = await monque.enqueue('work');
    const wait = monque.waitFor(job).catch((error: unknown) => error);
    await clock.advance(10);
    network.down = true;
    await clock.advance(3_000);
    network.down = false;
    await monque.cancelJob(job._id);
    expect(await wait).toMatchObject({ reason: 'cancelled' });
    expect(clock.pendingTimers).toBe(0);
  });

  test('tells failed, cancelled, gone, late and unknown apart', async () => {
    const { monque, clock, network } = makeOne({ maxRetries: 1 });
    monque.worker('fails', () => Promise.reject(new Error('broken')));
    await monque.start();
    const failing = await monque.enqueue('fails');
    const cancelled = await monque.enqueue('idle');
    const deleted = await monque.enqueue('idle');
    const waiting = await monque.enqueue('idle');
    const reason = async (promise: Promise<unknown>): Promise<unknown> =>
      promise.then(() => 'none').catch((error: unknown) => error);
    const ends = [failing, cancelled, deleted, waiting].map((job) =>
      reason(monque.waitFor(job, { timeout: 5_000 })),
    );
    await monque.cancelJob(cancelled._id);
    await monque.deleteJob(deleted._id);
    await clock.advance(6_000);
    const errors = (await Promise.all(ends)) as WaitError[];
    expect(errors.map((error) => error.reason)).toEqual(['failed', 'cancelled', 'gone', 'timeout']);
    for (const error of errors) expect(error).toBeInstanceOf(WaitError);
    expect(errors[0]?.message).toContain('broken');
    expect(errors[0]?.job).toMatchObject({ status: 'failed' });
    expect(errors[3]?.job).toMatchObject({ status: 'pending' });
    network.down = true;
    const unknown = reason(monque.waitFor(waiting._id, { timeout: 100 }));
    await clock.advance(1_000);
    expect(await unknown).toMatchObject({ reason: 'unknown', cause: expect.any(Error) });
    network.down = false;
    await monque.stop();
  });

  test('of a job that is finished already answers at once; a wrong id or time-out is refused', async () => {
    const { monque, clock } = makeOne();
    monque.worker('work', () => 1);
    await monque.start();
    const job = await monque.enqueue('work');
    await clock.advance(100);
    expect(await monque.waitFor(job._id, { timeout: 0 })).toBe(1);
    await expect(monque.waitFor('x')).rejects.toBeInstanceOf(InvalidArgumentError);
    await expect(monque.waitFor(job, { timeout: -1 })).rejects.toBeInstanceOf(InvalidArgumentError);
    await monque.stop();
  });

  test('goes on through what happens to other jobs, and through a run of a series', async () => {
    const { monque, clock } = makeOne();
    monque.worker('tick', () => 'tick');
    monque.worker('other', () => 'other');
    await monque.start();
    const series = await monque.schedule('* * * * * *', 'tick');
    const wait = monque.waitFor(series, { timeout: 10_000 }).catch((error: unknown) => error);
    await monque.enqueue('other');
    await clock.advance(2_500);
    await monque.unschedule('tick');
    await clock.advance(3_000);
    expect(await wait).toMatchObject({ reason: 'cancelled' });
    await monque.stop();
  });
});
