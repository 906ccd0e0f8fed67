import { ObjectId } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { gate, JobStateError, type LedgerRepository, Monque, stage } from '../../src/index.ts';
import type { ManualClock } from '../../src/testing/index.ts';
import type { StandardSchema } from '../../src/types-api.ts';
import { deferred, makeOne, makeWorld, payloads } from './kit.ts';

/** Wants `{ pages }`, and makes a number of them. */
const pagesSchema: StandardSchema = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) => {
      const pages = Number((value as { pages?: unknown } | null)?.pages);
      return pages > 0
        ? { value: { pages } }
        : { issues: [{ message: 'expected pages', path: ['pages'] }] };
    },
  },
};

/** A scheduler of a later version, whose worker has no gate any more. */
function makeLater(ledger: LedgerRepository, clock: ManualClock): Monque {
  const later = new Monque(ledger, { clock });
  return later.worker('import', { stages: [stage('download', () => 1)] });
}

/** A job that waits at a gate between two stages. */
async function atGate(options: Parameters<typeof gate>[1] = {}) {
  const world = makeOne({ defaultConcurrency: 1 });
  const runs: string[] = [];
  world.monque.worker('import', {
    stages: [
      stage('download', () => runs.push('download')),
      gate('pdf-ready', options),
      stage('parse', () => runs.push('parse')),
    ],
  });
  await world.monque.start();
  const { _id } = await world.monque.enqueue('import', 1, { uniqueKey: 'key' });
  await world.clock.settle();
  return { ...world, runs, id: _id };
}

