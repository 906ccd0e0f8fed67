/**
 * Series: how the job of one goes from run to run, and what a change of the plan does to it.
 *
 * @module
 */
import assert from 'node:assert/strict';
import type { Job } from '../../job/job.ts';
import { seriesLock } from '../../job/unique-locks.ts';
import type { ReplanParams, SeriesResult } from '../../ledger/ledger-repository.ts';
import { rescueFailReason } from '../../ledger/settle-answers.ts';
import {
  DAILY,
  midnight,
  nextRunFields,
  putClaimedSeries,
  putSeries,
  SERIES_KEY,
  seriesFields,
} from './series-jobs.ts';
import { assertSameJob, type ContractTests, idsOf, present, type Subject } from './subject.ts';

const NOTHING = { pending: 0, failed: 0, cancelled: 0, more: false, refused: false } as const;

const runs: ContractTests = {
  'a run that went well is followed by the next one of the same job': async (subject) => {
    const job = await putClaimedSeries(subject, { progress: 1, logs: ['a'] });
    const next = { ...nextRunFields(subject), result: 'done' };
    assert.equal(await subject.settle('repeat', job, next), 'settled');
    const stored = await subject.read(job);
    assert.deepEqual([stored.status, stored.result], ['pending', 'done']);
    assert.deepEqual(
      [stored.nextRunAt, stored.scheduledFor],
      [midnight(subject, 1), midnight(subject, 1)],
    );
    assert.deepEqual(
      [stored.progress, stored.logs, stored.claimToken],
      [undefined, undefined, undefined],
    );
    assert.equal(stored.uniqueLock, seriesLock(SERIES_KEY));
    assert.equal((await subject.claimOnly({ now: midnight(subject, 1) })).fence, 2);
  },

  'a run without a result leaves none of the run before, but a failed run does': async (
    subject,
  ) => {
    const first = await putClaimedSeries(subject, { result: 'earlier' });
    await subject.settle('repeatAfterFailure', first, nextRunFields(subject));
    assert.equal((await subject.read(first)).result, 'earlier');
    const second = await subject.claimOnly({ now: midnight(subject, 1) });
    await subject.settle('repeat', second, nextRunFields(subject, 2));
    assert.equal((await subject.read(first)).result, undefined);
  },

  'the next run starts with no failures': async (subject) => {
    const first = await putClaimedSeries(subject);
    await subject.settle('retry', first, { nextRunAt: subject.at(0) });
    const retried = await subject.claimOnly();
    assert.deepEqual(retried.scheduledFor, midnight(subject));
    assert.equal(retried.failCount, 1);
    await subject.settle('repeatAfterFailure', retried, nextRunFields(subject));
    const { failCount, failReason } = await subject.read(first);
    assert.deepEqual([failCount, failReason], [0, undefined]);
  },

  'the end of a run that is sent twice moves the series once': async (subject) => {
    const job = await putClaimedSeries(subject);
    const changes = { ...nextRunFields(subject), record: { duration: 3, skipped: 2 } };
    for (const send of ['first', 'again']) {
      assert.equal(await subject.settle('repeat', job, changes), 'settled', send);
    }
    const entry = { verb: 'repeat', at: subject.at(1000), duration: 3, skipped: 2 };
    assert.deepEqual((await subject.read(job)).history, [entry]);
  },

  'a request to cancel concerns one run: the next one knows nothing of it': async (subject) => {
    const job = await putClaimedSeries(subject);
    assert.equal((await subject.cancel(job)).outcome, 'requested');
    assert.equal(await subject.settle('retry', job), 'cancelRequested');
    const settled = await subject.settle('repeatAfterFailure', job, nextRunFields(subject));
    assert.equal(settled, 'settled');
    assert.equal((await subject.read(job)).cancelRequestedAt, undefined);
  },
};

