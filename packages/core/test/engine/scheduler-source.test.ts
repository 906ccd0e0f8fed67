import { describe, expect, test } from 'vitest';
import { InMemoryLedgerRepository, Monque } from '../../src/index.ts';
import { ManualClock, SeededRandom } from '../../src/testing/index.ts';

describe('the source of a scheduler', () => {
  const refused: [string, unknown, string][] = [
    ['nothing', undefined, 'Monque.inMemory()'],
    ['a promise', Promise.resolve(), 'await it first'],
    ['a client', { db: () => 1, startSession: () => 1 }, 'client.db(name)'],
    ['a Mongoose connection', { model: () => 1 }, 'connection.db'],
  ];

  test.each(refused)('is not %s', (_, source, hint) => {
    expect(() => new Monque(source as never)).toThrow(hint);
  });

  test('an option of the ledger is refused where a ledger is given', () => {
    const ledger = new InMemoryLedgerRepository();
    expect(() => new Monque(ledger, { collectionName: 'x' })).toThrow('options.collectionName');
  });

  test('in memory takes clock and time-out for its ledger', async () => {
    const clock = new ManualClock();
    const monque = Monque.inMemory({ clock, operationTimeout: 500, random: new SeededRandom(1) });
    expect((await monque.enqueue('a')).createdAt).toEqual(new Date(clock.now()));
    expect((await Monque.inMemory().enqueue('a')).status).toBe('pending');
  });
});
