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
import { until } from '../../core/test/setup/until.ts';
import { ExitCode } from '../src/context/exit-codes.ts';
import { runner } from './setup/io.ts';

describeWithMongo('the commands on flow control', () => {
  let db: Db;
  let monque: Monque;
  let monqueCli: ReturnType<typeof runner>;

  beforeEach(async () => {
    db = await getTestDb('cli_flow');
    monque = new Monque(db, { logger: false });
    monqueCli = runner(uriOf(db.databaseName));
    return async () => {
      await monque.stop();
      await cleanupTestDb(db);
    };
  });

  afterAll(closeMongoDb);

  test('limits sets a limit, and shows it with who holds and wants what of it', async () => {
    expect((await monqueCli('limits')).err).toBe('There are no limits.\n');
    const set = await monqueCli('limits', 'set', 'mails', '--concurrency', '1', '--as', 'ann');
    expect(set).toMatchObject({
      code: 0,
      out: '',
      err: expect.stringMatching(/^The limit 'mails'/),
    });
    let end = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      end = resolve;
    });
    monque.worker('email', () => held, { limits: ['mails'] });
    await monque.start();
    const other = new Monque(db, { logger: false });
    other.worker('email', () => held, { limits: ['mails'] });
    await other.start();
    await monque.enqueueMany([{ name: 'email' }, { name: 'email' }]);
    await until('one to hold and one to want', async () => {
      const [limit] = await monque.limits();
      return limit?.held === 1 && limit.wanted > 0;
    });
    const shown = await monqueCli('limits');
    expect(shown.out).toMatch(/^LIMIT +AT ONCE +STARTS +HELD +WANTED +NEXT START +HELD BY\n/);
    expect(shown.out).toMatch(/\nmails +1 +any +1 +1 +\S+:1\n$/);
    const { records } = await monqueCli('limits', 'list', '--json');
    expect(records).toMatchObject([{ key: 'mails', concurrency: 1, held: 1, free: 0 }]);
    end();
    await Promise.all([monque.stop(), other.stop()]);
  });

  test('limits sets a rate, says when the next may start, and takes bounds away', async () => {
    const argv = ['limits', 'set', 'calls', '--rate', '1/1h', '--burst', '2'];
    expect((await monqueCli(...argv, '--reason', 'their quota')).code).toBe(0);
    expect(await monque.limits()).toMatchObject([
      { key: 'calls', rate: { limit: 1, perMs: 3_600_000, burst: 2 } },
    ]);
    monque.worker('call', () => undefined, { limits: ['calls'] });
    await monque.start();
    const jobs = await Promise.all([1, 2].map((data) => monque.enqueue('call', data)));
    await Promise.all(jobs.map((job) => monque.waitFor(job)));
    await monque.stop();
    expect((await monqueCli('limits')).out).toMatch(/\ncalls +any +1 in 1h +0 +0 +in \d+m *\n$/);
    expect((await monqueCli('limits', 'set', 'calls', '--unbounded')).code).toBe(0);
    const [limit] = await monque.limits();
    expect([limit?.rate, limit?.concurrency]).toEqual([undefined, undefined]);
  });

  test.each([
    [['mails'], 'Give --concurrency'],
    [['mails', '--unbounded', '--concurrency', '1'], 'Give --concurrency'],
    [['mails', '--concurrency', '1', '--burst', '2'], '--burst goes with --rate'],
    [['mails', '--rate', '100'], 'A rate is a number and a duration'],
    [['mails', '--rate', '100/x'], 'A duration is a number'],
    [['worker:email', '--concurrency', '1'], 'does not begin with worker:'],
  ])('limits refuses %j before it changes anything', async (argv, message) => {
    const { code, err } = await monqueCli('limits', 'set', ...argv);
    expect([code, err]).toEqual([ExitCode.USAGE, expect.stringContaining(message)]);
    expect(await monque.limits()).toEqual([]);
  });

  test('orders shows which keys are under way or held up, and jobs are found by theirs', async () => {
    expect((await monqueCli('orders', 'ship')).err).toBe("No order of 'ship' is under way.\n");
    monque.worker(
      'ship',
      () => {
        throw new Error('no truck');
      },
      { order: { whenFailed: 'halt' }, maxRetries: 1 },
    );
    await monque.start();
    const first = await monque.enqueue('ship', 1, { order: 'c1' });
    await monque.enqueue('ship', 2, { order: 'c1' });
    await monque.enqueue('ship', 3, { order: 'c2' });
    const halted = async () => (await monque.orders('ship', { halted: true })).length;
    await until('both to be held up', async () => (await halted()) === 2);
    const shown = await monqueCli('orders', 'ship', '--halted');
    expect(shown.out).toMatch(/^ORDER +HELD BY +STATE +WAITING\n/);
    expect(shown.out).toMatch(new RegExp(`\nc1 +${first._id} +failed +1\n`));
    const page = await monqueCli('orders', 'ship', '--halted', '--limit', '1', '--json');
    expect(page.records).toMatchObject([{ order: 'c1', status: 'failed', waiting: 1 }]);
    expect(page.err).toBe('There may be more: --after c1\n');
    const rest = await monqueCli('orders', 'ship', '--halted', '--after', 'c2');
    expect(rest.err).toBe("No order of 'ship' is held up.\n");
    const found = await monqueCli('jobs', 'list', '--order', 'c1', '--json');
    expect(found.records).toHaveLength(2);
    await monque.stop();
  });
});
