/**
 * Every metric there is: its unit, its labels, what it counts or measures. `docs/ledger/monitoring.md` lists the same.
 *
 * @module
 */

/** What is known of a metric beside its name. */
export interface MetricDefinition {
  /** What one of it is. */
  readonly unit: 'job' | 'run' | 'call' | 'flow' | 'error' | 'violation' | 'alert' | 'ms' | 'share';
  /** What its points are told apart by, at most two. */
  readonly labels: readonly [] | readonly [string] | readonly [string, string];
  readonly description: string;
}

/** The labels of each metric that only grows, in the order in which its points are kept. */
export interface CounterLabels {
  readonly enqueued: readonly ['name'];
  readonly claimCandidates: readonly [];
  readonly claimed: readonly ['name'];
  readonly lanesLost: readonly [];
  readonly settled: readonly ['name', 'outcome'];
  readonly lost: readonly ['reason'];
  readonly rescued: readonly [];
  readonly buried: readonly ['name'];
  readonly superseded: readonly ['name'];
  readonly halted: readonly ['name'];
  readonly flowsEnded: readonly ['outcome'];
  readonly limitsFull: readonly ['limit'];
  readonly backOffs: readonly ['limit'];
  readonly violations: readonly ['rule'];
  readonly alerts: readonly ['kind'];
  readonly errors: readonly ['code'];
  readonly ledgerErrors: readonly ['verb', 'code'];
}

/** The label of each metric that is measured again and again. */
export interface HistogramLabels {
  readonly waitMs: readonly ['name'];
  readonly runMs: readonly ['name'];
  readonly settleDelayMs: readonly [];
  readonly batchSize: readonly ['verb'];
  readonly ledgerCallMs: readonly ['verb'];
  readonly ruleMs: readonly ['rule'];
}

/** A definition of each metric, with exactly the labels that are declared for it. */
export type CatalogueOf<Declared> = {
  readonly [Metric in keyof Declared]: MetricDefinition & { readonly labels: Declared[Metric] };
};

/** What only grows. */
export const COUNTERS: CatalogueOf<CounterLabels> = Object.freeze({
  enqueued: { unit: 'job', labels: ['name'], description: 'Jobs that this process stored' },
  claimCandidates: {
    unit: 'job',
    labels: [],
    description: 'Jobs tried for by claims, or born claimed',
  },
  claimed: { unit: 'job', labels: ['name'], description: 'Jobs won by claims, or born claimed' },
  lanesLost: {
    unit: 'call',
    labels: [],
    description: 'Groups that another claim had changed first',
  },
  settled: {
    unit: 'run',
    labels: ['name', 'outcome'],
    description: 'Runs whose end is recorded',
  },
  lost: { unit: 'run', labels: ['reason'], description: 'Runs whose end could not be recorded' },
  rescued: { unit: 'job', labels: [], description: 'Jobs given back that others had left behind' },
  buried: { unit: 'job', labels: ['name'], description: 'Jobs that became dead letters' },
  superseded: { unit: 'job', labels: ['name'], description: 'Jobs asked to cancel by a newer one' },
  halted: { unit: 'job', labels: ['name'], description: 'Failed jobs that hold their order up' },
  flowsEnded: {
    unit: 'flow',
    labels: ['outcome'],
    description: 'Flows whose end this process noticed',
  },
  limitsFull: {
    unit: 'call',
    labels: ['limit'],
    description: 'Limits that had nothing left for jobs here',
  },
  backOffs: { unit: 'call', labels: ['limit'], description: 'Limits backed off from by handlers' },
  violations: { unit: 'violation', labels: ['rule'], description: 'Writes that broke a rule' },
  alerts: { unit: 'alert', labels: ['kind'], description: 'Alerts that fired' },
  errors: { unit: 'error', labels: ['code'], description: 'Errors outside of handlers' },
  ledgerErrors: {
    unit: 'error',
    labels: ['verb', 'code'],
    description: 'Calls of the ledger that failed',
  },
});

/** What is measured again and again. */
export const HISTOGRAMS: CatalogueOf<HistogramLabels> = Object.freeze({
  waitMs: { unit: 'ms', labels: ['name'], description: 'From when a job was due to its start' },
  runMs: { unit: 'ms', labels: ['name'], description: 'How long handlers ran' },
  settleDelayMs: {
    unit: 'ms',
    labels: [],
    description: 'From the end of a run until it was recorded',
  },
  batchSize: { unit: 'job', labels: ['verb'], description: 'Jobs in one call' },
  ledgerCallMs: { unit: 'ms', labels: ['verb'], description: 'How long calls of the ledger took' },
  ruleMs: { unit: 'ms', labels: ['rule'], description: 'How long a rule took to look at a call' },
});

/** What has one value at a time. */
export const GAUGES: Readonly<Record<GaugeName, MetricDefinition>> = Object.freeze({
  queueLagMs: { unit: 'ms', labels: [], description: 'How late the jobs of the last claim were' },
  claimWinRate: { unit: 'share', labels: [], description: 'Claimed jobs of all candidates' },
  runningJobs: { unit: 'job', labels: [], description: 'Handlers that run' },
  bufferedJobs: { unit: 'job', labels: [], description: 'Claimed jobs that wait for a slot' },
  unsettledJobs: { unit: 'run', labels: [], description: 'Runs whose end is not recorded yet' },
  clockErrorMs: {
    unit: 'ms',
    labels: [],
    description: "Between this machine's clock and the ledger's, whichever is ahead",
  },
});

/** A metric that only grows. */
export type CounterName = keyof CounterLabels;

/** A metric that is measured again and again. */
export type HistogramName = keyof HistogramLabels;

/** A metric that has one value at a time. */
export type GaugeName =
  | 'queueLagMs'
  | 'claimWinRate'
  | 'runningJobs'
  | 'bufferedJobs'
  | 'unsettledJobs'
  | 'clockErrorMs';
