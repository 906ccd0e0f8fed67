import { describe, expect, test } from 'vitest';
import type { EnqueueOptions, Job } from '../../src/index.ts';
import { cancel, InvalidArgumentError, UniqueKeyTakenError } from '../../src/index.ts';
import { MANUAL_CLOCK_START } from '../../src/testing/index.ts';
import type { WhenTaken } from '../../src/types-api.ts';
import { deferred, makeOne } from './kit.ts';

const WINDOW_MS = 60_000;

function at(ms: number): Date {
  return new Date(MANUAL_CLOCK_START.getTime() + ms);
}

type Hold = 'untilDone' | 'untilStarted' | 'window';
type Holder = 'pending' | 'running' | 'finished' | 'cancelled';

/** Brings a job that took the key into a state, then enqueues a second with the same key. */
async function secondEnqueue(whenTaken: WhenTaken, hold: Hold, state: Holder) {
  const world = makeOne();
  const { monque, clock } = world;
  const gate = deferred();
  const uniqueHold = hold === 'window' ? { window: WINDOW_MS } : hold;
  const options: EnqueueOptions = { uniqueKey: 'k', uniqueHold, whenTaken };
  const isDebounced = typeof whenTaken === 'object';
  if (state === 'running' || state === 'finished') {
    monque.worker('work', () => gate.promise);
    await monque.start();
  }
  const first = await monque.enqueue('work', 'first', options);
  if (state === 'finished') gate.resolve();
  if (state === 'cancelled') await monque.cancelJob(first._id);
  await clock.advance(state === 'pending' ? 1_000 : 5_000);
  expect((await monque.getJob(first._id))?.status).toBe(
    {
      pending: 'pending',
      running: 'processing',
      finished: 'completed',
      cancelled: 'cancelled',
    }[state],
  );
  const later = isDebounced ? {} : { runAt: at(30_000) };
  const second = await monque.enqueue('work', 'second', { ...options, ...later });
  const jobs = await monque.getJobs();
  const stop = async (): Promise<void> => {
    gate.resolve();
    await clock.advance(10);
    await monque.stop();
  };
  return { ...world, first, second, jobs, stop };
}

const DEBOUNCE: WhenTaken = { debounce: 3_000, maxWait: 10_000 };

/** What the table of docs/guides/unique-jobs.md says of each cell. */
const TABLE: readonly (readonly [
  WhenTaken,
  Hold,
  Holder,
  'kept' | 'replaced' | 'put off' | 'stored' | 'next window',
])[] = [
  ['keep', 'untilDone', 'pending', 'kept'],
  ['keep', 'untilDone', 'running', 'kept'],
  ['keep', 'untilDone', 'finished', 'stored'],
  ['keep', 'untilDone', 'cancelled', 'stored'],
  ['keep', 'untilStarted', 'pending', 'kept'],
  ['keep', 'untilStarted', 'running', 'stored'],
  ['keep', 'untilStarted', 'finished', 'stored'],
  ['keep', 'untilStarted', 'cancelled', 'stored'],
  ['keep', 'window', 'pending', 'kept'],
  ['keep', 'window', 'running', 'kept'],
  ['keep', 'window', 'finished', 'kept'],
  ['keep', 'window', 'cancelled', 'stored'],
  ['replace', 'untilDone', 'pending', 'replaced'],
  ['replace', 'untilDone', 'running', 'kept'],
  ['replace', 'untilDone', 'finished', 'stored'],
  ['replace', 'untilDone', 'cancelled', 'stored'],
  ['replace', 'untilStarted', 'pending', 'replaced'],
  ['replace', 'untilStarted', 'running', 'stored'],
  ['replace', 'untilStarted', 'finished', 'stored'],
  ['replace', 'untilStarted', 'cancelled', 'stored'],
  ['replace', 'window', 'pending', 'replaced'],
  ['replace', 'window', 'running', 'kept'],
  ['replace', 'window', 'finished', 'kept'],
  ['replace', 'window', 'cancelled', 'stored'],
  [DEBOUNCE, 'untilDone', 'pending', 'put off'],
  [DEBOUNCE, 'untilDone', 'running', 'kept'],
  [DEBOUNCE, 'untilDone', 'finished', 'stored'],
  [DEBOUNCE, 'untilDone', 'cancelled', 'stored'],
  [DEBOUNCE, 'untilStarted', 'pending', 'put off'],
  [DEBOUNCE, 'untilStarted', 'running', 'stored'],
  [DEBOUNCE, 'untilStarted', 'finished', 'stored'],
  [DEBOUNCE, 'untilStarted', 'cancelled', 'stored'],
  [DEBOUNCE, 'window', 'pending', 'put off'],
  [DEBOUNCE, 'window', 'running', 'kept'],
  [DEBOUNCE, 'window', 'finished', 'kept'],
  [DEBOUNCE, 'window', 'cancelled', 'stored'],
  ['throttle', 'window', 'pending', 'kept'],
  ['throttle', 'window', 'running', 'next window'],
  ['throttle', 'window', 'finished', 'next window'],
  ['throttle', 'window', 'cancelled', 'stored'],
];

