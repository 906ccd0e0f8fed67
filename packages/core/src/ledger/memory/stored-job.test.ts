import { describe, expect, test } from 'vitest';
import { InvalidArgumentError } from '../../foundation/errors.ts';
import type { Job } from '../../job/job.ts';
import { ManualClock, makeJob } from '../../testing/index.ts';
import type { ClaimResult } from '../ledger-repository.ts';
import { InMemoryLedgerRepository } from './in-memory-ledger-repository.ts';

const clock = new ManualClock();
const now = new Date(clock.now());

function makeLedger(): InMemoryLedgerRepository {
  return new InMemoryLedgerRepository({ clock });
}

function claim(ledger: InMemoryLedgerRepository): Promise<ClaimResult> {
  return ledger.claim({
    demand: [{ name: 'test-job', limit: 10 }],
    instanceId: 'instance',
    claimToken: 'token',
    now,
    suspects: false,
    widening: 1,
  });
}

describe('copies', () => {
  test('dates that a caller changes do not reach the stored job', async () => {
    const ledger = makeLedger();
    const job = makeJob({ nextRunAt: new Date(now) });
    await ledger.enqueue({ jobs: [job] });
    job.nextRunAt.setTime(0);
    const shown = await ledger.getJob({ jobId: job._id });
    shown?.nextRunAt.setTime(1);
    expect((await ledger.getJob({ jobId: job._id }))?.nextRunAt).toEqual(now);
  });

  test('the time that a caller passes in may be changed later', async () => {
    const ledger = makeLedger();
    const job = makeJob();
    await ledger.enqueue({ jobs: [job] });
    const mine = new Date(now);
    await ledger.cancel({ jobId: job._id, now: mine });
    mine.setTime(0);
    expect((await ledger.getJob({ jobId: job._id }))?.finishedAt).toEqual(now);
  });
});

describe('copies of what is in a job', () => {
  const makeFull = () => ({
    backoff: { type: 'fixed', delay: 5 } as const,
    history: [{ verb: 'retry', at: new Date(now), reason: 'Boom' }],
    logs: ['one'],
    progress: { percent: 1, at: new Date(now) },
    result: Buffer.from('result'),
    data: { list: [1, 2n, null] },
  });

  /** Changes all that can be changed. */
  function spoil(job: object | null): void {
    for (const [key, value] of Object.entries(job ?? {})) {
      if (value instanceof Date) value.setTime(0);
      else if (value instanceof Uint8Array) value.fill(0);
      else if (typeof value !== 'object') Reflect.set(job ?? {}, key, 'spoilt');
      else if (key !== '_id') spoil(value);
    }
  }

  test('what a caller gives or gets is shared with nobody', async () => {
    const ledger = makeLedger();
    const job = makeJob(makeFull());
    await ledger.enqueue({ jobs: [job] });
    spoil(job);
    spoil(await ledger.getJob({ jobId: job._id }));
    expect(await ledger.getJob({ jobId: job._id })).toMatchObject(makeFull());
  });

  test('what a verb is given is shared with nobody', async () => {
    const ledger = makeLedger();
    await ledger.enqueue({ jobs: [makeJob()] });
    const [{ _id: jobId, fence }] = (await claim(ledger)).jobs as [Job];
    const { progress, result } = makeFull();
    const note = { progress, logLines: ['one'] };
    await ledger.note({ jobId, claimToken: 'token', now, ...note });
    spoil(note);
    expect(await ledger.getJob({ jobId })).toMatchObject({
      progress: makeFull().progress,
      logs: ['one'],
    });
    const record = { reason: 'Boom', scheduledFor: new Date(now) };
    const settlement = {
      verb: 'cancelByHandler',
      jobId,
      claimToken: 'token',
      fence,
      progress: result,
      record,
    } as const;
    await ledger.settle({ settlements: [settlement], now });
    spoil(result);
    spoil(record);
    expect(await ledger.getJob({ jobId })).toMatchObject({
      progress: makeFull().result,
      history: [{ verb: 'cancelByHandler', at: now, reason: 'Boom', scheduledFor: now }],
    });
  });

  test('an amendment that is too large is refused and changes nothing', async () => {
    const ledger = makeLedger();
    const job = makeJob({ data: 'small' });
    await ledger.enqueue({ jobs: [job] });
    const data = 'x'.repeat(16 * 1024 * 1024);
    const amending = ledger.amend({ jobId: job._id, changes: { data }, now });
    await expect(amending).rejects.toThrow(InvalidArgumentError);
    expect((await ledger.getJob({ jobId: job._id }))?.data).toBe('small');
  });
});
