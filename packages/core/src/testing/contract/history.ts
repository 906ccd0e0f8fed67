/**
 * History: what happened to a job, and who did manually what bears a name.
 *
 * @module
 */
import assert from 'node:assert/strict';
import type { TransitionEntry } from '../../ledger/ledger-repository.ts';
import type { ContractTests, Subject } from './subject.ts';

const BY = 'operator';

export const historyTests: ContractTests = {
  'without a log of all transitions the history is that of the job, the newest entries last':
    async (subject) => {
      const job = await subject.putClaimed();
      await subject.settle('retry', job, { record: { reason: 'Boom', duration: 3 } });
      await subject.cancel(job);
      await subject.ledger.redrive({
        jobId: job._id,
        now: subject.at(600),
        nextRunAt: subject.at(0),
      });
      const { history } = await subject.read(job);
      assert.deepEqual(await read(subject, job, 10), history);
      assert.deepEqual(
        (await read(subject, job, 2)).map(({ verb }) => verb),
        ['cancel', 'redrive'],
      );
    },

  'a job that nothing happened to, and one that is not known, have no history': async (subject) => {
    const job = await subject.putOne();
    assert.deepEqual(await read(subject, job, 10), []);
    assert.deepEqual(await read(subject, subject.newJob(), 10), []);
  },

  'the history of an archived job can still be read': async (subject) => {
    const job = await subject.putOne();
    await subject.cancel(job);
    assert.equal((await subject.prune({ archive: true })).pruned, 1);
    assert.deepEqual(
      (await read(subject, job, 10)).map(({ verb }) => verb),
      ['cancel'],
    );
  },

  'who does something manually stands in the history, with the reason': async (subject) => {
    const { ledger } = subject;
    const job = await subject.putOne();
    const { _id: jobId } = job;
    const hand = { jobId, by: BY, now: subject.at(500) };
    await ledger.amend({ ...hand, changes: { nextRunAt: subject.at(0) }, reason: 'too late' });
    await ledger.cancel({ ...hand, reason: 'not wanted' });
    await ledger.redrive({ ...hand, nextRunAt: subject.at(0), reason: 'wanted' });
    await subject.claimOnly();
    await ledger.cancel({ ...hand, reason: 'not wanted' });
    const entries = await read(subject, job, 10);
    const reason = 'not wanted';
    assert.deepEqual(
      entries.map(({ at: _, ...entry }) => entry),
      [
        { verb: 'amend', by: BY, reason: 'too late' },
        { verb: 'cancel', by: BY, reason },
        { verb: 'redrive', by: BY, reason: 'wanted' },
        { verb: 'requestCancel', by: BY, reason },
      ],
    );
  },

  'who changes and ends a series stands in the history': async (subject) => {
    const { ledger } = subject;
    const series = { repeatInterval: '0 0 * * *', seriesVersion: 1, scheduledFor: subject.at(0) };
    const job = await subject.putOne({ ...series, uniqueLock: 'series:key' });
    const hand = { jobId: job._id, by: BY, now: subject.at(500) };
    await ledger.cancel(hand);
    await ledger.replan({ ...hand, seriesVersion: 1, series: { repeatInterval: '1 0 * * *' } });
    await ledger.endSeries({ ...hand, seriesVersion: 2, reason: 'over' });
    assert.deepEqual(
      (await read(subject, job, 10)).map(({ verb, by, reason }) => [verb, by, reason]),
      [
        ['skipRun', BY, undefined],
        ['replan', BY, undefined],
        ['endSeries', BY, 'over'],
      ],
    );
  },
};

function read(
  { ledger }: Subject,
  { _id: jobId }: Parameters<Subject['read']>[0],
  limit: number,
): Promise<readonly TransitionEntry[]> {
  return ledger.readHistory({ jobId, limit });
}