const cancels: ContractTests = {
  'the pending run of a series is skipped when it is cancelled, and the series goes on': async (
    subject,
  ) => {
    const job = await putSeries(subject);
    const params = { jobId: job._id, now: subject.at(500), reason: 'Holiday' };
    const { outcome, job: shown } = await subject.ledger.cancel(params);
    assert.equal(outcome, 'skipped');
    const stored = await subject.read(job);
    assertSameJob(present(shown), stored);
    assert.deepEqual([stored.status, stored.uniqueLock], ['pending', seriesLock(SERIES_KEY)]);
    assert.deepEqual(
      [stored.nextRunAt, stored.scheduledFor],
      [midnight(subject, 1), midnight(subject, 1)],
    );
    const { verb, reason, scheduledFor } = present(stored.history?.at(-1));
    assert.deepEqual([verb, reason, scheduledFor], ['skipRun', 'Holiday', midnight(subject)]);
    assert.deepEqual((await subject.claim()).jobs, []);
  },

  'each cancellation skips one run more': async (subject) => {
    const job = await putSeries(subject);
    for (const days of [1, 2, 3]) {
      assert.equal((await subject.cancel(job)).outcome, 'skipped');
      assert.deepEqual((await subject.read(job)).nextRunAt, midnight(subject, days));
    }
  },

  'the times of an interval are counted from its anchor, whatever is cancelled and when': async (
    subject,
  ) => {
    const times = [1, 2, 3].map((count) => new Date(midnight(subject).getTime() + count * 420_000));
    const repeatInterval = `every 7 minutes from ${midnight(subject).toISOString()}`;
    const job = await putSeries(subject, { repeatInterval });
    for (const time of times) {
      assert.equal((await subject.cancel(job)).outcome, 'skipped');
      const { nextRunAt, scheduledFor } = await subject.read(job);
      assert.deepEqual([nextRunAt, scheduledFor], [time, time]);
    }
  },

  'the skipped run takes its failures along': async (subject) => {
    const claimed = await putClaimedSeries(subject);
    await subject.settle('retry', claimed, { nextRunAt: subject.at(2000) });
    assert.equal((await subject.cancel(claimed)).outcome, 'skipped');
    const { failCount, failReason, scheduledFor } = await subject.read(claimed);
    assert.deepEqual([failCount, failReason, scheduledFor], [0, undefined, midnight(subject, 1)]);
  },

  'a series whose last run is cancelled is over, and its key is free': async (subject) => {
    const job = await putSeries(subject, { endAt: midnight(subject) });
    const { outcome, job: shown } = await subject.cancel(job);
    assert.equal(outcome, 'cancelled');
    assert.equal(present(shown).status, 'cancelled');
    assertSameJob(present(shown), await subject.read(job));
    assert.equal(present(shown).history?.at(-1)?.verb, 'endSeries');
    await putSeries(subject);
  },
};

const rescues: ContractTests = {
  'a run that is rescued below the limit is the same run': async (subject) => {
    const job = await putClaimedSeries(subject);
    assert.deepEqual(await subject.rescue(), { ...NOTHING, pending: 1 });
    const { nextRunAt, scheduledFor, rescueCount } = await subject.read(job);
    assert.deepEqual([nextRunAt, scheduledFor, rescueCount], [subject.at(0), midnight(subject), 1]);
  },

  'a run that is rescued too often gives way to the next one': async (subject) => {
    const job = await putClaimedSeries(subject, { rescueCount: 1, progress: 1 });
    assert.deepEqual(await subject.rescue({ rescueLimit: 2 }), { ...NOTHING, pending: 1 });
    const stored = await subject.read(job);
    assert.deepEqual(
      [stored.nextRunAt, stored.scheduledFor],
      [midnight(subject, 1), midnight(subject, 1)],
    );
    assert.deepEqual(
      [stored.rescueCount, stored.progress, stored.claimedBy],
      [undefined, undefined, undefined],
    );
    const { verb, by, reason } = present(stored.history?.at(-1));
    assert.deepEqual([verb, by, reason], ['rescueToNextRun', job.claimedBy, rescueFailReason(2)]);
    assert.equal((await subject.claimOnly({ now: midnight(subject, 1) })).fence, 2);
  },

  'a run that was to be cancelled gives way to the next one when its instance dies': async (
    subject,
  ) => {
    const job = await putClaimedSeries(subject);
    await subject.cancel(job);
    assert.deepEqual(await subject.rescue(), { ...NOTHING, pending: 1 });
    const { scheduledFor, cancelRequestedAt } = await subject.read(job);
    assert.deepEqual([scheduledFor, cancelRequestedAt], [midnight(subject, 1), undefined]);
  },

  'the last run of a series ends like any other job when its instance dies': async (subject) => {
    const endAt = midnight(subject);
    const worn = await putClaimedSeries(subject, { endAt, rescueCount: 1 });
    const asked = await putClaimedSeries(subject, { endAt, uniqueLock: seriesLock('other') });
    await subject.cancel(asked);
    const result = await subject.rescue({ rescueLimit: 2 });
    assert.deepEqual(result, { ...NOTHING, failed: 1, cancelled: 1 });
    assert.equal(await subject.statusOf(worn), 'failed');
    assert.equal(await subject.statusOf(asked), 'cancelled');
  },
};