describe('an enqueue whose key', () => {
  for (const [whenTaken, hold, state, outcome] of TABLE) {
    const policy = typeof whenTaken === 'object' ? 'debounce' : whenTaken;
    test(`is held ${hold} by a ${state} job, with ${policy}: ${outcome}`, async () => {
      const { first, second, jobs, stop, monque } = await secondEnqueue(whenTaken, hold, state);
      const isOwn = !second._id.equals(first._id);
      const holder = (await monque.getJob(first._id)) as Job;
      expect(isOwn).toBe(outcome === 'stored' || outcome === 'next window');
      expect(jobs).toHaveLength(isOwn ? 2 : 1);
      if (outcome === 'kept')
        expect(holder).toMatchObject({ data: 'first', nextRunAt: first.nextRunAt });
      if (outcome === 'replaced')
        expect(holder).toMatchObject({ data: 'second', nextRunAt: at(30_000) });
      if (outcome === 'put off')
        expect(holder).toMatchObject({ data: 'second', nextRunAt: at(4_000) });
      if (outcome === 'next window') expect(second.nextRunAt).toEqual(at(WINDOW_MS));
      if (!isOwn) expect(second).toMatchObject({ data: holder.data, nextRunAt: holder.nextRunAt });
      await stop();
    });
  }
});

describe('debounce', () => {
  test('waits from the last call on, but no longer than maxWait after the first', async () => {
    const { monque, clock } = makeOne();
    const seen: unknown[] = [];
    monque.worker('save', (job) => {
      seen.push([clock.now() - MANUAL_CLOCK_START.getTime(), job.data]);
    });
    await monque.start();
    const whenTaken = { debounce: 3_000, maxWait: 7_000 };
    for (let call = 0; call < 5; call += 1) {
      await monque.enqueue('save', call, { uniqueKey: 'doc', whenTaken });
      await clock.advance(2_000);
    }
    await clock.advance(10_000);
    expect(seen.map((run) => (run as unknown[])[1])).toEqual([3, 4]);
    expect(Math.round(Number((seen[0] as unknown[])[0]) / 100) * 100).toBe(7_000);
    await monque.stop();
  });

  test('stores a job for what comes while the last one runs, so that nothing is lost', async () => {
    const { monque, clock } = makeOne();
    const gate = deferred();
    const seen: unknown[] = [];
    monque.worker('save', async (job) => {
      seen.push(job.data);
      await gate.promise;
    });
    await monque.start();
    const options = { uniqueKey: 'doc', whenTaken: { debounce: 1_000 } };
    await monque.enqueue('save', 1, options);
    await clock.advance(1_500);
    await monque.enqueue('save', 2, options);
    gate.resolve();
    await clock.advance(2_000);
    expect(seen).toEqual([1, 2]);
    await monque.stop();
  });
});

