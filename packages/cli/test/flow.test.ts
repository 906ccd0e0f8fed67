import { Monque } from '@monque/core';
import type { Db } from 'mongodb';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { uriOf } from '../../core/test/package/mongo-uri.ts';
import {
  cleanupTestDb,
  closeMongoDb,
  describeWithMongo,
  getTestDb,
} from '../../core/test/setup/mongodb.ts';
import { until } from '../../core/test/setup/until.ts';
import { ExitCode } from '../src/context/exit-codes.ts';
import { fakeIo, runIn, runner } from './setup/io.ts';

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
    expect(shown.out).toMatch(/\nmails +1 +any +1 +[1-9]\d* +\S+:1\n$/);
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

  test('groups shows what waits and runs in each, sets what each may do, and pauses one', async () => {
    expect((await monqueCli('groups', 'email')).err).toBe(
      "No group of 'email' has jobs or settings.\n",
    );
    const set = ['groups', 'set', 'email', 'acme'];
    const given = ['--concurrency', '2', '--rate', '1/1h', '--burst', '3', '--weight', '4'];
    const said = await monqueCli(...set, ...given, '--as', 'ann', '--reason', 'their plan');
    expect(said).toMatchObject({
      code: 0,
      out: '',
      err: expect.stringMatching(/^The group 'acme' of 'email' is set/),
    });
    const [group] = await monque.groups('email');
    expect(group).toMatchObject({
      ...{ group: 'acme', concurrency: 2, weight: 4 },
      rate: { limit: 1, perMs: 3_600_000, burst: 3 },
    });
    await monque.enqueue('email', {}, { group: 'acme' });
    await monque.enqueue('email', {}, { group: 'other' });
    expect((await monqueCli('groups', 'pause', 'email', 'acme')).err).toBe(
      "The group 'acme' of 'email' is paused; what runs goes on.\n",
    );
    const shown = await monqueCli('groups', 'list', 'email');
    expect(shown.out).toMatch(
      /^GROUP +STATE +WAITING +OLDEST DUE +RUNS +AT ONCE +STARTS +WEIGHT +NEXT START\n/,
    );
    expect(shown.out).toMatch(/\nacme +paused +1 +\S+ ago +0 +2 +1 in 1h +4\n/);
    expect(shown.out).toMatch(/\nother +open +1 +\S+ ago +0 +any +any +1\n/);
    const page = await monqueCli('groups', 'list', 'email', '--limit', '1', '--json');
    expect(page.records).toMatchObject([{ group: 'acme', paused: true, waiting: 1 }]);
    expect(page.err).toBe('There may be more: --after acme\n');
    const rest = await monqueCli('groups', 'list', 'email', '--after', 'acme', '--json');
    expect(rest.records).toMatchObject([{ group: 'other' }]);
    expect((await monqueCli('groups', 'resume', 'email', 'acme')).err).toBe(
      "The group 'acme' of 'email' goes on.\n",
    );
    const back = ['--concurrency', 'default', '--rate', 'default', '--weight', 'default'];
    expect((await monqueCli(...set, ...back)).code).toBe(0);
    const [reset] = await monque.groups('email');
    expect([reset?.paused, reset?.concurrency, reset?.rate]).toEqual([false, undefined, undefined]);
    const found = await monqueCli('jobs', 'list', '--group', 'acme', '--json');
    expect(found.records).toMatchObject([{ group: 'acme' }]);
  });

  test('groups says when the rate lets the next start', async () => {
    monque.worker('email', () => undefined, { groups: { rate: { limit: 1, per: 3_600_000 } } });
    await monque.start();
    await monque.waitFor(await monque.enqueue('email', {}, { group: 'acme' }));
    await monque.enqueue('email', {}, { group: 'acme' });
    await monque.stop();
    expect((await monqueCli('groups', 'email')).out).toMatch(/ 1 in 1h +1 +in (1h|\d+m)\n$/);
  });

  test.each([
    [[], 'Give --concurrency, --rate or --weight'],
    [['--burst', '2'], '--burst goes with --rate'],
    [['--rate', 'default', '--burst', '2'], '--burst goes with --rate'],
    [['--weight', '0'], 'A whole number from 1'],
    [['--concurrency', 'many'], 'A whole number from 0'],
  ])('groups refuses to set %j before it changes anything', async (argv, message) => {
    const { code, err } = await monqueCli('groups', 'set', 'email', 'acme', ...argv);
    expect([code, err]).toEqual([ExitCode.USAGE, expect.stringContaining(message)]);
    expect(await monque.groups('email')).toEqual([]);
  });

  describe('flows', () => {
    /** A flow of which one job failed, and its child with it. */
    async function failedFlow() {
      let isBroken = true;
      monque.worker('step', ({ ref }) => {
        if (ref === 'load' && isBroken) throw new Error('no disk');
      });
      const repair = (): void => {
        isBroken = false;
      };
      await monque.start();
      const flow = await monque.enqueueFlow({
        jobs: {
          load: { name: 'step', options: { maxRetries: 1 } },
          other: { name: 'step' },
          report: { name: 'step', after: ['load', 'other'] },
        },
      });
      await until('the flow to be over', async () => {
        return (await monque.getFlow(flow.id))?.state === 'failed';
      });
      return { id: String(flow.id), repair };
    }

    const answering = async (answer: string, ...argv: string[]) => {
      const io = fakeIo({ env: { MONQUE_URI: uriOf(db.databaseName) }, isTerminal: true });
      const ran = runIn(io, ...argv);
      await io.stderr.until('of the flow? [y/N] ');
      io.stdin.write(answer);
      return ran;
    };

    test('are listed by page, the newest first', async () => {
      expect(await monqueCli('flows', 'list')).toMatchObject({
        ...{ code: ExitCode.DONE, err: expect.stringContaining('There is no flow.') },
      });
      const jobs = { one: { name: 'none' }, two: { name: 'none', after: ['one'] } } as const;
      const first = await monque.enqueueFlow({ jobs }, { uniqueKey: 'first' });
      const second = await monque.enqueueFlow({ jobs });
      const all = await monqueCli('flows', '--json');
      expect(all.records).toMatchObject([
        { id: String(second.id), state: 'stored', size: 2 },
        { id: String(first.id), uniqueKey: 'first' },
      ]);
      const page = await monqueCli('flows', 'list', '--limit', '1');
      expect(page.out).toMatch(/^FLOW +STORED +CREATED +JOBS +KEY\n/);
      expect(page.err).toContain(`There may be more: --after ${second.id}`);
      const rest = await monqueCli('flows', 'list', '--after', String(second.id));
      expect(rest.out).toMatch(new RegExp(`${first.id} +yes .* 2 +first\n$`));
    });

    test('show how they stand, and run again what failed when somebody says yes', async () => {
      const { id, repair } = await failedFlow();
      const shown = await monqueCli('flows', 'show', id);
      expect(shown.out).toMatch(/^failed {2}3 jobs: /);
      expect(shown.out).toMatch(/\nJOB +ID +NAME +STATUS +FINISHED +LAST FAILURE\n/);
      expect(shown.out).toMatch(/\nload +[0-9a-f]{24} +step +failed +\S+ ago +no disk\n/);
      const page = await monqueCli('flows', 'show', id, '--limit', '1', '--json');
      expect(page.records).toMatchObject([
        { id, state: 'failed', size: 3, jobs: [{ name: 'step' }] },
      ]);
      const [, next = ''] = /^More: --after (\S+)\n$/.exec(page.err) ?? [];
      const rest = await monqueCli('flows', 'show', id, '--after', next, '--json');
      expect(rest.records[0].jobs).toHaveLength(2);
      expect(rest.records[0].next).toBeNull();
      const found = await monqueCli('jobs', 'list', '--flow', id, '--status', 'failed', '--json');
      expect(found.records.map(({ ref }) => ref).sort()).toEqual(['load', 'report']);

      const dry = await monqueCli('flows', 'redrive', id, '--dry-run');
      expect(dry.err).toBe('Would redrive 2 jobs. Nothing was changed (dry run).\n');
      const piped = await monqueCli('flows', 'redrive', id);
      expect(piped).toMatchObject({ code: 2, err: expect.stringContaining('give --yes') });
      const no = await answering('\n', 'flows', 'redrive', id);
      expect(no).toMatchObject({ code: 0, err: expect.stringContaining('Nothing was changed.') });
      repair();
      const yes = await answering('y\n', 'flows', 'redrive', id, '--reason', 'a new disk');
      expect(yes).toMatchObject({ code: 0, err: expect.stringContaining('2 jobs to run again.') });
      expect(yes.err).toContain('Redrive [####');
      await until('the flow to be done', async () => {
        return (await monque.getFlow(id))?.state === 'completed';
      });
      const nothing = await monqueCli('flows', 'redrive', id, '--yes');
      expect(nothing).toMatchObject({ code: 0, err: 'The flow has no job to redrive.\n' });
    });

    test('are cancelled, with each job that is left and why', async () => {
      const { id } = await monque.enqueueFlow({
        jobs: { a: { name: 'x' }, b: { name: 'x', after: ['a'] } },
      });
      const json = await monqueCli('flows', 'cancel', String(id), '--yes', '--json', '--as', 'ann');
      expect(json.records).toMatchObject([{ changed: 2, isComplete: true }]);
      expect(json.err).toBe('2 jobs cancelled, or asked to end.\n');
      const [job] = await monque.getJobs({ flow: id });
      expect(job?.history?.at(-1)).toMatchObject({ verb: 'cancel', by: 'ann' });
      await db.collection('monque_jobs').deleteMany({ flow: id });
      expect((await monqueCli('flows', 'show', String(id))).out).toBe('completed  0 jobs\n');
    });

    test.each(['show', 'cancel', 'redrive'])('%s ends with 3 where there is none', async (verb) => {
      const none = '665f1f77bcf86cd799439011';
      expect(await monqueCli('flows', verb, none)).toMatchObject({
        code: ExitCode.MISSING,
        err: `monque: There is no flow ${none}\n`,
      });
      expect(await monqueCli('flows', verb, 'x')).toMatchObject({ code: ExitCode.USAGE });
    });

    test('end between two jobs at Ctrl-C, and report what was done', async () => {
      const jobs = Object.fromEntries(
        Array.from({ length: 60 }, (_, at) => [`j${at}`, { name: 'x' }]),
      );
      const { id } = await monque.enqueueFlow({ jobs });
      const io = fakeIo({ env: { MONQUE_URI: uriOf(db.databaseName) }, isTerminal: true });
      const ran = runIn(io, 'flows', 'cancel', String(id), '--yes');
      await io.stderr.until('Cancel [');
      io.interrupt();
      const { code, err } = await ran;
      const changed = (await monque.getFlow(id))?.counts.cancelled ?? 0;
      expect(code).toBe(130);
      expect(err).toContain(`${changed} job`);
      expect(changed).toBeLessThan(60);
    });
  });

  test('what a job waits for in a flow, an order or a group is shown, with a code for whether somebody must act', async () => {
    const codeOf = async (id: unknown) => {
      const { code, out } = await monqueCli('why', String(id));
      return [code, out.split('\n')[0]];
    };
    const { WAITS, STUCK } = ExitCode;
    // Workers of all names are alive, so that nothing else stands in the way.
    let end = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      end = resolve;
    });
    const fail = () => {
      throw new Error('no');
    };
    monque.worker('slow', () => held, { concurrency: 10, order: {}, groups: { concurrency: 1 } });
    monque.worker('bad', fail, { maxRetries: 1, order: { whenFailed: 'halt' } });
    monque.worker('rated', () => undefined, { groups: { rate: { limit: 1, per: 3_600_000 } } });
    await monque.start();
    const flow = await monque.enqueueFlow({
      jobs: {
        slow: { name: 'slow' },
        bad: { name: 'bad' },
        soon: { name: 'bad', after: ['slow'] },
        stuck: { name: 'bad', after: [{ ref: 'bad', onFailure: 'wait' }] },
      },
    });
    await monque.enqueue('slow', 1, { group: 'acme' });
    await monque.waitFor(await monque.enqueue('rated', 1, { group: 'acme' }));
    await monque.enqueue('bad', 1, { order: 'k' });
    await until('all to have come so far', async () => {
      const { failed = 0, processing } = (await monque.getFlow(flow.id))?.counts ?? {};
      const [group] = await monque.groups('slow');
      const orders = await monque.orders('bad', { halted: true });
      return failed === 1 && processing === 1 && group?.running === 1 && orders.length === 1;
    });
    const halted = await monque.enqueue('bad', 2, { order: 'k' });
    const full = await monque.enqueue('slow', 2, { group: 'acme' });
    const rated = await monque.enqueue('rated', 2, { group: 'acme' });
    await monque.setGroup('rated', 'held', { paused: true });
    const paused = await monque.enqueue('rated', 3, { group: 'held' });
    await monque.setGroup('slow', 'none', { concurrency: 0 });
    const none = await monque.enqueue('slow', 4, { group: 'none' });
    expect(await codeOf(flow.jobs.soon?._id)).toEqual([
      WAITS,
      expect.stringContaining("It waits for its parent 'slow', which is processing"),
    ]);
    expect(await codeOf(flow.jobs.stuck?._id)).toEqual([
      STUCK,
      expect.stringContaining("It waits for its parent 'bad', which is failed"),
    ]);
    expect(await codeOf(halted._id)).toEqual([STUCK, expect.stringContaining('which has failed')]);
    expect(await codeOf(full._id)).toEqual([WAITS, expect.stringContaining('runs 1 of the 1')]);
    expect(await codeOf(none._id)).toEqual([STUCK, expect.stringContaining('lets no job start')]);
    expect(await codeOf(rated._id)).toEqual([WAITS, expect.stringContaining('the next starts')]);
    expect(await codeOf(paused._id)).toEqual([STUCK, expect.stringContaining('is paused')]);
    end();
    await monque.stop();
  }, 30_000);
});
