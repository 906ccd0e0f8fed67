import { expect, test } from 'vitest';
import { ConnectionError } from '../foundation/errors.ts';
import { ManualClock } from '../testing/index.ts';
import { LedgerCalls } from './ledger-calls.ts';

const lost = (): Promise<never> => Promise.reject(new ConnectionError('lost'));

test('a ledger is not connected before its first answer, and is after it', async () => {
  const clock = new ManualClock();
  const record = new LedgerCalls(clock);
  expect(record.health()).toEqual({ connected: false });
  expect(await record.call('getJob', async () => 'job')).toBe('job');
  expect(record.health()).toEqual({ connected: true, lastAnswerAt: new Date(clock.now()) });
});

test('a call without an answer makes it disconnected until the next answer', async () => {
  const record = new LedgerCalls(new ManualClock());
  await record.call('claim', async () => 1);
  await expect(record.call('claim', lost)).rejects.toThrow('lost');
  expect(record.health()).toMatchObject({
    connected: false,
    lastError: { verb: 'claim', error: new ConnectionError('lost') },
  });
  await record.call('claim', async () => 1);
  expect(record.health().connected).toBe(true);
});

test('one slow verb is no outage while other calls are answered', async () => {
  const record = new LedgerCalls(new ManualClock());
  let giveUp: (error: Error) => void = () => undefined;
  const slow = record.call('readStats', () => new Promise((_, reject) => (giveUp = reject)));
  await record.call('claim', async () => 1);
  giveUp(new ConnectionError('late'));
  await expect(slow).rejects.toThrow('late');
  expect(record.health()).toMatchObject({ connected: true, lastError: { verb: 'readStats' } });
});

test('an error that is an answer is counted and leaves it connected', async () => {
  const record = new LedgerCalls(new ManualClock());
  await record.call('claim', async () => 1);
  const refused = record.call('claim', () => Promise.reject(new Error('bad command')));
  await expect(refused).rejects.toThrow('bad command');
  await expect(record.call('claim', lost)).rejects.toThrow('lost');
  const { counters, histograms } = record.metrics.read();
  expect(counters.ledgerErrors).toEqual([
    { labels: { verb: 'claim', code: 'OTHER' }, value: 1 },
    { labels: { verb: 'claim', code: new ConnectionError('').code }, value: 1 },
  ]);
  expect(histograms.ledgerCallMs).toMatchObject([{ labels: { verb: 'claim' }, count: 3 }]);
});
