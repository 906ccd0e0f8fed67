/** The guards of series, outcomes, control, pauses and retention, each with the change that removes it. */
import type { Guard } from './guards.ts';

const MANY_SERIES = { series: 6 } as const;

/** They are removed one at a time, as the others. */
export const FEATURE_GUARDS: readonly Guard[] = [
  {
    name: 'version of the plan when a run ends',
    without: 'the next run is that of a plan that does not hold any more',
    alterations: [
      {
        file: 'job/job-lifecycle.ts',
        find: "guards: [HOLDS_CLAIM, SAME_PLAN, STAGES_BEFORE, GATES_OPEN],\n      set: { ...BY_HOLDER, ...NEXT_RUN },\n      replace: { result: 'result' },",
        replace:
          "guards: [HOLDS_CLAIM],\n      set: { ...BY_HOLDER, ...NEXT_RUN },\n      replace: { result: 'result' },",
      },
    ],
    rules: ['a run is not of the plan', 'a series that was ended goes on', 'a series skips a time'],
    profile: MANY_SERIES,
    seed: 1,
  },
  {
    name: 'version of the plan when a last run ends',
    without: 'a series that was asked for again during its last run is over with that run',
    alterations: [
      {
        file: 'job/job-lifecycle.ts',
        find: "to: 'completed',\n      guards: [HOLDS_CLAIM, SAME_PLAN, STAGES_BEFORE, GATES_OPEN],",
        replace: "to: 'completed',\n      guards: [HOLDS_CLAIM],",
      },
    ],
    rules: ['a series stops'],
    profile: MANY_SERIES,
    seed: 61,
  },
  {
    name: 'version compare-and-swap of a plan',
    without: 'two machines that ask for the same change write it twice',
    alterations: [
      {
        file: 'job/job-lifecycle.ts',
        find: "replan: {\n      from: ['pending'],\n      to: 'pending',\n      guards: [SAME_PLAN, HOLDS_SERIES],",
        replace:
          "replan: {\n      from: ['pending'],\n      to: 'pending',\n      guards: [HOLDS_SERIES],",
      },
    ],
    rules: ['what stands already is written again', 'a waiting run is moved without need'],
    profile: MANY_SERIES,
    seed: 21,
  },
  {
    name: 'lock of a series',
    without: 'two machines that ask for a series make two',
    alterations: [
      {
        file: 'client/schedules.ts',
        find: 'uniqueLock: seriesLock(series.uniqueKey),',
        replace:
          "uniqueLock: [seriesLock(series.uniqueKey), this.#context.random.token()].join(' '),",
      },
    ],
    rules: ['a series has two jobs'],
    profile: MANY_SERIES,
    seed: 1,
  },
  {
    name: 'an unchanged series is left alone',
    without: 'every machine that boots writes the plan again',
    alterations: [
      {
        file: 'client/schedules.ts',
        find: 'if (isSeries(job) && isSame(toFields(job), plan)) return job;',
        replace: '',
      },
    ],
    rules: ['what stands already is written again'],
    profile: MANY_SERIES,
    seed: 1,
  },
  {
    name: 'a change of the data leaves the time alone',
    without: 'a change of the data moves a waiting run',
    alterations: [
      {
        file: 'client/schedules.ts',
        find: 'const keepsTime = isSeries(job) &&',
        replace: 'const keepsTime = isSeries(job) && job.name === "" &&',
      },
    ],
    rules: ['a waiting run is moved without need'],
    profile: MANY_SERIES,
    seed: 1,
  },
  {
    name: 'the run that is cancelled is the one that was read',
    without: 'a cancellation that comes late moves the series back',
    alterations: [
      {
        file: 'job/job-lifecycle.ts',
        find: "guards: [SAME_PLAN, { field: 'scheduledFor', is: 'same', to: 'cancelledRun' }],",
        replace: 'guards: [SAME_PLAN],',
      },
    ],
    rules: ['a series goes back'],
    profile: { ...MANY_SERIES, ledger: 'stepped', slowStepRate: 0.05 },
    seed: 20,
  },
  {
    name: 'the answer that a plan was changed',
    without: 'the end of a run whose plan was changed is never recorded',
    alterations: [
      {
        file: 'ledger/settle-answers.ts',
        find: "if (stored.seriesVersion !== settlement.seriesVersion) return 'replanned';",
        replace: '',
      },
    ],
    rules: ['the engine finds a fault in itself'],
    profile: MANY_SERIES,
    seed: 2,
  },
  {
    name: 'a run is computed again only under its own claim',
    without: 'the end of a run whose plan was changed lands on another claim',
    alterations: [
      {
        file: 'engine/running/settler.ts',
        find: 'if (current?.claimToken === settlement.claimToken) {',
        replace: 'if (current !== null) {',
      },
    ],
    rules: ['a settle lands on another claim', 'the engine finds a fault in itself'],
    profile: { ...MANY_SERIES, pauseRate: 0.005, crashRate: 0 },
    seed: 33,
  },
  {
    name: 'a run that took too long has failed',
    without: 'a run counts as done that was aborted before',
    alterations: [
      {
        file: 'engine/running/run.ts',
        find: "if (this.#abortedFor !== 'timeout') return outcome;",
        replace: "if (this.#abortedFor !== 'timeout' || outcome.kind !== 'failed') return outcome;",
      },
    ],
    rules: ['a late run counts as done'],
    seed: 14,
  },
  {
    name: 'a key that is held until the start is freed by the claim',
    without: 'a job that runs keeps others from being stored',
    alterations: [
      {
        file: 'job/job-lifecycle.ts',
        find: "clear: ['startLock'],\n    },\n    // In place of it",
        replace: '},\n    // In place of it',
      },
    ],
    rules: ['a job that started holds its lock on'],
    seed: 1,
  },
  {
    name: 'the age of what is known of pauses',
    without: 'a handler starts on old knowledge of pauses',
    alterations: [
      {
        file: 'engine/running/pauses.ts',
        find: 'if (this.#ageMs() > OLDEST_KNOWLEDGE_MS) {',
        replace: 'if (this.#ageMs() > 1_000 * OLDEST_KNOWLEDGE_MS) {',
      },
    ],
    rules: ['a paused name runs'],
    profile: { pausedNames: 9, hints: 'none', hasSuspends: false, outages: 2, lossRate: 0.05 },
    seed: 8,
  },
  {
    name: 'how long a finished job is kept',
    without: 'a job leaves as soon as it is finished',
    alterations: [
      {
        file: 'job/job-lifecycle.ts',
        find: "{ field: 'finishedAt', is: 'atMost', to: 'finishedBefore' },",
        replace: '',
      },
    ],
    rules: ['a job leaves too soon'],
    profile: { hasRetention: true },
    seed: 7,
  },
  {
    name: 'a job stays while its window lasts',
    without: 'the window of a key ends with its job',
    alterations: [
      {
        file: 'job/job-lifecycle.ts',
        find: "{ field: 'windowUntil', is: 'below', to: 'now' },",
        replace: '',
      },
    ],
    rules: ['a window ends with its job'],
    profile: { hasRetention: true },
    seed: 14,
  },
  {
    name: 'a job stays while its enqueue may be sent again',
    without: 'a late resend brings a job back that was done',
    alterations: [
      {
        file: 'engine/upkeep/pruner.ts',
        find: 'createdBefore: ago(now, 2 * options.resendLimitMs),',
        replace: 'createdBefore: now,',
      },
    ],
    rules: ['a job that left comes back', 'a job leaves before all resends of it'],
    profile: { hasRetention: true },
    seed: 1,
  },
];
