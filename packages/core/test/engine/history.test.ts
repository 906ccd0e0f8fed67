import { describe, expect, test } from 'vitest';
import { InMemoryLedgerRepository, InvalidArgumentError, Monque } from '../../src/index.ts';
import { ManualClock } from '../../src/testing/index.ts';
import { makeOne } from './kit.ts';

describe('the history of a job', () => {
  test('reports what failed and what was done manually', async () => {
    const { monque, clock } = makeOne({ maxRetries: 1 });
    monque.worker('work', () => Promise.reject(new Error('broken')));
    await monque.start();
    const { _id } = await monque.enqueue('work');
    await clock.advance(10);
    await monque.retryJob(_id);
    await monque.stop();
    const verbs = (await monque.getHistory(_id.toHexString())).map(({ verb }) => verb);
    expect(verbs).toEqual(['fail', 'redrive']);
    expect(await monque.getHistory(_id, { limit: 1 })).toMatchObject([{ verb: 'redrive' }]);
    expect(await monque.getHistory('0'.repeat(24))).toEqual([]);
  });

  test('is refused for what is no id, and for a limit that is none', async () => {
    const { monque } = makeOne();
    await expect(monque.getHistory('x')).rejects.toBeInstanceOf(InvalidArgumentError);
    const limited = monque.getHistory('0'.repeat(24), { limit: 0 });
    await expect(limited).rejects.toThrow(/options\.limit/);
  });

  test('reports when a job was deleted, also where that is the first call of a process', async () => {
    const clock = new ManualClock();
    const ledger = new InMemoryLedgerRepository({ clock, transitionLog: true });
    const { _id, createdAt } = await new Monque(ledger, { clock }).enqueue('work');
    await clock.advance(5_000);
    const another = new Monque(ledger, { clock });
    await another.deleteJob(_id);
    expect((await another.getHistory(_id)).map(({ verb, at }) => [verb, at])).toEqual([
      ['enqueue', createdAt],
      ['remove', new Date(createdAt.getTime() + 5_000)],
    ]);
  });

  test('reports every transition where a scheduler in memory keeps them, also of a deleted job', async () => {
    const clock = new ManualClock();
    const monque = Monque.inMemory({ clock, transitionLog: true });
    monque.worker('work', () => 'done');
    await monque.start();
    const { _id } = await monque.enqueue('work');
    await clock.advance(10);
    await monque.deleteJob(_id);
    await monque.stop();
    const history = await monque.getHistory(_id);
    expect(history.map(({ verb, from, to }) => [verb, from, to])).toEqual([
      ['enqueue', undefined, 'pending'],
      ['claim', 'pending', 'processing'],
      ['complete', 'processing', 'completed'],
      ['remove', 'completed', 'gone'],
    ]);
  });

  test('is an option of the ledger where that is given', () => {
    const { ledger } = makeOne();
    expect(() => new Monque(ledger, { transitionLog: true })).toThrow(/options\.transitionLog/);
  });
});
