import { describe, expect, test } from 'vitest';
import { deferred, MINUTE_MS, makeOne, minute, payloads } from './kit.ts';

describe('a plan that changes while the end of a run is recorded', () => {
  async function replannedRun() {
    const world = makeOne({ leaseDuration: 600_000 });
    const { monque, clock } = world;
    const gate = deferred();
    monque.worker('tick', () => gate.promise);
    const { _id } = await monque.schedule('* * * * *', 'tick', 1, { uniqueKey: 'k' });
    await monque.start();
    await clock.advance(MINUTE_MS);
    await monque.schedule('*/10 * * * *', 'tick', 1, { uniqueKey: 'k' });
    return { ...world, gate, jobId: _id };
  }

  test('is read until the ledger answers', async () => {
    const { monque, clock, faulty, gate, jobId } = await replannedRun();
    faulty.plan('getJob', { fail: 'before' }, 2);
    gate.resolve();
    await clock.advance(1_000);
    expect(await monque.getJob(jobId)).toMatchObject({ status: 'pending', nextRunAt: minute(10) });
    await monque.stop();
  });

  test('and whose claim was taken meanwhile is lost', async () => {
    const { monque, clock, faulty, ledger, gate, jobId, events } = await replannedRun();
    const [lease] = await ledger.readLeases();
    const instanceId = String(lease?.instanceId);
    const takeAway = async (): Promise<void> => {
      await ledger.declareDead({ instanceId, counter: Number(lease?.counter) });
      await ledger.rescue({ deadInstanceId: instanceId, rescueLimit: 5, now: minute(1), limit: 9 });
    };
    faulty.plan('getJob', { onArrival: takeAway });
    gate.resolve();
    await clock.advance(1_000);
    expect(payloads(events, 'job:lost')).toHaveLength(1);
    const job = await ledger.getJob({ jobId });
    expect(job?.history?.map(({ verb }) => verb)).toContain('rescue');
    expect(job).toMatchObject({ status: 'pending', fence: 2, nextRunAt: minute(10) });
    await monque.stop();
  });

  test('is given up when the scheduler stops while the ledger does not answer', async () => {
    const { monque, clock, faulty, gate, events } = await replannedRun();
    faulty.plan('getJob', { fail: 'before' }, 1_000);
    gate.resolve();
    await clock.advance(1_000);
    const stopped = monque.stop();
    await clock.advance(20_000);
    await stopped;
    expect(payloads(events, 'job:lost')).toMatchObject([{ reason: 'unknown' }]);
  });
});

test('what was replanned is not read when the scheduler has given the end of the run up', async () => {
  const { monque, clock, faulty, events } = makeOne({
    leaseDuration: 600_000,
    operationTimeout: 60_000,
  });
  const gate = deferred();
  monque.worker('tick', () => gate.promise);
  await monque.schedule('* * * * *', 'tick', 1, { uniqueKey: 'k' });
  await monque.start();
  await clock.advance(MINUTE_MS);
  await monque.schedule('*/10 * * * *', 'tick', 1, { uniqueKey: 'k' });
  faulty.plan('settle', { delayAfterMs: 8_000 });
  gate.resolve();
  await clock.advance(1);
  const stopped = monque.stop();
  await clock.advance(60_000);
  await stopped;
  expect(faulty.calls('getJob')).toBe(0);
  expect(payloads(events, 'job:lost')).toMatchObject([{ reason: 'unknown' }]);
});