describe('a job that comes to a closed gate', () => {
  test('waits there without a slot and keeps its unique key', async () => {
    const { monque, clock, events, runs, id } = await atGate();
    const other = await monque.enqueue('import', 2);
    await clock.settle();
    expect(runs).toEqual(['download', 'download']);
    const job = await monque.getJob(id);
    expect(job).toMatchObject({ status: 'blocked', blockedBy: 'pdf-ready', uniqueKey: 'key' });
    expect(job?.claimedBy).toBeUndefined();
    expect(payloads(events, 'job:blocked')).toMatchObject([
      { job: { _id: id, stages: [{ name: 'download' }] }, gate: 'pdf-ready' },
      { job: { _id: other._id } },
    ]);
    expect((await monque.enqueue('import', 3, { uniqueKey: 'key' }))._id).toEqual(id);
    expect(await monque.getJobs({ status: 'blocked' })).toHaveLength(2);
    expect((await monque.getQueueStats()).counts.blocked).toBe(2);
    expect(monque.health().runningJobs).toBe(0);
    await monque.stop();
  });

  test('goes on at once when the gate is opened, behind what is recorded', async () => {
    const { monque, clock, events, runs, id } = await atGate();
    const opened = await monque.openGate(id, 'pdf-ready', { evidence: { pages: 3 }, by: 'ann' });
    expect(opened).toMatchObject({ status: 'pending' });
    await clock.settle();
    expect(runs).toEqual(['download', 'parse']);
    const job = await monque.getJob(id);
    const at = expect.any(Date);
    expect(job).toMatchObject({ status: 'completed', fence: 2 });
    expect(job?.gates).toEqual([{ name: 'pdf-ready', at, evidence: { pages: 3 }, by: 'ann' }]);
    expect(job?.history).toEqual([
      { verb: 'block', at, by: expect.any(String), reason: "Gate 'pdf-ready'" },
      { verb: 'unblock', at, by: 'ann', reason: "Gate 'pdf-ready'" },
    ]);
    expect(payloads(events, 'job:unblocked')).toMatchObject([{ gate: 'pdf-ready' }]);
    await monque.stop();
  });

  test('is waited for, and woken from another scheduler', async () => {
    const world = makeWorld();
    const [worker, opener] = [world.makeInstance(), world.makeInstance()];
    worker.monque.worker('import', { stages: [gate('checked'), stage('parse', () => 'parsed')] });
    await worker.monque.start();
    const { _id } = await opener.monque.enqueue('import');
    const result = opener.monque.waitFor(_id);
    await world.clock.advance(2_000);
    await opener.monque.openGate(_id.toHexString(), 'checked', { evidence: true });
    await world.clock.advance(2_000);
    expect(await result).toBe('parsed');
    await Promise.all([worker.monque.stop(), opener.monque.stop()]);
  });

  test('is cancelled, deleted, and not moved to another time', async () => {
    const { monque, clock, events, id } = await atGate();
    await expect(monque.rescheduleJob(id, new Date())).rejects.toThrow(JobStateError);
    expect(await monque.cancelJob(id)).toMatchObject({ status: 'cancelled' });
    expect(payloads(events, 'job:cancelled')).toHaveLength(1);
    await monque.retryJob(id);
    await clock.settle();
    expect(await monque.getJob(id)).toMatchObject({ status: 'blocked' });
    expect(await monque.deleteJob(id)).toBe(true);
    await monque.stop();
  });

  test('does not wait when the gate is opened while its end is recorded', async () => {
    const { monque, clock, faulty, ledger, events } = makeOne();
    monque.worker('import', { stages: [gate('checked'), stage('parse', () => 'parsed')] });
    await monque.start();
    const { _id: jobId } = await monque.enqueue('import');
    const now = new Date(clock.now());
    const record = { name: 'checked', at: now, evidence: true };
    faulty.plan('settle', { onArrival: () => ledger.openGate({ jobId, record, now }) });
    await clock.advance(1_000);
    const job = await monque.getJob(jobId);
    expect(job).toMatchObject({ status: 'completed', result: 'parsed', fence: 2 });
    expect(job?.history?.map(({ verb }) => verb)).toEqual(['openGate', 'release']);
    expect(payloads(events, 'job:blocked')).toEqual([]);
    await monque.stop();
  });

  test('ends as cancelled when that was asked for while its end is recorded', async () => {
    const { monque, clock, faulty, ledger } = makeOne();
    monque.worker('import', { stages: [gate('checked'), stage('parse', () => 'parsed')] });
    await monque.start();
    const { _id: jobId } = await monque.enqueue('import');
    const now = new Date(clock.now());
    faulty.plan('settle', { onArrival: () => ledger.cancel({ jobId, now }) });
    await clock.advance(1_000);
    expect(await monque.getJob(jobId)).toMatchObject({ status: 'cancelled' });
    await monque.stop();
  });

  test('may be one that has no stage behind its gate', async () => {
    const { monque, clock } = makeOne();
    monque.worker('import', { stages: [stage('write', () => 'text'), gate('approved')] });
    await monque.start();
    const { _id } = await monque.enqueue('import');
    await clock.settle();
    expect(await monque.getJob(_id)).toMatchObject({ status: 'blocked' });
    await monque.openGate(_id, 'approved', { evidence: 'yes' });
    await clock.settle();
    expect(await monque.getJob(_id)).toMatchObject({ status: 'completed', result: 'text' });
    await monque.stop();
  });
});

describe('a gate that is opened ahead', () => {
  test('does not hold a job that is pending, or running', async () => {
    const { monque, clock, runs } = await atGate();
    const pending = await monque.enqueue('import', 2, { runAt: new Date(clock.now() + 5_000) });
    const opened = await monque.openGate(pending._id, 'pdf-ready', { evidence: 1 });
    expect(opened).toMatchObject({ status: 'pending', gates: [{ name: 'pdf-ready' }] });
    await clock.advance(6_000);
    expect(runs).toEqual(['download', 'download', 'parse']);
    await monque.stop();
  });

  test('is seen by the run that is on when its stage is recorded', async () => {
    const { monque, clock, events } = makeOne();
    const downloaded = deferred();
    monque.worker('import', {
      stages: [stage('download', () => downloaded.promise), gate('a'), stage('parse', () => 1)],
    });
    await monque.start();
    const { _id } = await monque.enqueue('import');
    await clock.settle();
    await monque.openGate(_id, 'a', { evidence: 1 });
    downloaded.resolve();
    await clock.settle();
    expect(await monque.getJob(_id)).toMatchObject({ status: 'completed', fence: 1 });
    expect(payloads(events, 'job:unblocked')).toEqual([]);
    await monque.stop();
  });
});

