import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { MetricPoint, MetricsAnswer } from '../../../src/api/types.ts';
import { apiUrl } from '../api/client.ts';
import { type Resource, useResource } from '../api/resource.ts';

/** What the charts show of one moment. */
export interface Sample {
  /** Milliseconds. */
  readonly at: number;
  /** Each a second. */
  readonly done: number;
  readonly failed: number;
  readonly other: number;
  readonly enqueued: number;
  readonly running: number;
  readonly buffered: number;
  readonly winRate: number;
  readonly lag: number;
}

/** An hour at one answer every five seconds. */
const MOST = 720;

/** The answers since the dashboard was opened, the oldest first, without what no chart shows. */
const answers = signal<readonly Pick<MetricsAnswer, 'at' | 'counters' | 'gauges'>[]>([]);

const FAILED = new Set(['failed', 'retried']);
const DONE = new Set(['completed']);

/** What the process measured, read again and again; every page that shows some of it makes the charts grow. */
export function useMetrics(): Resource<MetricsAnswer> {
  const metrics = useResource<MetricsAnswer>(apiUrl('metrics'), { live: true });
  const { data } = metrics;
  useEffect(() => {
    if (data && data.at !== answers.peek().at(-1)?.at) learn(data);
  }, [data]);
  return metrics;
}

function learn({ at, counters, gauges }: MetricsAnswer): void {
  const { settled = [], enqueued = [] } = counters;
  answers.value = [...answers.value, { at, counters: { settled, enqueued }, gauges }].slice(-MOST);
}

/** The samples of one name, or of all: counters become runs a second between two answers. */
export function samplesOf(name: string | undefined): readonly Sample[] {
  const totals = answers.value.map((answer) => totalsOf(answer, name));
  return totals.flatMap((now, index) => {
    const before = totals[index - 1];
    // A process that was started again counts from zero.
    if (!before || now.at <= before.at || now.enqueued < before.enqueued) return [];
    const seconds = (now.at - before.at) / 1_000;
    const rate = (key: 'done' | 'failed' | 'other' | 'enqueued'): number =>
      Math.max(0, now[key] - before[key]) / seconds;
    return [
      {
        ...now,
        ...{ done: rate('done'), failed: rate('failed') },
        ...{ other: rate('other'), enqueued: rate('enqueued') },
      },
    ];
  });
}

function totalsOf(
  { at, counters, gauges }: Pick<MetricsAnswer, 'at' | 'counters' | 'gauges'>,
  name: string | undefined,
): Sample {
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
    ...{ done, failed, other: sum(settled) - done - failed },
    enqueued: sum(ofName(counters.enqueued)),
    running: gauges.runningJobs ?? 0,
    buffered: gauges.bufferedJobs ?? 0,
    winRate: gauges.claimWinRate ?? 0,
    lag: gauges.queueLagMs ?? 0,
  };
}
