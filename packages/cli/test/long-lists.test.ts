import { Monque } from '@monque/core';
import type { Db } from 'mongodb';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { uriOf } from '../../core/test/package/mongo-uri.ts';
import {
  cleanupTestDb,
  closeMongoDb,
  describeWithMongo,
  getTestDb,
} from '../../core/test/setup/mongodb.ts';
import { fakeIo, runIn, runner } from './setup/io.ts';

describeWithMongo('more than a command shows, or does without being told', () => {
  let db: Db;
  let monque: Monque;
  let monqueCli: ReturnType<typeof runner>;

  beforeEach(async () => {
    db = await getTestDb('cli_long_lists');
    monque = new Monque(db, { logger: false });
    monqueCli = runner(uriOf(db.databaseName));
    return async () => {
      await monque.stop();
      await cleanupTestDb(db);
    };
  });

  afterAll(closeMongoDb);

  async function failed(count: number, deadLetter?: string): Promise<void> {
    const jobs = await monque.enqueueMany(Array.from({ length: count }, () => ({ name: 'email' })));
    monque.worker('email', () => Promise.reject(new Error('no host')), {
      ...{ maxRetries: 1, ...(deadLetter && { deadLetter }) },
    });
    await monque.start();
    const waits = jobs.map((result) => ('job' in result ? monque.waitFor(result.job) : undefined));
    await Promise.allSettled(waits);
    await monque.stop();
  }

  test('jobs list says how many of those it looked at are left', async () => {
    await failed(3);
    const flags = ['--failed-with', 'host', '--limit', '1', '--json'];
    const { records, err } = await monqueCli('jobs', 'list', ...flags);
    expect(records).toHaveLength(1);
    expect(err).toContain('2 more jobs of those looked at; raise --limit.');
  });

  test('dead redrive counts no more than it is to do, and does nothing when somebody says no', async () => {
    await failed(2, 'email.dead');
    const flags = ['dead', 'redrive', '--of', 'email', '--limit', '1'];
    const dry = await monqueCli(...flags, '--dry-run');
    expect(dry.err).toContain('Would redrive 1 dead letter. Nothing was changed (dry run).');
    const io = fakeIo({ env: { MONQUE_URI: uriOf(db.databaseName) }, isTerminal: true });
    const ran = runIn(io, ...flags);
    await io.stderr.until('Redrive 1 dead letter? [y/N] ');
    io.stdin.write('\n');
    expect(await ran).toMatchObject({
      code: 0,
      err: expect.stringContaining('Nothing was changed.'),
    });
    expect(await monque.getJobs({ name: 'email.dead' })).toHaveLength(2);
  });

  test('orders counts no more than a thousand of those that wait', async () => {
    const options = { order: 'a' };
    await monque.enqueueMany(Array.from({ length: 1_002 }, () => ({ name: 'ship', options })));
    let release: () => void = () => undefined;
    const started = new Promise<void>((resolve) => {
      monque.worker(
        'ship',
        () => {
          resolve();
          return new Promise<void>((end) => {
            release = end;
          });
        },
        { order: {} },
      );
    });
    await monque.start();
    await started;
    expect((await monqueCli('orders', 'ship')).out).toMatch(/\na +\w+ +processing +1000\+\n/);
    const stopped = monque.stop();
    release();
    await stopped;
  });
});
