import type { ClientSession } from 'mongodb';
import { describe, expect, test, vi } from 'vitest';
import { InvalidArgumentError, LedgerFullError, UnsupportedError } from '../../errors.ts';
import type { Job } from '../../job.ts';
import { ManualClock, makeJob } from '../../testing/index.ts';
import type { ClaimResult, LedgerHint } from '../ledger-repository.ts';
import {
  type InMemoryLedgerOptions,
  InMemoryLedgerRepository,
} from './in-memory-ledger-repository.ts';

const clock = new ManualClock();
const now = new Date(clock.now());

function makeLedger(options: InMemoryLedgerOptions = {}): InMemoryLedgerRepository {
  return new InMemoryLedgerRepository({ clock, ...options });
}

function claim(ledger: InMemoryLedgerRepository, limit = 10): Promise<ClaimResult> {
  return ledger.claim({
    demand: [{ name: 'test-job', limit }],
    instanceId: 'instance',
    claimToken: 'token',
    now,
    suspects: false,
    widening: 1,
  });
}

async function finish(ledger: InMemoryLedgerRepository, ...jobs: readonly Job[]): Promise<void> {
  await ledger.enqueue({ jobs });
  for (const { _id } of jobs) await ledger.cancel({ jobId: _id, now });
}

async function outcomesOf(
  ledger: InMemoryLedgerRepository,
  ...jobs: readonly Job[]
): Promise<readonly string[]> {
  return (await ledger.enqueue({ jobs })).answers.map(({ outcome }) => outcome);
}

describe('InMemoryLedgerRepository', () => {
  test('works without any options', async () => {
    const ledger = new InMemoryLedgerRepository();
    await ledger.enqueue({ jobs: [makeJob()] });
    expect(ledger.size).toBe(1);
  });

  test('its time is that of its clock', async () => {
    expect(await makeLedger().readTime()).toEqual(now);
  });

  test.each(['maxJobs', 'maxFinishedJobs'] as const)('%s is a whole number', (bound) => {
    for (const value of [-1, 0.5, Number.NaN]) {
      expect(() => makeLedger({ [bound]: value })).toThrow(InvalidArgumentError);
    }
  });

  test('a transaction is refused and nothing is stored', async () => {
    const ledger = makeLedger();
    const enqueuing = ledger.enqueue({ jobs: [makeJob()], session: {} as ClientSession });
    await expect(enqueuing).rejects.toThrow(UnsupportedError);
    expect(ledger.size).toBe(0);
  });
});

describe('the bound of unfinished jobs', () => {
  test('a job beyond it is refused alone', async () => {
    const ledger = makeLedger({ maxJobs: 2 });
    const { answers } = await ledger.enqueue({ jobs: [makeJob(), makeJob(), makeJob()] });
    expect(answers.map(({ outcome }) => outcome)).toEqual(['enqueued', 'enqueued', 'refused']);
    expect(answers[2]).toHaveProperty('error', new LedgerFullError(2));
    expect(ledger.size).toBe(2);
  });

  test('a full ledger still recognises a resend and a held lock', async () => {
    const ledger = makeLedger({ maxJobs: 1 });
    const job = makeJob({ uniqueLock: 'lock' });
    expect(await outcomesOf(ledger, job, job, makeJob({ uniqueLock: 'lock' }))).toEqual([
      'enqueued',
      'enqueued',
      'existing',
    ]);
  });

  test('finished jobs do not count, processing ones do', async () => {
    const ledger = makeLedger({ maxJobs: 1 });
    await finish(ledger, makeJob());
    expect(await outcomesOf(ledger, makeJob())).toEqual(['enqueued']);
    await claim(ledger);
    expect(await outcomesOf(ledger, makeJob())).toEqual(['refused']);
  });
});

describe('the bound of finished jobs', () => {
  test('the oldest leave first', async () => {
    const ledger = makeLedger({ maxFinishedJobs: 2 });
    const jobs = [makeJob(), makeJob(), makeJob()];
    await finish(ledger, ...jobs);
    const found = await Promise.all(jobs.map(({ _id }) => ledger.getJob({ jobId: _id })));
    expect(found.map((job) => job !== null)).toEqual([false, true, true]);
    expect(ledger.size).toBe(2);
  });

  test('a job that left is not brought back by a resend', async () => {
    const ledger = makeLedger({ maxFinishedJobs: 0 });
    const job = makeJob();
    await finish(ledger, job);
    expect(await outcomesOf(ledger, job)).toEqual(['enqueued']);
    expect(ledger.size).toBe(0);
    expect((await claim(ledger)).jobs).toEqual([]);
  });

  test('a finished job that is removed makes room', async () => {
    const ledger = makeLedger({ maxFinishedJobs: 1 });
    const [first, second] = [makeJob(), makeJob()];
    await finish(ledger, first);
    await ledger.remove({ jobId: first._id });
    await finish(ledger, second);
    expect(await ledger.getJob({ jobId: second._id })).not.toBeNull();
  });
});

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

describe('watch', () => {
  test('it opens soon, and not within the call', async () => {
    const hints: LedgerHint[] = [];
    await makeLedger().watch((hint) => hints.push(hint));
    expect(hints).toEqual([]);
    await clock.settle();
    expect(hints).toEqual([{ kind: 'opened' }]);
  });

  test('a watch that is closed before it opened never does', async () => {
    const listener = vi.fn();
    const watch = await makeLedger().watch(listener);
    await watch.close();
    await clock.settle();
    expect(listener).toHaveBeenCalledTimes(0);
  });

  test('a throwing listener hurts neither the write nor other listeners', async () => {
    const ledger = makeLedger();
    const listener = vi.fn();
    await ledger.watch(() => {
      throw new Error('Boom');
    });
    await ledger.watch(listener);
    await clock.settle();
    expect(await outcomesOf(ledger, makeJob())).toEqual(['enqueued']);
    expect(listener.mock.calls.map(([hint]) => hint.kind)).toEqual(['opened', 'due']);
  });
});

test('a long backlog is claimed batch by batch, each job once', async () => {
  const ledger = makeLedger();
  const jobs = Array.from({ length: 5000 }, (_, index) => makeJob({ priority: index % 5 }));
  await ledger.enqueue({ jobs });
  const ids = new Set<string>();
  for (let round = 0; round < 10; round += 1) {
    const batch = await claim(ledger, 500);
    for (const job of batch.jobs) ids.add(job._id.toHexString());
  }
  expect(ids.size).toBe(jobs.length);
  expect((await claim(ledger)).jobs).toEqual([]);
});
