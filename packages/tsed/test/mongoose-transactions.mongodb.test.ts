/**
 * With `transactionAsyncLocalStorage` Mongoose takes the session of a write from the asynchronous context. A job that
 * ran in the context of whoever woke the scheduler would write into a transaction of a stranger.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { Monque } from '@monque/core';
import mongoose, { type Connection, Schema } from 'mongoose';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { uriOf } from '../../core/test/package/mongo-uri.ts';
import {
  cleanupTestDb,
  closeMongoDb,
  describeWithMongo,
  getTestDb,
} from '../../core/test/setup/mongodb.ts';

describeWithMongo('with the transactions of Mongoose in the asynchronous context', () => {
  let db: Awaited<ReturnType<typeof getTestDb>>;
  let connection: Connection;
  const user = new AsyncLocalStorage<string>();

  beforeEach(async () => {
    mongoose.set('transactionAsyncLocalStorage', true);
    db = await getTestDb('mongoose-transactions');
    connection = mongoose.createConnection(uriOf(db.databaseName));
    await connection.asPromise();
  });

  afterEach(async () => {
    await connection.close();
    await cleanupTestDb(db);
    mongoose.set('transactionAsyncLocalStorage', false);
  });

  afterAll(closeMongoDb);

  test('the write of a job goes into no transaction of those who enqueue, start or reschedule', async () => {
    if (connection.db === undefined) throw new Error('Expected an open connection');
    const Note = connection.model('Note', new Schema({ text: String }));
    await Note.createCollection();
    const monque = new Monque(connection.db as never, { pollInterval: 20 });
    monque.worker<string>('write', async ({ data }) => {
      await Note.create([{ text: `${data} ${user.getStore()}` }]);
    });
    const rolledBack = new Error('rolled back');
    const inTransaction = (name: string): Promise<unknown> =>
      connection.transaction(async () => {
        await Note.create([{ text: `own ${name}` }]);
        await monque.start();
        const job = await user.run(name, () => monque.enqueue('write', name));
        const later = await monque.enqueue('write', `${name} later`, { runAt: new Date(2e12) });
        await monque.rescheduleJob(later._id, new Date());
        // They run while the transaction is open.
        await monque.waitFor(job);
        await monque.waitFor(later);
        throw rolledBack;
      });
    for (const name of ['ann', 'bob']) {
      await expect(inTransaction(name)).rejects.toThrow('rolled back');
    }
    await monque.stop();
    const texts = (await Note.find().lean()).map(({ text }) => text).sort();
    expect(texts).toEqual([
      'ann later undefined',
      'ann undefined',
      'bob later undefined',
      'bob undefined',
    ]);
  });
});
