import { randomBytes } from 'node:crypto';
import { ObjectId } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { InvalidArgumentError, type Job, type MonqueOptions } from '../../src/index.ts';
import { makeJob } from '../../src/testing/index.ts';
import { aesCodec } from '../aes-codec.ts';
import { makeOne, makeWorld, payloads } from './kit.ts';

const DEAD = { deadLetter: 'mail.dead', maxRetries: 1 } as const;

/** A scheduler whose jobs named `mail` fail at once, until it is fixed. */
async function failing(options: MonqueOptions = {}) {
  const one = makeOne(options);
  const state = { isFixed: false };
  one.monque.worker(
    'mail',
    () => (state.isFixed ? 'sent' : Promise.reject(new Error('no host'))),
    DEAD,
  );
  await one.monque.start();
  const read = async ({ _id }: Pick<Job, '_id'>): Promise<Job> =>
    (await one.monque.getJob(_id)) as Job;
  return { ...one, state, read };
}

describe('a job that failed for good', () => {
  test('waits under the name for dead letters, and reports where it failed', async () => {
    const { monque, clock, events, read } = await failing({ maxRetries: 3 });
    const job = await monque.enqueue('mail', { to: 'a' });
    await clock.advance(100);
    const letter = await read(job);
    expect(letter).toMatchObject({
      ...{ name: 'mail.dead', status: 'pending', failCount: 0, failReason: 'no host' },
      ...{ data: { to: 'a' }, source: { name: 'mail', failCount: 0, reason: 'no host' } },
    });
    expect(letter.history?.map(({ verb }) => verb)).toEqual(['bury']);
    expect(payloads(events, 'job:fail')).toMatchObject([
      { job: { name: 'mail.dead' }, willRetry: false },
    ]);
    expect(await monque.getJobs({ deadLettersOf: 'mail' })).toHaveLength(1);
    expect(await monque.getJobs({ deadLettersOf: ['other'] })).toEqual([]);
    await monque.stop();
  });

  test('is buried when its handler discards it, too', async () => {
    const { monque, clock } = makeOne();
    const { discard } = await import('../../src/index.ts');
    monque.worker('mail', () => discard('no such user'), { deadLetter: 'mail.dead' });
    await monque.start();
    const { _id } = await monque.enqueue('mail');
    await clock.advance(100);
    expect((await monque.getJob(_id))?.source).toMatchObject({ reason: 'no such user' });
    await monque.stop();
  });

  test('is run by a worker of that name, with retries of its own, and fails there for good', async () => {
    const { monque, clock, read } = await failing();
    const seen: unknown[] = [];
    monque.worker(
      'mail.dead',
      ({ source, data }) => {
        seen.push([source?.name, data]);
        throw new Error('no pager');
      },
      { maxRetries: 2, deadLetter: 'dead.dead', backoff: { type: 'fixed', delay: 0 } },
    );
    const job = await monque.enqueue('mail', 7);
    await clock.advance(1_000);
    expect(seen).toEqual([
      ['mail', 7],
      ['mail', 7],
    ]);
    expect(await read(job)).toMatchObject({ name: 'mail.dead', status: 'failed', failCount: 2 });
    await monque.stop();
  });

  test('of a series has failed where it is, and the series goes on', async () => {
    const { monque, clock } = await failing();
    await monque.schedule('* * * * *', 'mail');
    await clock.advance(61_000);
    expect(await monque.getSchedules()).toMatchObject([{ name: 'mail' }]);
    expect(await monque.getJobs({ deadLettersOf: 'mail' })).toEqual([]);
    await monque.stop();
  });

  test('is reported as failed to who waits for it, whatever becomes of it as a dead letter', async () => {
    const { monque, clock } = await failing();
    const job = await monque.enqueue('mail');
    const wait = expect(monque.waitFor(job)).rejects.toMatchObject({ reason: 'failed' });
    await clock.advance(200);
    await wait;
    monque.worker('mail.dead', () => 'handled');
    await clock.advance(5_000);
    const late = expect(monque.waitFor(job)).rejects.toMatchObject({ reason: 'failed' });
    await clock.advance(100);
    await late;
    await monque.stop();
  });

  test('is explained with the name under which it failed', async () => {
    const { monque, clock } = await failing();
    const job = await monque.enqueue('mail');
    await clock.advance(100);
    const { others } = await monque.explain(job._id);
    expect(others).toMatchObject([
      { reason: 'deadLetter', details: { source: 'mail', failReason: 'no host' } },
    ]);
    await monque.rescheduleJob(job._id, new Date(clock.now() + 60_000));
    const later = await monque.explain(job._id);
    expect([later, ...later.others].map(({ reason }) => reason)).toContain('deadLetter');
    await monque.stop();
  });

  test('is encoded and decoded under the name it was enqueued under', async () => {
    const { monque, clock, state, read } = await failing({ codec: aesCodec(randomBytes(32)) });
    monque.worker('mail.dead', (job) => job.data, { maxRetries: 1 });
    const job = await monque.enqueue('mail', 'secret');
    await clock.advance(200);
    expect(await read(job)).toMatchObject({
      status: 'completed',
      data: 'secret',
      result: 'secret',
    });
    state.isFixed = true;
    await monque.stop();
  });
});

