import { gate, Monque, stage } from '@monque/core';
import { type Db, Long } from 'mongodb';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { uriOf } from '../../core/test/package/mongo-uri.ts';
import {
  cleanupTestDb,
  closeMongoDb,
  describeWithMongo,
  getTestDb,
} from '../../core/test/setup/mongodb.ts';
import { runner } from './setup/io.ts';

const NO_ID = '665f1f77bcf86cd799439011';

describeWithMongo('the command wait', () => {
  let db: Db;
  let monque: Monque;
  let monqueCli: ReturnType<typeof runner>;

  beforeEach(async () => {
    db = await getTestDb('cli_wait');
    monque = new Monque(db, { logger: false });
    monqueCli = runner(uriOf(db.databaseName));
    return async () => {
      await monque.stop();
      await cleanupTestDb(db);
    };
  });

  afterAll(closeMongoDb);

  test('prints the result of a job, and ends by how it ended', async () => {
    monque.worker('add', () => ({ sum: Long.fromString('9007199254740993') }));
    monque.worker('quiet', () => undefined);
    monque.worker(
      'bad',
      () => {
        throw new Error('boom');
      },
      { maxRetries: 1 },
    );
    monque.worker('held', { stages: [gate('paid'), stage('pay', () => undefined)] });
    await monque.start();
    const idOf = async (name: string) => String((await monque.enqueue(name))._id);
    const sum = await monqueCli('wait', await idOf('add'));
    expect(sum).toMatchObject({ code: 0, out: '{"sum":{"$numberLong":"9007199254740993"}}\n' });
    expect(await monqueCli('wait', await idOf('quiet'))).toMatchObject({ code: 0, out: '' });
    const json = await monqueCli('wait', await idOf('quiet'), '--json');
    expect(json).toMatchObject({ code: 0, records: [null] });
    const bad = await monqueCli('wait', await idOf('bad'));
    expect(bad).toMatchObject({
      code: 9,
      out: '',
      err: expect.stringMatching(/failed: boom\n$/),
    });
    expect((await monqueCli('wait', await idOf('held'), '--for', '50ms')).code).toBe(8);
    expect((await monqueCli('wait', NO_ID)).code).toBe(3);
    expect((await monqueCli('wait', 'no id')).code).toBe(2);
  });
});
