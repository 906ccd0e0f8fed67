/** The guards of jobs that are born claimed, each with the change to its source that removes it. */
import type { Guard } from './guards.ts';

const MANY_BIRTHS = { claimsOnEnqueue: true, pausedNames: 0, series: 0 } as const;

/** Every guard of births that is removed, one at a time. */
export const BIRTH_GUARDS: readonly Guard[] = [
  {
    name: 'confirmed insert before the start',
    without: 'a job starts that may never be stored',
    alterations: [
      {
        file: 'engine/claiming/births.ts',
        find: 'this.#reserving.add(birth);',
        replace: 'this.#handOver([...claimed.values()], claim);\n    this.#reserving.add(birth);',
      },
    ],
    rules: ['a run is under no claim of the ledger'],
    profile: { ...MANY_BIRTHS, lossRate: 0.05 },
    seed: 1,
  },
  {
    name: 'awaited token of a birth',
    without: 'reconciliation gives a job to others that is about to start here',
    alterations: [
      {
        file: 'engine/claiming/births.ts',
        find: 'awaited.begin(claim.claimToken);',
        replace: '',
      },
    ],
    rules: ['a job runs twice at once', 'finished work is run again', 'a run is recorded wrongly'],
    profile: { ...MANY_BIRTHS, lateRate: 0.1 },
    seed: 5,
  },
  {
    name: 'read by the token of a birth whose answer was lost',
    without: 'a job starts again that was given to others meanwhile',
    alterations: [
      {
        file: 'engine/claiming/births.ts',
        find: 'isDoubted = true;',
        replace: '',
      },
    ],
    rules: [
      'a run is under no claim of the ledger',
      ...['a job runs twice at once', 'finished work is run again', 'a run is recorded wrongly'],
    ],
    profile: { ...MANY_BIRTHS, lossRate: 0.1, lateRate: 0.1 },
    seed: 1,
  },
];
