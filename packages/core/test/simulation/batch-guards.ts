/** The guards of batches, each with the change that removes it. */
import type { Guard } from './guards.ts';

const BATCHED = { batchedJobs: 160, jobs: 40, series: 0 } as const;

/** They are removed one at a time, as the others. */
export const BATCH_GUARDS: readonly Guard[] = [
  {
    name: 'the size of a batch',
    without: 'a handler is given more jobs than it can take',
    alterations: [
      {
        file: 'engine/running/batch-choice.ts',
        find: '.slice(0, size);',
        replace: '.slice(0, 2 * size);',
      },
    ],
    rules: ['a batch is too large'],
    profile: BATCHED,
    seed: 1,
  },
  {
    name: 'a suspect runs alone',
    without: 'a job that its instances died of takes its neighbours along',
    alterations: [
      {
        file: 'engine/running/batch-choice.ts',
        find: 'return rescueCount >= SUSPECT_RESCUE_COUNT;',
        replace: 'return rescueCount > 1_000;',
      },
    ],
    rules: ['a suspect is not alone in its batch'],
    profile: { ...BATCHED, poisonRate: 0.05, crashRate: 0.001 },
    seed: 1,
  },
  {
    name: 'each job of a batch has its own end',
    without: 'one bad job fails its neighbours',
    alterations: [
      {
        file: 'engine/running/batch.ts',
        find: 'if (failure === undefined) resolve(result);',
        replace: 'if (failure === undefined && !results.some(isError)) resolve(result);',
      },
    ],
    rules: ['a run is recorded wrongly', 'the engine finds a fault in itself'],
    profile: BATCHED,
    seed: 1,
  },
  {
    name: 'a batch by group is of one group',
    without: 'a call for one tenant has jobs of others',
    alterations: [
      {
        file: 'engine/running/batch-choice.ts',
        find: 'isSuspect(job) ? job : by && job[by];',
        replace: 'isSuspect(job) ? job : by;',
      },
    ],
    rules: ['groups are mixed in a batch'],
    profile: { ...BATCHED, groupedJobs: 160 },
    seed: 1,
  },
];