describe('a dead letter that is redriven', () => {
  test('runs under its own name again, and its history says who wanted it and why', async () => {
    const { monque, clock, events, state, read } = await failing();
    const job = await monque.enqueue('mail');
    await clock.advance(100);
    state.isFixed = true;
    const redriven = await monque
      .as({ id: 'anna' })
      .redriveDeadLetter(job._id, { reason: 'the host is back' });
    expect(redriven).toMatchObject({ name: 'mail', status: 'pending' });
    expect(redriven).not.toHaveProperty('source');
    await clock.advance(100);
    const done = await read(job);
    expect(done).toMatchObject({ status: 'completed', result: 'sent' });
    expect(done.history?.at(-1)).toMatchObject({
      ...{ verb: 'redriveDeadLetter', by: 'anna', reason: 'the host is back' },
    });
    expect(payloads(events, 'job:retried')).toHaveLength(1);
    await monque.stop();
  });

  test('must be one, and must not hold a key that another job took', async () => {
    const { monque, clock } = await failing();
    const plain = await monque.enqueue('other');
    await expect(monque.redriveDeadLetter(plain._id)).rejects.toThrow(
      'it is pending, and it is no dead letter: it never failed for good under another name',
    );
    expect(await monque.redriveDeadLetter(new ObjectId())).toBeNull();
    const job = await monque.enqueue('mail', 1, { uniqueKey: 'k' });
    await clock.advance(100);
    await monque.pause('mail');
    await monque.enqueue('mail', 2, { uniqueKey: 'k' });
    await expect(monque.redriveDeadLetter(job._id)).rejects.toThrow('Cannot redrive dead letter');
    expect(await monque.redriveDeadLetters({})).toMatchObject({
      left: [{ reason: 'unique key taken', count: 1 }],
    });
    await monque.stop();
  });

  test('that completed under its other name stays as it is', async () => {
    const { monque, clock } = await failing();
    monque.worker('mail.dead', () => 'handled');
    const job = await monque.enqueue('mail');
    await clock.advance(200);
    await expect(monque.redriveDeadLetter(job._id)).rejects.toThrow(
      'it is completed, and redriveDeadLetter is allowed from: pending, failed, cancelled',
    );
    await monque.stop();
  });
});

