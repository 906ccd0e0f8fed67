/**
 * What a process says of itself, and as it happens: metrics, health, events.
 *
 * @module
 */
import type { JobCounts } from '@monque/core/types';
import type { Id, JobSummary, Operation, Time } from './types.ts';
import type { OverviewAnswer } from './types-of-views.ts';

/** One point of a metric. */
export interface MetricPoint {
  readonly labels: { readonly [label: string]: string };
  readonly value: number;
}

/** One histogram. */
export interface HistogramOfMetric {
  readonly labels: { readonly [label: string]: string };
  readonly count: number;
  readonly sum: number;
  readonly p50?: number;
  readonly p95?: number;
  readonly p99?: number;
  readonly max?: number;
}

/** `GET metrics`: of the process that serves the dashboard. */
export interface MetricsAnswer {
  readonly at: Time;
  readonly counters: { readonly [metric: string]: readonly MetricPoint[] };
  readonly gauges: { readonly [metric: string]: number };
  readonly histograms: { readonly [metric: string]: readonly HistogramOfMetric[] };
}

/** What happened in one step of time, in all processes. */
export interface ThroughputPoint extends JobCounts {
  readonly at: Time;
  /** Absent where names are counted together. */
  readonly name?: string;
}

/** `GET throughput`: counted by the processes that keep a history of it. */
export interface ThroughputAnswer {
  readonly at: Time;
  readonly from: Time;
  readonly stepMs: number;
  readonly points: readonly ThroughputPoint[];
  readonly isCut: boolean;
  /** False where the process that serves this keeps no history; points are of others that do. */
  readonly isRecorded: boolean;
}

/** `GET health`: of the process that serves the dashboard. */
export interface HealthAnswer {
  readonly at: Time;
  readonly status: 'ok' | 'degraded';
  readonly running: boolean;
  readonly connected: boolean;
  readonly hints: 'flowing' | 'polling';
  readonly queueLagMs: number;
  readonly runningJobs: number;
  readonly bufferedJobs: number;
  readonly unsettledJobs: number;
  readonly pausedNames: readonly string[];
  readonly alerts: readonly string[];
  readonly lastClaimAt?: Time;
  readonly lastError?: { readonly code: string; readonly message: string; readonly at: Time };
}

/**
 * `GET events`: server-sent events. `?jobs=<id>` (repeat it, at most 200) reports those jobs when they change. Each
 * event is one of these, its data as JSON. The stream ends after ten minutes; browsers open it again.
 */
export interface EventsOfServer {
  /** Sent first, and whenever there is a newer one. */
  readonly snapshot: OverviewAnswer;
  /** Those of the asked jobs that changed since they were sent last; `gone` names those that are not there any more. */
  readonly jobs: {
    readonly at: Time;
    readonly jobs: readonly JobSummary[];
    readonly gone: readonly Id[];
  };
  /** An operation of this server went on. */
  readonly operation: Operation;
  /** The database does not answer; what was sent stands as it is until the next `snapshot`. */
  readonly problem: { readonly at: Time; readonly message: string };
}
