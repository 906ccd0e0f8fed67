import { context, createContextKey, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { instrument } from '../../src/opentelemetry/index.ts';
import { parseTrace, writeTrace } from '../../src/opentelemetry/trace-context.ts';
import { makeOne, payloads } from '../engine/kit.ts';

const PRODUCER = 3;
const CONSUMER = 4;
const ERROR = 2;

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
});

afterAll(() => context.disable());

function makeTraced(
  options: Parameters<typeof makeOne>[0] = {},
  given: { readonly continueTraces?: boolean } = {},
) {
  const exporter = new InMemorySpanExporter();
  const tracerProvider = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(exporter)],
  });
  const one = makeOne(options);
  const end = instrument(one.monque, { tracerProvider, ...given });
  const spans = (kind: number): ReadableSpan[] =>
    exporter.getFinishedSpans().filter((span) => span.kind === kind);
  return { ...one, tracerProvider, exporter, spans, end };
}

describe('an enqueue', () => {
  test('has a span of kind PRODUCER, below the span it was made in', async () => {
    const { monque, tracerProvider, spans } = makeTraced();
    const request = tracerProvider.getTracer('app').startSpan('request');
    const job = await context.with(trace.setSpan(context.active(), request), () =>
      monque.enqueue('email'),
    );
    const [span] = spans(PRODUCER);
    expect(span).toMatchObject({
      name: 'enqueue email',
      parentSpanContext: { spanId: request.spanContext().spanId },
      attributes: {
        'messaging.system': 'monque',
        'messaging.operation.name': 'enqueue',
        'messaging.operation.type': 'send',
        'messaging.destination.name': 'email',
        'messaging.message.id': job._id.toHexString(),
      },
    });
    expect(job.trace?.traceparent).toContain(span?.spanContext().spanId);
  });

  test('of many jobs has one span, which all of them carry', async () => {
    const { monque, spans } = makeTraced();
    await monque.enqueueMany([{ name: 'email' }, { name: 'invoice' }]);
    await monque.enqueueMany([{ name: 'email' }, { name: 'email' }]);
    expect(spans(PRODUCER)).toMatchObject([
      { name: 'enqueue', attributes: { 'messaging.batch.message_count': 2 } },
      { name: 'enqueue email', attributes: { 'messaging.destination.name': 'email' } },
    ]);
    const [first, second, third] = await monque.getJobs();
    expect(first?.trace).toBeDefined();
    expect(new Set([first, second, third].map((job) => job?.trace?.traceparent)).size).toBe(2);
  });

  test('that fails has a span that says why', async () => {
    const { monque, faulty, spans } = makeTraced();
    faulty.plan('enqueue', { onArrival: () => Promise.reject(new TypeError('bug')) });
    await expect(monque.enqueue('email')).rejects.toThrow('bug');
    expect(spans(PRODUCER)).toMatchObject([
      { status: { code: ERROR, message: 'bug' }, attributes: { 'error.type': 'TypeError' } },
    ]);
  });
});

