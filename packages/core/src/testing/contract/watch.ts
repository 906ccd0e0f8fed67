/**
 * Watch: hints about jobs that become due and requests to cancel. A ledger that cannot give any skips these tests.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import type { LedgerHint, LedgerWatch } from '../../ledger/ledger-repository.ts';
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
