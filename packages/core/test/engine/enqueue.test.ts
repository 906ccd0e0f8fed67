import { ObjectId } from 'mongodb';
import { describe, expect, test } from 'vitest';
import {
  InMemoryLedgerRepository,
  InvalidArgumentError,
  LedgerFullError,
  Monque,
  UnknownOutcomeError,
  UnsupportedError,
} from '../../src/index.ts';
import { ManualClock } from '../../src/testing/index.ts';
import { makeOne } from './kit.ts';

describe('enqueue', () => {
  test('stores a pending job with defaults and returns it', async () => {
    const { monque, clock } = makeOne();
    const job = await monque.enqueue('greet', { to: 'Ada' });
    expect(job).toMatchObject({
      name: 'greet',
      data: { to: 'Ada' },
      status: 'pending',
      priority: 0,
      failCount: 0,
      fence: 0,
      nextRunAt: new Date(clock.now()),
      createdAt: new Date(clock.now()),
    });
    expect(await monque.getJob(job._id)).toEqual(job);
    expect(await monque.getJob(job._id.toHexString())).toEqual(job);
  });

  test('keeps priority, due time and unique key', async () => {
    const { monque } = makeOne();
    const runAt = new Date('2030-01-01T00:00:00Z');
    const job = await monque.enqueue('greet', undefined, { runAt, priority: -7, uniqueKey: 'a' });
    expect(job).toMatchObject({ nextRunAt: runAt, priority: -7, uniqueKey: 'a' });
    expect(job.data).toBeUndefined();
  });

  test('copies the data at the call, so that a later change does not reach the job', async () => {
    const { monque } = makeOne();
    const data = { list: [1] };
    const enqueued = monque.enqueue('greet', data);
    data.list.push(2);
    expect((await enqueued).data).toEqual({ list: [1] });
  });

  test('now stores a job that is due at once', async () => {
    const { monque, clock } = makeOne();
    expect((await monque.now('greet', 1)).nextRunAt).toEqual(new Date(clock.now()));
  });

  test('answers null for an id that no job has', async () => {
    const { monque } = makeOne();
    expect(await monque.getJob(new ObjectId())).toBeNull();
  });

  test('calls made while an insert is in flight go together in the next one', async () => {
    const { monque, faulty } = makeOne();
    await monque.initialize();
    await Promise.all(Array.from({ length: 50 }, (_, index) => monque.enqueue('greet', index)));
    expect(faulty.calls('enqueue')).toBe(2);
  });

  test('inserts are bounded by the number of jobs and by their size', async () => {
    const { monque, faulty } = makeOne({ maxPayloadSize: 2_000_000 });
    await monque.enqueueMany(Array.from({ length: 1001 }, () => ({ name: 'small' })));
    expect(faulty.calls('enqueue')).toBe(2);
    const large = Buffer.alloc(1_900_000);
    await monque.enqueueMany(Array.from({ length: 9 }, () => ({ name: 'large', data: large })));
    expect(faulty.calls('enqueue')).toBe(4);
  });

  test('a session is not supported in memory, and nothing is stored', async () => {
    const { monque, ledger } = makeOne();
    const session = { inTransaction: () => true, endSession: () => undefined };
    const enqueued = monque.enqueue('greet', 1, { session: session as never });
    await expect(enqueued).rejects.toBeInstanceOf(UnsupportedError);
    expect(ledger.size).toBe(0);
  });

  test('a full ledger refuses the job by an error', async () => {
    const clock = new ManualClock();
    const monque = new Monque(new InMemoryLedgerRepository({ clock, maxJobs: 1 }), { clock });
    await monque.enqueue('greet');
    await expect(monque.enqueue('greet')).rejects.toBeInstanceOf(LedgerFullError);
  });
});

function entries(count: number): { readonly name: string }[] {
  return Array.from({ length: count }, () => ({ name: 'a' }));
}

function countStatuses(results: readonly { readonly status: string }[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status } of results) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