describe('throttle', () => {
  test('runs at most one job a window, and the last call is not lost', async () => {
    const { monque, clock } = makeOne();
    const seen: unknown[] = [];
    monque.worker('sync', (job) => {
      seen.push([Math.floor((clock.now() - MANUAL_CLOCK_START.getTime()) / WINDOW_MS), job.data]);
    });
    await monque.start();
    for (let call = 0; call < 12; call += 1) {
      await monque.enqueue('sync', call, {
        uniqueKey: 'k',
        uniqueHold: { window: WINDOW_MS },
        whenTaken: 'throttle',
      });
      await clock.advance(15_000);
    }
    await clock.advance(2 * WINDOW_MS);
    const windows = seen.map((run) => (run as number[])[0]);
    expect(new Set(windows).size).toBe(windows.length);
    expect(windows).toEqual([0, 1, 2, 3]);
    await monque.stop();
  });

  const options = {
    uniqueKey: 'k',
    uniqueHold: { window: WINDOW_MS },
    whenTaken: 'throttle',
  } as const;

  test('does not lose a call to a job of the next window that was cancelled', async () => {
    const { monque, clock } = makeOne();
    const seen: unknown[] = [];
    monque.worker('sync', (job) => {
      seen.push(job.data);
    });
    await monque.start();
    await monque.enqueue('sync', 1, options);
    await clock.advance(10);
    const next = await monque.enqueue('sync', 2, options);
    expect(next.nextRunAt).toEqual(at(WINDOW_MS));
    await monque.cancelJob(next._id);
    const again = await monque.enqueue('sync', 3, options);
    expect(again).toMatchObject({ status: 'pending', data: 3, nextRunAt: at(WINDOW_MS) });
    await clock.advance(2 * WINDOW_MS);
    expect(seen).toEqual([1, 3]);
    await monque.stop();
  });

  test('goes one window further when the job of the next has had its run', async () => {
    const { monque, clock } = makeOne();
    const seen: unknown[] = [];
    monque.worker('sync', (job) => {
      seen.push(job.data);
    });
    await monque.start();
    await monque.enqueue('sync', 1, options);
    await clock.advance(10);
    const next = await monque.enqueue('sync', 2, options);
    await monque.rescheduleJob(next._id, new Date(clock.now()));
    await clock.advance(10);
    expect(seen).toEqual([1, 2]);
    const further = await monque.enqueue('sync', 3, options);
    expect(further).toMatchObject({ status: 'pending', nextRunAt: at(2 * WINDOW_MS) });
    expect((await monque.enqueue('sync', 4, options))._id).toEqual(further._id);
    await clock.advance(3 * WINDOW_MS);
    expect(seen).toEqual([1, 2, 3]);
    await monque.stop();
  });

  test('ends with the last holder when window after window has had its run', async () => {
    const { monque, faulty } = makeOne();
    const holder = await monque.enqueue('sync', 1, options);
    faulty.enqueue = async ({ jobs }) => ({
      answers: jobs.map(() => ({ outcome: 'existing', job: { ...holder, status: 'completed' } })),
    });
    expect(await monque.enqueue('sync', 2, options)).toMatchObject({ _id: holder._id });
  });

  test('keeps a later time that the caller asked for', async () => {
    const { monque, clock } = makeOne();
    monque.worker('sync', () => undefined);
    await monque.start();
    await monque.enqueue('sync', 1, options);
    await clock.advance(10);
    const later = await monque.enqueue('sync', 2, { ...options, runAt: at(90_000) });
    expect(later.nextRunAt).toEqual(at(90_000));
    await monque.stop();
  });
});

describe('a key that is held for a window', () => {
  const options: EnqueueOptions = { uniqueKey: 'k', uniqueHold: { window: WINDOW_MS } };

  test('is free again when its job was cancelled while it ran, but not when it cancelled itself', async () => {
    const { monque, clock } = makeOne();
    monque.worker('obeys', (_, { signal }) => {
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
      });
    });
    monque.worker('decides', () => cancel('nothing to do'));
    await monque.start();
    const asked = await monque.enqueue('obeys', 1, options);
    const own = await monque.enqueue('decides', 1, options);
    await clock.advance(100);
    await monque.cancelJob(asked._id);
    await clock.advance(100);
    for (const { _id } of [asked, own]) {
      expect(await monque.getJob(_id)).toMatchObject({ status: 'cancelled' });
    }
    expect((await monque.enqueue('obeys', 2, { ...options, runAt: at(50_000) }))._id).not.toEqual(
      asked._id,
    );
    expect((await monque.enqueue('decides', 2, options))._id).toEqual(own._id);
    await monque.stop();
  });
});