describe('a run', () => {
  test('has a span of kind CONSUMER in a trace of its own, linked to its enqueue', async () => {
    const { monque, clock, spans, tracerProvider } = makeTraced();
    monque.worker('email', () => undefined);
    await monque.start();
    const request = tracerProvider.getTracer('app').startSpan('request');
    const job = await context.with(trace.setSpan(context.active(), request), () =>
      monque.enqueue('email'),
    );
    await clock.advance(10);
    const [producer] = spans(PRODUCER);
    const [consumer] = spans(CONSUMER);
    expect(consumer).toMatchObject({
      name: 'process email',
      attributes: {
        'messaging.system': 'monque',
        'messaging.operation.name': 'process',
        'messaging.operation.type': 'process',
        'messaging.destination.name': 'email',
        'messaging.message.id': job._id.toHexString(),
        'messaging.client.id': expect.any(String),
        'monque.job.fence': 1,
        'monque.job.fail_count': 0,
        'monque.outcome': 'completed',
      },
      links: [{ context: { ...linkOf(producer), isRemote: true } }],
    });
    expect(consumer?.parentSpanContext).toBe(undefined);
    expect(consumer?.spanContext().traceId).not.toBe(producer?.spanContext().traceId);
    await monque.stop();
  });

  test('continues the trace of its enqueue when told to, and takes nothing else of its context', async () => {
    const { monque, clock, spans, tracerProvider } = makeTraced({}, { continueTraces: true });
    const key = createContextKey('user');
    let seen: unknown = 'nothing';
    monque.worker('email', () => {
      seen = context.active().getValue(key);
    });
    await monque.start();
    const request = tracerProvider.getTracer('app').startSpan('request');
    const surroundings = trace.setSpan(context.active().setValue(key, 'ann'), request);
    await context.with(surroundings, () => monque.enqueue('email'));
    await clock.advance(10);
    const [producer] = spans(PRODUCER);
    expect(spans(CONSUMER)).toMatchObject([{ parentSpanContext: linkOf(producer), links: [] }]);
    expect(spans(CONSUMER)[0]?.spanContext().traceId).toBe(request.spanContext().traceId);
    expect(seen).toBe(undefined);
    await monque.stop();
  });

  test('is the parent of the spans that its handler makes, and of the jobs it enqueues', async () => {
    const { monque, clock, exporter, spans, tracerProvider } = makeTraced();
    const tracer = tracerProvider.getTracer('app');
    monque.worker('email', async () => {
      await Promise.resolve();
      tracer.startActiveSpan('smtp', (span) => span.end());
      await monque.enqueue('follow-up');
    });
    await monque.start();
    await monque.enqueue('email');
    await clock.advance(10);
    const { spanId } = spans(CONSUMER)[0]?.spanContext() ?? {};
    const children = exporter
      .getFinishedSpans()
      .filter((span) => span.parentSpanContext?.spanId === spanId);
    expect(children.map(({ name }) => name).sort()).toEqual(['enqueue follow-up', 'smtp']);
    await monque.stop();
  });

  test('that fails has an error with its exception; each try is linked to the one enqueue', async () => {
    const { monque, clock, spans } = makeTraced({ baseRetryInterval: 1 });
    monque.worker('email', ({ failCount }) => {
      if (failCount === 0) throw new RangeError('first');
    });
    await monque.start();
    await monque.enqueue('email');
    await clock.advance(2_000);
    const [first, second] = spans(CONSUMER);
    expect(first).toMatchObject({
      status: { code: ERROR, message: 'first' },
      attributes: { 'error.type': 'RangeError', 'monque.outcome': 'failed' },
      events: [{ name: 'exception' }],
    });
    expect(second?.attributes['monque.outcome']).toBe('completed');
    expect(second?.links[0]?.context.spanId).toBe(first?.links[0]?.context.spanId);
    await monque.stop();
  });

  test('of a job that was stored without a trace, or with one that cannot be read, has no link', async () => {
    const { monque, clock, spans, end, ledger } = makeTraced();
    end();
    await monque.enqueue('email');
    const later = await monque.enqueue('email');
    await ledger.remove({ jobId: later._id });
    const trace = { traceparent: 'rubbish' };
    await ledger.enqueue({ jobs: [{ ...later, trace }] });
    monque.worker('email', () => undefined);
    const exporter = makeTraced();
    instrument(monque, { tracerProvider: exporter.tracerProvider });
    await monque.start();
    await clock.advance(10);
    expect(exporter.spans(CONSUMER).map(({ links }) => links)).toEqual([[], []]);
    expect(spans(CONSUMER)).toEqual([]);
    await monque.stop();
  });
});

test('without a provider nothing is stored, and everything runs', async () => {
  const { monque, clock, events } = makeOne();
  const end = instrument(monque);
  monque.worker('email', () => undefined);
  await monque.start();
  expect((await monque.enqueue('email')).trace).toBe(undefined);
  await clock.advance(10);
  expect(payloads(events, 'job:complete')).toHaveLength(1);
  expect(payloads(events, 'job:error')).toEqual([]);
  end();
  await monque.stop();
});

test('an exporter that fails hurts no job', async () => {
  const tracerProvider = new BasicTracerProvider({
    spanProcessors: [
      {
        onStart: () => {
          throw new Error('broken processor');
        },
        onEnd: () => undefined,
        forceFlush: async () => undefined,
        shutdown: async () => undefined,
      },
    ],
  });
  const { monque, clock, events } = makeOne();
  instrument(monque, { tracerProvider });
  monque.worker('email', () => undefined);
  await monque.start();
  await monque.enqueue('email');
  await clock.advance(10);
  expect(payloads(events, 'job:complete')).toHaveLength(1);
  expect(payloads(events, 'job:error')[0]?.error.message).toBe('broken processor');
  await monque.stop();
});

describe('the trace of a job', () => {
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  const spanId = 'b7ad6b7169203331';

  test('comes back as it was written', () => {
    const written = writeTrace({ traceId, spanId, traceFlags: 1 });
    expect(written).toEqual({ traceparent: `00-${traceId}-${spanId}-01` });
    expect(parseTrace(written)).toEqual({ traceId, spanId, traceFlags: 1, isRemote: true });
    const state = { ...written, tracestate: 'vendor=1,other=2' };
    const parsed = parseTrace(state);
    expect(parsed && writeTrace(parsed)).toEqual(state);
  });

  test('goes without a state that is too long for it', () => {
    const traceState = { serialize: () => `a=${'x'.repeat(512)}` } as never;
    expect(writeTrace({ traceId, spanId, traceFlags: 0, traceState })).toEqual({
      traceparent: `00-${traceId}-${spanId}-00`,
    });
  });

  test.each([
    undefined,
    { traceparent: '' },
    { traceparent: `00-${'0'.repeat(32)}-${spanId}-01` },
    { traceparent: `00-${traceId}-${'0'.repeat(16)}-01` },
    { traceparent: `ff-${traceId}-${spanId}-01` },
    { traceparent: 7 },
  ])('that is none is nothing: %j', (trace) => {
    expect(parseTrace(trace as never)).toBe(undefined);
  });
});

function linkOf(span: ReadableSpan | undefined): { traceId?: string; spanId?: string } {
  const { traceId = '', spanId = '' } = span?.spanContext() ?? {};
  return { traceId, spanId };
}
