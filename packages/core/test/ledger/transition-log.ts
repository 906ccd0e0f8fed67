/** What a ledger that keeps a log of all transitions writes into it; run on both ledgers. */
import { ObjectId } from 'mongodb';
import { expect, test } from 'vitest';
import type { Job } from '../../src/index.ts';
import { bornClaimed } from '../../src/job/born-claimed.ts';
import { tokenOf } from '../../src/job/flow-tokens.ts';
import { orderFields } from '../../src/job/lanes.ts';
import type { LedgerUnderTest } from '../../src/testing/contract/ledger-contract.ts';
import { INSTANCE, only, Subject } from '../../src/testing/contract/subject.ts';
import { ManualClock } from '../../src/testing/index.ts';
import type { TransitionEntry } from '../../src/types-api.ts';

/** Defines the tests, each on a ledger of its own that has the option `transitionLog`. */
export function transitionLogTests(makeLedger: () => Promise<LedgerUnderTest>): void {
  function onLedger(name: string, run: (subject: Subject) => Promise<void>): void {
    test(name, async () => {
      const { ledger, dispose } = await makeLedger();
      try {
        await run(new Subject(ledger, new ManualClock()));
      } finally {
        await dispose();
      }
    });
  }

  onLedger(
    'says of a job that was stored as claimed that it was enqueued, and claimed, each once however often it is sent',
    async (subject) => {
      const asked = subject.newJob();
      const claim = { instanceId: INSTANCE, claimToken: 'born', now: subject.at(10) };
      await subject.enqueue(bornClaimed(asked, claim));
      await subject.enqueue(asked);
      await subject.ledger.readClaim(claim);
      expect(await read(subject, asked)).toEqual([
        { verb: 'enqueue', at: asked.createdAt, to: 'pending', fence: 0 },
        {
          ...{ verb: 'claim', at: subject.at(10), from: 'pending', to: 'processing' },
          ...{ by: INSTANCE, claimToken: 'born', fence: 1 },
        },
      ]);
    },
  );

  onLedger(
    'reports every transition of a job, with its claim, from its start to its end',
    async (subject) => {
      const job = await subject.putOne();
      const claimed = await subject.claimOnly({ claimToken: 'one', now: subject.at(10) });
      const record = { by: INSTANCE, reason: 'Boom', duration: 5 };
      await subject.settle('retry', claimed, { record, nextRunAt: subject.at(0) });
      const again = await subject.claimOnly({ claimToken: 'two', now: subject.at(1100) });
      await subject.ledger.note({
        jobId: job._id,
        claimToken: 'two',
        progress: 1,
        now: subject.at(1200),
      });
      const settlement = subject.settlement('complete', again);
      await subject.ledger.settle({ settlements: [settlement], now: subject.at(1300) });
      const [pending, processing] = ['pending', 'processing'];
      expect(await read(subject, job)).toEqual([
        { verb: 'enqueue', at: job.createdAt, to: pending, fence: 0 },
        {
          verb: 'claim',
          at: subject.at(10),
          from: pending,
          to: processing,
          by: INSTANCE,
          claimToken: 'one',
          fence: 1,
        },
        {
          verb: 'retry',
          at: subject.at(1000),
          from: processing,
          to: pending,
          ...record,
          claimToken: 'one',
          fence: 1,
        },
        {
          verb: 'claim',
          at: subject.at(1100),
          from: pending,
          to: processing,
          by: INSTANCE,
          claimToken: 'two',
          fence: 2,
        },
        {
          verb: 'complete',
          at: subject.at(1300),
          from: processing,
          to: 'completed',
          claimToken: 'two',
          fence: 2,
        },
      ]);
    },
  );

  onLedger('reports what was done manually, and by whom', async (subject) => {
    const { ledger } = subject;
    const job = await subject.putOne();
    const hand = { jobId: job._id, by: 'operator' };
    await ledger.amend({ ...hand, changes: { priority: 1 }, now: subject.at(1) });
    await ledger.cancel({ ...hand, reason: 'why', now: subject.at(2) });
    await ledger.redrive({ ...hand, nextRunAt: subject.at(0), now: subject.at(3) });
    await subject.claim({ claimToken: 'token', now: subject.at(4) });
    await ledger.cancel({ ...hand, now: subject.at(5) });
    await subject.settle('cancelled', { ...job, claimToken: 'token', fence: 3 });
    await ledger.remove({ ...hand, now: subject.at(2000) });
    const by = 'operator';
    const [, amend, cancel, redrive, , request, cancelled, remove, ...more] = await read(
      subject,
      job,
    );
    expect(amend).toEqual({
      verb: 'amend',
      at: subject.at(1),
      from: 'pending',
      to: 'pending',
      by,
      fence: 1,
    });
    expect(cancel).toMatchObject({
      verb: 'cancel',
      to: 'cancelled',
      by,
      reason: 'why',
    });
    expect(redrive).toEqual({ verb: 'redrive', at: subject.at(3), to: 'pending', by, fence: 2 });
    expect(request).toMatchObject({
      verb: 'requestCancel',
      from: 'processing',
      to: 'processing',
      by,
      claimToken: 'token',
    });
    expect(cancelled).toMatchObject({ verb: 'cancelled', from: 'processing', to: 'cancelled' });
    expect(remove).toEqual({
      verb: 'remove',
      at: subject.at(2000),
      from: 'cancelled',
      to: 'gone',
      by,
      fence: 3,
    });
    expect(more).toEqual([]);
  });

  onLedger('reports a removal without an actor and a time', async (subject) => {
    const job = await subject.putOne();
    await subject.ledger.remove({ jobId: job._id });
    const [, removal] = await read(subject, job);
    expect(removal).toMatchObject({ verb: 'remove', from: 'pending', to: 'gone' });
    expect(removal).not.toHaveProperty('by');
  });

  onLedger('reports rescues and jobs that left by their age', async (subject) => {
    const [first, second] = await subject.put({}, {});
    await subject.claim({ claimToken: 'token', limit: 2 });
    await subject.settle('complete', { ...second, claimToken: 'token', fence: 1 });
    await subject.rescue();
    expect((await subject.prune()).pruned).toBe(1);
    expect((await read(subject, first)).at(-1)).toEqual({
      verb: 'rescue',
      at: subject.at(1000),
      from: 'processing',
      to: 'pending',
      by: INSTANCE,
      claimToken: 'token',
      fence: 1,
    });
    const pruned = { verb: 'prune', at: subject.at(3_600_000), from: 'completed', to: 'gone' };
    expect((await read(subject, second)).at(-1)).toEqual(pruned);
  });

  onLedger('reports each transition once, although its verb was sent again', async (subject) => {
    const job = subject.newJob();
    await subject.enqueue(job);
    await subject.enqueue(job);
    const claimed = await subject.claimOnly();
    const { claimToken = '' } = claimed;
    await subject.ledger.readClaim({ instanceId: INSTANCE, claimToken });
    expect(await subject.settle('complete', claimed)).toBe('settled');
    expect(await subject.settle('complete', claimed)).toBe('settled');
    expect((await read(subject, job)).map(({ verb }) => verb)).toEqual([
      'enqueue',
      'claim',
      'complete',
    ]);
  });

  onLedger('says nothing of verbs that changed nothing', async (subject) => {
    const job = await subject.putOne({ uniqueLock: 'lock' });
    await subject.enqueue(subject.newJob({ uniqueLock: 'lock' }));
    await subject.ledger.redrive({ jobId: job._id, now: subject.at(1), nextRunAt: subject.at(1) });
    await subject.settle('complete', { ...job, claimToken: 'none' });
    await subject.claim({ now: subject.at(-1) });
    expect(only(await read(subject, job)).verb).toBe('enqueue');
  });

  onLedger('reports a claim in an order as of any other', async (subject) => {
    const job = await subject.putOne(orderFields('a'));
    await subject.ledger.claimOrders({
      demand: [{ name: job.name, limit: 1, halts: false }],
      ...{ instanceId: INSTANCE, claimToken: 'token', now: subject.at(5), suspects: false },
    });
    expect((await read(subject, job)).at(-1)).toEqual({
      ...{ verb: 'claim', at: subject.at(5), from: 'pending', to: 'processing' },
      ...{ by: INSTANCE, claimToken: 'token', fence: 1 },
    });
  });

  onLedger('says that jobs wait for others, and what became of each of them', async (subject) => {
    const flow = new ObjectId();
    const [going, failing] = (['continue', 'fail'] as const).map((end) => tokenOf(flow, end, 0));
    const record = { flowId: flow, state: 'stored', createdAt: subject.at(0), size: 3 } as const;
    await subject.ledger.openFlow({ flow: record, createdBefore: subject.at(0) });
    const [parent] = await subject.put({ flow, ref: 'p', feeds: [String(going), String(failing)] });
    const [goes, fails] = [going, failing].map((token) => ({
      ...subject.newJob({ flow, waitsFor: [String(token)] }),
      status: 'blocked' as const,
    }));
    await subject.enqueue(goes as Job, fails as Job);
    await subject.settle('fail', await subject.claimOnly());
    const tokens = [going, failing].map((token) => ({ token: String(token) }));
    const release = { tokens, now: subject.at(2_000), limit: 10 };
    await subject.ledger.releaseWaiting(release);
    await subject.ledger.releaseWaiting(release);
    const verbs = (job: Job | undefined) => read(subject, job as Job);
    expect(await verbs(goes)).toEqual([
      { verb: 'enqueueWaiting', at: goes?.createdAt, to: 'blocked', fence: 0 },
      {
        ...{ verb: 'releaseChild', at: subject.at(2_000) },
        ...{ from: 'blocked', to: 'pending', fence: 0 },
      },
    ]);
    expect((await verbs(fails)).slice(1)).toMatchObject([
      { verb: 'failByParent', from: 'blocked', to: 'failed', reason: "The parent 'p' failed" },
    ]);
    expect((await verbs(parent)).map(({ verb }) => verb)).toEqual(['enqueue', 'claim', 'fail']);
  });

  onLedger('gives the newest entries, the oldest of them first', async (subject) => {
    const job = await subject.putOne();
    for (let ms = 1; ms <= 5; ms += 1) {
      await subject.ledger.amend({
        jobId: job._id,
        changes: { priority: ms },
        now: subject.at(ms),
      });
    }
    const entries = await subject.ledger.readHistory({ jobId: job._id, limit: 2 });
    expect(entries.map(({ at }) => at)).toEqual([subject.at(4), subject.at(5)]);
  });
}

function read(
  { ledger }: Subject,
  { _id: jobId }: Parameters<Subject['read']>[0],
): Promise<readonly TransitionEntry[]> {
  return ledger.readHistory({ jobId, limit: 100 });
}