const plans: ContractTests = {
  'a waiting series takes its new plan at once, all of it': async (subject) => {
    const job = await putSeries(subject, { timezone: 'Europe/Berlin', missed: 'all' });
    const series = { repeatInterval: '30 4 * * *', startAt: subject.at(5), data: 'new' };
    const nextRun = nextRunFields(subject, 3);
    const { outcome, job: shown } = await replan(subject, job, { series, nextRun });
    assert.equal(outcome, 'written');
    const stored = await subject.read(job);
    assertSameJob(present(shown), stored);
    const { timezone: _, missed: __, history: ___, ...rest } = job;
    const { history: ____, ...actual } = stored;
    assertSameJob(actual, {
      ...rest,
      ...series,
      ...nextRun,
      seriesVersion: 2,
      updatedAt: subject.at(900),
    });
  },

  'data that the new plan leaves out is removed': async (subject) => {
    const job = await putSeries(subject);
    await replan(subject, job, { series: { repeatInterval: DAILY } });
    const { data, nextRunAt, scheduledFor } = await subject.read(job);
    assert.deepEqual(
      [data, nextRunAt, scheduledFor],
      [undefined, subject.at(0), midnight(subject)],
    );
  },

  'a running series keeps its run, and the end of that run is computed again': async (subject) => {
    const job = await putClaimedSeries(subject);
    const nextRun = nextRunFields(subject, 3);
    const series = { repeatInterval: '30 4 * * *' };
    assert.equal((await replan(subject, job, { series, nextRun })).outcome, 'written');
    const stored = await subject.read(job);
    assert.deepEqual([stored.status, stored.claimToken], ['processing', job.claimToken]);
    assert.deepEqual([stored.nextRunAt, stored.scheduledFor], [job.nextRunAt, job.scheduledFor]);
    assert.deepEqual([stored.repeatInterval, stored.seriesVersion], ['30 4 * * *', 2]);
    for (const verb of ['repeat', 'repeatAfterFailure', 'complete', 'retry', 'snooze'] as const) {
      assert.equal(await subject.settle(verb, job, nextRunFields(subject)), 'replanned', verb);
    }
    assertSameJob(await subject.read(job), stored);
    const again = { ...nextRunFields(subject, 3), seriesVersion: 2 };
    assert.equal(await subject.settle('repeat', job, again), 'settled');
  },

  'a run of a series that was replanned can still be released': async (subject) => {
    const job = await putClaimedSeries(subject);
    await replan(subject, job);
    assert.equal(await subject.settle('release', job), 'settled');
    assert.equal((await subject.read(job)).seriesVersion, 2);
  },

  'a change that was computed with an older plan is stale': async (subject) => {
    const job = await putSeries(subject);
    await replan(subject, job);
    const before = await subject.read(job);
    const { outcome, job: shown } = await replan(subject, job);
    assert.equal(outcome, 'stale');
    assertSameJob(present(shown), before);
    assert.equal((await endSeries(subject, job)).outcome, 'stale');
    assertSameJob(await subject.read(job), before);
  },

  'of many concurrent changes of one plan one is written': async (subject) => {
    const job = await putSeries(subject);
    const changes = Array.from({ length: 10 }, () => replan(subject, job));
    const outcomes = (await Promise.all(changes)).map(({ outcome }) => outcome);
    assert.equal(outcomes.filter((outcome) => outcome === 'written').length, 1);
    assert.equal((await subject.read(job)).seriesVersion, 2);
  },

  'a change that comes late gives no plan to what is left of an ended series': async (subject) => {
    const job = await putClaimedSeries(subject);
    await endSeries(subject, job);
    await subject.settle('fail', job, { seriesVersion: 2 });
    const [now, nextRunAt] = [subject.at(1000), subject.at(0)];
    await subject.ledger.redrive({ jobId: job._id, now, nextRunAt });
    for (const status of ['pending', 'processing']) {
      const { outcome, job: shown } = await replan(subject, job, { seriesVersion: 2 });
      assert.deepEqual([outcome, shown?.status], ['stale', status]);
      if (status === 'pending') await subject.claimOnly();
    }
  },

  'a finished job and one that is not there have no plan to change': async (subject) => {
    const job = await putClaimedSeries(subject);
    await subject.settle('complete', job);
    for (const change of [replan, endSeries]) {
      assert.equal((await change(subject, job)).outcome, 'stale');
      const missing = await change(subject, subject.newJob());
      assert.deepEqual(missing, { outcome: 'missing', job: null });
    }
  },
};