describe('enqueueMany', () => {
  test('answers for each entry, in order, what happened', async () => {
    const { monque } = makeOne();
    const holder = await monque.enqueue('greet', 0, { uniqueKey: 'taken' });
    const results = await monque.enqueueMany([
      { name: 'greet', data: 1 },
      { name: 'greet', data: 2, options: { uniqueKey: 'taken' } },
      { name: 'other', data: 3, options: { priority: 5 } },
      { name: 'greet', data: 4, options: { uniqueKey: 'free' } },
    ]);
    expect(results.map(({ status }) => status)).toEqual([
      'enqueued',
      'existing',
      'enqueued',
      'enqueued',
    ]);
    expect(results[1]).toMatchObject({ job: { _id: holder._id, data: 0 } });
    expect(results[2]).toMatchObject({ job: { data: 3, priority: 5 } });
  });

  test('one entry that the ledger refuses fails alone', async () => {
    const clock = new ManualClock();
    const monque = new Monque(new InMemoryLedgerRepository({ clock, maxJobs: 1 }), { clock });
    const results = await monque.enqueueMany([{ name: 'a' }, { name: 'b' }]);
    expect(results.map(({ status }) => status)).toEqual(['enqueued', 'failed']);
  });

  test('of an insert that was not answered it is unknown whether its entries are stored', async () => {
    const { monque, faulty, clock } = makeOne({ resendLimit: 0 });
    await monque.initialize();
    faulty.plan('enqueue', { fail: 'after' });
    const results = await monque.enqueueMany([{ name: 'a' }, { name: 'b' }]);
    expect(results).toMatchObject([
      { status: 'unknown', error: { code: 'UNKNOWN_OUTCOME' } },
      { status: 'unknown', error: { code: 'UNKNOWN_OUTCOME' } },
    ]);
    expect(clock.pendingTimers).toBe(0);
  });

  test('of inserts in parts each entry has the answer of its own insert, and what was not sent has failed', async () => {
    const { monque, faulty, ledger } = makeOne({ resendLimit: 0 });
    await monque.initialize();
    faulty.plan('enqueue', {}, 2);
    faulty.plan('enqueue', { fail: 'after' });
    const first = monque.enqueueMany(entries(1_000));
    const second = monque.enqueueMany(entries(2_500));
    const third = monque.enqueueMany(entries(1));
    expect(countStatuses(await first)).toEqual({ enqueued: 1_000 });
    expect(countStatuses(await second)).toEqual({ enqueued: 1_000, unknown: 1_000, failed: 500 });
    expect(await third).toMatchObject([{ status: 'failed', error: { code: 'CONNECTION' } }]);
    expect(faulty.calls('enqueue')).toBe(3);
    expect(ledger.size).toBe(3_000);
  });

  test('an insert that is refused as a whole keeps no other out', async () => {
    const { monque, faulty, ledger } = makeOne();
    await monque.initialize();
    faulty.plan('enqueue', { onArrival: () => Promise.reject(new Error('no')) });
    const results = await monque.enqueueMany(entries(1_500));
    expect(countStatuses(results)).toEqual({ failed: 1_000, enqueued: 500 });
    expect(results[0]).toMatchObject({ error: { message: 'no' } });
    expect(ledger.size).toBe(500);
  });

  test('entries with and without a key are answered by themselves when the insert of the others fails', async () => {
    const { monque, faulty } = makeOne({ resendLimit: 0 });
    await monque.initialize();
    const mixed = [{ name: 'a' }, { name: 'a', options: { uniqueKey: 'k' } }];
    faulty.plan('enqueue', { fail: 'before' });
    const keyedLost = await monque.enqueueMany(mixed);
    expect(keyedLost.map(({ status }) => status)).toEqual(['enqueued', 'unknown']);
    faulty.plan('enqueue', {});
    faulty.plan('enqueue', { fail: 'before' });
    const plainLost = await monque.enqueueMany(mixed);
    expect(plainLost.map(({ status }) => status)).toEqual(['unknown', 'enqueued']);
  });

  test('an empty list stores nothing', async () => {
    const { monque, faulty } = makeOne();
    expect(await monque.enqueueMany([])).toEqual([]);
    expect(faulty.calls('enqueue')).toBe(0);
  });
});

