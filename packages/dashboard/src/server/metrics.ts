/**
 * What a process measured, as JSON and as Prometheus reads it.
 *
 * @module
 */
import type { MetricsSnapshot } from '@monque/core';
import type { HistogramPoint, Labels, ThroughputPoint } from '@monque/core/types';
import type { HistogramOfMetric, MetricsAnswer } from '../api/types.ts';

type IsSeen = (labels: Labels) => boolean;

/** As JSON, without what the actor does not see. */
export function metricsOf(
  { counters, gauges, histograms }: MetricsSnapshot,
  at: string,
  isSeen: IsSeen,
  seesAll: boolean,
): MetricsAnswer {
  return {
    at,
    counters: mapped(counters, (points) =>
      points
        .filter(({ labels }) => isSeen(labels))
        .map(({ labels, value }) => ({ labels: { ...labels }, value })),
    ),
    gauges: seesAll ? { ...gauges } : {},
    histograms: mapped(histograms, (points) =>
      points.filter(({ labels }) => isSeen(labels)).map(histogramOf),
    ),
  };
}

function mapped<T, R>(record: Readonly<Record<string, T>>, change: (value: T) => R) {
  const entries = Object.entries(record).map(([name, value]) => [name, change(value)] as const);
  return Object.fromEntries(entries) as Record<string, R>;
}

function histogramOf(point: HistogramPoint): HistogramOfMetric {
  const { labels, count, sum, max } = point;
  const quantiles = { p50: 0.5, p95: 0.95, p99: 0.99 };
  return {
    ...{ labels: { ...labels }, count, sum },
    ...(count > 0 && { ...mapped(quantiles, (share) => quantile(point, share)), max }),
  };
}

/** The bound of the bucket that holds it; never more than what was measured. */
function quantile({ count, max, buckets }: HistogramPoint, share: number): number {
  let rest = count * share;
  let bound = 0;
  for (const bucket of buckets) {
    if (rest <= 0) break;
    rest -= bucket.count;
    bound = bucket.upTo;
  }
  return Math.min(bound, max);
}

/** As Prometheus reads it. Histograms are given as summaries. */
export function prometheusOf({ counters, gauges, histograms }: MetricsAnswer): string {
  const lines: string[] = [];
  for (const [metric, points] of Object.entries(counters)) {
    const name = `${nameOf(metric)}_total`;
    lines.push(`# TYPE ${name} counter`);
    for (const { labels, value } of points) lines.push(`${name}${labelsOf(labels)} ${value}`);
  }
  for (const [metric, value] of Object.entries(gauges)) {
    lines.push(`# TYPE ${nameOf(metric)} gauge`, `${nameOf(metric)} ${value}`);
  }
  for (const [metric, points] of Object.entries(histograms)) {
    const name = nameOf(metric);
    lines.push(`# TYPE ${name} summary`);
    for (const point of points) lines.push(...summaryLines(name, point));
  }
  return `${lines.join('\n')}\n`;
}

const MINUTE_EVENTS = [
  ...(['enqueued', 'started', 'completed', 'failed', 'retried', 'cancelled', 'others'] as const),
];

/** What all processes did in one minute, by name, as Prometheus reads it; nothing when nothing was counted. */
export function prometheusOfMinute(points: readonly ThroughputPoint[]): string {
  const metric = 'monque_jobs_last_minute';
  const lines = points.flatMap(({ name = '', ...counts }) =>
    MINUTE_EVENTS.map((event) => `${metric}${labelsOf({ name, event })} ${counts[event]}`),
  );
  return lines.length === 0 ? '' : `# TYPE ${metric} gauge\n${lines.join('\n')}\n`;
}

function summaryLines(name: string, { labels, count, sum, ...rest }: HistogramOfMetric): string[] {
  const quantiles = [
    ['0.5', rest.p50],
    ['0.95', rest.p95],
    ['0.99', rest.p99],
  ] as const;
  const known = quantiles.filter(([, value]) => value !== undefined);
  return [
    ...known.map(([quantile, value]) => `${name}${labelsOf({ ...labels, quantile })} ${value}`),
    `${name}_sum${labelsOf(labels)} ${sum}`,
    `${name}_count${labelsOf(labels)} ${count}`,
  ];
}

/** `waitMs` is `monque_wait_ms`. */
function nameOf(metric: string): string {
  return `monque_${metric.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`;
}

function labelsOf(labels: Labels): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
