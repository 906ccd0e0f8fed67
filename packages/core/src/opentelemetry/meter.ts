/**
 * The metrics of a scheduler as instruments of OpenTelemetry. Times are in seconds, as its conventions want.
 *
 * @module
 */
import type {
  Attributes,
  BatchObservableCallback,
  Counter,
  Histogram,
  Meter,
  ObservableGauge,
} from '@opentelemetry/api';
import { type Backlog, COUNTERS, GAUGES, HISTOGRAMS, type MetricsSnapshot } from '../index.ts';
import type {
  CounterName,
  GaugeName,
  HistogramName,
  Labels,
  MetricDefinition,
  MetricsObserver,
} from '../types-api.ts';

/** What the metrics are called there. */
const NAMES: Readonly<Record<CounterName | HistogramName | GaugeName, string>> = {
  enqueued: 'monque.jobs.enqueued',
  claimCandidates: 'monque.claim.candidates',
  claimed: 'monque.jobs.claimed',
  lanesLost: 'monque.claim.groups_lost',
  settled: 'monque.runs.settled',
  lost: 'monque.runs.lost',
  rescued: 'monque.jobs.rescued',
  buried: 'monque.jobs.buried',
  superseded: 'monque.jobs.superseded',
  halted: 'monque.orders.halted',
  flowsEnded: 'monque.flows.ended',
  limitsFull: 'monque.limits.full',
  backOffs: 'monque.limits.backed_off',
  violations: 'monque.violations',
  alerts: 'monque.alerts',
  errors: 'monque.errors',
  ledgerErrors: 'monque.ledger.errors',
  waitMs: 'monque.job.wait',
  runMs: 'monque.job.duration',
  settleDelayMs: 'monque.settle.delay',
  batchSize: 'monque.batch.size',
  ledgerCallMs: 'monque.ledger.call.duration',
  ruleMs: 'monque.rule.duration',
  queueLagMs: 'monque.queue.lag',
  claimWinRate: 'monque.claim.win_rate',
  runningJobs: 'monque.jobs.running',
  bufferedJobs: 'monque.jobs.buffered',
  unsettledJobs: 'monque.runs.unsettled',
  clockErrorMs: 'monque.clock.error',
};

/** What the labels are called there. */
const ATTRIBUTES: Readonly<Record<string, string>> = {
  name: 'messaging.destination.name',
  code: 'error.type',
};

/** The bounds of the buckets for times, in seconds. */
const TIME_BOUNDS = [
  ...[0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30],
  ...[60, 300, 1_800, 7_200, 86_400],
];

/** The bounds of the buckets for numbers of jobs. */
const SIZE_BOUNDS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000];

/** An observer that hands every measurement on. */
export function toMeter(meter: Meter): MetricsObserver {
  const counters = mapNames(COUNTERS, (name, definition) =>
    meter.createCounter(NAMES[name], optionsOf(definition)),
  ) as Readonly<Record<CounterName, Counter>>;
  const histograms = mapNames(HISTOGRAMS, (name, definition) =>
    meter.createHistogram(NAMES[name], {
      ...optionsOf(definition),
      advice: { explicitBucketBoundaries: definition.unit === 'ms' ? TIME_BOUNDS : SIZE_BOUNDS },
    }),
  ) as Readonly<Record<HistogramName, Histogram>>;
  return {
    counted: (metric, amount, labels) => counters[metric].add(amount, attributesOf(labels)),
    recorded: (metric, value, labels) =>
      histograms[metric].record(inUnit(HISTOGRAMS[metric], value), attributesOf(labels)),
  };
}

/**
 * Reads the gauges whenever they are exported.
 *
 * @returns ends it
 */
export function observeGauges(meter: Meter, read: () => MetricsSnapshot['gauges']): () => void {
  const gauges = mapNames(GAUGES, (name, definition) =>
    meter.createObservableGauge(NAMES[name], optionsOf(definition)),
  ) as Readonly<Record<GaugeName, ObservableGauge>>;
  const callback: BatchObservableCallback = (result) => {
    const values = read();
    for (const [name, gauge] of Object.entries(gauges) as [GaugeName, ObservableGauge][]) {
      result.observe(gauge, inUnit(GAUGES[name], values[name]));
    }
  };
  meter.addBatchObservableCallback(callback, Object.values(gauges));
  return () => meter.removeBatchObservableCallback(callback, Object.values(gauges));
}

/**
 * Asks for the backlog whenever it is exported. That the database did not answer is for the exporter to report.
 *
 * @returns ends it
 */
export function observeBacklog(meter: Meter, read: () => Promise<Backlog>): () => void {
  const gauge = (name: string, description: string, unit = '{job}'): ObservableGauge =>
    meter.createObservableGauge(name, { unit, description });
  const due = gauge('monque.jobs.due', 'Pending jobs that are due, up to 1000 of a name');
  const failed = gauge(
    'monque.jobs.failed',
    'Jobs that have failed for good, up to 1000 of a name',
  );
  const lag = gauge('monque.jobs.lag', 'How long the job that waits longest has been due', 's');
  const callback: BatchObservableCallback = async (result) => {
    const { names } = await read();
    for (const row of names) {
      const attributes = attributesOf({ name: row.name });
      result.observe(due, row.due, attributes);
      result.observe(lag, row.queueLagMs / 1_000, attributes);
      if (row.failed !== undefined) result.observe(failed, row.failed, attributes);
    }
  };
  const gauges = [due, failed, lag];
  meter.addBatchObservableCallback(callback, gauges);
  return () => meter.removeBatchObservableCallback(callback, gauges);
}

function optionsOf({ unit, description }: MetricDefinition): {
  readonly unit: string;
  readonly description: string;
} {
  if (unit === 'ms') return { unit: 's', description };
  return { unit: unit === 'share' ? '1' : `{${unit}}`, description };
}

function inUnit({ unit }: MetricDefinition, value: number): number {
  return unit === 'ms' ? value / 1_000 : value;
}

function attributesOf(labels: Labels): Attributes {
  const named = Object.entries(labels).map(([label, value]) => [
    ATTRIBUTES[label] ?? `monque.${label}`,
    value,
  ]);
  return Object.fromEntries(named);
}

function mapNames<Name extends string, Value>(
  definitions: Readonly<Record<Name, MetricDefinition>>,
  make: (name: Name, definition: MetricDefinition) => Value,
): Record<string, Value> {
  const names = Object.keys(definitions) as Name[];
  return Object.fromEntries(names.map((name) => [name, make(name, definitions[name])]));
}