const ends: ContractTests = {
  'a waiting series that is ended is cancelled, and its key is free': async (subject) => {
    const job = await putSeries(subject);
    const { outcome, job: shown } = await endSeries(subject, job);
    assert.equal(outcome, 'written');
    const stored = await subject.read(job);
    assertSameJob(present(shown), stored);
    assert.deepEqual([stored.status, stored.repeatInterval], ['cancelled', undefined]);
    assert.deepEqual(stored.finishedAt, subject.at(900));
    await putSeries(subject);
  },

  'a running series that is ended finishes its last run and holds its key until then': async (
    subject,
  ) => {
    const job = await putClaimedSeries(subject);
    assert.equal((await endSeries(subject, job)).outcome, 'written');
    assert.equal(await subject.settle('repeat', job, nextRunFields(subject)), 'replanned');
    const rival = subject.newJob(seriesFields(subject));
    assert.equal((await subject.enqueue(rival))[0]?.outcome, 'existing');
    assert.equal(await subject.settle('complete', job, { seriesVersion: 2 }), 'settled');
    await putSeries(subject);
  },
};

const finds: ContractTests = {
  'series are found by name, and those of one name by their keys': async (subject) => {
    const named = (name: string, key: string): Partial<Job> =>
      seriesFields(subject, { name, uniqueKey: key, uniqueLock: seriesLock(key) });
    const [b2, a9, b1] = await subject.put(named('b', '2'), named('a', '9'), named('b', '1'));
    const find = async (choice: {
      name?: string;
      key?: string;
      limit?: number;
    }): Promise<unknown> => idsOf(await subject.ledger.findSeries({ limit: 10, ...choice }));
    assert.deepEqual(await find({}), idsOf([a9, b1, b2]));
    assert.deepEqual(await find({ name: 'b' }), idsOf([b1, b2]));
    assert.deepEqual(await find({ key: '9' }), idsOf([a9]));
    assert.deepEqual(await find({ name: 'b', key: '2' }), idsOf([b2]));
    assert.deepEqual(await find({ name: 'b', key: '9' }), []);
    assert.deepEqual(await find({ limit: 2 }), idsOf([a9, b1]));
  },

  'a series is found while it runs, also for the last time, and not once it is over': async (
    subject,
  ) => {
    const job = await putClaimedSeries(subject);
    await endSeries(subject, job);
    assert.deepEqual(idsOf(await subject.ledger.findSeries({ limit: 10 })), idsOf([job]));
    await subject.settle('complete', job, { seriesVersion: 2 });
    assert.deepEqual(await subject.ledger.findSeries({ limit: 10 }), []);
  },

  'a plain job with a key is no series, and a key serves a job and a series side by side': async (
    subject,
  ) => {
    await subject.put({ uniqueKey: SERIES_KEY, uniqueLock: `key:${SERIES_KEY}` }, {});
    const job = await putSeries(subject);
    const found = await subject.ledger.findSeries({ limit: 10 });
    assert.deepEqual(idsOf(found), idsOf([job]));
    for (const series of found) assertSameJob(series, job);
  },

  'a key with signs of its own is found word for word': async (subject) => {
    const keys = ['.*', '$gt', 'series:x', ''];
    await subject.put(
      ...keys.map((key) => seriesFields(subject, { uniqueKey: key, uniqueLock: seriesLock(key) })),
    );
    for (const key of keys) {
      const found = await subject.ledger.findSeries({ key, limit: 10 });
      assert.deepEqual(
        found.map(({ uniqueKey }) => uniqueKey),
        [key],
      );
    }
    assert.equal((await subject.ledger.findSeries({ limit: 10 })).length, keys.length);
  },
};

export const seriesTests: ContractTests = {
  ...runs,
  ...cancels,
  ...rescues,
  ...plans,
  ...ends,
  ...finds,
};

/** Gives the series another plan at time 900, computed with its first version. */
function replan(
  subject: Subject,
  { _id }: Job,
  changes: Partial<ReplanParams> = {},
): Promise<SeriesResult> {
  const series = { repeatInterval: '15 * * * *' };
  return subject.ledger.replan({
    jobId: _id,
    seriesVersion: 1,
    series,
    now: subject.at(900),
    ...changes,
  });
}

/** Ends the series at time 900, computed with its first version. */
function endSeries(subject: Subject, { _id }: Job): Promise<SeriesResult> {
  return subject.ledger.endSeries({ jobId: _id, seriesVersion: 1, now: subject.at(900) });
}
