import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { InvalidArgumentError } from '../../src/index.ts';
import { MANUAL_CLOCK_START, makeJob } from '../../src/testing/index.ts';
import { deferred, makeOne, payloads } from './kit.ts';

describe('a job that this version cannot run', () => {
  test('since a newer one wrote it, is left to that for a minute, and said', async () => {
    const { monque, clock, ledger, events } = makeOne();
    monque.worker('work', () => undefined);
    await monque.start();
    const job = makeJob({ name: 'work', documentVersion: 99 });
    await ledger.enqueue({ jobs: [job] });
    await clock.advance(1_000);
    const stored = await monque.getJob(job._id);
    expect(stored).toMatchObject({ status: 'pending', failCount: 0 });
    expect(Number(stored?.nextRunAt) - clock.now()).toBeGreaterThan(55_000);
    expect(payloads(events, 'job:start')).toEqual([]);
    expect(payloads(events, 'job:error')).toMatchObject([
      { error: { code: 'UNFIT_JOB' }, job: { _id: job._id } },
    ]);
    await monque.stop();
  });

  const UNREAD = { repeatInterval: '0 0 * * *', timezone: 'Mars/Olympus' };

  test('since its series has a zone that another process knows, is left to that, and said', async () => {
    const { monque, clock, ledger, events } = makeOne();
    monque.worker('work', () => undefined);
    await monque.start();
    const job = makeJob({ ...UNREAD, name: 'work', scheduledFor: MANUAL_CLOCK_START });
    await ledger.enqueue({ jobs: [job] });
    await clock.advance(1_000);
    const stored = await monque.getJob(job._id);
    expect(stored).toMatchObject({ status: 'pending', scheduledFor: MANUAL_CLOCK_START });
    expect(Number(stored?.nextRunAt) - clock.now()).toBeGreaterThan(55_000);
    expect(payloads(events, 'job:start')).toEqual([]);
    const [reported, ...others] = payloads(events, 'job:error');
    expect(reported?.error).toMatchObject({ code: 'UNFIT_JOB' });
    expect(reported?.error.message).toContain('Mars/Olympus');
    expect(others).toEqual([]);
    await monque.stop();
  });

  test.each([
    ['completes', () => undefined],
    ['fails', () => Promise.reject(new Error('no'))],
  ])(
    'since its series was given an unknown zone, goes on when its run %s, and said',
    async (_, end) => {
      const { monque, clock, ledger, events } = makeOne({ maxRetries: 1 });
      const gate = deferred();
      monque.worker('work', () => gate.promise.then(end));
      await monque.start();
      const { _id } = await monque.schedule('* * * * *', 'work');
      await clock.advance(60_000);
      await ledger.replan({
        jobId: _id,
        seriesVersion: 1,
        series: UNREAD,
        now: new Date(clock.now()),
      });
      gate.resolve();
      await clock.advance(1_000);
      const stored = await monque.getJob(_id);
      expect(stored).toMatchObject({ status: 'pending', ...UNREAD });
      expect(Number(stored?.nextRunAt) - clock.now()).toBeGreaterThan(110_000);
      expect(String(payloads(events, 'job:error').at(-1)?.error)).toContain('Mars/Olympus');
      await monque.stop();
    },
  );

  test('since its series has an unknown zone, is not ended by who cancels its run here', async () => {
    const { monque, clock, ledger } = makeOne();
    const { _id } = await monque.schedule('0 0 * * *', 'work');
    await ledger.replan({
      jobId: _id,
      seriesVersion: 1,
      series: UNREAD,
      now: new Date(clock.now()),
    });
    await monque.cancelJob(_id);
    expect(await monque.getJob(_id)).toMatchObject({ status: 'pending' });
  });

  test('since a field is of a wrong type, fails with the reason', async () => {
    const { monque, clock, ledger } = makeOne();
    monque.worker('work', () => undefined);
    await monque.start();
    const job = makeJob({ name: 'work', timeout: 'soon' as never });
    await ledger.enqueue({ jobs: [job] });
    await clock.advance(1_000);
    const stored = await monque.getJob(job._id);
    expect(stored?.status).toBe('failed');
    expect(stored?.failReason).toContain('timeout');
    await monque.stop();
  });

  test('since its gates or stages have no names, fails, and opens no gate', async () => {
    const { monque, clock, ledger } = makeOne();
    monque.worker('work', () => undefined);
    for (const field of ['gates', 'stages']) {
      const job = makeJob({ name: 'work', [field]: [{ at: 1 }] });
      await ledger.enqueue({ jobs: [job] });
      const opening = monque.openGate(job._id, 'checked', { evidence: 1 });
      await expect(opening).rejects.toMatchObject({ name: 'JobStateError' });
      await expect(opening).rejects.toThrow(field);
    }
    await monque.start();
    await clock.advance(1_000);
    expect((await monque.getJobs()).map(({ status }) => status)).toEqual(['failed', 'failed']);
    await monque.stop();
  });
});