describe('dead letters by a filter', () => {
  async function letters(count: number) {
    const world = await failing();
    const entries = Array.from({ length: count }, (_, data) => ({ name: 'mail', data }));
    await world.monque.enqueueMany(entries);
    await world.clock.advance(1_000);
    await world.monque.enqueue('mail.dead');
    return world;
  }

  test('are counted before, up to a bound, and nothing is changed', async () => {
    const { monque, faulty } = await letters(5);
    const preview = { preview: true } as const;
    expect(await monque.redriveDeadLetters({ name: 'mail.dead' }, preview)).toEqual({
      ...{ matched: 5, changed: 0, left: [], isComplete: true },
    });
    expect(await monque.redriveDeadLetters({}, { ...preview, limit: 3 })).toMatchObject({
      ...{ matched: 3, isComplete: false },
    });
    expect(await monque.redriveDeadLetters({ deadLettersOf: 'other' }, preview)).toMatchObject({
      matched: 0,
    });
    expect(faulty.calls('redrive')).toBe(0);
    await monque.stop();
  });

  test('become due at the rate that was asked for, the oldest first', async () => {
    const { monque, clock } = await letters(5);
    await monque.pause('mail');
    const from = clock.now();
    const result = await monque.redriveDeadLetters({ name: 'mail.dead' }, { perSecond: 2 });
    expect(result).toEqual({ matched: 5, changed: 5, left: [], isComplete: true });
    const jobs = await monque.getJobs({ name: 'mail' });
    expect(jobs.map(({ data, nextRunAt }) => [data, nextRunAt.getTime() - from])).toEqual([
      [0, 0],
      [1, 500],
      [2, 1_000],
      [3, 1_500],
      [4, 2_000],
    ]);
    await monque.stop();
  });

  test('are all due at once where no rate is given, and only as many as the limit says', async () => {
    const { monque, clock } = await letters(4);
    await monque.pause('mail');
    const result = await monque.redriveDeadLetters({}, { limit: 3, reason: 'all of them' });
    expect(result).toMatchObject({ matched: 3, changed: 3, isComplete: false });
    const jobs = await monque.getJobs({ name: 'mail' });
    expect(jobs.map(({ nextRunAt }) => nextRunAt.getTime() <= clock.now())).toEqual([
      ...[true, true, true],
    ]);
    expect(jobs[0]?.history?.at(-1)).toMatchObject({ reason: 'all of them' });
    await monque.stop();
  });

  test.each([
    ['options.perSecond', () => [{}, { perSecond: 0 }]],
    ['options.preview', () => [{}, { preview: 'yes' }]],
    ['options.limit', () => [{}, { limit: 0 }]],
    ['options', () => [{}, { rate: 5 }]],
    ['filter', () => [undefined, {}]],
    ['filter.deadLettersOf', () => [{ deadLettersOf: '' }, {}]],
  ] as const)('are left alone where %s is wrong', async (field, given) => {
    const { monque, faulty } = makeOne();
    const error = await monque
      .redriveDeadLetters(...(given() as never as [never, never]))
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect(error).toMatchObject({ field });
    expect(faulty.calls('findJobs')).toBe(0);
  });
});

describe('the option deadLetter', () => {
  test.each([
    [{ deadLetter: '' }, 'options.deadLetter'],
    [{ deadLetter: 7 }, 'options.deadLetter'],
    [{ deadLetter: 'dead', order: {} }, 'options.deadLetter'],
    [{ deadLetter: 'mail' }, 'options.deadLetter'],
  ])('is refused as %j', (options, field) => {
    const { monque } = makeOne();
    expect(() => monque.worker('mail', () => 1, options as never)).toThrow(InvalidArgumentError);
    try {
      monque.worker('mail', () => 1, options as never);
    } catch (error) {
      expect(error).toMatchObject({ field });
    }
  });

  test('of a process that died takes the jobs it died of too often', async () => {
    const { clock, makeInstance } = makeWorld();
    const [dying, rescuer] = [makeInstance({ rescueLimit: 1 }), makeInstance({ rescueLimit: 1 })];
    dying.monque.worker('mail', () => new Promise(() => undefined), DEAD);
    await dying.monque.start();
    const { _id } = await dying.monque.enqueue('mail');
    await clock.advance(2_000);
    dying.network.down = true;
    await rescuer.monque.start();
    await clock.advance(120_000);
    expect(await rescuer.monque.getJob(_id)).toMatchObject({
      ...{ name: 'mail.dead', source: { name: 'mail' } },
    });
    await rescuer.monque.stop();
  });
});

test('a dead letter that somebody misshaped manually is set aside when it is claimed', async () => {
  const { monque, ledger, clock } = makeOne();
  const source = { name: 5, failedAt: 'yesterday' } as never;
  const job = makeJob({ name: 'mail.dead', createdAt: new Date(clock.now()), source });
  await ledger.enqueue({ jobs: [job] });
  monque.worker('mail.dead', () => 1);
  await monque.start();
  await clock.advance(100);
  expect(await monque.getJob(job._id)).toMatchObject({ status: 'failed' });
  await monque.stop();
});

test('a job that never becomes a dead letter costs the same calls and fields', async () => {
  const used = await (async () => {
    const { monque, clock, faulty, ledger } = makeOne({ maxRetries: 1 });
    monque.worker('ok', () => 1, { deadLetter: 'dead' });
    monque.worker('plain', () => 1);
    await monque.start();
    const jobs = await Promise.all([monque.enqueue('ok'), monque.enqueue('plain')]);
    await clock.advance(200);
    const [ok, plain] = await Promise.all(jobs.map(({ _id }) => ledger.getJob({ jobId: _id })));
    await monque.stop();
    return { calls: faulty.calls('settle'), ok: fieldsOf(ok), plain: fieldsOf(plain) };
  })();
  expect(used.ok).toEqual(used.plain);
  expect(used.calls).toBe(1);
});

function fieldsOf(job: Job | null | undefined): readonly string[] {
  return Object.keys(job ?? {}).sort();
}
