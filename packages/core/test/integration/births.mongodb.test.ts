import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Db } from 'mongodb';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type Job, Monque } from '../../src/index.ts';
import { ENTRY, ensureBuilt } from '../package/built.ts';
import { cleanupTestDb, closeMongoDb, describeWithMongo, getTestDb } from '../setup/mongodb.ts';
import { until } from '../setup/until.ts';

const SCRIPT = join(import.meta.dirname, 'birth-process.mjs');

interface Message {
  readonly acknowledged?: string;
  readonly births?: readonly string[];
}

describeWithMongo('a process that is killed while it stores a job as claimed', () => {
  beforeAll(ensureBuilt, 180_000);

  afterAll(closeMongoDb);

  // Each waits for the lease of its process to end.
  test.concurrent.each([
    ['before the insert is sent', 'before', 0],
    ['before the insert is answered', 'sent', 1],
    ['when it is answered', 'answered', 1],
    ['in the handler', 'handler', 1],
  ])(
    '%s loses nothing, and nothing is recorded twice',
    async (_, step, stored) => {
      const db = await getTestDb('births');
      try {
        await killAndGoOn(db, step, stored);
      } finally {
        await cleanupTestDb(db);
      }
    },
    60_000,
  );

  async function killAndGoOn(db: Db, step: string, stored: number): Promise<void> {
    const messages: Message[] = [];
    const child = fork(SCRIPT, [ENTRY, inject('mongoUri'), db.databaseName, step]);
    child.on('message', (message: Message) => messages.push(message));
    const [, signal] = await once(child, 'exit');
    expect(signal).toBe('SIGKILL');
    expect(messages.flatMap(({ births = [] }) => births)).toEqual(['processing']);

    const jobs = db.collection<Job>('monque_jobs');
    expect(await jobs.countDocuments({ data: 'last' })).toBe(stored);
    const monque = new Monque(db, { leaseDuration: 3_000, transitionLog: true });
    monque.worker('count', () => undefined);
    await monque.start();
    const isDone = async () => (await jobs.countDocuments({ status: { $ne: 'completed' } })) === 0;
    await until('all jobs are completed', isDone, 15_000);
    await monque.stop();

    const ids = (await jobs.find().toArray()).map(({ _id }) => _id.toHexString());
    const acknowledged = messages.flatMap((message) => message.acknowledged ?? []);
    expect(acknowledged).toHaveLength(5);
    expect(ids).toEqual(expect.arrayContaining(acknowledged));
    const log = db.collection('monque_jobs.transitions');
    expect(await log.countDocuments({ verb: 'complete' })).toBe(6 + stored);
  }
});
