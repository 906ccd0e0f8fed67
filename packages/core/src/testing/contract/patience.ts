/**
 * Patience: jobs that have been due for long go before more urgent ones, in a part of a claim.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { orderFields } from '../../job/lanes.ts';
import type { ClaimResult } from '../../ledger/ledger-repository.ts';
import { type ContractTests, idsOf, JOB_NAME, type Subject } from './subject.ts';

/** A time by which the jobs of these tests are overdue. */
const BEFORE_MS = -100;

export const patienceTests: ContractTests = {
  'the overdue jobs that were due first go before more urgent ones, as many as are asked for':
    async (subject) => {
      const [, , , first, second] = await subject.put(
        ...[{ priority: -9 }, { priority: -8 }, { priority: -7 }],
        { priority: 9, nextRunAt: subject.at(-300) },
        { priority: -1, nextRunAt: subject.at(-200) },
        { priority: 5, nextRunAt: subject.at(-150) },
      );
      const { jobs, saturated } = await claimImpatiently(subject, 4, 2);
      assert.deepEqual(
        jobs.map(({ priority }) => priority),
        [-9, -8, -1, 9],
      );
      assert.deepEqual(idsOf(jobs.slice(2)), idsOf([second, first]));
      assert.deepEqual(saturated, [JOB_NAME]);
    },

  'of overdue jobs of one due time the one with the lowest id goes first': async (subject) => {
    const old = { priority: 3, nextRunAt: subject.at(-200) };
    const jobs = await subject.put(old, old, { ...old, priority: 2 }, {});
    const [lowest] = idsOf(jobs.slice(0, 3)).toSorted();
    const claimed = await claimImpatiently(subject, 1, 1);
    assert.deepEqual(idsOf(claimed.jobs), [lowest]);
  },

  'a job that was due at the very time is overdue, one that was due later is not': async (
    subject,
  ) => {
    await subject.put(
      { priority: 3, nextRunAt: subject.at(BEFORE_MS) },
      { priority: 2, nextRunAt: subject.at(BEFORE_MS + 1) },
      { priority: 1 },
    );
    const { jobs } = await claimImpatiently(subject, 2, 2);
    assert.deepEqual(
      jobs.map(({ priority }) => priority),
      [1, 3],
    );
  },

  'what no overdue job takes goes to the others': async (subject) => {
    await subject.put({ priority: 1, nextRunAt: subject.at(-200) }, {}, {}, {});
    const { jobs, saturated, drained } = await claimImpatiently(subject, 4, 3);
    assert.equal(jobs.length, 4);
    assert.deepEqual({ saturated, drained }, { saturated: [JOB_NAME], drained: [] });
  },

  'a job that is overdue and urgent is counted once': async (subject) => {
    const old = { nextRunAt: subject.at(-200) };
    const jobs = await subject.put(old, old, old);
    const { attempted, saturated, drained, ...claimed } = await claimImpatiently(subject, 4, 2);
    assert.deepEqual(idsOf(claimed.jobs).toSorted(), idsOf(jobs).toSorted());
    assert.equal(attempted, 3);
    assert.deepEqual({ saturated, drained }, { saturated: [], drained: [JOB_NAME] });
  },

  'a name without overdue jobs is claimed as ever, also beside one that has some': async (
    subject,
  ) => {
    const old = { nextRunAt: subject.at(-200), priority: 9 };
    await subject.put(
      { priority: 1 },
      { ...old, name: 'other' },
      { name: 'other' },
      { name: 'plain' },
    );
    await subject.put({ ...old, name: 'plain' });
    const overdue = { before: subject.at(BEFORE_MS), limit: 1 };
    const names = [JOB_NAME, 'other'].map((name) => ({ name, limit: 1, overdue }));
    const { jobs } = await subject.claimOf([...names, { name: 'plain', limit: 1 }]);
    assert.deepEqual(
      jobs.map(({ name, priority }) => [name, priority]),
      [
        ['plain', 0],
        [JOB_NAME, 1],
        ['other', 9],
      ],
    );
  },

  'suspects and jobs that stand in lanes do not become overdue': async (subject) => {
    const old = { nextRunAt: subject.at(-200), priority: 9 };
    const [plain] = await subject.put({}, { ...old, rescueCount: 2 });
    await subject.put({ ...orderFields('a'), nextRunAt: subject.at(-200) });
    const { jobs } = await claimImpatiently(subject, 1, 1);
    assert.deepEqual(idsOf(jobs), idsOf([plain]));
  },

  'a wider search for overdue jobs takes no more than was demanded': async (subject) => {
    const old = { nextRunAt: subject.at(-200) };
    await subject.put(...Array.from({ length: 20 }, (_, priority) => ({ ...old, priority })));
    const { jobs } = await claimImpatiently(subject, 3, 2, 4);
    assert.equal(jobs.length, 3);
  },
};

function claimImpatiently(
  subject: Subject,
  limit: number,
  most: number,
  widening = 1,
): Promise<ClaimResult> {
  const overdue = { before: subject.at(BEFORE_MS), limit: most };
  return subject.claimOf([{ name: JOB_NAME, limit, overdue }], { widening });
}
