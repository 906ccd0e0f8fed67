import { describe, expect, test } from 'vitest';
import { Settler } from '../../src/engine/running/settler.ts';
import { discard, type MetricsSnapshot, snooze } from '../../src/index.ts';
import { deferred, makeOne, makeWorld } from './kit.ts';

/** The value of a counter under these labels; 0 when there is none. */
function counterValue(
  { counters }: MetricsSnapshot,
  metric: keyof MetricsSnapshot['counters'],
  labels: Readonly<Record<string, string>>,
): number {
  const found = counters[metric].find(
    (point) => JSON.stringify(point.labels) === JSON.stringify(labels),
  );
  return found?.value ?? 0;
}

function settledOf(snapshot: MetricsSnapshot, name: string): Record<string, number> {
  const own = snapshot.counters.settled.filter(({ labels }) => labels.name === name);
  return Object.fromEntries(own.map(({ labels, value }) => [labels.outcome, value]));
}

describe('metrics()', () => {
  test('count what was stored, claimed and settled, by name and outcome', async () => {
    const { monque, clock } = makeOne({ baseRetryInterval: 1 });
    monque.worker('fine', () => undefined);
    monque.worker('twice', ({ failCount }) => {
      if (failCount === 0) throw new Error('first');
    });
    monque.worker('hopeless', () => discard('never'));
    monque.worker('later', ({ fence }) => (fence === 1 ? snooze(5) : undefined));
    await monque.start();
    await monque.enqueueMany([
      ...[{ name: 'fine' }, { name: 'fine' }],
      ...[{ name: 'twice' }, { name: 'hopeless' }, { name: 'later' }],
    ]);
    await clock.advance(2_000);
    const snapshot = monque.metrics();
    expect(counterValue(snapshot, 'enqueued', { name: 'fine' })).toBe(2);
    expect(counterValue(snapshot, 'claimed', { name: 'twice' })).toBe(2);
    expect(settledOf(snapshot, 'fine')).toEqual({ completed: 2 });
    expect(settledOf(snapshot, 'twice')).toEqual({ retried: 1, completed: 1 });
    expect(settledOf(snapshot, 'hopeless')).toEqual({ failed: 1 });
    expect(settledOf(snapshot, 'later')).toEqual({ snoozed: 1, completed: 1 });
    await monque.stop();
  });

  test('count a run that ended as cancelled on request, and one that was given back', async () => {
    const { monque, clock } = makeOne({ shutdownTimeout: 0 });
    const untilAborted = (_: unknown, { signal }: { signal: AbortSignal }): Promise<never> =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
      });
    monque.worker('long', untilAborted);
    await monque.start();
    const [first] = await Promise.all([monque.enqueue('long'), monque.enqueue('long')]);
    await clock.advance(10);
    await monque.cancelJob(first._id);
    await clock.advance(10);
    await monque.stop();
    expect(settledOf(monque.metrics(), 'long')).toEqual({ cancelled: 1, released: 1 });
  });

  test('measure waits, runs, settle delays and batches', async () => {
    const { monque, clock } = makeOne();
    monque.worker('work', () => new Promise<void>((resolve) => clock.setTimer(resolve, 70)));
    await monque.enqueueMany([{ name: 'work' }, { name: 'work' }]);
    await clock.advance(3_000);
    await monque.start();
    await clock.advance(200);
    const { histograms } = monque.metrics();
    expect(histograms.waitMs).toMatchObject([{ labels: { name: 'work' }, count: 2 }]);
    expect(histograms.waitMs[0]?.min).toBeGreaterThanOrEqual(3_000);
    expect(histograms.runMs).toMatchObject([{ labels: { name: 'work' }, count: 2, sum: 140 }]);
    expect(histograms.settleDelayMs).toMatchObject([{ labels: {}, count: 2 }]);
    const sizes = histograms.batchSize.map(({ labels, max }) => [labels.verb, max]);
    expect(sizes).toEqual([
      ['enqueue', 2],
      ['claim', 2],
      ['settle', 1],
    ]);
    await monque.stop();
  });

  test('show the calls of the ledger, their errors, and the errors they became', async () => {
    const { monque, clock, faulty, ledger } = makeOne();
    monque.worker('work', () => undefined);
    await monque.start();
    faulty.plan('claim', { fail: 'before' });
    await monque.enqueue('work');
    await clock.advance(1_000);
    const { counters, histograms } = monque.metrics();
    const claims = histograms.ledgerCallMs.find(({ labels }) => labels.verb === 'claim');
    expect(claims?.count).toBe(faulty.calls('claim'));
    expect(counters.ledgerErrors).toEqual([
      { labels: { verb: 'claim', code: 'UNKNOWN_OUTCOME' }, value: 1 },
    ]);
    expect(counters.errors).toEqual([{ labels: { code: 'UNKNOWN_OUTCOME' }, value: 1 }]);
    expect(faulty.metrics().ledgerErrors).toEqual(counters.ledgerErrors);
    expect(ledger.metrics().ledgerErrors).toEqual([]);
    await monque.stop();
  });

  test('have gauges for this moment, and a win rate of one while nobody competes', async () => {
    const { monque, clock } = makeOne();
    expect(monque.metrics().gauges).toEqual({
      queueLagMs: 0,
      claimWinRate: 1,
      runningJobs: 0,
      bufferedJobs: 0,
      unsettledJobs: 0,
      clockErrorMs: 0,
    });
    monque.worker('work', () => new Promise<void>((resolve) => clock.setTimer(resolve, 500)));
    await monque.start();
    await monque.enqueue('work');
    await clock.advance(100);
    expect(monque.metrics().gauges).toMatchObject({ runningJobs: 1, claimWinRate: 1 });
    await clock.advance(1_000);
    expect(monque.metrics().gauges).toMatchObject({ runningJobs: 0, unsettledJobs: 0 });
    await monque.stop();
  });

  test('count jobs that were rescued, and runs whose claim was lost', async () => {
    const world = makeWorld();
    const holder = world.makeInstance({ leaseDuration: 3_000 });
    const other = world.makeInstance({ leaseDuration: 3_000 });
    const [first, second] = [deferred(), deferred()];
    holder.monque.worker('work', () => first.promise);
    await holder.monque.start();
    await holder.monque.enqueue('work');
    await world.clock.settle();
    other.monque.worker('work', () => second.promise);
    await other.monque.start();
    holder.network.down = true;
    await world.clock.advance(10_000);
    expect(counterValue(other.monque.metrics(), 'rescued', {})).toBe(1);
    holder.network.down = false;
    first.resolve();
    await world.clock.advance(60_000);
    second.resolve();
    expect(counterValue(holder.monque.metrics(), 'lost', { reason: 'fenced' })).toBe(1);
    await Promise.all([holder.monque.stop(), other.monque.stop()]);
  });

  test('a snapshot does not change afterwards', async () => {
    const { monque } = makeOne();
    await monque.enqueue('work');
    const before = monque.metrics();
    await monque.enqueue('work');
    expect(counterValue(before, 'enqueued', { name: 'work' })).toBe(1);
    expect(counterValue(monque.metrics(), 'enqueued', { name: 'work' })).toBe(2);
    expect(Object.isFrozen(before) && Object.isFrozen(before.gauges)).toBe(true);
  });
});

test('the settler without work has nothing that waits', () => {
  const settler = new Settler({} as never, {} as never, () => undefined);
  expect(settler.longestUnsettledMs).toBe(0);
});
