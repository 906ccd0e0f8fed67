import { describe, expect, test } from 'vitest';
import { COUNTERS, GAUGES, HISTOGRAMS } from './metric-catalogue.ts';
import { Metrics, type MetricsObserver, MOST_LABEL_VALUES, OTHER_LABEL } from './metrics.ts';

describe('metrics', () => {
  test('count by the labels of the catalogue', () => {
    const metrics = new Metrics();
    metrics.count('settled', { name: 'email', outcome: 'completed' });
    metrics.count('settled', { name: 'email', outcome: 'failed' }, 2);
    metrics.count('settled', { name: 'email', outcome: 'completed' });
    metrics.count('rescued', {}, 3);
    const { counters } = metrics.read();
    expect(counters.settled).toEqual([
      { labels: { name: 'email', outcome: 'completed' }, value: 2 },
      { labels: { name: 'email', outcome: 'failed' }, value: 2 },
    ]);
    expect(counters.rescued).toEqual([{ labels: {}, value: 3 }]);
    expect(counters.lost).toEqual([]);
    expect(metrics.total('settled')).toBe(4);
    expect(metrics.total('lost')).toBe(0);
  });

  test('measure in buckets that fit the unit', () => {
    const metrics = new Metrics();
    metrics.record('runMs', { name: 'email' }, 42);
    metrics.record('batchSize', { verb: 'claim' }, 7);
    const { runMs, batchSize } = metrics.read().histograms;
    expect(runMs).toMatchObject([{ labels: { name: 'email' }, count: 1, sum: 42 }]);
    expect(runMs[0]?.buckets.at(-2)?.upTo).toBe(86_400_000);
    expect(batchSize[0]?.buckets.at(-2)?.upTo).toBe(1_000);
  });

  test('keep bounded many values of a label apart and gather the rest', () => {
    const metrics = new Metrics();
    const names = Array.from({ length: MOST_LABEL_VALUES + 50 }, (_, index) => `job-${index}`);
    for (const name of names) metrics.count('enqueued', { name });
    const { enqueued } = metrics.read().counters;
    expect(enqueued).toHaveLength(MOST_LABEL_VALUES + 1);
    expect(enqueued.at(-1)).toEqual({ labels: { name: OTHER_LABEL }, value: 50 });
    metrics.count('enqueued', { name: 'job-0' });
    expect(metrics.read().counters.enqueued[0]?.value).toBe(2);
  });

  test('are read as a value that does not change', () => {
    const metrics = new Metrics();
    metrics.count('errors', { code: 'CONNECTION' });
    const before = metrics.read();
    metrics.count('errors', { code: 'CONNECTION' });
    metrics.count('errors', { code: 'OTHER' });
    expect(before.counters.errors).toEqual([{ labels: { code: 'CONNECTION' }, value: 1 }]);
    const parts = [before, before.counters, before.counters.errors, before.counters.errors[0]];
    expect(parts.every((part) => Object.isFrozen(part))).toBe(true);
  });
});

describe('an observer of metrics', () => {
  test('sees each measurement until it is taken away', () => {
    const metrics = new Metrics();
    const seen: unknown[] = [];
    const end = metrics.observe(
      {
        counted: (...measured) => seen.push(measured),
        recorded: (...measured) => seen.push(measured),
      },
      () => undefined,
    );
    metrics.count('lost', { reason: 'fenced' }, 2);
    metrics.record('waitMs', { name: 'email' }, 5);
    end();
    metrics.count('lost', { reason: 'fenced' });
    expect(seen).toEqual([
      ['lost', 2, { reason: 'fenced' }],
      ['waitMs', 5, { name: 'email' }],
    ]);
  });

  test('may leave out what it does not want', () => {
    const metrics = new Metrics();
    const errors: unknown[] = [];
    metrics.observe({}, (error) => errors.push(error));
    metrics.count('rescued', {});
    metrics.record('runMs', { name: 'email' }, 1);
    expect(errors).toEqual([]);
  });

  test('that throws is reported once, and hurts neither the count nor another observer', () => {
    const metrics = new Metrics();
    const errors: unknown[] = [];
    const seen: unknown[] = [];
    const broken: MetricsObserver = {
      counted: () => {
        throw new Error('broken');
      },
    };
    metrics.observe(broken, (error) => errors.push(error));
    metrics.observe({ counted: (metric) => seen.push(metric) }, (error) => errors.push(error));
    metrics.count('rescued', {});
    metrics.count('rescued', {});
    expect(errors).toEqual([new Error('broken')]);
    expect(seen).toEqual(['rescued', 'rescued']);
    expect(metrics.total('rescued')).toBe(2);
  });
});

test('labels are named as the catalogue names them, which the compiler holds', () => {
  const metrics = new Metrics();
  // @ts-expect-error: its label is the limit
  metrics.count('limitsFull', { name: 'email' });
  // @ts-expect-error: it lacks the outcome
  metrics.count('settled', { name: 'email' });
  // @ts-expect-error: it has no label
  metrics.record('settleDelayMs', { name: 'email' }, 1);
  expect(metrics.read().histograms.settleDelayMs).toMatchObject([{ labels: {}, count: 1 }]);
});

test('no two metrics have one name', () => {
  const names = [COUNTERS, HISTOGRAMS, GAUGES].flatMap((group) => Object.keys(group));
  expect(new Set(names).size).toBe(names.length);
});

test('an observer that rejects is reported once and ends nothing', async () => {
  const metrics = new Metrics();
  const errors: unknown[] = [];
  const rejecting = { counted: () => Promise.reject(new Error('no')) } as MetricsObserver;
  metrics.observe(rejecting, (error) => errors.push(error));
  metrics.count('rescued', {});
  metrics.count('rescued', {});
  await new Promise(setImmediate);
  expect(errors).toEqual([new Error('no')]);
});