describe('a worker with a schema', () => {
  const schema = z.object({ to: z.string(), at: z.string().transform((text) => new Date(text)) });

  test('refuses wrong data at the enqueue, before any I/O, naming the field', async () => {
    const { monque, ledger } = makeOne();
    monque.worker('mail', () => undefined, { schema });
    await expect(monque.enqueue('mail', { to: 5, at: '2026-01-01' })).rejects.toMatchObject({
      name: 'InvalidArgumentError',
      field: 'data.to',
    });
    await expect(
      monque.enqueueMany([
        { name: 'mail', data: { to: 'a', at: '2026-01-01' } },
        { name: 'mail', data: {} },
      ]),
    ).rejects.toMatchObject({ field: 'entries[1].data.to' });
    await expect(monque.schedule('@daily', 'mail', { to: 1 })).rejects.toMatchObject({
      field: 'data.to',
    });
    expect(ledger.size).toBe(0);
    expect(() => monque.worker('x', () => undefined, { schema: {} as never })).toThrow(
      InvalidArgumentError,
    );
  });

  test('stores the data as it was given, and hands the handler what the schema makes of it', async () => {
    const { monque, clock } = makeOne();
    const seen: unknown[] = [];
    monque.worker('mail', (job) => void seen.push(job.data), { schema });
    await monque.start();
    const { _id } = await monque.enqueue('mail', { to: 'a', at: '2026-01-01' });
    await clock.advance(10);
    expect(seen).toEqual([{ to: 'a', at: new Date('2026-01-01') }]);
    expect((await monque.getJob(_id))?.data).toEqual({ to: 'a', at: '2026-01-01' });
    await monque.stop();
  });

  test('fails a job with wrong data for good, without calling the handler', async () => {
    const { monque, clock, ledger } = makeOne();
    let calls = 0;
    const handler = (): void => {
      calls += 1;
    };
    monque.worker('mail', handler, { schema });
    await monque.start();
    const job = makeJob({ name: 'mail', data: { to: 1, at: 'x' } });
    await ledger.enqueue({ jobs: [job] });
    await clock.advance(10_000);
    const stored = await monque.getJob(job._id);
    expect(stored).toMatchObject({ status: 'failed', fence: 1 });
    expect(stored?.failReason).toContain('data.to');
    expect(calls).toBe(0);
    await monque.stop();
  });

  test('tries a job again whose schema could not look', async () => {
    const { monque, clock, ledger } = makeOne();
    let isDown = true;
    const validate = async (value: unknown) => {
      if (isDown) throw new Error('the lookup is down');
      return { value };
    };
    const lookedUp = { '~standard': { version: 1, vendor: 'test', validate } } as const;
    monque.worker('mail', (job) => job.data, { schema: lookedUp });
    await monque.start();
    const job = makeJob({ name: 'mail', data: 'known' });
    await ledger.enqueue({ jobs: [job] });
    await clock.advance(100);
    expect(await monque.getJob(job._id)).toMatchObject({ status: 'pending', failCount: 1 });
    isDown = false;
    await clock.advance(10_000);
    expect(await monque.getJob(job._id)).toMatchObject({ status: 'completed', result: 'known' });
    await monque.stop();
  });
});
