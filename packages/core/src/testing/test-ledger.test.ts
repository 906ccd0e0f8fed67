import { describe, expect, test } from 'vitest';
import type { Session } from '../foundation/driver-shapes.ts';
import { UnsupportedError } from '../foundation/errors.ts';
import type { Job } from '../job/job.ts';
import type { ReplanParams, SetMetadataParams } from '../ledger/ledger-repository.ts';
import type { Settlement } from '../ledger/verbs/settle.ts';
import { FaultyLedgerRepository } from './faulty-ledger-repository.ts';
import { makeJob } from './job-factory.ts';
import { ManualClock } from './manual-clock.ts';
import { TestLedger } from './test-ledger.ts';
import { makeTestMonque } from './test-monque.ts';
import { makeTestSession } from './test-session.ts';

const clock = new ManualClock();
const now = new Date(clock.now());
/** One of the driver, which stands in for nothing. */
const foreign = { inTransaction: () => true, endSession: async () => undefined };

const replan = ({ _id: jobId, seriesVersion = 1 }: Job, session: Session): ReplanParams => ({
  ...{ jobId, now, seriesVersion, session },
  series: { repeatInterval: '0 4 * * *', priority: 0 },
});

const setMetadata = (
  { _id: jobId }: Job,
  changes: SetMetadataParams['changes'],
  session?: Session,
): SetMetadataParams => ({ ...{ jobId, now, changes }, ...(session && { session }) });

async function withSeries(): Promise<{ readonly ledger: TestLedger; readonly job: Job }> {
  const ledger = new TestLedger({ clock });
  const lock = { uniqueKey: 'k', uniqueLock: 'series:k', scheduledFor: now };
  const job = makeJob({ ...lock, repeatInterval: '0 3 * * *', data: 1, seriesVersion: 1 });
  await ledger.enqueue({ jobs: [job] });
  return { ledger, job };
}

async function claimed(ledger: TestLedger): Promise<Settlement> {
  await ledger.enqueue({ jobs: [makeJob()] });
  ledger.letRun();
  const claim = { instanceId: 'i', claimToken: 'token', now, suspects: false, widening: 1 };
  const { jobs } = await ledger.claim({ demand: [{ name: 'test-job', limit: 1 }], ...claim });
  const [{ _id: jobId, fence }] = jobs as [Job];
  return { verb: 'complete', jobId, claimToken: 'token', fence };
}

describe('a transaction of a test session', () => {
  test('finds no series that is gone, and none that was changed since it was read', async () => {
    const { ledger, job } = await withSeries();
    const gone = makeJob();
    await makeTestSession().withTransaction(async (session) => {
      expect(await ledger.replan(replan(gone, session))).toEqual({ outcome: 'missing', job: null });
      expect(await ledger.replan(replan({ ...job, seriesVersion: 7 }, session))).toMatchObject({
        ...{ outcome: 'stale', job: { _id: job._id } },
      });
      const changes = { a: 1 };
      expect(await ledger.setMetadata(setMetadata(gone, changes, session))).toEqual({
        ...{ outcome: 'missing', job: null },
      });
    });
    expect(await ledger.getJob({ jobId: job._id })).toMatchObject({ seriesVersion: 1 });
  });

  test('shows the plan of a series as it will be, without what the new one leaves out', async () => {
    const { ledger, job } = await withSeries();
    const seen = await makeTestSession().withTransaction((session) =>
      ledger.replan(replan(job, session)),
    );
    expect(seen).toMatchObject({ outcome: 'written', job: { repeatInterval: '0 4 * * *' } });
    expect(seen.job?.data).toBeUndefined();
    expect(await ledger.getJob({ jobId: job._id })).toEqual(seen.job);
  });

  test('writes no metadata that is too large', async () => {
    const { ledger, job } = await withSeries();
    await makeTestSession().withTransaction(async (session) => {
      const large = setMetadata(job, { a: 'x'.repeat(5_000) }, session);
      expect((await ledger.setMetadata(large)).outcome).toBe('full');
    });
    expect(await ledger.getJob({ jobId: job._id })).not.toHaveProperty('metadata');
  });

  test('takes all metadata away', async () => {
    const { ledger, job } = await withSeries();
    await ledger.setMetadata(setMetadata(job, { a: 1 }));
    await makeTestSession().withTransaction(async (session) => {
      const { job: after } = await ledger.setMetadata(setMetadata(job, { a: null }, session));
      expect(after).not.toHaveProperty('metadata');
    });
    expect(await ledger.getJob({ jobId: job._id })).not.toHaveProperty('metadata');
  });

  test('completes a run that holds its claim, when it commits, and no other', async () => {
    const ledger = new TestLedger({ clock });
    const settlement = await claimed(ledger);
    await makeTestSession().withTransaction(async (session) => {
      const other = { ...settlement, claimToken: 'other' };
      expect(await ledger.completeInSession({ settlement: other, now, session })).toBe(false);
      expect(await ledger.completeInSession({ settlement, now, session })).toBe(true);
    });
    expect(await ledger.getJob(settlement)).toMatchObject({ status: 'completed' });
  });

  test('is committed once when the work commits it itself', async () => {
    const { ledger, job } = await withSeries();
    await makeTestSession().withTransaction(async (session) => {
      await ledger.setMetadata(setMetadata(job, { a: 1 }, session));
      await session.commitTransaction();
      expect(session.inTransaction()).toBe(false);
    });
    expect(await ledger.getJob({ jobId: job._id })).toMatchObject({ metadata: { a: 1 } });
  });

  test('is needed for a mark', async () => {
    const { transactions } = new TestLedger({ clock });
    const session = makeTestSession();
    const mark = { session, kind: 'inbox', name: 'a', id: '1', now } as never;
    await expect(transactions.setMark(mark)).rejects.toThrow('No transaction started');
  });
});

test('a session of the driver is refused, by whatever is asked to take part in it', async () => {
  const { ledger, job } = await withSeries();
  const settlement = await claimed(ledger);
  const calls = [
    ledger.replan(replan(job, foreign)),
    ledger.setMetadata(setMetadata(job, { a: 1 }, foreign)),
    ledger.completeInSession({ settlement, now, session: foreign }),
    ledger.enqueue({ jobs: [makeJob()], session: foreign }),
  ];
  for (const call of calls) await expect(call).rejects.toThrow(UnsupportedError);
});

test('a faulty ledger has the transactions of the one behind it', () => {
  const ledger = new TestLedger({ clock });
  expect(new FaultyLedgerRepository(ledger, { clock }).transactions).toBe(ledger.transactions);
});

test('rules of invariants hold in a test scheduler', async () => {
  const check = () => ({ message: 'it never is', values: {}, advice: 'leave it' });
  const rules = [{ name: 'never', check }];
  const { monque, stop } = makeTestMonque({ invariants: { rules } });
  await expect(monque.enqueue('work')).rejects.toMatchObject({ code: 'INVARIANT_VIOLATION' });
  await stop();
});
