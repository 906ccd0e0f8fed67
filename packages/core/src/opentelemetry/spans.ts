/**
 * Spans for enqueues and runs, with the attributes of OpenTelemetry's conventions for messaging.
 *
 * A run may come long after its enqueue, and many runs after one, so each begins a trace of its own that links to the
 * span of the enqueue, unless it is told to continue that trace. What the process happened to do when it claimed the job
 * is never its parent: that did not cause it.
 *
 * @module
 */
import {
  type Attributes,
  context,
  isSpanContextValid,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { Job } from '../index.ts';
import type { JobTrace, Observation, ObservationEnd } from '../types-api.ts';
import { parseTrace, writeTrace } from './trace-context.ts';

const SYSTEM = 'monque';

/** A span of kind PRODUCER around one call of `enqueue`, `now` or `enqueueMany`. */
export function observeEnqueue(tracer: Tracer, names: readonly string[]): Observation {
  const [first = ''] = names;
  const isOneName = names.every((name) => name === first);
  const span = tracer.startSpan(isOneName ? `enqueue ${first}` : 'enqueue', {
    kind: SpanKind.PRODUCER,
    attributes: {
      'messaging.system': SYSTEM,
      'messaging.operation.name': 'enqueue',
      'messaging.operation.type': 'send',
      ...(isOneName && { 'messaging.destination.name': first }),
      ...(names.length !== 1 && { 'messaging.batch.message_count': names.length }),
    },
  });
  const jobTrace = traceOf(span.spanContext());
  const surroundings = trace.setSpan(context.active(), span);
  return {
    ...(jobTrace && { trace: jobTrace }),
    within: (work) => context.with(surroundings, work),
    ended: ({ jobs, error }) => {
      const [job] = jobs;
      if (job && names.length === 1) span.setAttribute('messaging.message.id', idOf(job));
      end(span, error);
    },
  };
}

/** A span of kind CONSUMER around the handler of a job; a child of its enqueue when that trace is to go on. */
export function observeRun(tracer: Tracer, job: Job, continuesTrace = false): Observation {
  const enqueue = parseTrace(job.trace);
  const parent = continuesTrace ? enqueue : undefined;
  const span = tracer.startSpan(
    `process ${job.name}`,
    {
      root: parent === undefined,
      kind: SpanKind.CONSUMER,
      attributes: runAttributes(job),
      links: enqueue && !parent ? [{ context: enqueue }] : [],
    },
    parent ? trace.setSpanContext(ROOT_CONTEXT, parent) : ROOT_CONTEXT,
  );
  const surroundings = trace.setSpan(ROOT_CONTEXT, span);
  return {
    within: (work) => context.with(surroundings, work),
    ended: ({ outcome = '', error }: ObservationEnd) => {
      span.setAttribute('monque.outcome', outcome);
      end(span, error);
    },
  };
}

function runAttributes(job: Job): Attributes {
  return {
    'messaging.system': SYSTEM,
    'messaging.operation.name': 'process',
    'messaging.operation.type': 'process',
    'messaging.destination.name': job.name,
    'messaging.message.id': idOf(job),
    ...(job.claimedBy !== undefined && { 'messaging.client.id': job.claimedBy }),
    'monque.job.fence': job.fence,
    'monque.job.fail_count': job.failCount,
  };
}

function end(span: Span, error: Error | undefined): void {
  if (error !== undefined) {
    span.setAttribute('error.type', error.name);
    span.recordException(error);
    span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
  }
  span.end();
}

function traceOf(spanContext: SpanContext): JobTrace | undefined {
  return isSpanContextValid(spanContext) ? writeTrace(spanContext) : undefined;
}

function idOf({ _id }: Job): string {
  return _id.toHexString();
}
