/** The guards of stages and gates, each with the change that removes it. */
import type { Guard } from './guards.ts';

const MANY_STAGED = { stagedJobs: 60 } as const;

/** They are removed one at a time, as the others. */
export const STAGE_GUARDS: readonly Guard[] = [
  {
    name: 'the stages before a record',
    without: 'a record that is sent again and comes late stands there twice',
    alterations: [
      {
        file: 'job/stage-transitions.ts',
        find: 'guards: [HOLDS_CLAIM, STAGES_BEFORE, GATES_OPEN],',
        replace: 'guards: [HOLDS_CLAIM, GATES_OPEN],',
      },
    ],
    rules: ['a stage is recorded twice', 'stages are recorded out of order'],
    profile: MANY_STAGED,
    seed: 2,
  },
  {
    name: 'the claim of a record',
    without: 'an instance that was declared dead records stages of what others hold',
    alterations: [
      {
        file: 'job/stage-transitions.ts',
        find: 'guards: [HOLDS_CLAIM, STAGES_BEFORE, GATES_OPEN],',
        replace: 'guards: [STAGES_BEFORE, GATES_OPEN],',
      },
    ],
    rules: ['a stage is recorded under another claim'],
    profile: { ...MANY_STAGED, pauseRate: 0.005, crashRate: 0 },
    seed: 52,
  },
  {
    name: 'a job comes only to a closed gate',
    without: 'a gate that is opened while its job comes to it never lets it through',
    alterations: [
      {
        file: 'job/stage-transitions.ts',
        find: 'guards: [HOLDS_CLAIM, NO_CANCEL, STAGES_BEFORE, GATE_CLOSED],',
        replace: 'guards: [HOLDS_CLAIM, NO_CANCEL, STAGES_BEFORE],',
      },
    ],
    rules: ['a job waits at an open gate'],
    profile: MANY_STAGED,
    seed: 1,
  },
  {
    name: 'the first evidence stands',
    without: 'a gate is opened twice, on different evidence',
    alterations: [
      {
        file: 'job/stage-transitions.ts',
        find: "guards: [{ field: 'blockedBy', is: 'differs', to: 'gate' }, GATE_CLOSED],",
        replace: "guards: [{ field: 'blockedBy', is: 'differs', to: 'gate' }],",
      },
    ],
    rules: ['a gate is opened twice'],
    profile: MANY_STAGED,
    seed: 1,
  },
  {
    name: 'a run begins behind the recorded stages',
    without: 'a job begins again after a failure or a crash',
    alterations: [
      {
        file: 'engine/running/staged-run.ts',
        find: 'this.#records = [...stages];',
        replace: 'this.#records = [];',
      },
    ],
    rules: ['a recorded stage runs again'],
    profile: MANY_STAGED,
    seed: 1,
  },
  {
    name: 'a run ends at a closed gate',
    without: 'a stage runs whose gate was not opened',
    alterations: [
      {
        file: 'workers/stages.ts',
        find: '.find(({ name }) => !openGates.includes(name));',
        replace: ".find(({ name }) => name === '' && !openGates.includes(name));",
      },
    ],
    rules: ['a stage behind a closed gate runs'],
    profile: MANY_STAGED,
    seed: 1,
  },
  {
    name: 'a lost claim starts no more stages',
    without: 'an instance that was declared dead runs the next stage',
    alterations: [
      {
        file: 'engine/running/staged-run.ts',
        find: "answer === undefined || answer.outcome === 'lost'",
        replace: 'answer === undefined',
      },
    ],
    rules: [
      'a dead lease still works',
      'a job runs twice at once',
      'a stage behind a closed gate runs',
    ],
    profile: { ...MANY_STAGED, pauseRate: 0.005, crashRate: 0 },
    seed: 12,
    secondOf:
      'another stage starts only under the lease. Kept, since the ledger may know of the loss before this instance does',
  },
  {
    name: 'another stage starts only under the lease',
    without:
      'a machine that stood still starts the next stage before it knows that it was declared dead',
    alterations: [
      {
        file: 'engine/running/staged-run.ts',
        find: 'return this.#params.mayGoOn() ? undefined : GIVEN_BACK;',
        replace: 'return undefined;',
      },
    ],
    rules: ['a dead lease still works'],
    profile: {
      ...{ stagedJobs: 80, jobs: 60, series: 0 },
      ...{ pauseRate: 0.006, crashRate: 0, lateRate: 0.1 },
    },
    seed: 8,
  },
];