describe('openGate', () => {
  test('checks the evidence against the schema of the gate, and keeps what that makes of it', async () => {
    const { monque, id } = await atGate({ schema: pagesSchema });
    const wrong = monque.openGate(id, 'pdf-ready', { evidence: { pages: 'none' } });
    await expect(wrong).rejects.toMatchObject({ field: 'options.evidence.pages' });
    expect(await monque.getJob(id)).toMatchObject({ status: 'blocked' });
    const job = await monque.openGate(id, 'pdf-ready', { evidence: { pages: '3', more: 1 } });
    expect(job?.gates?.[0]?.evidence).toEqual({ pages: 3 });
    await monque.stop();
  });

  test('copies the evidence', async () => {
    const { monque, id } = await atGate();
    const evidence = { list: [1] };
    const opened = monque.openGate(id, 'pdf-ready', { evidence });
    evidence.list.push(2);
    await opened;
    const [record] = (await monque.getJob(id))?.gates ?? [];
    expect([{ list: [1] }, { list: [1, 2] }]).toContainEqual(record?.evidence);
    evidence.list.push(3);
    expect((await monque.getJob(id))?.gates?.[0]).toEqual(record);
    await monque.stop();
  });

  test('with the same evidence again changes nothing, with other evidence it is refused', async () => {
    const { monque, id, clock } = await atGate();
    const evidence = { pages: 3, at: new Date(5) };
    await monque.openGate(id, 'pdf-ready', { evidence });
    const before = await monque.getJob(id);
    expect(await monque.openGate(id, 'pdf-ready', { evidence })).toEqual(before);
    const other = monque.openGate(id, 'pdf-ready', { evidence: { pages: 4 } });
    await expect(other).rejects.toMatchObject({ code: 'JOB_STATE', verb: 'openGate' });
    await expect(other).rejects.toThrow(
      "its gate 'pdf-ready' was opened before, on other evidence",
    );
    expect((await monque.getJob(id))?.gates).toEqual(before?.gates);
    await clock.settle();
    await monque.stop();
  });

  test('refuses a finished job, and one that is not there is null', async () => {
    const { monque, clock } = makeOne();
    monque.worker('import', () => 1);
    await monque.start();
    const { _id } = await monque.enqueue('import');
    await clock.settle();
    const opened = monque.openGate(_id, 'a', { evidence: 1 });
    await expect(opened).rejects.toMatchObject({ code: 'JOB_STATE', status: 'completed' });
    expect(await monque.openGate(new ObjectId(), 'a', { evidence: 1 })).toBeNull();
    await monque.stop();
  });

  test('is null for a job that is deleted meanwhile', async () => {
    const { monque, faulty, ledger, id } = await atGate();
    faulty.plan('openGate', { onArrival: () => ledger.remove({ jobId: id }) });
    expect(await monque.openGate(id, 'pdf-ready', { evidence: 1 })).toBeNull();
    await monque.stop();
  });

  test('refuses a gate that the worker does not have, unless the job waits at it', async () => {
    const { monque, ledger, clock, id } = await atGate();
    await expect(monque.openGate(id, 'pdf-redy', { evidence: 1 })).rejects.toThrow(
      'Expected `gate` to be a gate of the worker: pdf-ready',
    );
    await monque.stop();
    const later = makeLater(ledger, clock);
    await expect(later.openGate(id, 'other', { evidence: 1 })).rejects.toThrow(
      'a gate of the worker: none',
    );
    expect(await later.openGate(id, 'pdf-ready', { evidence: 1 })).toMatchObject({
      status: 'pending',
    });
  });

  test('takes any gate of a job whose worker is elsewhere, up to fifty', async () => {
    const { monque } = makeOne();
    const { _id } = await monque.enqueue('elsewhere');
    for (let count = 0; count < 50; count += 1) {
      await monque.openGate(_id, `gate ${count}`, { evidence: count });
    }
    const beyond = monque.openGate(_id, 'one more', { evidence: 1 });
    await expect(beyond).rejects.toThrow('50 of its gates were opened, which is the most');
    expect(await monque.openGate(_id, 'gate 7', { evidence: 7 })).toMatchObject({ _id });
    expect((await monque.getJob(_id))?.gates).toHaveLength(50);
  });

  test.each([
    ['id', ['nonsense', 'a', { evidence: 1 }]],
    ['gate', ['0'.repeat(24), '', { evidence: 1 }]],
    ['options', ['0'.repeat(24), 'a', undefined]],
    ['options.evidence', ['0'.repeat(24), 'a', {}]],
    ['options.by', ['0'.repeat(24), 'a', { evidence: 1, by: '' }]],
  ])('refuses a wrong %s', async (field, [id, name, options]) => {
    const { monque } = makeOne();
    const opened = monque.openGate(id as string, name as string, options as never);
    await expect(opened).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', field });
  });

  test('refuses evidence that cannot be stored', async () => {
    const { monque, id } = await atGate();
    const evidence = { toBSON: () => undefined };
    await expect(monque.openGate(id, 'pdf-ready', { evidence })).rejects.toMatchObject({
      field: 'options.evidence',
    });
    await monque.stop();
  });
});

