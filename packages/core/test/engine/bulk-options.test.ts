import { describe, expect, test } from 'vitest';
import { type BulkResult, ConnectionError } from '../../src/index.ts';
import { makeOne } from './kit.ts';

async function many(count: number) {
  const made = makeOne();
  await made.monque.enqueueMany(Array.from({ length: count }, () => ({ name: 'many' })));
  return made;
}

describe('a verb by a filter', () => {
  test('reports after each page how far it is, and waits for who listens', async () => {
    const { monque } = await many(1_100);
    const reported: BulkResult[] = [];
    const result = await monque.cancelJobs(
      { name: 'many' },
      { onProgress: (so) => Promise.resolve().then(() => void reported.push(so)) },
    );
    expect(reported.map(({ matched, isComplete }) => [matched, isComplete])).toEqual([
      [500, false],
      [1_000, false],
      [1_100, true],
    ]);
    expect(result).toEqual(reported.at(-1));
  });

  test('ends at its limit', async () => {
    const { monque, ledger } = await many(1_100);
    const result = await monque.deleteJobs({}, { limit: 700 });
    expect(result).toEqual({ matched: 700, changed: 700, left: [], isComplete: false });
    expect(ledger.size).toBe(400);
    expect(await monque.deleteJobs({}, { limit: 400 })).toMatchObject({ matched: 400 });
  });

  test('ends after the jobs that are under way when its signal is aborted', async () => {
    const { monque, ledger } = await many(1_100);
    const controller = new AbortController();
    const onProgress = (): void => controller.abort();
    const { signal } = controller;
    const result = await monque.deleteJobs({}, { signal, onProgress });
    expect(result).toMatchObject({ matched: 500, isComplete: false });
    expect(await monque.deleteJobs({}, { signal })).toMatchObject({ matched: 0 });
    expect(ledger.size).toBe(600);
  });

  test('ends with what its listener throws', async () => {
    const { monque, ledger } = await many(1_100);
    const onProgress = (): void => {
      throw new Error('enough');
    };
    await expect(monque.deleteJobs({}, { onProgress })).rejects.toThrow('enough');
    expect(ledger.size).toBe(600);
  });

  test.each<[string, object]>([
    ['options.limit', { limit: 0 }],
    ['options.signal', { signal: 1 }],
    ['options.onProgress', { onProgress: 1 }],
    ['options.reason', { reason: '' }],
    ['options', { unknown: 1 }],
  ])('names %s when it is wrong, and changes nothing', async (field, options) => {
    const { monque, ledger } = await many(1);
    const refused = monque.deleteJobs({}, options);
    await expect(refused).rejects.toThrow(expect.objectContaining({ field }));
    expect(ledger.size).toBe(1);
  });
});

describe('a filter', () => {
  test('chooses by ids, by the end, by the failure and by who holds a job', async () => {
    const { monque, clock } = makeOne({ maxRetries: 1 });
    monque.worker<string>('work', ({ data }) => {
      throw new Error(data);
    });
    await monque.start();
    const [full, gone] = [
      await monque.enqueue('work', 'Mailbox 1 is full'),
      await monque.enqueue('work', 'No route'),
    ];
    await clock.advance(1_000);
    const waiting = await monque.enqueue('other');
    const idsOf = async (filter: object) =>
      (await monque.getJobs(filter)).map(({ _id }) => String(_id));
    expect(await idsOf({ ids: [full._id, String(waiting._id)] })).toEqual([
      String(full._id),
      String(waiting._id),
    ]);
    expect(await idsOf({ failReason: 'Mailbox ' })).toEqual([String(full._id)]);
    const before = new Date(clock.now() + 1);
    expect(await idsOf({ finishedBefore: before })).toEqual([String(full._id), String(gone._id)]);
    expect(await idsOf({ finishedFrom: before })).toEqual([]);
    expect(await idsOf({ claimedBy: 'nobody' })).toEqual([]);
    await monque.stop();
  });

  test.each<[string, object]>([
    ['options.ids', { ids: [] }],
    ['options.ids', { ids: 'all' }],
    ['options.ids[0]', { ids: ['zz'] }],
    ['options.failReason', { failReason: '' }],
    ['options.claimedBy', { claimedBy: 1 }],
    ['options.finishedFrom', { finishedFrom: 1 }],
    ['options.timeout', { timeout: 0 }],
  ])('names %s when it is wrong', async (field, options) => {
    const refused = makeOne().monque.getJobs(options);
    await expect(refused).rejects.toThrow(expect.objectContaining({ field }));
  });
});

test('a list is given up after its timeout', async () => {
  const { monque, clock, faulty } = makeOne();
  await monque.initialize();
  faulty.plan('findJobs', { delayBeforeMs: 60_000 }, 2);
  const given = [monque.getJobs({ timeout: 50 }), monque.getJobsWithCursor({ timeout: 50 })];
  const ends = given.map((list) => list.catch((error: unknown) => error));
  await clock.advance(51);
  for (const end of ends) expect(await end).toBeInstanceOf(ConnectionError);
});
