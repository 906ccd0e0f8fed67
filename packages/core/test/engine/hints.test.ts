/** Words that other libraries use get the hint to what is meant here. */
import { MongoClient } from 'mongodb';
import { expect, test } from 'vitest';
import { Monque } from '../../src/index.ts';

const monque = Monque.inMemory();

test.each([
  ['attempts', 'maxRetries'],
  ['singletonKey', 'uniqueKey'],
  ['startAfter', 'runAt'],
  ['jobId', 'uniqueKey'],
])('%s of a job is %s here', async (theirs, ours) => {
  const enqueued = monque.enqueue('a', 1, { [theirs]: 1 });
  await expect(enqueued).rejects.toThrow(`did you mean \`${ours}\`?`);
});

test.each([
  ['tz', 'timezone'],
  ['startDate', 'startAt'],
])('%s of a series is %s here', async (theirs, ours) => {
  const scheduled = monque.schedule('@daily', 'a', 1, { [theirs]: 1 });
  await expect(scheduled).rejects.toThrow(`did you mean \`${ours}\`?`);
});

test.each([
  ['processEvery', 'did you mean `pollInterval`?'],
  ['lockDuration', 'did you mean `leaseDuration`?'],
  ['maxConcurrency', 'did you mean `instanceConcurrency`?'],
  ['collection', 'did you mean `collectionName`?'],
  ['connection', 'new Monque(db, options)'],
])('%s of a scheduler gets a hint', (theirs, hint) => {
  expect(() => Monque.inMemory({ [theirs]: 1 })).toThrow(hint);
});

test('a job that is to be repeated is a series', async () => {
  await expect(monque.enqueue('a', 1, { repeat: 1 } as never)).rejects.toThrow('schedule(cron');
});

test.each([
  ['5 minutes', 'times are numbers of milliseconds: 5 minutes are 300000'],
  ['5000', 'give a number, not a text'],
])('%j for a time in milliseconds gets a hint', async (text, hint) => {
  expect(() => Monque.inMemory({ pollInterval: text as never })).toThrow(hint);
  await expect(monque.enqueue('a', 1, { delay: text as never })).rejects.toThrow(hint);
});

test('a time that is no time gets no hint', async () => {
  const enqueued = monque.enqueue('a', 1, { delay: 'soon' as never, runAt: new Date() });
  await expect(enqueued).rejects.toThrow(/got 'soon' \(string\)$/);
  const dated = monque.enqueue('a', 1, { runAt: 'soon' as never });
  await expect(dated).rejects.toThrow(/got 'soon' \(string\)$/);
});

test.each([
  ['in 5 minutes', 'new Date(Date.now() + 300000)'],
  [5_000, 'new Date(ms)'],
])('%j for a Date gets a hint', async (runAt, hint) => {
  await expect(monque.enqueue('a', 1, { runAt: runAt as never })).rejects.toThrow(hint);
});

test.each([
  ['5 minutes', "got 2; for an interval pass `{ every: '5 minutes' }`"],
  ['7 moons', 'got 2; a valid one is'],
])(
  '%s in place of a cron expression is told how an interval is written, where it is one',
  async (cron, hint) => {
    await expect(monque.schedule(cron, 'a')).rejects.toThrow(hint);
  },
);

test.each(['every', 'interval', 'repeatEvery'])('%s of a job is a series', async (theirs) => {
  await expect(monque.enqueue('a', 1, { [theirs]: 1 })).rejects.toThrow('schedule({ every');
});

test('options before the handler are told to come last', () => {
  const swapped = [{ concurrency: 2 }, () => undefined] as unknown as [() => void];
  const swap = () => monque.worker('swapped', ...swapped);
  expect(swap).toThrow('a function, a batch or stages');
  expect(swap).toThrow('worker(name, handler, options)');
});

test('what is no database gets the hint to where it is', () => {
  const db = new MongoClient('mongodb://localhost/none').db();
  const mongoose = { connect: () => 0, model: () => 0, Schema: () => 0 };
  const sources: [unknown, string][] = [
    ['mongodb://ann:secret@localhost/shop', 'this is an address'],
    [db.collection('jobs'), 'this is a collection'],
    [mongoose, 'this is mongoose itself'],
    [db.client, 'this is a MongoClient'],
  ];
  for (const [source, hint] of sources) {
    expect(() => new Monque(source as never)).toThrow(hint);
  }
  expect(() => new Monque('mongodb://ann:secret@localhost' as never)).not.toThrow('secret');
});
