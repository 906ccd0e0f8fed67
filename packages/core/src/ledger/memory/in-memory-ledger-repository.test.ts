import type { ClientSession } from 'mongodb';
import { describe, expect, test, vi } from 'vitest';
import {
  InvalidArgumentError,
  LedgerFullError,
  UnsupportedError,
} from '../../foundation/errors.ts';
import type { Job } from '../../job/job.ts';
import { seriesLock } from '../../job/unique-locks.ts';
import { ManualClock, makeJob } from '../../testing/index.ts';
import type { ClaimResult, LedgerHint, PruneParams, PruneResult } from '../ledger-repository.ts';
import {
  type InMemoryLedgerOptions,
  InMemoryLedgerRepository,
} from './in-memory-ledger-repository.ts';

const clock = new ManualClock();
const now = new Date(clock.now());
const later = new Date(clock.now() + 60_000);
const session = {} as ClientSession;

/** Takes jobs in any state, as a database does that other tools write to. */
class OpenLedger extends InMemoryLedgerRepository {
  async putForeign(...jobs: readonly Job[]): Promise<void> {
    await this.verbs.enqueue({ jobs });
  }
}

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

/** Claims and completes jobs, one after the other. */
async function run(ledger: InMemoryLedgerRepository, ...jobs: readonly Job[]): Promise<void> {
  for (const job of jobs) {
    await ledger.enqueue({ jobs: [job] });
    await claim(ledger);
    const claimed = { jobId: job._id, claimToken: 'token', fence: 1 };
    await ledger.settle({ settlements: [{ verb: 'complete', ...claimed }], now });
  }
}

