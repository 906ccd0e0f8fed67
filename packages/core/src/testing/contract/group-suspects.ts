/**
 * Groups in which jobs were recovered from dead instances again and again: those are claimed alone.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { systemRandom } from '../../foundation/random.ts';
import type { Job } from '../../job/job.ts';
import { groupFields } from '../../job/lanes.ts';
import { type SetGroupParams, SUSPECT_RESCUE_COUNT } from '../../ledger/ledger-repository.ts';
import { type ContractTests, INSTANCE, idsOf, JOB_NAME, type Subject } from './subject.ts';

const MANY = 30;

export const groupSuspectTests: ContractTests = {
  'a suspect of a group with room is found behind any number of those that have none': async (
    subject,
  ) => {
    await set(subject, { group: 'paused', paused: true });
    await set(subject, { group: 'full', concurrency: 0 });
    for (const group of ['paused', 'full']) {
      const early = { ...suspect(group), nextRunAt: subject.at(-1_000) };
      await subject.put(...Array.from({ length: MANY }, () => early));
    }
    const open = await subject.putOne(suspect('open'));
    assert.deepEqual(idsOf(await claim(subject)), idsOf([open]));
    assert.deepEqual(await claim(subject), []);
    await set(subject, { group: 'paused', paused: false });
    assert.equal((await claim(subject)).length, 1);
  },

  'of the suspects of a group the one with the lowest number of priority goes first': async (
    subject,
  ) => {
    const early = { ...suspect('a', 5), nextRunAt: subject.at(-1_000) };
    const [soon, urgent] = await subject.put(early, suspect('a', -5));
    assert.deepEqual(idsOf(await claim(subject)), idsOf([urgent]));
    assert.deepEqual(idsOf(await claim(subject)), idsOf([soon]));
  },
};

function suspect(group: string, priority = 0): Partial<Job> {
  return { ...groupFields(group, priority), rescueCount: SUSPECT_RESCUE_COUNT };
}

function set(subject: Subject, settings: Partial<SetGroupParams>): Promise<void> {
  return subject.ledger.setGroup({ name: JOB_NAME, now: subject.at(0), ...settings });
}

async function claim(subject: Subject): Promise<readonly Job[]> {
  const { jobs } = await subject.ledger.claimGroups({
    demand: [{ name: JOB_NAME, limit: 10 }],
    ...{ instanceId: INSTANCE, claimToken: systemRandom.token() },
    ...{ now: subject.at(0), suspects: true },
  });
  return jobs;
}
