/** The guards of orders, each with the change that removes it. */
import type { Guard } from './guards.ts';

const ORDERED = { orders: 80, jobs: 60 } as const;

/** They are removed one at a time, as the others. */
export const ORDER_GUARDS: readonly Guard[] = [
  {
    name: 'an order is held until its job is finished',
    without: 'the next job goes while the one before it waits for its next try',
    alterations: [
      {
        file: 'ledger/lane-choice.ts',
        find: '!JOB_LIFECYCLE.terminal.includes(job.status)',
        replace: "job.status === 'processing'",
      },
    ],
    rules: ['an order is not kept', 'two of an order run at once'],
    profile: { ...ORDERED, ledger: 'stepped' },
    seed: 21,
  },
  {
    name: 'a failed job holds its order up',
    without: 'the next job passes one that failed',
    alterations: [
      {
        file: 'ledger/lane-choice.ts',
        find: "return job.status === 'failed' ? halts : ",
        replace: "return job.status === 'failed' ? false : ",
      },
    ],
    rules: ['a failed job of an order is passed'],
    profile: { ...ORDERED, orderHalts: true },
    seed: 1,
  },
  {
    name: 'no claim in order after a stop',
    without: 'the second claim of a round is sent when the stop has begun',
    alterations: [
      {
        file: 'engine/claiming/claimer.ts',
        find: 'if (!this.#stopped.signal.aborted) await this.#round(source, poll && !hint);',
        replace: 'await this.#round(source, poll && !hint);',
      },
    ],
    rules: ['a claim is sent by who stops'],
    profile: { ...ORDERED, stops: 8, lateRate: 0.05 },
    seed: 1,
  },
  {
    name: 'others ask what is superseded to cancel',
    without: 'a job runs on whose end nobody wants, since who superseded it died',
    alterations: [
      {
        file: 'engine/upkeep/order-sweep.ts',
        find: 'await this.#onSuperseded(job);',
        replace: 'if (superseded.length < 0) await this.#onSuperseded(job);',
      },
    ],
    rules: ['a superseded job is not asked to cancel'],
    profile: { superseding: 40, jobs: 30, lossRate: 0.1, hints: 'none', hasRetention: false },
    seed: 29,
  },
  {
    name: 'the new one takes the place of the one that waits',
    without: 'what is superseded starts, and the newest is dropped',
    alterations: [
      {
        file: 'options/enqueue-options.ts',
        find: "...{ whenTaken: 'replace', hold: 'untilStarted', windowMs: 0 },",
        replace: "...{ whenTaken: 'keep', hold: 'untilStarted', windowMs: 0 },",
      },
    ],
    rules: ['what is superseded starts'],
    profile: { superseding: 40, jobs: 30, hasRetention: false },
    seed: 1,
  },
];