describe('an insert whose answer was lost', () => {
  test('is sent again with the same id, and the job exists once', async () => {
    const { monque, faulty, ledger, clock } = makeOne();
    await monque.initialize();
    faulty.plan('enqueue', { fail: 'after' }, 2);
    faulty.plan('enqueue', { fail: 'before' });
    const enqueued = monque.enqueue('greet', 1);
    await clock.advance(1_000);
    const job = await enqueued;
    expect(faulty.calls('enqueue')).toBe(4);
    expect(ledger.size).toBe(1);
    expect(await monque.getJob(job._id)).toMatchObject({ data: 1 });
  });

  test('that held a unique key is recognised as my own', async () => {
    const { monque, faulty, clock, ledger } = makeOne();
    await monque.initialize();
    faulty.plan('enqueue', { fail: 'after' });
    const enqueued = monque.enqueueMany([{ name: 'greet', options: { uniqueKey: 'a' } }]);
    await clock.advance(1_000);
    expect((await enqueued)[0]).toMatchObject({ status: 'enqueued' });
    expect(ledger.size).toBe(1);
  });

  test('ends after the resend limit with an unknown outcome', async () => {
    const { monque, faulty, clock } = makeOne({ resendLimit: 1_000 });
    await monque.initialize();
    faulty.plan('enqueue', { fail: 'before' }, 100);
    const enqueued = monque.enqueue('greet', 1).catch((error: unknown) => error);
    await clock.advance(2_000);
    expect(await enqueued).toBeInstanceOf(UnknownOutcomeError);
    expect(clock.pendingTimers).toBe(0);
  });

  test('is not sent again after the process stood still beyond the resend limit', async () => {
    const { monque, clock, faulty } = makeOne();
    faulty.plan('enqueue', { fail: 'before' }, 5);
    const stored = monque.enqueue('a').catch((error: unknown) => error);
    await clock.settle();
    clock.jumpWall(3_600_000);
    await clock.advance(1_000);
    expect(await stored).toMatchObject({ code: 'UNKNOWN_OUTCOME' });
    expect(faulty.calls('enqueue')).toBe(1);
  });

  test('stays unknown when the next try is refused', async () => {
    const { monque, faulty, clock } = makeOne();
    await monque.initialize();
    faulty.plan('enqueue', { fail: 'before' });
    faulty.plan('enqueue', { onArrival: () => Promise.reject(new Error('no')) });
    const enqueued = monque.enqueue('greet', 1).catch((error: unknown) => error);
    await clock.advance(1_000);
    expect(await enqueued).toMatchObject({ code: 'UNKNOWN_OUTCOME', cause: { message: 'no' } });
  });

  test('a refusal without an earlier try reaches the caller as it is', async () => {
    const { monque, faulty } = makeOne();
    await monque.initialize();
    faulty.plan('enqueue', { onArrival: () => Promise.reject(new Error('no')) });
    await expect(monque.enqueue('greet', 1)).rejects.toThrow('no');
  });
});

