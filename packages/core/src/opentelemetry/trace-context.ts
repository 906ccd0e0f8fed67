/**
 * Between a span's context and what a job carries of it: the headers of the W3C recommendation "Trace Context".
 *
 * @module
 */
import { createTraceState, isSpanContextValid, type SpanContext } from '@opentelemetry/api';
import type { JobTrace } from '../types-api.ts';

const LONGEST_STATE = 512;

/** Version 00; a later one may add fields at the end. */
const TRACE_PARENT = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** What a job carries of a span. A state that is longer than a job may carry is left out. */
export function writeTrace({ traceId, spanId, traceFlags, traceState }: SpanContext): JobTrace {
  const flags = traceFlags.toString(16).padStart(2, '0');
  const tracestate = traceState?.serialize() ?? '';
  const hasState = tracestate !== '' && tracestate.length <= LONGEST_STATE;
  return { traceparent: `00-${traceId}-${spanId}-${flags}`, ...(hasState && { tracestate }) };
}

/** The span's context; undefined when there is none, or none that can be read. */
export function parseTrace(trace: JobTrace | undefined): SpanContext | undefined {
  const [, traceId = '', spanId = '', flags = ''] =
    TRACE_PARENT.exec(String(trace?.traceparent)) ?? [];
  const state = trace?.tracestate;
  const spanContext: SpanContext = {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16),
    isRemote: true,
    ...(typeof state === 'string' && { traceState: createTraceState(state) }),
  };
  return isSpanContextValid(spanContext) ? spanContext : undefined;
}