describe('a key that is taken in a race', () => {
  test('and freed again before the holder could be changed is taken after all', async () => {
    const { monque, faulty } = makeOne();
    const first = await monque.enqueue('work', 1, { uniqueKey: 'k' });
    faulty.plan('amend', { onArrival: () => monque.cancelJob(first._id) });
    const second = await monque.enqueue('work', 2, { uniqueKey: 'k', whenTaken: 'replace' });
    expect(second._id).not.toEqual(first._id);
    expect(second).toMatchObject({ status: 'pending', data: 2, uniqueLock: 'key:k' });
  });

  test('by jobs that are gone again each time ends with the last answer', async () => {
    const { monque, faulty } = makeOne();
    await monque.enqueue('work', 1, { uniqueKey: 'k' });
    faulty.amend = async () => ({ outcome: 'missing', job: null });
    const job = await monque.enqueue('work', 2, { uniqueKey: 'k', whenTaken: 'replace' });
    expect(job.data).toBe(1);
  });

  test('is answered for each entry of many by its own policy', async () => {
    const { monque, faulty } = makeOne();
    await monque.enqueue('work', 'a', { uniqueKey: 'a' });
    await monque.enqueue('work', 'b', { uniqueKey: 'b' });
    await monque.enqueue('work', 'c', { uniqueKey: 'c' });
    faulty.plan('amend', {});
    faulty.plan('amend', { fail: 'before' });
    const results = await monque.enqueueMany([
      { name: 'work', data: 1, options: { uniqueKey: 'a' } },
      { name: 'work', data: 2, options: { uniqueKey: 'b', whenTaken: 'replace' } },
      { name: 'work', data: 3, options: { uniqueKey: 'c', whenTaken: 'replace' } },
      { name: 'work', data: 4, options: { uniqueKey: 'd', whenTaken: 'replace' } },
    ]);
    expect(results.map(({ status }) => status)).toEqual([
      'existing',
      'existing',
      'unknown',
      'enqueued',
    ]);
    expect((results[1] as { job: Job }).job.data).toBe(2);
  });

  test('without data keeps the data of the holder', async () => {
    const { monque } = makeOne();
    await monque.enqueue('work', 'old', { uniqueKey: 'k' });
    const job = await monque.enqueue('work', undefined, {
      uniqueKey: 'k',
      whenTaken: 'replace',
      priority: 7,
    });
    expect(job).toMatchObject({ data: 'old', priority: 7 });
  });
});

describe('options that do not fit each other are refused', () => {
  test.each<[string, EnqueueOptions]>([
    ['options.uniqueHold', { uniqueHold: 'untilDone' }],
    ['options.whenTaken', { whenTaken: 'keep' }],
    ['options.uniqueHold', { uniqueKey: 'k', whenTaken: 'throttle' }],
    ['options.uniqueHold', { uniqueKey: 'k', whenTaken: 'throttle', uniqueHold: 'untilStarted' }],
    ['options.runAt', { uniqueKey: 'k', whenTaken: { debounce: 5 }, runAt: at(1) }],
    ['options.whenTaken.maxWait', { uniqueKey: 'k', whenTaken: { debounce: 5, maxWait: 4 } }],
    ['options.whenTaken.debounce', { uniqueKey: 'k', whenTaken: {} as never }],
    ['options.uniqueHold.window', { uniqueKey: 'k', uniqueHold: { window: 10 } }],
    ['options.whenTaken', { uniqueKey: 'k', whenTaken: 'drop' as never }],
    ['options.backoff.type', { backoff: { type: 'linear' as never, delay: 1 } }],
    ['options.backoff.jitter', { backoff: { type: 'fixed', delay: 1, jitter: 2 } }],
    ['options.timeout', { timeout: 0 }],
    ['options.maxRetries', { maxRetries: 0 }],
  ])('%s', async (field, options) => {
    const { monque, ledger } = makeOne();
    const error = await monque.enqueue('work', 1, options).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect((error as InvalidArgumentError).field).toBe(field);
    expect(ledger.size).toBe(0);
  });
});

describe('an enqueue with whenTaken throw', () => {
  const options = { uniqueKey: 'k', whenTaken: 'throw' } as const;

  test('fails with who holds the key, and stores when it is free', async () => {
    const { monque } = makeOne();
    const holder = await monque.enqueue('work', 1, options);
    const error = await monque.enqueue('work', 2, options).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UniqueKeyTakenError);
    expect(error).toMatchObject({ code: 'UNIQUE_KEY_TAKEN', holderId: holder._id });
    expect((error as Error).message).toContain(`'k' is held by job ${holder._id.toHexString()}`);
    expect(await monque.getJobs()).toHaveLength(1);
    await monque.cancelJob(holder._id);
    expect((await monque.enqueue('work', 3, options)).data).toBe(3);
  });

  test('fails alone among many', async () => {
    const { monque } = makeOne();
    await monque.enqueue('work', 1, options);
    const results = await monque.enqueueMany([
      { name: 'work', data: 2, options },
      { name: 'work', data: 3 },
    ]);
    expect(results.map(({ status }) => status)).toEqual(['failed', 'enqueued']);
    expect(results[0]).toMatchObject({ error: { code: 'UNIQUE_KEY_TAKEN' } });
  });
});