describe('bad input is refused before any I/O, by an error that names the field', () => {
  const circular: Record<string, unknown> = {};
  circular.self = circular;
  const cases: [string, (monque: Monque) => unknown, string][] = [
    ['an empty name', (m) => m.enqueue(''), 'name'],
    ['a name that is no string', (m) => m.enqueue({ $gt: '' } as never), 'name'],
    ['a name that is too long', (m) => m.enqueue('x'.repeat(257)), 'name'],
    ['an invalid date', (m) => m.enqueue('a', 1, { runAt: new Date(Number.NaN) }), 'options.runAt'],
    ['a date as a number', (m) => m.enqueue('a', 1, { runAt: 5 as never }), 'options.runAt'],
    ['NaN as priority', (m) => m.enqueue('a', 1, { priority: Number.NaN }), 'options.priority'],
    ['a priority of 101', (m) => m.enqueue('a', 1, { priority: 101 }), 'options.priority'],
    ['a priority with a fraction', (m) => m.enqueue('a', 1, { priority: 0.5 }), 'options.priority'],
    [
      'an operator as unique key',
      (m) => m.enqueue('a', 1, { uniqueKey: { $ne: null } as never }),
      'options.uniqueKey',
    ],
    ['an empty unique key', (m) => m.enqueue('a', 1, { uniqueKey: '' }), 'options.uniqueKey'],
    [
      'something else than a session',
      (m) => m.enqueue('a', 1, { session: 1 as never }),
      'options.session',
    ],
    ['an unknown option', (m) => m.enqueue('a', 1, { prio: 1 } as never), 'options'],
    ['options that are no object', (m) => m.enqueue('a', 1, 'soon' as never), 'options'],
    ['options that are a list', (m) => m.enqueue('a', 1, [] as never), 'options'],
    ['a function in the data', (m) => m.enqueue('a', { f: () => 1 }), 'data.f'],
    ['a symbol in the data', (m) => m.enqueue('a', { s: Symbol('s') }), 'data.s'],
    ['circular data', (m) => m.enqueue('a', circular), 'data.self'],
    [
      'an invalid date in the data',
      (m) => m.enqueue('a', { d: [new Date(Number.NaN)] }),
      'data.d[0]',
    ],
    ['a bigint past 64 bits', (m) => m.enqueue('a', { n: 2n ** 63n }), 'data.n'],
    ['a key with NUL', (m) => m.enqueue('a', { 'x\0y': 1 }), 'data.x\\0y'],
    ['a key with a dollar', (m) => m.enqueue('a', { $set: 1 }), 'data.$set'],
    ['17 MB', (m) => m.enqueue('a', Buffer.alloc(17_000_000)), 'data'],
    ['entries that are no list', (m) => m.enqueueMany({} as never), 'entries'],
    ['an entry that is no object', (m) => m.enqueueMany([null as never]), 'entries[0]'],
    [
      'an entry with bad data',
      (m) => m.enqueueMany([{ name: 'a' }, { name: 'a', data: { f: () => 1 } }]),
      'entries[1].data.f',
    ],
    [
      'an entry with a session',
      (m) => m.enqueueMany([{ name: 'a', options: { session: {} } as never }]),
      'entries[0].options.session',
    ],
    [
      'an entry with an unknown field',
      (m) => m.enqueueMany([{ name: 'a', uniqueKey: 'k' } as never]),
      'entries[0]',
    ],
    [
      'an entry whose options are no object',
      (m) => m.enqueueMany([{ name: 'a', options: null as never }]),
      'entries[0].options',
    ],
    ['options of a scheduler that are null', () => Monque.inMemory(null as never), 'options'],
    ['an operator as id', (m) => m.getJob({ $ne: null } as never), 'id'],
    ['an id that is too short', (m) => m.getJob('abc'), 'id'],
    ['an id to cancel that is none', (m) => m.cancelJob(5 as never), 'id'],
    ['an id to delete that is none', (m) => m.deleteJob(null as never), 'id'],
  ];

  test.each(cases)('%s', async (_, call, field) => {
    const { monque, faulty } = makeOne();
    const error: unknown = await Promise.resolve()
      .then(() => call(monque))
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect(error).toMatchObject({ field, code: 'INVALID_ARGUMENT' });
    expect(String(error)).toContain(`\`${field}\``);
    expect(faulty.calls('enqueue') + faulty.calls('readTime') + faulty.calls('getJob')).toBe(0);
  });

  test('the nearest known option is named', async () => {
    const { monque } = makeOne();
    await expect(monque.enqueue('a', 1, { unqueKey: 'x' } as never)).rejects.toThrow(
      'did you mean `uniqueKey`?',
    );
    await expect(monque.enqueue('a', 1, { zzzzzzzz: 'x' } as never)).rejects.not.toThrow(
      'did you mean',
    );
  });
});
