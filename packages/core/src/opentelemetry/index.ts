/**
 * OpenTelemetry for Monque: `@monque/core/opentelemetry`. The one part that needs `@opentelemetry/api`.
 *
 * @module
 */
import { type MeterProvider, metrics, type TracerProvider, trace } from '@opentelemetry/api';
import type { Backlog, Instrumentation, MetricsSnapshot } from '../index.ts';
import type { BacklogFilter } from '../types-api.ts';
import { observeBacklog, observeGauges, toMeter } from './meter.ts';
import { observeEnqueue, observeRun } from './spans.ts';

/** What a tracer and a meter are asked for. */
const SCOPE = '@monque/core';

/** The scheduler, as far as it is needed here. */
export interface Instrumentable {
  instrument(instrumentation: Instrumentation): () => void;
  metrics(): MetricsSnapshot;
  /** Asked for only with {@link OpenTelemetryOptions.backlog}. */
  getBacklog(filter?: BacklogFilter): Promise<Backlog>;
}

/** Where spans and measurements go. */
export interface OpenTelemetryOptions {
  /** @default the provider that is registered globally */
  readonly tracerProvider?: TracerProvider;
  /** @default the provider that is registered globally */
  readonly meterProvider?: MeterProvider;
  /**
   * Continue the trace of whoever enqueued a job: its runs are then children of the enqueue, rather than linked to it.
   * Nothing else of the enqueuer's context reaches a run.
   *
   * @default false
   */
  readonly continueTraces?: boolean;
  /**
   * Export the due and the failed jobs of each name too, as `getBacklog` counts them: of these names, or with `true` of
   * every name that has pending jobs. Each export then asks the database, with a few bounded counts for each name. They
   * are of all processes together, so one process is enough.
   *
   * @default false
   */
  readonly backlog?: boolean | readonly string[];
}

/**
 * Gives a span to each enqueue and each run of a job, links the run to its enqueue, and hands every metric on. The
 * handler runs in the context of its span, so that spans it makes become its children.
 *
 * @returns ends it
 */
export function instrument(
  monque: Instrumentable,
  {
    tracerProvider = trace,
    meterProvider = metrics,
    continueTraces,
    backlog = false,
  }: OpenTelemetryOptions = {},
): () => void {
  const tracer = tracerProvider.getTracer(SCOPE);
  const meter = meterProvider.getMeter(SCOPE);
  const endInstrument = monque.instrument({
    metrics: toMeter(meter),
    enqueuing: (names) => observeEnqueue(tracer, names),
    running: (job) => observeRun(tracer, job, continueTraces),
  });
  const endGauges = observeGauges(meter, () => monque.metrics().gauges);
  const filter = typeof backlog === 'boolean' ? {} : { names: backlog };
  const endBacklog =
    backlog === false ? undefined : observeBacklog(meter, () => monque.getBacklog(filter));
  return () => {
    endInstrument();
    endGauges();
    endBacklog?.();
  };
}
