import { ObjectId } from 'mongodb';
import { expect, test } from 'vitest';
import { InMemoryLedgerRepository } from '../ledger/memory/in-memory-ledger-repository.ts';
import { FaultyLedgerRepository } from '../testing/faulty-ledger-repository.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { Waiter } from './wait-for.ts';

test('a transaction that is over while the ledger reads is asked about once more', async () => {
  const clock = new ManualClock();
  const stored = new InMemoryLedgerRepository({ clock });
  const ledger = new FaultyLedgerRepository(stored, { clock });
  const waiter = new Waiter({ ledger, clock });
  let isOpen = true;
  const session = { inTransaction: () => isOpen, endSession: async () => {} };
  const jobId = new ObjectId();
  waiter.storedIn(session, jobId);
  ledger.plan('getJob', { delayAfterMs: 10 });
  const result = waiter.wait(jobId, 1_000).catch(({ reason }) => reason);
  await clock.advance(5);
  isOpen = false;
  await clock.advance(5);
  let answered: unknown;
  void result.then((reason) => {
    answered = reason;
  });
  await clock.advance(1);
  expect(answered).toBe(undefined);
  await clock.advance(100);
  expect(answered).toBe('gone');
});

test('of more than 10,000 jobs that were stored in transactions the oldest is asked for like any other', async () => {
  const clock = new ManualClock();
  const waiter = new Waiter({ ledger: new InMemoryLedgerRepository({ clock }), clock });
  const session = { inTransaction: () => true, endSession: async () => {} };
  const jobIds = Array.from({ length: 10_001 }, () => new ObjectId());
  for (const jobId of jobIds) waiter.storedIn(session, jobId);
  const [oldest, next] = jobIds as [ObjectId, ObjectId];
  const ends = [oldest, next].map((jobId) =>
    waiter.wait(jobId, 1_000).catch(({ reason }) => reason),
  );
  await clock.advance(2_000);
  expect(await Promise.all(ends)).toEqual(['gone', 'timeout']);
});
