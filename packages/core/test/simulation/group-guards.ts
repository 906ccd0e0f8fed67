/** The guards of groups, each with the change that removes it. */
import type { Guard } from './guards.ts';
import type { Profile } from './profile.ts';

const MANY_GROUPED: Partial<Profile> = {
  ...{ groupedJobs: 120, ledger: 'stepped', jobs: 20, series: 0, stagedJobs: 0 },
  ...{ lateRate: 0.05, partRate: 0.02, pausedNames: 0, hasRetention: false, slowStepRate: 0.2 },
};

/** They are removed one at a time, as the others. */
export const GROUP_GUARDS: readonly Guard[] = [
  {
    name: 'fence of a claim in a lane',
    without: 'a claim takes a job that its lane names no more',
    alterations: [
      {
        file: 'job/job-lifecycle.ts',
        find: "        { field: 'fence', is: 'equal', to: 'fenceBefore' },\n",
        replace: '',
      },
    ],
    rules: ['a group runs too many'],
    profile: MANY_GROUPED,
    seed: 39,
  },
  {
    name: 'place of who is named and waits',
    without: 'a place is given away before the claim that it is for arrives',
    alterations: [
      {
        file: 'ledger/group-choice.ts',
        find: "return job?.status === 'pending' && job.fence === fence - 1;",
        replace: 'return false;',
      },
    ],
    rules: ['a group runs too many'],
    profile: MANY_GROUPED,
    seed: 15,
  },
  {
    name: 'who is named stays so while there is no limit',
    without: 'a limit that is set again does not count what was claimed under it before',
    alterations: [
      {
        file: 'ledger/memory/groups/groups.ts',
        find: '{ job, fence: fence + 1 }] : before.held;',
        replace: '{ job, fence: fence + 1 }] : [];',
      },
    ],
    rules: ['a group runs too many'],
    profile: { ...MANY_GROUPED, ledger: 'memory', hasFreeGroups: true },
    seed: 87,
  },
  {
    name: 'the pause of a group',
    without: 'a group that is paused has its turns on',
    alterations: [
      {
        file: 'ledger/memory/groups/groups.ts',
        find: 'if (due.length === 0 || lane.isPaused) return [];',
        replace: 'if (due.length === 0) return [];',
      },
    ],
    rules: ['a paused group is claimed'],
    profile: { ...MANY_GROUPED, ledger: 'memory' },
    seed: 1,
  },
  {
    name: 'a start of a group uses its rate up',
    without: 'a group with a rate starts as many as it likes',
    alterations: [
      {
        file: 'ledger/memory/groups/groups.ts',
        find: '? usedUpAfter(rate, usedUpUnder(rate, before.usedUpMs, nowMs), nowMs, 1)',
        replace: '? undefined',
      },
    ],
    rules: ['more of a group start than its rate allows'],
    profile: { ...MANY_GROUPED, ledger: 'memory', slowStepRate: 0 },
    seed: 1,
  },
  {
    name: 'a turn of a group ends',
    without: 'the first group that waits gets all that a claim asks for',
    alterations: [
      {
        file: 'ledger/group-choice.ts',
        find: 'const most = Math.min(turn, group.room - has);',
        replace: 'const most = group.room - has;',
      },
    ],
    rules: ['a group that waits is passed over'],
    profile: { ...MANY_GROUPED, hasFreeGroups: true },
    seed: 1,
  },
  {
    name: 'the next turn is that of another group',
    without: 'each claim begins with the same group',
    alterations: [
      {
        file: 'ledger/memory/groups/groups.ts',
        find: 'if (served !== undefined) this.#last.set(name, { lane: served.lane.lane, left });',
        replace: '',
      },
    ],
    rules: ['a group that waits is passed over'],
    profile: { ...MANY_GROUPED, ledger: 'memory' },
    seed: 23,
  },
  {
    name: 'a place ends with its claim',
    without: 'a job that has ended keeps its place in its group',
    alterations: [
      {
        file: 'ledger/group-choice.ts',
        find: "return job?.status === 'pending' && job.fence === fence - 1;",
        replace: 'return job !== undefined;',
      },
    ],
    rules: ['a job of a group starves'],
    profile: { ...MANY_GROUPED, ledger: 'memory' },
    seed: 1,
  },
];
