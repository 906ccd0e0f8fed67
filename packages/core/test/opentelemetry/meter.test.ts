import { createNoopMeter, metrics } from '@opentelemetry/api';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { describe, expect, test } from 'vitest';
import { COUNTERS, GAUGES, HISTOGRAMS, type Instrumentation } from '../../src/index.ts';
import { instrument } from '../../src/opentelemetry/index.ts';
import { makeOne } from '../engine/kit.ts';

describe('metrics', () => {
  async function makeMetered() {
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const reader = new PeriodicExportingMetricReader({
      exporter,
      exportIntervalMillis: 3_600_000,
    });
    const meterProvider = new MeterProvider({ readers: [reader] });
    const one = makeOne();
    const end = instrument(one.monque, { meterProvider });
    /** The points of each metric by its name, as exported now. */
    const exported = async () => {
      exporter.reset();
      await reader.forceFlush();
      const all = exporter
        .getMetrics()
        .flatMap(({ scopeMetrics }) => scopeMetrics)
        .flatMap((scope) => scope.metrics);
      return new Map(all.map((metric) => [metric.descriptor.name, metric]));
    };
    return { ...one, end, exported, shutdown: () => meterProvider.shutdown() };
  }

  test('are exported, times in seconds, with the names of jobs as attributes', async () => {
    const { monque, clock, exported, shutdown, end } = await makeMetered();
    monque.worker('email', () => new Promise<void>((resolve) => clock.setTimer(resolve, 500)));
    await monque.start();
    await monque.enqueue('email');
    await clock.advance(1_000);
    const points = await exported();
    expect(points.get('monque.jobs.enqueued')?.dataPoints).toMatchObject([
      { attributes: { 'messaging.destination.name': 'email' }, value: 1 },
    ]);
    expect(points.get('monque.runs.settled')?.dataPoints).toMatchObject([
      { attributes: { 'messaging.destination.name': 'email', 'monque.outcome': 'completed' } },
    ]);
    const duration = points.get('monque.job.duration');
    expect(duration?.descriptor.unit).toBe('s');
    expect(duration?.dataPoints).toMatchObject([{ value: { count: 1, sum: 0.5 } }]);
    expect(points.get('monque.batch.size')?.dataPoints).toMatchObject([
      { attributes: { 'monque.verb': 'enqueue' }, value: { sum: 1 } },
      { attributes: { 'monque.verb': 'claim' } },
      { attributes: { 'monque.verb': 'settle' } },
    ]);
    expect(points.get('monque.claim.win_rate')?.dataPoints).toMatchObject([{ value: 1 }]);
    expect(points.get('monque.jobs.running')?.descriptor.unit).toBe('{job}');
    const calls = points.get('monque.ledger.call.duration')?.dataPoints ?? [];
    expect(calls.length).toBeGreaterThan(3);
    end();
    await monque.enqueue('email');
    const after = await exported();
    expect(after.get('monque.jobs.enqueued')?.dataPoints).toMatchObject([{ value: 1 }]);
    await clock.advance(1_000);
    await monque.stop();
    await shutdown();
  });

  test('have a name of their own each', async () => {
    const created: string[] = [];
    const note = (name: string) => {
      created.push(name);
      return { add: () => undefined, record: () => undefined };
    };
    const meter = {
      createCounter: note,
      createHistogram: note,
      createObservableGauge: note,
      addBatchObservableCallback: () => undefined,
      removeBatchObservableCallback: () => undefined,
    };
    const { monque } = makeOne();
    instrument(monque, { meterProvider: { getMeter: () => meter as never } });
    const all = [COUNTERS, HISTOGRAMS, GAUGES].flatMap((group) => Object.keys(group));
    expect(created).toHaveLength(all.length);
    expect(new Set(created).size).toBe(all.length);
    expect(created.every((name) => /^monque\.[a-z_.]+$/.test(name))).toBe(true);
  });

  test('go to the provider that is registered globally unless one is given', async () => {
    const asked: string[] = [];
    const getMeter = (name: string) => {
      asked.push(name);
      return createNoopMeter();
    };
    const { monque } = makeOne();
    metrics.setGlobalMeterProvider({ getMeter });
    instrument(monque);
    metrics.disable();
    expect(asked).toContain('@monque/core');
  });
});

describe('the backlog', () => {
  async function exported(backlog: boolean | readonly string[]) {
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
    const meterProvider = new MeterProvider({ readers: [reader] });
    const one = makeOne();
    const end = instrument(one.monque, { meterProvider, backlog });
    one.monque.worker('fails', () => Promise.reject(new Error('no')), { maxRetries: 1 });
    await one.monque.start();
    await one.monque.enqueueMany([{ name: 'waits' }, { name: 'waits' }, { name: 'fails' }]);
    await one.clock.advance(3_000);
    const read = async () => {
      exporter.reset();
      await reader.forceFlush();
      const all = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics);
      return all
        .flatMap(({ metrics: ofScope }) => ofScope)
        .filter(({ descriptor }) => /jobs\.(due|failed|lag)$/.test(descriptor.name))
        .flatMap(({ descriptor, dataPoints }) =>
          dataPoints.map(({ attributes, value }) => [
            ...[descriptor.name, attributes['messaging.destination.name'], value],
          ]),
        );
    };
    return { ...one, end, read, shutdown: () => reader.shutdown() };
  }

  test('has no failed jobs where the ledger cannot count them', async () => {
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
    const { monque } = makeOne();
    const uncounted = {
      instrument: (given: Instrumentation) => monque.instrument(given),
      metrics: () => monque.metrics(),
      getBacklog: async () => ({ names: [{ name: 'mail', due: 2, queueLagMs: 3_000 }] }),
    };
    const meterProvider = new MeterProvider({ readers: [reader] });
    const end = instrument(uncounted as never, { meterProvider, backlog: true });
    await reader.forceFlush();
    const exported = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics);
    const points = exported
      .flatMap(({ metrics: ofScope }) => ofScope)
      .filter(({ descriptor }) => /jobs\.(due|failed)$/.test(descriptor.name))
      .flatMap(({ descriptor, dataPoints }) =>
        dataPoints.map(({ value }) => [descriptor.name, value]),
      );
    expect(points).toEqual([['monque.jobs.due', 2]]);
    end();
    await monque.stop();
    await reader.shutdown();
  });

  test('is exported by name where it is asked for, with one read an export, until it is ended', async () => {
    const { monque, faulty, end, read, shutdown } = await exported(['waits', 'fails']);
    const before = faulty.calls('countDue');
    expect(await read()).toEqual([
      ['monque.jobs.due', 'fails', 0],
      ['monque.jobs.due', 'waits', 2],
      ['monque.jobs.failed', 'fails', 1],
      ['monque.jobs.failed', 'waits', 0],
      ['monque.jobs.lag', 'fails', 0],
      ['monque.jobs.lag', 'waits', 3],
    ]);
    expect(faulty.calls('countDue') - before).toBe(1);
    end();
    await read();
    expect(faulty.calls('countDue') - before).toBe(1);
    await monque.stop();
    await shutdown();
  });

  test('is that of every name with pending jobs for true, and asks nothing without', async () => {
    const all = await exported(true);
    expect((await all.read()).map(([, name]) => name)).toEqual(['waits', 'waits', 'waits']);
    const none = await exported(false);
    expect(await none.read()).toEqual([]);
    expect(none.faulty.calls('countDue')).toBe(0);
    for (const { monque, shutdown } of [all, none]) {
      await monque.stop();
      await shutdown();
    }
  });
});
