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

test('options before the handler are told to come last', () => {
  const swapped = [{ concurrency: 2 }, () => undefined] as unknown as [() => void];
  expect(() => monque.worker('swapped', ...swapped)).toThrow('worker(name, handler, options)');
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
