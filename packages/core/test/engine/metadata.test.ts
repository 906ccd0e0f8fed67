import { describe, expect, test } from 'vitest';
import { InvalidArgumentError, JobStateError } from '../../src/index.ts';
import { deferred, makeOne, payloads } from './kit.ts';

describe('metadata of a job', () => {
  test('is given with an enqueue, alone or among many, and copied there', async () => {
    const { monque } = makeOne();
    const metadata = { tenant: 'a', tags: ['x'] };
    const job = await monque.enqueue('work', 1, { metadata });
    metadata.tags.push('y');
    expect(job.metadata).toEqual({ tenant: 'a', tags: ['x'] });
    const [entry] = await monque.enqueueMany([{ name: 'work', options: { metadata } }]);
    expect(entry).toMatchObject({ job: { metadata: { tags: ['x', 'y'] } } });
  });

  test('is what lists and bulk verbs filter by', async () => {
    const { monque } = makeOne();
    const ours = await monque.enqueue('work', 1, { metadata: { tenant: 'a' } });
    await monque.enqueue('work', 2, { metadata: { tenant: 'b' } });
    const filter = { metadata: { tenant: 'a' } };
    expect((await monque.getJobs(filter)).map(({ _id }) => _id)).toEqual([ours._id]);
    expect((await monque.getJobsWithCursor(filter)).jobs.map(({ _id }) => _id)).toEqual([ours._id]);
    expect(await monque.cancelJobs(filter)).toMatchObject({ matched: 1, changed: 1 });
    expect((await monque.getQueueStats()).counts).toMatchObject({ pending: 1, cancelled: 1 });
  });

  test.each([
    ['an operator', { tenant: { $ne: 'a' } }],
    ['a list', { tenant: ['a'] }],
    ['nothing', { tenant: null }],
    ['no number', { tenant: Number.NaN }],
    ['a key that is a path', { 'tenant.name': 'a' }],
    ['a key that is an operator', { $where: 'true' }],
  ])('is not filtered by %s', async (_, metadata) => {
    const { monque } = makeOne();
    const refused = monque.getJobs({ metadata: metadata as never });
    await expect(refused).rejects.toBeInstanceOf(InvalidArgumentError);
  });

  test('is changed manually, whatever the state', async () => {
    const { monque } = makeOne();
    const { _id } = await monque.enqueue('work', 1, { metadata: { tenant: 'a', old: 1 } });
    await monque.cancelJob(_id);
    const changed = await monque.setMetadata(_id.toHexString(), { old: null, ticket: 'T-1' });
    expect(changed?.metadata).toEqual({ tenant: 'a', ticket: 'T-1' });
    expect(changed?.status).toBe('cancelled');
    expect(await monque.setMetadata('0'.repeat(24), { a: 1 })).toBeNull();
    const refused = monque.setMetadata(_id, { text: 'x'.repeat(4080) });
    await expect(refused).rejects.toThrow(/Expected `changes` to be small enough/);
  });

  test('is changed by the handler, without another write when it is not', async () => {
    const { monque, clock, faulty, events } = makeOne();
    monque.worker('plain', () => undefined);
    monque.worker('noting', async (_job, { setMetadata }) => {
      await setMetadata({ step: 1 });
      await setMetadata({ step: 2, tenant: null });
    });
    await monque.start();
    await monque.enqueue('plain');
    await clock.advance(10);
    expect(faulty.calls('setMetadata')).toBe(0);
    const { _id } = await monque.enqueue('noting', 1, { metadata: { tenant: 'a', kept: true } });
    await clock.advance(10);
    expect(faulty.calls('setMetadata')).toBe(2);
    const stored = await monque.getJob(_id);
    expect(stored).toMatchObject({ status: 'completed', metadata: { step: 2, kept: true } });
    expect(payloads(events, 'job:complete').at(-1)?.job).toEqual(stored);
    await monque.stop();
  });

  test('is gone when the handler removes its last key', async () => {
    const { monque, clock } = makeOne();
    monque.worker('work', (_job, { setMetadata }) => setMetadata({ tenant: null }));
    await monque.start();
    const { _id } = await monque.enqueue('work', 1, { metadata: { tenant: 'a' } });
    await clock.advance(10);
    await monque.stop();
    const job = await monque.getJob(_id);
    expect(job?.status).toBe('completed');
    expect(job).not.toHaveProperty('metadata');
  });

  test('is not changed by a run that has lost its claim, nor beyond its bound', async () => {
    const { monque, clock, ledger } = makeOne();
    const gate = deferred();
    const errors: unknown[] = [];
    monque.worker('work', async ({ _id, claimToken, fence }, { setMetadata }) => {
      const failed = (error: unknown): unknown => errors.push(error);
      await setMetadata({ text: 'x'.repeat(4090) }).catch(failed);
      await setMetadata({ other: 'x'.repeat(2000) });
      await setMetadata({ more: 'x'.repeat(2100) }).catch(failed);
      const claim = { jobId: _id, claimToken: String(claimToken), fence };
      const settlements = [{ verb: 'complete', ...claim }] as const;
      await ledger.settle({ settlements, now: new Date(clock.now()) });
      await setMetadata({ late: true }).catch(failed);
      await ledger.remove({ jobId: _id });
      await setMetadata({ late: true }).catch(failed);
      gate.resolve();
    });
    await monque.start();
    await monque.enqueue('work');
    await clock.advance(10);
    await gate.promise;
    const types = errors.map((error) => (error as Error).constructor);
    expect(types).toEqual([
      InvalidArgumentError,
      InvalidArgumentError,
      JobStateError,
      JobStateError,
    ]);
    expect(errors.at(-1)).toMatchObject({ status: 'gone', verb: 'setMetadata' });
    await monque.stop();
  });

  test('takes the place of what the holder of a key has, where that is replaced', async () => {
    const { monque } = makeOne();
    const key = { uniqueKey: 'key', whenTaken: 'replace' } as const;
    await monque.enqueue('work', 1, { ...key, metadata: { tenant: 'a' } });
    const kept = await monque.enqueue('work', 2, key);
    expect([kept.data, kept.metadata]).toEqual([2, { tenant: 'a' }]);
    const replaced = await monque.enqueue('work', 3, { ...key, metadata: { tenant: 'b' } });
    expect(replaced.metadata).toEqual({ tenant: 'b' });
  });

  test('of a series is set where it differs, and leaves what others noted', async () => {
    const { monque, faulty } = makeOne();
    const schedule = (metadata: Record<string, string>) =>
      monque.schedule('0 0 * * *', 'work', 1, { uniqueKey: 'nightly', metadata });
    const job = await schedule({ tenant: 'a' });
    expect(job.metadata).toEqual({ tenant: 'a' });
    await monque.setMetadata(job._id, { last: 'good' });
    const again = await schedule({ tenant: 'a' });
    expect(again.metadata).toEqual({ tenant: 'a', last: 'good' });
    expect(faulty.calls('setMetadata')).toBe(1);
    const changed = await schedule({ tenant: 'b' });
    expect(changed.metadata).toEqual({ tenant: 'b', last: 'good' });
    expect(changed.nextRunAt).toEqual(job.nextRunAt);
    expect((await monque.getSchedules())[0]?.metadata).toEqual({ tenant: 'b', last: 'good' });
    await monque.schedule('0 0 * * *', 'work', 1, { uniqueKey: 'nightly' });
    expect(faulty.calls('setMetadata')).toBe(2);
    await monque.setMetadata(job._id, { big: 'x'.repeat(4000) });
    await expect(schedule({ more: 'x'.repeat(100) })).rejects.toThrow(/options.metadata/);
  });

  test('of a series that is gone meanwhile is not missed', async () => {
    const { monque, faulty, ledger } = makeOne();
    const schedule = (tenant: string) =>
      monque.schedule('0 0 * * *', 'work', 1, { metadata: { tenant } });
    const { _id: jobId } = await schedule('a');
    faulty.plan('setMetadata', { onArrival: () => ledger.remove({ jobId }) });
    expect((await schedule('b')).metadata).toEqual({ tenant: 'a' });
  });
});
