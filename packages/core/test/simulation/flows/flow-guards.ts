/** The guards of flows, each with the change that removes it. */
import type { Guard } from '../guards.ts';

const MANY_FLOWS = { flows: 30, jobs: 20, series: 0 } as const;

/** They are removed one at a time, as the others. */
export const FLOW_GUARDS: readonly Guard[] = [
  {
    name: 'all that a job of a flow waits for',
    without: 'a job of a flow starts when the first of its parents is finished',
    alterations: [
      {
        file: 'ledger/flow-release.ts',
        find: 'else if (await this.#isFree(job)) released.push(job);',
        replace: 'else released.push(job);',
      },
    ],
    rules: ['a job of a flow starts before a parent'],
    profile: MANY_FLOWS,
    seed: 1,
  },
  {
    name: 'a flow is stored before its first job starts',
    without: 'jobs of a flow start while others of it are being stored',
    alterations: [
      {
        file: 'client/flows.ts',
        find: "!isFirst || flow.state === 'storing'",
        replace: "!isFirst || flow.state === 'abandoned'",
      },
    ],
    rules: ['a job starts before its flow is stored', 'a flow that was refused starts'],
    profile: { ...MANY_FLOWS, partRate: 0.2 },
    seed: 1,
  },
  {
    name: 'a flow that was given up is not acknowledged',
    without: 'a caller is told that a flow is stored whose jobs are all cancelled',
    alterations: [
      {
        file: 'client/flows.ts',
        find: "if (state !== 'stored') throw new FlowAbandonedError(flowId);",
        replace: '',
      },
    ],
    rules: ['a flow that was given up is acknowledged'],
    profile: { ...MANY_FLOWS, resendLimitMs: 400, lossRate: 0.1, lateRate: 0.2 },
    seed: 19,
  },
  {
    name: 'the look at what jobs of flows wait for',
    without: 'a job of a flow waits for ever when the process died that had finished its parent',
    alterations: [{ file: 'engine/instance.ts', find: 'this.#flows.start();', replace: '' }],
    rules: ['a job never ends'],
    profile: { ...MANY_FLOWS, crashRate: 0.003 },
    seed: 13,
  },
  {
    name: 'what waits for a job waits for what that adds',
    without: 'a job of a flow starts before the jobs that its parent added',
    alterations: [{ file: 'client/flows.ts', find: '...(feeds && { feeds }),', replace: '' }],
    rules: ['a job of a flow starts before a parent'],
    profile: MANY_FLOWS,
    seed: 1,
  },
  {
    name: 'the ids of jobs that are added',
    without: 'a job that is run again adds its jobs again',
    alterations: [
      {
        file: 'client/flows.ts',
        find: '_id: derivedId(parent._id, ref),',
        replace: '_id: derivedId(job._id, ref),',
      },
    ],
    rules: ['a job of a flow is stored twice', 'an enqueue makes two jobs'],
    profile: MANY_FLOWS,
    seed: 1,
  },
  {
    name: 'a parent stays while its children are there',
    without: 'a parent that leaves lets its children start',
    alterations: [
      {
        file: 'ledger/memory/pruning.ts',
        find: '!this.#orders.isHalting(stored) &&\n        !byToken.isAwaited(stored),',
        replace: '!this.#orders.isHalting(stored),',
      },
    ],
    rules: ['a parent leaves before its children'],
    profile: { ...MANY_FLOWS, ledger: 'memory', hasRetention: true },
    seed: 1,
  },
  {
    name: 'who ends a flow does so as it was read',
    without: 'two processes end a flow, and both tell of it',
    alterations: [
      {
        file: 'ledger/flow-release.ts',
        find: 'if (!(await this.#store.changeFlow(record, end))) return;',
        replace: 'await this.#store.changeFlow(record, end);',
      },
    ],
    rules: ['the end of a flow is told twice'],
    profile: { ...MANY_FLOWS, ledger: 'stepped' },
    seed: 25,
  },
  {
    name: 'a redriven job goes on after its flow was opened',
    without: 'a flow that is redriven is never open again, or ends while its jobs run',
    alterations: [
      {
        file: 'ledger/flow-release.ts',
        find: 'const plan = isToRedrive(seen) ? await this.#reopen(place, limit, failed) : seen;',
        replace: 'const plan = isToRedrive(seen) ? seen : seen;',
      },
    ],
    rules: ['a flow ends before its jobs', 'a job of a flow goes on after its end'],
    profile: { ...MANY_FLOWS, ledger: 'stepped' },
    seed: 1,
  },
  {
    name: 'a failed parent is looked at after who fails with it',
    without: 'a job of a flow that was redriven fails with what its parent had been before',
    alterations: [
      {
        file: 'ledger/flow-release.ts',
        find: 'const failed = isSeenAgain ? await this.#failedParent(token) : undefined;',
        replace: 'const failed = failedBefore;',
      },
    ],
    rules: ['a job of a flow fails without a parent'],
    profile: { ...MANY_FLOWS, ledger: 'stepped', slowStepRate: 0.1 },
    seed: 94,
  },
  {
    name: 'a parent is looked at after who waits for it',
    without: 'a job of a flow that was redriven starts since its parent had ended before',
    alterations: [
      {
        file: 'ledger/flow-release.ts',
        find: 'if (jobs.some(wasRedriven)) this.#holders.clear();',
        replace: '',
      },
    ],
    rules: ['a job of a flow starts before a parent'],
    profile: { ...MANY_FLOWS, ledger: 'stepped', slowStepRate: 0.1 },
    seed: 46,
  },
];