/** Archives all that is finished. */
function archive(
  ledger: InMemoryLedgerRepository,
  choice: Partial<PruneParams> = {},
): Promise<PruneResult> {
  const finishedBefore = { completed: later, failed: later, cancelled: later };
  return ledger.prune({
    finishedBefore,
    createdBefore: later,
    limit: 100,
    archive: true,
    now: later,
    ...choice,
  });
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
    const enqueuing = ledger.enqueue({ jobs: [makeJob()], session });
    await expect(enqueuing).rejects.toThrow(UnsupportedError);
    expect(ledger.size).toBe(0);
  });

  test('nothing is amended and no claim ends in a transaction', async () => {
    const ledger = makeLedger();
    await ledger.enqueue({ jobs: [makeJob()] });
    const [job] = (await claim(ledger)).jobs as [Job];
    const { _id: jobId, fence } = job;
    const amending = ledger.amend({ jobId, changes: { priority: 1 }, now, session });
    await expect(amending).rejects.toThrow(UnsupportedError);
    const settlement = { verb: 'complete', jobId, claimToken: 'token', fence } as const;
    const completing = ledger.completeInSession({ settlement, now, session });
    await expect(completing).rejects.toThrow(UnsupportedError);
    expect(await ledger.getJob({ jobId })).toEqual(job);
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

describe('the bound of the archive', () => {
  test('the jobs leave that were archived first', async () => {
    const ledger = makeLedger({ maxFinishedJobs: 2 });
    const jobs = [makeJob(), makeJob(), makeJob()];
    for (const job of jobs) {
      await finish(ledger, job);
      expect(await archive(ledger)).toEqual({ pruned: 1 });
    }
    const found = await Promise.all(
      jobs.map(({ _id }) => ledger.getJob({ jobId: _id, archived: true })),
    );
    expect(found.map((job) => job !== null)).toEqual([false, true, true]);
  });

  test('a job that is archived once more takes no room twice and counts as new', async () => {
    const ledger = makeLedger({ maxFinishedJobs: 2 });
    const [first, second, third] = [makeJob(), makeJob(), makeJob()];
    for (const job of [first, second, first, third]) {
      await finish(ledger, job);
      await archive(ledger);
    }
    const found = await Promise.all(
      [first, second, third].map(({ _id }) => ledger.getJob({ jobId: _id, archived: true })),
    );
    expect(found.map((job) => job !== null)).toEqual([true, false, true]);
  });
});

test('jobs are pruned in the order of their ids, whatever order they came in', async () => {
  const ledger = makeLedger();
  const jobs = Array.from({ length: 5 }, () => makeJob());
  await finish(ledger, ...[...jobs].reverse());
  const { pruned, position } = await archive(ledger, { limit: 2 });
  expect([pruned, position]).toEqual([2, jobs[1]?._id]);
  const left = await Promise.all(jobs.map(({ _id }) => ledger.getJob({ jobId: _id })));
  expect(left.map((job) => job !== null)).toEqual([false, false, true, true, true]);
});

describe('a key that is held for a window', () => {
  const held = { windowLock: 'window', windowUntil: later };

  test('is held by a job that was run', async () => {
    const ledger = makeLedger();
    await run(ledger, makeJob(held));
    expect(await outcomesOf(ledger, makeJob(held))).toEqual(['existing']);
  });

  test('is free when the job had to leave for others', async () => {
    const ledger = makeLedger({ maxFinishedJobs: 1 });
    await run(ledger, makeJob(held), makeJob());
    expect(await outcomesOf(ledger, makeJob(held))).toEqual(['enqueued']);
  });
});

test('a redriven job is found by its lock, bound or not', async () => {
  const ledger = makeLedger({ maxJobs: 1 });
  const locked = { uniqueKey: 'key', uniqueLock: 'key:key' };
  const job = makeJob(locked);
  await finish(ledger, job);
  await ledger.enqueue({ jobs: [makeJob()] });
  const { outcome } = await ledger.redrive({ jobId: job._id, now, nextRunAt: now });
  expect(outcome).toBe('redriven');
  expect(await outcomesOf(ledger, makeJob(locked))).toEqual(['existing']);
});

describe('jobs that another tool left processing', () => {
  const status = 'processing';

  function makeLeft(overrides: Partial<Job> = {}): Job {
    const { claimToken: _token, claimedBy: _by, ...job } = makeJob({ status, ...overrides });
    return job;
  }

  test('become pending or cancelled, so many as the limit says', async () => {
    const ledger = new OpenLedger({ clock });
    const asked = makeLeft({ cancelRequestedAt: now });
    await ledger.putForeign(makeLeft(), asked, makeLeft({ lockedAt: later }), makeLeft());
    const recover = (limit: number) => ledger.recover({ staleBefore: now, now: later, limit });
    expect(await recover(2)).toEqual({ pending: 1, cancelled: 1 });
    expect(await recover(2)).toEqual({ pending: 1, cancelled: 0 });
    expect(await recover(2)).toEqual({ pending: 0, cancelled: 0 });
    const stored = await ledger.getJob({ jobId: asked._id });
    expect(stored?.history).toEqual([{ verb: 'recoverToCancelled', at: later }]);
    expect((await claim(ledger)).jobs).toHaveLength(2);
  });

  test('belong to no instance, count as unfinished, and never leave for others', async () => {
    const ledger = new OpenLedger({ clock, maxJobs: 1, maxFinishedJobs: 0 });
    const left = makeLeft();
    await ledger.putForeign(left);
    expect(await ledger.findClaimants({ except: [] })).toEqual([]);
    expect(await outcomesOf(ledger, makeJob())).toEqual(['refused']);
    expect(await ledger.getJob({ jobId: left._id })).not.toBeNull();
  });

  test('are found by their series, which a finished job is not', async () => {
    const ledger = new OpenLedger({ clock });
    const left = makeLeft({ uniqueLock: seriesLock('a') });
    const done = makeJob({ status: 'completed', uniqueLock: seriesLock('b') });
    await ledger.putForeign(done, left);
    const found = await ledger.findSeries({ limit: 10 });
    expect(found.map(({ _id }) => _id)).toEqual([left._id]);
  });
});

describe('paused names', () => {
  test('are answered in order, and a change is hinted at once', async () => {
    const ledger = makeLedger();
    const listener = vi.fn();
    await ledger.watch(listener);
    await clock.settle();
    for (const name of ['b', 'a', 'b']) await ledger.setPaused({ name, paused: true, now });
    expect((await ledger.readPaused()).map(({ name }) => name)).toEqual(['a', 'b']);
    for (const name of ['a', 'c']) await ledger.setPaused({ name, paused: false, now });
    expect((await ledger.readPaused()).map(({ name }) => name)).toEqual(['b']);
    const hinted = listener.mock.calls.map(([hint]) => hint.kind);
    expect(hinted).toEqual(['opened', 'pausesChanged', 'pausesChanged', 'pausesChanged']);
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
