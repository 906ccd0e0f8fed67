import type { ThroughputAnswer, ThroughputPoint } from '../../../src/api/types.ts';
import { apiUrl } from '../api/client.ts';
import { type Resource, useResource } from '../api/resource.ts';
import { now } from '../app/clock.ts';
import { Empty, Note } from '../ui/faces.tsx';
import { number, span } from '../ui/format.ts';
import { Card } from '../ui/page.tsx';
import { Chart, type Line } from './chart.tsx';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

interface Range {
  readonly label: string;
  readonly ms: number;
  /** How much time a point of the charts stands for. */
  readonly stepMs: number;
  /** How the times stand at the axis. */
  readonly clock: string;
}

/** What can be chosen, by the word that stands in the address. */
export const RANGES = {
  '15m': range('the last 15 minutes', 15 * MINUTE_MS, MINUTE_MS),
  '1h': range('the last hour', HOUR_MS, MINUTE_MS),
  '6h': range('the last 6 hours', 6 * HOUR_MS, 5 * MINUTE_MS),
  '1d': range('the last day', DAY_MS, 15 * MINUTE_MS),
  '7d': { ...range('the last week', 7 * DAY_MS, 2 * HOUR_MS), clock: '{DD} {MMM}, {HH}:{mm}' },
} as const satisfies Readonly<Record<string, Range>>;

/** What is shown when nothing is chosen. */
export const DEFAULT_RANGE = '1h';

function range(label: string, ms: number, stepMs: number): Range {
  return { label, ms, stepMs, clock: '{HH}:{mm}' };
}

/** What all processes counted, by step. */
interface History {
  readonly answer: ThroughputAnswer;
  readonly range: Range;
}

/** Reads what all processes counted; what was reported since comes once a minute. */
export function useHistory(
  { ms, stepMs }: Range,
  name: string | undefined,
): Resource<ThroughputAnswer> {
  // The address changes with the step, and not with each second.
  const from = new Date(Math.floor(now.value / stepMs) * stepMs - ms + stepMs).toISOString();
  return useResource<ThroughputAnswer>(apiUrl('throughput', { from, step: stepMs, name }), {
    everyMs: MINUTE_MS,
  });
}

/** True where nobody counts: no process reported anything, and the own one does not. */
export function isOff({ points, isRecorded }: ThroughputAnswer): boolean {
  return points.length === 0 && !isRecorded;
}

/** Says how a history is kept. */
export function SwitchOn() {
  return (
    <Note>
      What follows is of the process that serves this page alone, since you opened it. For all
      processes and for longer, give each the option <code>throughputHistory</code>, such as{' '}
      <code>new Monque(db, {'{ throughputHistory: 7 * 86_400_000 }'})</code> for a week. It costs
      one small write a minute of each process in which something happened.
    </Note>
  );
}

const perMinute = (value: number): string => `${number(value)}/min`;

/** What happened in all processes. */
export function HistoryCharts({ answer, range }: History) {
  const { points, isCut } = answer;
  if (points.length === 0) {
    return (
      <section class="card">
        <Empty icon="metrics" title="Nothing was counted in this time">
          Each process reports what it did once a minute.
        </Empty>
      </section>
    );
  }
  const steps = stepsOf(answer);
  const times = steps.map(({ at }) => at);
  type Value = (point: ThroughputPoint, minutes: number) => number;
  const line = (label: string, token: string, of: Value): Line => ({
    ...{ label, token },
    values: steps.map(({ point, minutes }) => (point === undefined ? 0 : of(point, minutes))),
  });
  const rate = (label: string, token: string, of: (point: ThroughputPoint) => number): Line =>
    line(label, token, (point, minutes) => of(point) / minutes);
  return (
    <>
      {isCut && <Note>There is more than these charts hold: the last steps are left out.</Note>}
      <div class="halves">
        <Card title="Runs that ended, and jobs enqueued, in all processes">
          <Chart
            title="Runs that ended, and jobs enqueued, a minute"
            {...{ times, clock: range.clock }}
            format={perMinute}
            least={1}
            lines={[
              rate('succeeded', '--completed', ({ completed }) => completed),
              rate('failed', '--failed', ({ failed, retried }) => failed + retried),
              rate('other ends', '--cancelled', ({ cancelled, others }) => cancelled + others),
              rate('enqueued', '--accent', ({ enqueued }) => enqueued),
            ]}
          />
        </Card>
        <Card title="Waits and runs, in all processes">
          <Chart
            title="How long jobs waited and ran, on average"
            {...{ times, clock: range.clock }}
            format={span}
            least={100}
            lines={[
              line('wait', '--blocked', ({ waitMs, started }) => waitMs / Math.max(1, started)),
              line('run', '--processing', ({ runMs, ended }) => runMs / Math.max(1, ended)),
            ]}
          />
        </Card>
      </div>
    </>
  );
}

/**
 * Every step of which all processes have reported, also those in which nothing happened. They report once a minute, so that of
 * the step that is on only the minutes until a minute ago count.
 */
function stepsOf({ at, from, stepMs, points }: ThroughputAnswer) {
  const found = new Map(points.map((point) => [Date.parse(point.at), point]));
  const firstMs = Date.parse(from);
  const reportedMs = Math.floor(Date.parse(at) / MINUTE_MS - 1) * MINUTE_MS;
  const count = Math.max(1, Math.ceil((reportedMs - firstMs) / stepMs));
  return Array.from({ length: count }, (_, index) => {
    const stepAt = firstMs + index * stepMs;
    const minutes = Math.min(stepMs, Math.max(MINUTE_MS, reportedMs - stepAt)) / MINUTE_MS;
    return { at: stepAt, minutes, point: found.get(stepAt) };
  });
}
