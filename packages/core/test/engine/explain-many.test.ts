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
