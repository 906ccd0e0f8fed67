/**
 * Groups whose jobs are run in batches: how many of each are claimed at a turn, and what fills batches that are begun.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { systemRandom } from '../../foundation/random.ts';
import { groupFields } from '../../job/lanes.ts';
import type { GroupDemand, SetGroupParams } from '../../ledger/ledger-repository.ts';
import { type ContractTests, INSTANCE, JOB_NAME, type Subject } from './subject.ts';

export const groupBatchTests: ContractTests = {
  'a turn of a group is a batch where its jobs are run in batches': async (subject) => {
    await putJobs(subject, { a: 5, b: 5, c: 2 });
    const { counts: two } = await claim(subject, { limit: 6, batchSize: 3 });
    assert.equal(Object.keys(two).length, 2);
    const { counts: third } = await claim(subject, { limit: 3, batchSize: 3 });
    assert.deepEqual({ ...two, ...third }, { a: 3, b: 3, c: 2 });
    const { counts: rest, drained } = await claim(subject, { limit: 9, batchSize: 3 });
    assert.deepEqual(rest, { a: 2, b: 2 });
    assert.deepEqual(drained, [JOB_NAME]);
  },

  'a batch of few jobs counts as a full one': async (subject) => {
    await putJobs(subject, { a: 1, b: 1, c: 1, d: 1, e: 1 });
    const { counts, saturated } = await claim(subject, { limit: 6, batchSize: 3 });
    assert.equal(Object.keys(counts).length, 2);
    assert.deepEqual(saturated, [JOB_NAME]);
  },

  'a group that weighs more gives more batches at a turn': async (subject) => {
    await set(subject, { group: 'b', weight: 2 });
    await putJobs(subject, { a: 9, b: 9 });
    const { counts } = await claim(subject, { limit: 9, batchSize: 3 });
    assert.deepEqual(counts, { a: 3, b: 6 });
  },

  'a batch that is begun gets what it lacks, of its group alone': async (subject) => {
    await putJobs(subject, { a: 5, b: 5, c: 5 });
    const ofA = { group: 'a', missing: 2 };
    const only = await claim(subject, { limit: 2, batchSize: 3, begun: [ofA] });
    assert.deepEqual(only.counts, { a: 2 });
    const begun = [ofA, { group: 'b', missing: 1 }];
    const { counts } = await claim(subject, { limit: 6, batchSize: 3, begun });
    assert.deepEqual(counts, { a: 2, b: 1, c: 3 });
  },

  'what a group does not have for its batch goes to no other': async (subject) => {
    await putJobs(subject, { a: 1, b: 5 });
    const begun = ['a', 'x'].map((group) => ({ group, missing: 3 }));
    const { counts, drained } = await claim(subject, { limit: 6, batchSize: 4, begun });
    assert.deepEqual(counts, { a: 1 });
    assert.deepEqual(drained, [JOB_NAME]);
  },

  'a claim that has no room for all that a batch lacks says that there is more': async (
    subject,
  ) => {
    await putJobs(subject, { a: 5 });
    const begun = [{ group: 'a', missing: 3 }];
    const { counts, saturated } = await claim(subject, { limit: 1, batchSize: 4, begun });
    assert.deepEqual(counts, { a: 1 });
    assert.deepEqual(saturated, [JOB_NAME]);
  },

  'a batch that is begun gets no more than its group may run, and none while it is paused': async (
    subject,
  ) => {
    await set(subject, { concurrency: 3 });
    await putJobs(subject, { a: 5, b: 5 });
    await set(subject, { group: 'b', paused: true });
    const first = await claim(subject, { limit: 2 });
    assert.deepEqual(first.counts, { a: 2 });
    const begun = ['a', 'b'].map((group) => ({ group, missing: 4 }));
    const second = await claim(subject, { limit: 8, batchSize: 6, begun });
    assert.deepEqual(second.counts, { a: 1 });
    const third = await claim(subject, { limit: 8, batchSize: 6, begun });
    assert.deepEqual([third.counts, third.drained], [{}, [JOB_NAME]]);
    for (const job of [...first.jobs, ...second.jobs]) await subject.settle('complete', job);
    const fourth = await claim(subject, { limit: 8, batchSize: 6, begun });
    assert.deepEqual(fourth.counts, { a: 2 });
  },
};

async function putJobs(subject: Subject, counts: Readonly<Record<string, number>>): Promise<void> {
  for (const [group, count] of Object.entries(counts)) {
    for (let index = 0; index < count; index += 1) await subject.putOne(groupFields(group, 0));
  }
}

/** With how many jobs were claimed of each group. */
async function claim(subject: Subject, wanted: Omit<GroupDemand, 'name'>) {
  const result = await subject.ledger.claimGroups({
    demand: [{ name: JOB_NAME, ...wanted }],
    instanceId: INSTANCE,
    claimToken: systemRandom.token(),
    now: subject.at(0),
    suspects: false,
  });
  const counts: Record<string, number> = {};
  for (const { group = '' } of result.jobs) counts[group] = (counts[group] ?? 0) + 1;
  return { ...result, counts };
}

function set(subject: Subject, settings: Partial<SetGroupParams>): Promise<void> {
  return subject.ledger.setGroup({ name: JOB_NAME, now: subject.at(0), ...settings });
}
