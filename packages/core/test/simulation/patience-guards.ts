/** The guards of patience, each with the change that removes it. */
import type { Guard } from './guards.ts';

const PATIENT = { patientJobs: 160, jobs: 40, series: 0 } as const;

/** They are removed one at a time, as the others. */
export const PATIENCE_GUARDS: readonly Guard[] = [
  {
    name: 'a part of each claim is for overdue jobs',
    without: 'a job that is not urgent waits for all that are',
    alterations: [
      {
        file: 'engine/claiming/sources.ts',
        find: '{ ...params, demand: patience.share(demand, now) }',
        replace: '{ ...params, demand }',
      },
    ],
    rules: ['an overdue job is passed over', 'overdue jobs are passed over twice in turn'],
    profile: PATIENT,
    seed: 1,
  },
  {
    name: 'no more than half is for overdue jobs',
    without: 'urgent jobs wait for all that are overdue',
    alterations: [
      {
        file: 'engine/claiming/patience.ts',
        find: 'Math.floor(wanted.limit / 2)',
        replace: 'wanted.limit',
      },
    ],
    rules: ['overdue jobs take more than half of a claim'],
    profile: PATIENT,
    seed: 1,
  },
  {
    name: 'claims of one job take turns',
    without: 'where jobs are claimed one by one, urgent ones wait for all that are overdue',
    alterations: [
      {
        file: 'engine/claiming/patience.ts',
        find: 'if (this.#hadTurn.delete(name)) return 0;',
        replace: '',
      },
    ],
    rules: ['urgent jobs are passed over twice in turn'],
    profile: PATIENT,
    seed: 1,
  },
  {
    name: 'the overdue job that was due first goes first',
    without: 'of overdue jobs the urgent ones go first',
    alterations: [
      {
        file: 'ledger/memory/due-queue.ts',
        find: 'const overdue = new BinaryHeap<Entry>(wasDueBefore);',
        replace: 'const overdue = new BinaryHeap<Entry>(isClaimedBefore);',
      },
    ],
    rules: ['an overdue job is passed over', 'overdue jobs are passed over twice in turn'],
    profile: { ...PATIENT, ledger: 'memory' },
    seed: 1,
  },
];
