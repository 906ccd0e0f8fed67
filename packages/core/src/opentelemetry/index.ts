/**
 * OpenTelemetry for Monque: `@monque/core/opentelemetry`. The one part that needs `@opentelemetry/api`.
 *
 * @module
 */
import { type MeterProvider, metrics, type TracerProvider, trace } from '@opentelemetry/api';
import type { Instrumentation, MetricsSnapshot } from '../index.ts';
import { observeGauges, toMeter } from './meter.ts';
import { observeEnqueue, observeRun } from './spans.ts';

/** What a tracer and a meter are asked for. */
const SCOPE = '@monque/core';

/** The scheduler, as far as it is needed here. */
export interface Instrumentable {
  instrument(instrumentation: Instrumentation): () => void;
  metrics(): MetricsSnapshot;
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
}

/**
 * Gives a span to each enqueue and each run of a job, links the run to its enqueue, and hands every metric on. The
 * handler runs in the context of its span, so that spans it makes become its children.
 *
 * @returns ends it
 */
export function instrument(
  monque: Instrumentable,
  { tracerProvider = trace, meterProvider = metrics, continueTraces }: OpenTelemetryOptions = {},
): () => void {
  const tracer = tracerProvider.getTracer(SCOPE);
  const meter = meterProvider.getMeter(SCOPE);
  const endInstrument = monque.instrument({
    metrics: toMeter(meter),
    enqueuing: (names) => observeEnqueue(tracer, names),
    running: (job) => observeRun(tracer, job, continueTraces),
  });
  const endGauges = observeGauges(meter, () => monque.metrics().gauges);
  return () => {
    endInstrument();
    endGauges();
  };
}
