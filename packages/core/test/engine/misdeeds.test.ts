/** What handlers and listeners do to what they are given harms nothing but themselves. */
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { cancel, type HandlerOutcome, type Job } from '../../src/index.ts';
import { makeOne, payloads } from './kit.ts';

/** Changes every field of a job that the engine could need again. */
function spoil(job: Job): void {
  const fields = ['_id', 'name', 'status', 'fence', 'claimToken', 'claimedBy', 'history', 'data'];
  for (const field of fields) Reflect.set(job, field, 'spoilt');
}

describe('a job that is changed by', () => {
  test('its handler is recorded as it was, and so are the others', async () => {
    const { monque, clock, events } = makeOne();
    monque.worker('spoils', spoil);
    monque.worker('innocent', () => 'done');
    await monque.start();
    const spoilt = await monque.enqueue('spoils', 'data');
    const innocent = await monque.enqueue('innocent');
    await clock.advance(1_000);
    expect(await monque.getJob(spoilt._id)).toMatchObject({ status: 'completed', data: 'data' });
    expect(await monque.waitFor(innocent)).toBe('done');
    expect(payloads(events, 'job:error')).toEqual([]);
    await monque.stop();
    expect(monque.health().unsettledJobs).toBe(0);
  });

  test('listeners of every event is recorded as it was', async () => {
    const { monque, clock } = makeOne();
    for (const event of ['job:start', 'job:progress', 'job:complete', 'job:fail'] as const) {
      monque.on(event, ({ job }: { readonly job: Job }) => spoil(job));
    }
    monque.worker('work', async (_job, { progress }) => {
      await progress(1);
      return 'done';
    });
    monque.worker(
      'fails',
      () => {
        throw new Error('no');
      },
      { maxRetries: 1 },
    );
    await monque.start();
    const job = await monque.enqueue('work');
    const failing = await monque.enqueue('fails');
    const result = monque.waitFor(job);
    await clock.advance(2_000);
    expect(await result).toBe('done');
    expect(await monque.getJob(failing._id)).toMatchObject({ status: 'failed', name: 'fails' });
    await monque.stop();
  });
});

describe('what a handler returns', () => {
  test('is a result when it only looks like an outcome, as JSON from elsewhere may', async () => {
    const { monque, clock } = makeOne();
    const outcome = { kind: 'snoozed', delayMs: 9e15 };
    const looksLike = { brand: 'monque.HandlerOutcome', outcome };
    monque.worker('work', () => looksLike as unknown as HandlerOutcome);
    await monque.start();
    const { _id } = await monque.enqueue('work');
    await clock.advance(1_000);
    expect(await monque.getJob(_id)).toMatchObject({ status: 'completed', result: looksLike });
    await monque.stop();
  });
});

/** What answers to nothing any more. */
function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

describe('a revoked proxy', () => {
  test('that a handler throws, rejects with or returns harms no other job', async () => {
    const { monque, clock, events } = makeOne();
    const misdeeds = [
      () => {
        throw revoked();
      },
      () => Promise.reject(revoked()),
      () => revoked(),
      () => ({ nested: revoked() }),
    ];
    misdeeds.forEach((misdeed, index) => {
      monque.worker(`misdeed-${index}`, misdeed, { maxRetries: 1 });
    });
    monque.on('job:start', () => {
      throw revoked();
    });
    monque.worker('innocent', () => 'done');
    await monque.start();
    const jobs = await monque.enqueueMany(
      misdeeds.map((_, index) => ({ name: `misdeed-${index}` })),
    );
    const innocent = await monque.enqueue('innocent');
    await clock.advance(2_000);
    expect(await monque.waitFor(innocent)).toBe('done');
    const ends = await monque.getJobs({ status: ['failed', 'completed'] });
    expect(ends).toHaveLength(jobs.length + 1);
    expect(payloads(events, 'job:error').every(({ error }) => error instanceof Error)).toBe(true);
    await monque.stop();
    expect(monque.health().unsettledJobs).toBe(0);
  });

  test('as data is refused by its path', async () => {
    const { monque } = makeOne();
    const enqueued = monque.enqueue('work', { deep: [revoked()] });
    await expect(enqueued).rejects.toMatchObject({ field: 'data.deep[0]' });
    const trap = {
      get price(): number {
        throw new RangeError('no price');
      },
    };
    await expect(monque.enqueue('work', { trap })).rejects.toThrow(/`data\.trap`.*no price/);
    await monque.stop();
  });
});

