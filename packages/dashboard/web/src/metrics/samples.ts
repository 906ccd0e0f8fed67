import { signal } from '@preact/signals';
import type { MetricPoint, MetricsAnswer } from '../../../src/api/types.ts';

/** What the charts show of one moment. */
export interface Sample {
  /** Milliseconds. */
  readonly at: number;
  readonly done: number;
  readonly failed: number;
  readonly other: number;
  readonly enqueued: number;
  readonly running: number;
  readonly buffered: number;
  readonly winRate: number;
  readonly lag: number;
}

interface Totals {
  readonly at: number;
  readonly done: number;
  readonly failed: number;
  readonly other: number;
  readonly enqueued: number;
}

/** An hour at one sample every five seconds. */
const MOST = 720;

/** The samples since the page of the metrics was opened first, the oldest first. */
export const samples = signal<readonly Sample[]>([]);

let before: Totals | undefined;

const FAILED = new Set(['failed', 'retried']);
const DONE = new Set(['completed']);

/** Adds a sample: counters become runs a second since the one before. */
export function learnMetrics(answer: MetricsAnswer, name: string | undefined): void {
  const totals = totalsOf(answer, name);
  const last = before;
  before = totals;
  if (!last || totals.at <= last.at || totals.done < last.done || totals.enqueued < last.enqueued)
    return;
  const seconds = (totals.at - last.at) / 1_000;
  const rate = (key: 'done' | 'failed' | 'other' | 'enqueued'): number =>
    (totals[key] - last[key]) / seconds;
  const { gauges } = answer;
  const sample: Sample = {
    at: totals.at,
    ...{
      done: rate('done'),
      failed: rate('failed'),
      other: rate('other'),
      enqueued: rate('enqueued'),
    },
    running: gauges.runningJobs ?? 0,
    buffered: gauges.bufferedJobs ?? 0,
    winRate: gauges.claimWinRate ?? 0,
    lag: gauges.queueLagMs ?? 0,
  };
  samples.value = [...samples.value, sample].slice(-MOST);
}

/** Begins again, as for another name. */
export function forgetSamples(): void {
  before = undefined;
  samples.value = [];
}

function totalsOf({ at, counters }: MetricsAnswer, name: string | undefined): Totals {
  const ofName = (points: readonly MetricPoint[] = []): readonly MetricPoint[] =>
    name === undefined ? points : points.filter(({ labels }) => labels.name === name);
  const settled = ofName(counters.settled);
  const sum = (points: readonly MetricPoint[]): number =>
    points.reduce((total, { value }) => total + value, 0);
  const of = (outcomes: ReadonlySet<string>): number =>
    sum(settled.filter(({ labels }) => outcomes.has(labels.outcome ?? '')));
  const [done, failed] = [of(DONE), of(FAILED)];
  return {
    at: Date.parse(at),
    done,
    failed,
    other: sum(settled) - done - failed,
    enqueued: sum(ofName(counters.enqueued)),
  };
}
