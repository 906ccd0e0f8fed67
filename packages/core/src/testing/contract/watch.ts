/**
 * Watch: hints about jobs that become due, requests to cancel, and pauses. A ledger that cannot give any skips these tests.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import type { LedgerHint, LedgerWatch } from '../../ledger/ledger-repository.ts';
import { midnight, nextRunFields, putClaimedSeries, putSeries } from './series-jobs.ts';
import { type ContractTest, type ContractTests, JOB_NAME, type Subject } from './subject.ts';

type Kind = LedgerHint['kind'];

/** Hears hints and lets a test wait for the next one of a kind. */
class Listener {
  readonly #heard: LedgerHint[] = [];
  readonly #news = new EventEmitter();

  /** How many hints came that nobody took. */
  get waiting(): number {
    return this.#heard.length;
  }

  readonly hear = (hint: LedgerHint): void => {
    this.#heard.push(hint);
    this.#news.emit('hint');
  };

  /** Takes the next hint of this kind out, and those before it. */
  async next<K extends Kind>(kind: K): Promise<Extract<LedgerHint, { kind: K }>> {
    for (;;) {
      const hint = this.#heard.shift();
      if (hint?.kind === kind) return hint as Extract<LedgerHint, { kind: K }>;
      if (hint === undefined) await once(this.#news, 'hint');
    }
  }
}

type WatchTest = (subject: Subject, listener: Listener, watch: LedgerWatch) => Promise<void>;

/** Runs a test on a watch that has opened. */
function watching(run: WatchTest): ContractTest {
  return async (subject) => {
    const listener = new Listener();
    const watch = await subject.ledger.watch(listener.hear);
    try {
      assert.equal(watch.unsupported, undefined);
      await listener.next('opened');
      await run(subject, listener, watch);
    } finally {
      await watch.close();
    }
  };
}

export const watchTests: ContractTests = {
  'a new job is a hint with its name and due time': watching(async (subject, listener) => {
    await subject.put({ nextRunAt: subject.at(5) });
    const hint = await listener.next('due');
    assert.deepEqual(hint, { kind: 'due', name: JOB_NAME, dueAt: subject.at(5) });
  }),

  'a retry is a hint with its new due time': watching(async (subject, listener) => {
    const job = await subject.putClaimed();
    await listener.next('due');
    await subject.settle('retry', job, { nextRunAt: subject.at(7000) });
    const { name = JOB_NAME, dueAt } = await listener.next('due');
    assert.deepEqual({ name, dueAt }, { name: JOB_NAME, dueAt: subject.at(7000) });
  }),

  'a release and a rescue are hints': watching(async (subject, listener) => {
    const job = await subject.putClaimed();
    await listener.next('due');
    await subject.settle('release', job);
    await listener.next('due');
    await subject.claimOnly();
    await subject.rescue();
    const { name = JOB_NAME } = await listener.next('due');
    assert.equal(name, JOB_NAME);
  }),

  'a request to cancel is a hint with the id of the job': watching(async (subject, listener) => {
    const job = await subject.putClaimed();
    await subject.cancel(job);
    const { jobId } = await listener.next('cancelRequested');
    assert.equal(jobId.toHexString(), job._id.toHexString());
  }),

  'a snooze and the next run of a series are hints with their due times': watching(
    async (subject, listener) => {
      const job = await subject.putClaimed();
      await listener.next('due');
      await subject.settle('snooze', job, { nextRunAt: subject.at(7000) });
      await assertDueHint(listener, subject.at(7000));
      const series = await putClaimedSeries(subject);
      await listener.next('due');
      await subject.settle('repeat', series, nextRunFields(subject));
      await assertDueHint(listener, midnight(subject, 1));
    },
  ),

  'a redriven job is a hint with its due time': watching(async (subject, listener) => {
    const job = await subject.putClaimed();
    await subject.settle('fail', job);
    await listener.next('due');
    const [now, nextRunAt] = [subject.at(4000), subject.at(5000)];
    await subject.ledger.redrive({ jobId: job._id, now, nextRunAt });
    await assertDueHint(listener, nextRunAt);
  }),

  'a pending job that gets another time is a hint with that time': watching(
    async (subject, listener) => {
      const job = await subject.putOne({ nextRunAt: subject.at(90_000) });
      await listener.next('due');
      const changes = { nextRunAt: subject.at(3000) };
      await subject.ledger.amend({ jobId: job._id, changes, now: subject.at(1) });
      await assertDueHint(listener, changes.nextRunAt);
    },
  ),

  'a series that gets another plan, or skips a run, is a hint with its next run': watching(
    async (subject, listener) => {
      const job = await putSeries(subject);
      await listener.next('due');
      const series = { repeatInterval: '30 4 * * *' };
      const nextRun = nextRunFields(subject, 2);
      const now = subject.at(1);
      await subject.ledger.replan({ jobId: job._id, seriesVersion: 1, series, nextRun, now });
      await assertDueHint(listener, midnight(subject, 2));
      await subject.cancel(job);
      const { nextRunAt } = await subject.read(job);
      await assertDueHint(listener, nextRunAt);
    },
  ),

  'a name that is paused or resumed is a hint': watching(async (subject, listener) => {
    const now = subject.at(0);
    await subject.ledger.setPaused({ name: 'a', paused: true, now });
    await listener.next('pausesChanged');
    await subject.ledger.setPaused({ name: 'a', paused: false, now });
    await listener.next('pausesChanged');
  }),

  'what others wait for of a limit is a hint': watching(async (subject, listener) => {
    const { ledger } = subject;
    await ledger.setLimit({ key: 'a', concurrency: 2, now: subject.at(0) });
    await listener.next('limitsChanged');
    const mine = { key: 'a', instanceId: 'mine', starts: 0 };
    await ledger.takeShare({ ...mine, seq: 1, count: 1, wants: 0 });
    await ledger.takeShare({ ...mine, seq: 2, count: 2, wants: 1 });
    await listener.next('limitsChanged');
    await ledger.takeShare({ ...mine, seq: 3, count: 2, wants: 2 });
    await ledger.takeShare({ ...mine, seq: 4, count: 1, wants: 0 });
    await listener.next('limitsChanged');
    await ledger.backOff({ key: 'a', until: subject.at(9) });
    await listener.next('limitsChanged');
    await ledger.freeShares({ instanceId: 'mine' });
    await listener.next('limitsChanged');
    assert.equal(listener.waiting, 0);
  }),

  'a job whose lock is held is no hint': watching(async (subject, listener) => {
    const locked = { uniqueLock: 'lock' };
    await subject.put(locked);
    await subject.enqueue(subject.newJob({ ...locked, nextRunAt: subject.at(9) }));
    await subject.put({ name: 'last' });
    await listener.next('due');
    assert.equal((await listener.next('due')).name, 'last');
  }),

  'a watch that was closed gives no more hints, and another one goes on': watching(
    async (subject, closedListener, watch) => {
      const listener = new Listener();
      const other = await subject.ledger.watch(listener.hear);
      await listener.next('opened');
      await watch.close();
      await watch.close();
      await subject.put({ name: 'unheard' });
      await listener.next('due');
      await other.close();
      assert.equal(closedListener.waiting, 0);
    },
  ),
};

/** The name may be missing where only the id of the job is known. */
async function assertDueHint(listener: Listener, dueAt: Date): Promise<void> {
  const { name = JOB_NAME, ...hint } = await listener.next('due');
  assert.deepEqual({ name, ...hint }, { kind: 'due', name: JOB_NAME, dueAt });
}