describe('half a character', () => {
  test('in what a handler leaves behind is stored as a sign for it, and refused in what a caller gives', async () => {
    const { monque, clock } = makeOne();
    const half = '😀'.slice(0, 1);
    monque.worker('fails', (_job, { log }) => {
      log(half.padStart(1_000, 'x'));
      throw new Error(`${'x'.repeat(999)}😀`);
    });
    monque.worker('cancels', () => cancel(half));
    await monque.start();
    const failing = await monque.enqueue('fails', 1, { maxRetries: 1 });
    const cancelled = await monque.enqueue('cancels');
    await clock.advance(1_000);
    const failed = await monque.getJob(failing._id);
    expect(failed?.failReason).toBe('x'.repeat(999));
    expect((await monque.getJob(cancelled._id))?.history?.[0]?.reason).toBe('\ufffd');
    expect(failed?.logs?.[0]?.isWellFormed()).toBe(true);
    const refused = 'well-formed Unicode';
    const options = { by: half, evidence: 1 };
    const calls = [
      ...[monque.enqueue(half), monque.enqueue('a', 1, { uniqueKey: half })],
      ...[monque.schedule('@daily', 'a', 1, { uniqueKey: half }), monque.pause(half)],
      ...[
        monque.schedule('@daily', 'a', 1, { timezone: half }),
        monque.openGate(failing._id, half, options),
      ],
      ...[
        monque.openGate(failing._id, 'g', options),
        monque.cancelJob(failing._id, { reason: half }),
      ],
      ...[monque.setMetadata(failing._id, { a: half }), monque.getJobs({ name: half })],
      ...[monque.getJobs({ metadata: { a: half } }), monque.unschedule('a', { uniqueKey: half })],
      monque.openGate(failing._id, 'g', { evidence: [half] }),
    ];
    for (const call of calls) await expect(call).rejects.toThrow(refused);
    expect(() => monque.as(half)).toThrow(refused);
    await monque.stop();
  });
});

test('Dates and objects of another realm are taken wherever a caller gives them', async () => {
  const { monque, clock } = makeOne();
  const there = (code: string): never => runInNewContext(code) as never;
  const runAt = there(`new Date(${clock.now() + 500})`);
  monque.worker('work', (job) => ({ got: job.data }));
  await monque.start();
  const job = await monque.enqueue('work', there('({ at: new Date(5), list: [{}] })'), {
    ...{ runAt, metadata: there('({ tags: ["a"], at: new Date(6) })') },
  });
  const series = await monque.schedule('@hourly', 'work', 1, {
    startAt: there('new Date(0)'),
    endAt: there('new Date(4e12)'),
  });
  const results = monque.waitFor(job);
  await clock.advance(2_000);
  expect(await results).toEqual({ got: { at: new Date(5), list: [{}] } });
  expect(await monque.getJobs({ metadata: there('({ at: new Date(6) })') })).toHaveLength(1);
  await monque.rescheduleJob(series._id, there(`new Date(${clock.now() + 1})`));
  await clock.advance(1_000);
  expect(await monque.getJob(series._id)).toMatchObject({ result: { got: 1 }, failCount: 0 });
  await monque.stop();
});

test('metadata may have a key of any name in memory too, as a new job has it and as a change gives it', async () => {
  const { monque } = makeOne();
  const metadata = JSON.parse('{"__proto__": "x", "data": "y", "stages": "z"}');
  const made = await monque.enqueue('work', 1, { metadata });
  const changed = await monque.enqueue('work');
  await monque.setMetadata(changed._id, metadata);
  for (const { _id } of [made, changed]) {
    const stored = (await monque.getJob(_id))?.metadata ?? {};
    expect(Object.entries(stored).sort()).toEqual(Object.entries(metadata).sort());
  }
  expect(await monque.getJobs({ metadata })).toHaveLength(2);
  await monque.stop();
});

test('a series without a time to come is refused by the option that leaves it none', async () => {
  const { monque } = makeOne();
  const late = new Date(8.64e15);
  const schedule = monque.schedule('@daily', 'work', 1, { startAt: late });
  await expect(schedule).rejects.toMatchObject({ field: 'options.startAt' });
  const ended = monque.schedule('@daily', 'work', 1, { endAt: new Date(0) });
  await expect(ended).rejects.toMatchObject({ field: 'options.endAt' });
  await monque.stop();
});