describe('a run of a series that fails', () => {
  test('is retried as the same run, and the plan goes on', async () => {
    const { monque, clock, events } = makeOne();
    let runs = 0;
    const times: (Date | undefined)[] = [];
    monque.worker('flaky', (job) => {
      runs += 1;
      times.push(job.scheduledFor);
      if (runs === 1) throw new Error('first');
    });
    await monque.schedule('* * * * *', 'flaky');
    await monque.start();
    await clock.advance(2.5 * MINUTE_MS);
    expect(times).toEqual([minute(1), minute(1), minute(2)]);
    expect(payloads(events, 'job:fail')).toMatchObject([{ willRetry: true }]);
    await monque.stop();
  });

  test('gives way to the next run when its retry would come later', async () => {
    const { monque, clock, events } = makeOne({ baseRetryInterval: 45_000 });
    const times: (Date | undefined)[] = [];
    monque.worker('fails', (job) => {
      times.push(job.scheduledFor);
      throw new Error('down');
    });
    const { _id } = await monque.schedule('* * * * *', 'fails');
    await monque.start();
    await clock.advance(3 * MINUTE_MS + 1_000);
    expect(times).toEqual([minute(1), minute(2), minute(3)]);
    expect(payloads(events, 'job:fail').map(({ willRetry }) => willRetry)).toEqual([
      false,
      false,
      false,
    ]);
    const job = await monque.getJob(_id);
    expect(job).toMatchObject({ status: 'pending', failCount: 0, nextRunAt: minute(4) });
    expect(
      job?.history?.map(({ verb, reason, scheduledFor }) => ({ verb, reason, scheduledFor })),
    ).toEqual(
      [1, 2, 3].map((at) => ({
        verb: 'repeatAfterFailure',
        reason: 'down',
        scheduledFor: minute(at),
      })),
    );
    await monque.stop();
  });

  test('that used up its retries stays in the history and the series goes on', async () => {
    const { monque, clock } = makeOne({ maxRetries: 2, baseRetryInterval: 1_000 });
    let isDown = true;
    monque.worker('report', () => {
      if (isDown) throw new Error('down');
    });
    const { _id } = await monque.schedule('* * * * *', 'report');
    await monque.start();
    await clock.advance(1.5 * MINUTE_MS);
    const job = await monque.getJob(_id);
    expect(job?.history?.map(({ verb }) => verb)).toEqual(['retry', 'repeatAfterFailure']);
    expect(job?.failReason).toBeUndefined();
    isDown = false;
    await clock.advance(MINUTE_MS);
    expect(await monque.getJob(_id)).toMatchObject({ status: 'pending', nextRunAt: minute(3) });
    await monque.stop();
  });
});

describe('cancelling', () => {
  test('the waiting run of a series skips it, and the series goes on', async () => {
    const { monque, clock, events } = makeOne();
    const times: (Date | undefined)[] = [];
    monque.worker('tick', (job) => {
      times.push(job.scheduledFor);
    });
    const { _id } = await monque.schedule('*/5 * * * *', 'tick');
    await monque.start();
    const job = await monque.cancelJob(_id, { reason: 'holiday' });
    expect(job).toMatchObject({ status: 'pending', nextRunAt: minute(10) });
    expect(job?.history).toMatchObject([
      { verb: 'skipRun', reason: 'holiday', scheduledFor: minute(5) },
    ]);
    await clock.advance(11 * MINUTE_MS);
    expect(times).toEqual([minute(10)]);
    expect(payloads(events, 'job:cancelled')).toHaveLength(1);
    await monque.stop();
  });

  test('a run that is on ends that run, and the series goes on', async () => {
    const { monque, clock, events } = makeOne();
    monque.worker(
      'tick',
      (_job, { signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason));
        }),
    );
    const { _id } = await monque.schedule('*/5 * * * *', 'tick');
    await monque.start();
    await clock.advance(5 * MINUTE_MS);
    expect(await monque.cancelJob(_id)).toMatchObject({ status: 'processing' });
    await clock.advance(1_000);
    expect(await monque.getJob(_id)).toMatchObject({ status: 'pending', nextRunAt: minute(10) });
    expect(payloads(events, 'job:cancelled')).toHaveLength(1);
    await monque.stop();
  });

  test('a run that is retried in spite of the request goes on with the next one', async () => {
    const { monque, clock, faulty } = makeOne();
    const gate = deferred();
    monque.worker('tick', () => gate.promise);
    const { _id } = await monque.schedule('*/5 * * * *', 'tick');
    await monque.start();
    await clock.advance(5 * MINUTE_MS);
    faulty.plan('settle', { onArrival: () => monque.cancelJob(_id) });
    gate.reject(new Error('fails'));
    await clock.advance(1_000);
    expect(await monque.getJob(_id)).toMatchObject({ status: 'pending', nextRunAt: minute(10) });
    await monque.stop();
  });
});
