/**
 * Settle: who may end a claim, and what the others are answered.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { type JobStatus, MOST_HISTORY } from '../../job/job.ts';
import type { SettleVerb } from '../../ledger/verbs/settle.ts';
import { type ContractTests, OTHER_INSTANCE, only } from './subject.ts';

const RESENT = [
  'complete',
  'retry',
  'fail',
  'release',
  'snooze',
  'discard',
  'cancelByHandler',
] as const;

export const settleTests: ContractTests = {
  "a dead instance's claim cannot complete a rescued job": async (subject) => {
    const late = await subject.putClaimed();
    await subject.rescue();
    assert.equal(await subject.settle('complete', late), 'lost');
    assert.equal(await subject.statusOf(late), 'pending');
  },

  'a late holder learns that it lost while the next one works on the job': async (subject) => {
    const late = await subject.putClaimed();
    await subject.rescue();
    const next = await subject.claimOnly({ instanceId: OTHER_INSTANCE });
    assert.equal(await subject.settle('retry', late), 'lost');
    assert.equal((await subject.read(late)).claimToken, next.claimToken);
    assert.equal(await subject.settle('complete', next), 'settled');
  },

  'a late holder is answered nothing certain once the next one has ended its claim': async (
    subject,
  ) => {
    const late = await subject.putClaimed();
    await subject.rescue();
    await subject.settle('complete', await subject.claimOnly({ instanceId: OTHER_INSTANCE }));
    assert.equal(await subject.settle('complete', late), 'unknown');
  },

  'a settlement of a job that is gone has an unknown outcome': async (subject) => {
    const job = await subject.putClaimed();
    await subject.settle('complete', job);
    await subject.ledger.remove({ jobId: job._id });
    assert.equal(await subject.settle('complete', job), 'unknown');
  },

  'a settlement sent twice is answered alike': async (subject) => {
    for (const verb of RESENT) {
      const job = await subject.putClaimed({ name: verb }, { name: verb });
      assert.equal(await subject.settle(verb, job), 'settled');
      const stored = await subject.read(job);
      assert.equal(await subject.settle(verb, job), 'settled');
      assert.deepEqual(await subject.read(job), stored);
    }
  },

  'an earlier try that landed is recognised even after the next claim': async (subject) => {
    const job = await subject.putClaimed();
    await subject.settle('release', job);
    const next = await subject.claimOnly({ instanceId: OTHER_INSTANCE });
    assert.equal(next.lastToken, job.claimToken);
    assert.equal(await subject.settle('release', job), 'settled');
    assert.equal((await subject.read(job)).claimToken, next.claimToken);
  },

  'a batch gets one answer a settlement, in order': async (subject) => {
    await subject.put({ name: 'a' }, { name: 'b' }, { name: 'c' }, { name: 'd' });
    const [a, b, c, d] = await Promise.all(
      ['a', 'b', 'c', 'd'].map((name) => subject.claimOnly({ name })),
    );
    assert.ok(a && b && c && d);
    await subject.cancel(c);
    const settlements = [
      subject.settlement('retry', c),
      subject.settlement('complete', a),
      subject.settlement('complete', b, { claimToken: 'wrong' }),
      subject.settlement('fail', d),
    ];
    const { answers } = await subject.ledger.settle({ settlements, now: subject.at(1000) });
    assert.deepEqual(answers, ['cancelRequested', 'settled', 'lost', 'settled']);
    const states = await Promise.all([a, b, c, d].map((job) => subject.statusOf(job)));
    assert.deepEqual(states, ['completed', 'processing', 'processing', 'failed']);
  },

  'a large batch under one claim is settled as a whole': async (subject) => {
    await subject.put(...Array.from({ length: 150 }, () => ({})));
    const { jobs } = await subject.claim({ limit: 150 });
    const settlements = jobs.map((job) => subject.settlement('complete', job));
    const { answers } = await subject.ledger.settle({ settlements, now: subject.at(1) });
    assert.deepEqual(
      answers,
      jobs.map(() => 'settled'),
    );
  },

  'a batch of many verbs under one claim settles each job by its own': async (subject) => {
    const verbs = [...RESENT, 'repeat', 'repeatAfterFailure', 'complete'] as const;
    await subject.put(...verbs.map(() => ({})));
    const { jobs } = await subject.claim();
    const settlements = jobs.map((job, index) => {
      const verb = verbs[index] as SettleVerb;
      const next = { nextRunAt: subject.at(9000), scheduledFor: subject.at(9000) };
      const isRepeat = verb === 'repeat' || verb === 'repeatAfterFailure';
      return subject.settlement(verb, job, isRepeat ? next : {});
    });
    const { answers } = await subject.ledger.settle({ settlements, now: subject.at(1) });
    assert.deepEqual(
      answers,
      verbs.map(() => 'settled'),
    );
    const states = await Promise.all(jobs.map((job) => subject.statusOf(job)));
    assert.deepEqual(states, verbs.map(endOf));
  },

  'a snoozed job waits for its time, and counts no failure': async (subject) => {
    const job = await subject.putClaimed();
    await subject.settle('snooze', job, { nextRunAt: subject.at(5000) });
    assert.deepEqual((await subject.claim({ now: subject.at(4999) })).jobs, []);
    const again = await subject.claimOnly({ now: subject.at(5000) });
    assert.deepEqual([again.failCount, again.failReason], [0, undefined]);
  },

  'a discarded job has failed for good, whatever retries it had left': async (subject) => {
    const job = await subject.putClaimed({ maxRetries: 10 });
    await subject.settle('discard', job, { failReason: 'No such user' });
    const { status, failCount, failReason } = await subject.read(job);
    assert.deepEqual([status, failCount, failReason], ['failed', 1, 'No such user']);
  },

  'a handler may cancel its own job, with its reason in the history': async (subject) => {
    const job = await subject.putClaimed();
    const record = { reason: 'Not needed' };
    assert.equal(await subject.settle('cancelled', job, { record }), 'refused');
    assert.equal(await subject.settle('cancelByHandler', job, { record }), 'settled');
    const { status, history } = await subject.read(job);
    assert.equal(status, 'cancelled');
    assert.deepEqual(history, [{ verb: 'cancelByHandler', at: subject.at(1000), ...record }]);
  },

  'a history keeps the newest entries': async (subject) => {
    await subject.put({});
    for (let run = 1; run <= MOST_HISTORY + 2; run += 1) {
      const job = await subject.claimOnly({ now: subject.at(run) });
      const changes = { nextRunAt: subject.at(0), lastFailCount: 99, record: { duration: run } };
      assert.equal(await subject.settle('retry', job, changes), 'settled');
    }
    const { history = [] } = await subject.claimOnly();
    const durations = Array.from({ length: MOST_HISTORY }, (_, index) => index + 3);
    assert.deepEqual(
      history.map(({ duration }) => duration),
      durations,
    );
  },

  'a settle of nothing is answered with nothing': async (subject) => {
    const { answers } = await subject.ledger.settle({ settlements: [], now: subject.at(0) });
    assert.deepEqual(answers, []);
  },

  'a retry past a request to cancel is answered with the request': async (subject) => {
    const job = await subject.putClaimed();
    await subject.cancel(job);
    assert.equal(await subject.settle('retry', job), 'cancelRequested');
    assert.equal(await subject.settle('release', job), 'cancelRequested');
    assert.equal(await subject.settle('cancelled', job), 'settled');
    assert.equal(await subject.statusOf(job), 'cancelled');
  },

  'a run that succeeds despite a request to cancel is completed': async (subject) => {
    const job = await subject.putClaimed();
    await subject.cancel(job);
    assert.equal(await subject.settle('complete', job), 'settled');
    assert.equal(await subject.statusOf(job), 'completed');
  },

  'a retry keeps the reason and waits for its time': async (subject) => {
    const job = await subject.putClaimed();
    await subject.settle('retry', job, { failReason: 'No route', nextRunAt: subject.at(5000) });
    const stored = await subject.read(job);
    assert.equal(stored.failReason, 'No route');
    assert.equal(stored.failCount, 1);
    assert.deepEqual((await subject.claim({ now: subject.at(4999) })).jobs, []);
    assert.equal(only((await subject.claim({ now: subject.at(5000) })).jobs).fence, 2);
  },

  'a failure without a reason keeps the last one': async (subject) => {
    const job = await subject.putClaimed();
    await subject.settle('retry', job, { failReason: 'No route' });
    const again = await subject.claimOnly({ now: subject.at(2000) });
    const { failReason: _, ...settlement } = subject.settlement('fail', again);
    const params = { settlements: [settlement], now: subject.at(3000) };
    assert.deepEqual((await subject.ledger.settle(params)).answers, ['settled']);
    assert.equal((await subject.read(job)).failReason, 'No route');
  },

  'a job is retried up to its last failure and then fails': async (subject) => {
    await subject.put({});
    const answers: string[] = [];
    for (let run = 0; run < 3; run += 1) {
      const job = await subject.claimOnly({ now: subject.at(10_000) });
      answers.push(await subject.settle('retry', job, { lastFailCount: 2 }));
      if (run === 2) answers.push(await subject.settle('fail', job, { lastFailCount: 2 }));
    }
    assert.deepEqual(answers, ['settled', 'settled', 'refused', 'settled']);
  },

  'of many concurrent settlements of one claim with different verbs one lands': async (subject) => {
    const job = await subject.putClaimed();
    await Promise.all(
      (['complete', 'fail', 'retry'] as const).map((verb) => subject.settle(verb, job)),
    );
    const stored = await subject.read(job);
    assert.equal(stored.lastToken, job.claimToken);
    const failCounts: Partial<Record<JobStatus, number>> = { completed: 0, failed: 1, pending: 1 };
    assert.equal(stored.failCount, failCounts[stored.status]);
  },
};

/** The states that the verbs lead to, written down apart from the lifecycle table. */
function endOf(verb: SettleVerb): JobStatus {
  if (verb === 'complete') return 'completed';
  if (verb === 'fail' || verb === 'discard') return 'failed';
  return verb === 'cancelByHandler' ? 'cancelled' : 'pending';
}
