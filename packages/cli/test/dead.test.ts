import { type Job, Monque } from '@monque/core';
import type { Db } from 'mongodb';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { uriOf } from '../../core/test/package/mongo-uri.ts';
import {
  cleanupTestDb,
  closeMongoDb,
  describeWithMongo,
  getTestDb,
} from '../../core/test/setup/mongodb.ts';
import { ExitCode } from '../src/context/exit-codes.ts';
import { runner } from './setup/io.ts';

describeWithMongo('the commands on dead letters', () => {
  let db: Db;
  let monque: Monque;
  let monqueCli: ReturnType<typeof runner>;

  beforeEach(async () => {
    db = await getTestDb('cli_dead');
    monque = new Monque(db, { logger: false });
    monqueCli = runner(uriOf(db.databaseName));
    return async () => {
      await monque.stop();
      await cleanupTestDb(db);
    };
  });

  afterAll(closeMongoDb);

  /** Dead letters of the name `email`, the oldest first, beside a plain job of the other name. */
  async function buried(count: number): Promise<Job[]> {
    const jobs: Job[] = [];
    for (let number = 0; number < count; number += 1) {
      jobs.push(await monque.enqueue('email', { number }));
    }
    const handler = () => Promise.reject(new Error('no host'));
    monque.worker('email', handler, { maxRetries: 1, deadLetter: 'email.dead' });
    await monque.start();
    await Promise.allSettled(jobs.map((job) => monque.waitFor(job)));
    await monque.stop();
    await monque.enqueue('email.dead');
    return jobs;
  }

  const nameOf = async ({ _id }: Job) => (await monque.getJob(_id))?.name;

  test('list shows where they failed, by either name, and nothing else', async () => {
    const [first, second] = await buried(2);
    for (const flags of [
      ['--name', 'email.dead'],
      ['--of', 'email'],
    ]) {
      const { code, out } = await monqueCli('dead', 'list', ...flags);
      expect(code).toBe(ExitCode.DONE);
      const lines = out.trim().split('\n');
      expect(lines).toHaveLength(3);
      expect(lines[1]).toContain(String(first?._id));
      expect(lines[2]).toContain(String(second?._id));
      expect(lines[1]).toMatch(/email\.dead +pending +email +\d+\w+ ago +no host/);
    }
    const limited = await monqueCli('dead', 'list', '--of', 'email', '--limit', '1', '--json');
    expect(JSON.parse(limited.out)).toMatchObject({
      name: 'email.dead',
      source: { name: 'email' },
    });
    expect(limited.err).toContain('There are more; raise --limit.');
    const none = await monqueCli('dead', 'list', '--of', 'email', '--failure', 'timeout');
    expect(none.err).toContain('No dead letter matches.');
    expect((await monqueCli('dead', 'list')).code).toBe(ExitCode.USAGE);
  });

  test('redrive counts them and asks before it changes anything', async () => {
    const [first] = await buried(2);
    const dry = await monqueCli('dead', 'redrive', '--of', 'email', '--dry-run');
    expect(dry.err).toContain('Would redrive 2 dead letters. Nothing was changed (dry run).');
    const unasked = await monqueCli('dead', 'redrive', '--of', 'email');
    expect(unasked.code).not.toBe(ExitCode.DONE);
    expect(await nameOf(first as Job)).toBe('email.dead');
    const nothing = await monqueCli('dead', 'redrive', '--of', 'other', '--yes');
    expect(nothing.err).toContain('No dead letter matches.');
    expect(nothing.code).toBe(ExitCode.DONE);
  });

  test('redrive gives them their name back at a rate, with the actor and the reason', async () => {
    const [first, second] = (await buried(2)) as [Job, Job];
    const flags = ['--name', 'email.dead', '--per-second', '1', '--reason', 'fixed', '--yes'];
    const { code, err } = await monqueCli('dead', 'redrive', ...flags, '--as', 'anna');
    expect(err).toContain('2 dead letters redriven.');
    expect(code).toBe(ExitCode.DONE);
    const jobs = await Promise.all([first, second].map(({ _id }) => monque.getJob(_id)));
    expect(jobs.map((job) => job?.name)).toEqual(['email', 'email']);
    const [from, to] = jobs.map((job) => Number(job?.nextRunAt)) as [number, number];
    expect(to - from).toBeGreaterThan(500);
    expect(jobs[0]?.history?.at(-1)).toMatchObject({
      ...{ verb: 'redriveDeadLetter', by: 'anna', reason: 'fixed' },
    });
  });

  test('redrive takes ids, and all only where that is said', async () => {
    const [first, second] = (await buried(2)) as [Job, Job];
    const one = await monqueCli('dead', 'redrive', String(first._id));
    expect(one.err).toContain('1 job redriven.');
    expect(await nameOf(first)).toBe('email');
    expect((await monqueCli('dead', 'redrive')).code).toBe(ExitCode.USAGE);
    const both = await monqueCli('dead', 'redrive', String(second._id), '--of', 'email');
    expect(both.code).toBe(ExitCode.USAGE);
    const all = await monqueCli('dead', 'redrive', '--all', '--limit', '5', '--yes', '--json');
    expect(JSON.parse(all.out)).toMatchObject({ matched: 1, changed: 1 });
    expect(await nameOf(second)).toBe('email');
  });

  test('redrive leaves what holds no key any more, and says so', async () => {
    await monque.enqueue('email', {}, { uniqueKey: 'k' });
    await buried(0);
    await new Promise<void>((resolve) => {
      monque.once('job:fail', () => resolve());
      void monque.start();
    });
    await monque.stop();
    await monque.enqueue('email', {}, { uniqueKey: 'k' });
    const { code, err } = await monqueCli('dead', 'redrive', '--of', 'email', '--yes');
    expect(err).toContain('1 dead letter left: unique key taken');
    expect(code).toBe(ExitCode.PARTLY);
  });
});