describe('a gate with a timeout', () => {
  test('fails a job that waited too long; after a retry it waits again behind what is recorded', async () => {
    const { monque, clock, events, runs, id } = await atGate({ timeout: 60_000 });
    await clock.advance(59_000);
    expect(await monque.getJob(id)).toMatchObject({ status: 'blocked' });
    await clock.advance(7_000);
    expect(await monque.getJob(id)).toMatchObject({
      status: 'failed',
      failReason: "The gate 'pdf-ready' was not opened in time",
    });
    expect(payloads(events, 'gate:expired')).toEqual([{ count: 1 }]);
    await monque.retryJob(id);
    await clock.settle();
    expect(await monque.getJob(id)).toMatchObject({ status: 'blocked' });
    await monque.openGate(id, 'pdf-ready', { evidence: 1 });
    await clock.settle();
    expect(runs).toEqual(['download', 'parse']);
    await monque.stop();
  });

  test('is heeded when its worker is added later', async () => {
    const { monque, clock } = makeOne();
    await monque.start();
    const stages = [gate('a', { timeout: 1_000 }), stage('b', () => 1)];
    monque.worker('plain', () => 1).worker('import', { stages });
    const { _id } = await monque.enqueue('import');
    await clock.advance(10_000);
    expect(await monque.getJob(_id)).toMatchObject({ status: 'failed' });
    await monque.stop();
  });

  test('costs nothing where no worker has one', async () => {
    const { monque, clock, faulty } = await atGate();
    await clock.advance(60_000);
    expect(faulty.calls('expireGates')).toBe(0);
    await monque.stop();
    expect(clock.pendingTimers).toBe(0);
  });

  test('lets a series go on with its next run, which waited for the gate until then', async () => {
    const { monque, clock, runs, events, faulty } = makeSeries();
    faulty.plan('expireGates', { fail: 'before' });
    await monque.start();
    const { _id } = await monque.schedule('0 * * * * *', 'import');
    await clock.advance(61_000);
    expect(runs).toEqual(['download']);
    await clock.advance(200_000);
    expect(runs).toEqual(['download', 'download']);
    expect(payloads(events, 'job:error')).toHaveLength(1);
    expect(await monque.getJob(_id)).toMatchObject({ status: 'blocked' });
    expect(await monque.getSchedules()).toHaveLength(1);
    expect(await monque.cancelJob(_id)).toMatchObject({ status: 'pending' });
    await clock.settle();
    expect(await monque.getJob(_id)).toMatchObject({ status: 'blocked' });
    await monque.unschedule('import');
    expect(await monque.getJob(_id)).toMatchObject({ status: 'cancelled' });
    await monque.stop();
  });

  function makeSeries() {
    const world = makeOne();
    const runs: string[] = [];
    const stages = [
      stage('download', () => runs.push('download')),
      gate('a', { timeout: 150_000 }),
    ];
    world.monque.worker('import', { stages });
    return { ...world, runs };
  }
});
