import { describe, expect, test } from 'vitest';
import { Monque } from '../../src/index.ts';
import { InMemoryLedgerRepository } from '../../src/ledger/memory/in-memory-ledger-repository.ts';
import { ManualClock } from '../../src/testing/index.ts';
import { deferred, makeOne } from './kit.ts';

async function reasonsIn(monque: Monque, filter = {}) {
  const { reasons } = await monque.explainMany(filter);
  return reasons.map(({ reason, count }) => [reason, count]);
}

describe('explainMany', () => {
  test('counts why jobs wait, run and ended, and gives one of each with the words', async () => {
    const { monque, clock } = makeOne({ maxRetries: 1 });
    const gate = deferred();
    monque.worker('runs', () => gate.promise, { concurrency: 1 });
    monque.worker('fails', () => Promise.reject(new Error('no')));
    await monque.pause('paused');
    await monque.start();
    await monque.enqueueMany(
      ['runs', 'runs', 'runs', 'fails', 'paused', 'paused', 'paused', 'paused', 'nobody'].map(
        (name) => ({ name }),
      ),
    );
    const later = await monque.enqueue('runs', 1, { delay: 60_000 });
    await clock.advance(1_000);
    const counted = await monque.explainMany({});
    expect(counted).toMatchObject({ explained: 10, isComplete: true, at: new Date(clock.now()) });
    expect(new Map(counted.reasons.map(({ reason, count }) => [reason, count]))).toEqual(
      new Map([
        ['paused', 4],
        ['atLimit', 2],
        ['running', 1],
        ['failed', 1],
        ['noWorker', 1],
        ['notDue', 1],
      ]),
    );
    expect(counted.reasons[0]?.reason).toBe('paused');
    const waits = counted.reasons.find(({ reason }) => reason === 'notDue');
    expect(waits).toMatchObject({ jobId: later._id });
    for (const { jobId, reason, message } of counted.reasons) {
      expect(await monque.explain(jobId)).toMatchObject({ reason, message });
    }
    expect(await reasonsIn(monque, { name: 'runs', status: 'processing' })).toEqual([
      ['running', 1],
    ]);
    gate.resolve();
    await monque.stop();
  });

  test('looks at no more jobs than its limit, and says so', async () => {
    const { monque, faulty } = makeOne();
    await monque.enqueueMany(Array.from({ length: 5 }, () => ({ name: 'a' })));
    await monque.initialize();
    const before = faulty.calls('findJobs');
    const counted = await monque.explainMany({}, { limit: 3, timeout: 1_000 });
    expect(counted).toMatchObject({ explained: 3, isComplete: false });
    expect(counted.reasons).toMatchObject([{ reason: 'noInstance', count: 3 }]);
    expect(faulty.calls('findJobs') - before).toBe(1);
    expect((await monque.explainMany({ name: 'none' })).reasons).toEqual([]);
  });

  test('says of due jobs with an order or a group that their turn was not looked at, without a read for each', async () => {
    const { monque, faulty, clock } = makeOne({ maxRetries: 1 });
    monque.worker('ship', () => Promise.reject(new Error('no')), { order: { whenFailed: 'halt' } });
    monque.worker('sync', () => undefined, { groups: {}, concurrency: 1 });
    await monque.setGroup('sync', 'acme', { paused: true });
    await monque.start();
    await monque.enqueueMany([
      ...['a', 'a', 'a', 'b'].map((order) => ({ name: 'ship', options: { order } })),
      ...['acme', 'acme'].map((group) => ({ name: 'sync', options: { group } })),
    ]);
    const later = await monque.enqueue('sync', 1, { group: 'acme', delay: 60_000 });
    await clock.advance(1_000);
    const before = [faulty.calls('findAhead'), faulty.calls('readGroups')];
    const ofOrders = await monque.explainMany({ name: 'ship' });
    expect(ofOrders.reasons).toMatchObject([
      { reason: 'failed', count: 2 },
      {
        ...{ reason: 'turnUnknown', count: 2 },
        message:
          'It is due, and whether its order lets it start was not looked at; explain the job alone to see that',
      },
    ]);
    const ofGroups = await monque.explainMany({ name: 'sync' });
    expect(ofGroups.reasons).toMatchObject([
      {
        ...{ reason: 'turnUnknown', count: 2 },
        message:
          'It is due, and whether its group lets it start was not looked at; explain the job alone to see that',
      },
      { reason: 'notDue', count: 1, jobId: later._id },
    ]);
    expect([faulty.calls('findAhead'), faulty.calls('readGroups')]).toEqual(before);
    const [, behind] = ofOrders.reasons;
    const [paused] = ofGroups.reasons;
    expect(await monque.explain(behind?.jobId ?? '')).toMatchObject({ reason: 'behindInOrder' });
    expect(await monque.explain(paused?.jobId ?? '')).toMatchObject({ reason: 'groupPaused' });
    await monque.pause('ship');
    expect(await reasonsIn(monque, { name: 'ship', status: 'pending' })).toEqual([['paused', 2]]);
    await monque.stop();
  });

  test.each<[string, unknown, object]>([
    ['filter', undefined, {}],
    ['options.limit', {}, { limit: 0 }],
    ['options.timeout', {}, { timeout: 0 }],
  ])('names %s when it is wrong', async (field, filter, options) => {
    const monque = new Monque(new InMemoryLedgerRepository({ clock: new ManualClock() }));
    const refused = monque.explainMany(filter as never, options);
    await expect(refused).rejects.toThrow(expect.objectContaining({ field }));
  });
});
