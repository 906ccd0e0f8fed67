import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Job, Monque } from '@monque/core';
import type { ObjectId } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { uriOf } from '../../core/test/package/mongo-uri.ts';
import { describeWithMongo } from '../../core/test/setup/mongodb.ts';
import { ExitCode } from '../src/context/exit-codes.ts';
import { failedJobs, NO_ID, useHere } from './setup/here.ts';
import { fakeIo, runIn, runner } from './setup/io.ts';

describeWithMongo('the commands on jobs', () => {
  const here = useHere('cli_jobs');

  const statusOf = async (id: string | ObjectId) => (await here.monque.getJob(id))?.status;

  describe('enqueue', () => {
    test('stores a job with all that is said of it, and prints its id alone', async () => {
      const data =
        '{"to":"a","big":{"$numberLong":"9007199254740993"},"at":{"$date":"2030-01-01T00:00:00Z"}}';
      const flags = ['--delay', '10m', '--key', 'k', '--key-hold', '60000', '--when-taken', 'keep'];
      const more = [
        '--priority',
        '-5',
        '--meta',
        'tenant=acme',
        '--meta',
        'size=3',
        '--max-retries',
        '4',
      ];
      const all = ['--data', data, ...flags, ...more, '--run-timeout', '5s', '--as', 'ann'];
      const { code, out, err } = await here.monqueCli('enqueue', 'email', ...all);
      expect({ code, out }).toEqual({ code: 0, out: expect.stringMatching(/^[0-9a-f]{24}\n$/) });
      expect(err).toMatch(/^email is pending, due at 2/);
      const job = await here.monque.getJob(out.trim());
      expect(job).toMatchObject({
        ...{ name: 'email', priority: -5, maxRetries: 4, timeout: 5_000, uniqueKey: 'k' },
        data: { to: 'a', big: 9007199254740993n, at: new Date('2030-01-01') },
        ...{ metadata: { tenant: 'acme', size: 3 }, uniqueHold: 'window' },
      });
      const { records } = await here.monqueCli('jobs', 'get', out.trim(), '--json');
      expect(records).toMatchObject([
        {
          id: out.trim(),
          data: {
            to: 'a',
            big: { $numberLong: '9007199254740993' },
            at: { $date: '2030-01-01T00:00:00Z' },
          },
          nextRunAt: job?.nextRunAt.toISOString(),
        },
      ]);
    });

    test('reads data from a file and from stdin, and takes a time', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'monque-cli-'));
      await writeFile(join(folder, 'data.json'), '[1, 2.5, null]');
      const uri = uriOf(here.db.databaseName);
      const inFolder = runner(uri, { cwd: folder });
      const file = await inFolder('enqueue', 'a', '--data', '@data.json', '--at', '2030-01-01');
      expect(await here.monque.getJob(file.out.trim())).toMatchObject({
        data: [1, 2.5, null],
        nextRunAt: new Date('2030-01-01'),
      });
      const missing = await inFolder('enqueue', 'a', '--data', '@none.json');
      expect(missing).toMatchObject({ code: 2, err: expect.stringContaining('--data: ENOENT') });
      await rm(folder, { recursive: true });
      const piped = await runner(uri, { input: '"text"' })('enqueue', 'a', '--data', '-');
      expect(await here.monque.getJob(piped.out.trim())).toMatchObject({ data: 'text' });
    });

    test('refuses what is no extended JSON, and what the library refuses, without a stack', async () => {
      const { code, err, out } = await here.monqueCli('enqueue', 'a', '--data', '{ to: 1 }');
      expect({ code, out }).toEqual({ code: 2, out: '' });
      expect(err).toMatch(/--data is no extended JSON.*an example is/);
      const hold = await here.monqueCli('enqueue', 'a', '--key', 'k', '--key-hold', 'for ever');
      expect(hold).toMatchObject({ code: 2, err: expect.stringContaining('uniqueHold') });
      expect(hold.err).not.toContain('    at ');
    });

    test('puts a job behind those of its order, or among those of its group', async () => {
      const ordered = await here.monqueCli('enqueue', 'ship', '--order', 'c1');
      expect(await here.monque.getJob(ordered.out.trim())).toMatchObject({ order: 'c1' });
      const grouped = await here.monqueCli('enqueue', 'email', '--group', 'acme');
      expect(await here.monque.getJob(grouped.out.trim())).toMatchObject({ group: 'acme' });
      const both = await here.monqueCli('enqueue', 'email', '--group', 'acme', '--order', 'c1');
      expect(both).toMatchObject({ code: 2, err: expect.stringContaining('group') });
    });

    test('checks all and stores nothing in a dry run, without a database', async () => {
      const io = fakeIo();
      const { code, err, records } = await runIn(io, 'enqueue', 'a', '--dry-run', '--json');
      expect({ code, err }).toEqual({
        code: 0,
        err: 'It would be stored. Nothing was written (dry run).\n',
      });
      expect(records).toMatchObject([{ name: 'a', status: 'pending' }]);
    });

    test('is refused for a key that is taken, if asked', async () => {
      await here.monque.enqueue('a', {}, { uniqueKey: 'k' });
      const ran = await here.monqueCli('enqueue', 'a', '--key', 'k', '--when-taken', 'throw');
      expect(ran).toMatchObject({ code: ExitCode.REFUSED, out: '' });
      const early = await here.monqueCli('enqueue', 'a', '--key', 'k', '--key-hold', 'untilDone');
      expect(early.code).toBe(0);
    });
  });

  describe('list', () => {
    test('shows a table, or whole jobs as lines of JSON, page by page', async () => {
      const [first] = await failedJobs(here.monque, 'ECONNRESET by peer', 'wrong address');
      await here.monque.enqueue('later', { big: 2n ** 60n }, { delay: 600_000 });
      const { code, out, err } = await here.monqueCli('jobs', 'list');
      expect({ code, err }).toEqual({ code: 0, err: '' });
      expect(out).toMatch(/^ID +NAME +STATUS +DUE +FINISHED +FAILS +KEY +LAST FAILURE\n/);
      expect(out).toMatch(new RegExp(`${first?._id} +email +failed .* 1 +ECONNRESET by peer\n`));
      expect(out).toMatch(/later +pending +in 10m/);
      const page = await here.monqueCli(
        'jobs',
        'list',
        '--json',
        '--limit',
        '1',
        '--sort',
        'created',
      );
      expect(page.records).toMatchObject([{ id: String(first?._id), status: 'failed' }]);
      const [, cursor = ''] = /More: --cursor (\S+)/.exec(page.err) ?? [];
      const next = ['--cursor', cursor, '--sort', 'created'];
      const { records } = await here.monqueCli('jobs', 'list', '--json', ...next);
      expect(records.map(({ data }) => data)).toEqual([
        { message: 'wrong address' },
        { big: { $numberLong: `${2n ** 60n}` } },
      ]);
    });

    test('finds by name, state, key, metadata, time and failure', async () => {
      await failedJobs(here.monque, 'ECONNRESET', 'other');
      const options = { uniqueKey: 'k', metadata: { tenant: 'acme', paid: true } };
      const { _id } = await here.monque.enqueue('report', {}, options);
      const found = async (...filter: string[]) =>
        (await here.monqueCli('jobs', 'list', '--json', ...filter)).records.map(
          ({ name, failReason }) => [name, failReason],
        );
      expect(await found('--failed-with', 'RESET')).toEqual([['email', 'ECONNRESET']]);
      expect(await found('--finished-from', '1h', '--desc')).toEqual([
        ['email', 'other'],
        ['email', 'ECONNRESET'],
      ]);
      expect(await found('--finished-from', '2999-01-01')).toEqual([]);
      expect(await found('--name', 'x,report')).toHaveLength(1);
      expect(await found('--status', 'pending')).toHaveLength(1);
      expect(await found('--key', 'k')).toHaveLength(1);
      expect(await found('--meta', 'tenant=acme', '--meta', 'paid=true')).toHaveLength(1);
      expect(await found('--meta', 'tenant={"a":1}')).toEqual([]);
      expect(await found('--created-from', '1h')).toHaveLength(3);
      expect(await found('--created-before', '1h')).toEqual([]);
      expect(await found('--archived')).toEqual([]);
      const none = await here.monqueCli('jobs', 'list', '--name', 'none');
      expect(none).toMatchObject({ code: 0, out: '', err: 'No job matches.\n' });
      const cut = await here.monqueCli(
        'jobs',
        'list',
        '--failed-with',
        'e',
        '--finished-from',
        '1h',
      );
      expect(cut.out).toContain('other');
      const one = await here.monqueCli('jobs', 'list', '--finished-from', '1h', '--limit', '1');
      expect(one.err).toMatch(/^More: --cursor /);
      const wrong = await here.monqueCli('jobs', 'list', '--status', 'finished');
      expect(wrong).toMatchObject({ code: 2, err: expect.stringContaining('pending') });
      expect(await statusOf(_id)).toBe('pending');
    });

    test('says how many were looked at when there are more than are', async () => {
      await here.monque.initialize();
      const documents = Array.from({ length: 10_001 }, () => ({ name: 'a', status: 'failed' }));
      await here.db.collection('monque_jobs').insertMany(documents);
      const { err } = await here.monqueCli('jobs', 'list', '--failed-with', 'x');
      expect(err).toMatch(/^No job matches.\nLooked at 10000 jobs. More: --cursor /);
      const count = await here.monqueCli('jobs', 'count', '--status', 'failed', '--limit', '700');
      expect(count.out).toBe('700+\n');
      const whole = await here.monqueCli('jobs', 'count', '--json', '--limit', '20000');
      expect(whole.records).toEqual([{ count: 10_001, isCut: false }]);
      const archived = await here.monqueCli('jobs', 'count', '--archived');
      expect(archived.out).toBe('0\n');
      const many = await here.monqueCli('jobs', 'delete', '--status', 'failed', '--dry-run');
      expect(many.err).toBe('Would delete 1000+ jobs. Nothing was changed (dry run).\n');
    });
  });

  test('get and history show one job, and end with 3 when there is none', async () => {
    const [job] = await failedJobs(here.monque, 'first');
    const id = String(job?._id);
    const got = await here.monqueCli('jobs', 'get', id);
    expect(JSON.parse(got.out)).toMatchObject({ id, failReason: 'first' });
    await here.monqueCli('jobs', 'retry', id, '--as', 'ann', '--reason', 'repaired');
    const history = await here.monqueCli('jobs', 'history', id);
    expect(history.out).toMatch(/^AT +WHAT/);
    expect(history.out).toMatch(/fail .* first\n.*redrive .* ann +repaired/);
    const { records } = await here.monqueCli('jobs', 'history', id, '--json');
    expect(records.map(({ verb }) => verb)).toEqual(['fail', 'redrive']);
    const { _id: quiet } = await here.monque.enqueue('quiet');
    const nothing = await here.monqueCli('jobs', 'history', String(quiet));
    expect(nothing).toMatchObject({ code: 0, out: '', err: expect.stringContaining('went well') });
    for (const command of ['get', 'history']) {
      const missing = await here.monqueCli('jobs', command, NO_ID);
      expect(missing).toMatchObject({ code: 3, err: `monque: There is no job ${NO_ID}\n` });
    }
  });

  describe('the verbs', () => {
    test('change the jobs with these ids, and report each that is left', async () => {
      const [one, two] = await failedJobs(here.monque, 'a', 'b');
      const ids = [String(one?._id), String(two?._id)];
      const { code, err, out } = await here.monqueCli('jobs', 'retry', ...ids, NO_ID);
      expect({ code, out }).toEqual({ code: ExitCode.PARTLY, out: '' });
      expect(err).toBe('2 jobs pending again.\n1 job left: there is no such job\n');
      expect(await statusOf(ids[0] as string)).toBe('pending');
      const again = await here.monqueCli('jobs', 'retry', ...ids, '--json');
      expect(again.code).toBe(ExitCode.REFUSED);
      expect(again.records.map(({ id, done, reason }) => [id, done, reason]).sort()).toEqual(
        ids
          .map((id) => [id, false, expect.stringMatching(/^Cannot retry it: it is pending/)])
          .sort(),
      );
      const both = await here.monqueCli('jobs', 'retry', String(ids[0]), NO_ID);
      expect(both.code).toBe(ExitCode.PARTLY);
      const none = await here.monqueCli('jobs', 'delete', NO_ID);
      expect(none).toMatchObject({ code: 3 });
      const preview = await here.monqueCli('jobs', 'delete', String(ids[0]), NO_ID, '--dry-run');
      expect(preview).toMatchObject({ code: 0, out: `${ids[0]}  pending  email\n` });
      const moved = await here.monqueCli(
        'jobs',
        'reschedule',
        String(ids[0]),
        '--to',
        '2030-01-01',
      );
      expect(moved.err).toBe('1 job due at 2030-01-01T00:00:00.000Z.\n');
      const json = await here.monqueCli(
        'jobs',
        'cancel',
        String(ids[0]),
        '--reason',
        'no',
        '--json',
      );
      expect(json.records).toEqual([{ id: ids[0], done: true }]);
      const { history } = (await here.monque.getJob(ids[0] as string)) as Job;
      expect(history?.at(-1)).toMatchObject({ verb: 'cancel', by: 'tester', reason: 'no' });
      expect((await here.monqueCli('jobs', 'cancel', String(ids[1]))).code).toBe(0);
      expect((await here.monqueCli('jobs', 'delete', ...ids)).err).toBe('2 jobs deleted.\n');
    });

    test('retry what a filter finds when somebody says yes, and nothing else', async () => {
      const jobs = await failedJobs(
        here.monque,
        'read ECONNRESET',
        'wrong address',
        'ECONNRESET again',
      );
      const filter = ['--status', 'failed', '--failed-with', 'ECONNRESET', '--finished-from', '1h'];
      const shown = await here.monqueCli('jobs', 'retry', ...filter, '--dry-run', '--json');
      expect(shown.records.map(({ failReason }) => failReason)).toEqual([
        'read ECONNRESET',
        'ECONNRESET again',
      ]);
      expect(shown.err).toBe('Would retry 2 jobs. Nothing was changed (dry run).\n');

      const piped = await here.monqueCli('jobs', 'retry', ...filter);
      expect(piped).toMatchObject({ code: 2, err: expect.stringContaining('give --yes') });
      const env = { MONQUE_URI: uriOf(here.db.databaseName) };
      const said = async (answer: string) => {
        const io = fakeIo({ env, isTerminal: true });
        const ran = runIn(io, 'jobs', 'retry', ...filter);
        await io.stderr.until('Retry 2 jobs? [y/N] ');
        io.stdin.write(answer);
        return ran;
      };
      const no = await said('\n');
      expect(no).toMatchObject({ code: 0, err: expect.stringContaining('Nothing was changed.') });
      expect(await statusOf(jobs[0]?._id as ObjectId)).toBe('failed');
      const yes = await said('yes\n');
      expect(yes).toMatchObject({ code: 0, err: expect.stringContaining('2 jobs pending again.') });
      // Progress is for terminals.
      expect(yes.err).toContain('Retry [####');
      expect(await Promise.all(jobs.map(({ _id }) => statusOf(_id)))).toEqual([
        ...['pending', 'failed', 'pending'],
      ]);
      const none = await here.monqueCli('jobs', 'retry', ...filter, '--yes');
      expect(none).toMatchObject({ code: 0, err: 'No job matches.\n' });
    });

    test('ask for ids or a filter, and for --all where every job is meant', async () => {
      await here.monque.enqueue('a');
      const nothing = await here.monqueCli('jobs', 'cancel');
      expect(nothing).toMatchObject({ code: 2, err: expect.stringContaining('or --all') });
      const both = await here.monqueCli('jobs', 'cancel', NO_ID, '--name', 'a');
      expect(both).toMatchObject({ code: 2, err: expect.stringContaining('not both') });
      const all = await here.monqueCli('jobs', 'cancel', '--all', '--yes');
      expect(all.err).toBe('1 job cancelled, or asked to end.\n');
      const to = await here.monqueCli('jobs', 'reschedule', '--all', '--yes');
      expect(to).toMatchObject({ code: 2, err: expect.stringContaining('--to <time>') });
    });

    test('end between two jobs at Ctrl-C, and report what was done', async () => {
      await here.monque.enqueueMany(Array.from({ length: 1_100 }, () => ({ name: 'a' })));
      const io = fakeIo({ env: { MONQUE_URI: uriOf(here.db.databaseName) } });
      const ran = runIn(io, 'jobs', 'cancel', '--all', '--yes', '--json');
      await io.stdout.until('"done":true');
      io.interrupt();
      const { code, err, records } = await ran;
      expect(code).toBe(130);
      const changed = await here.db
        .collection('monque_jobs')
        .countDocuments({ status: 'cancelled' });
      expect(err).toBe(`${changed} job${changed === 1 ? '' : 's'} cancelled, or asked to end.\n`);
      expect(records).toHaveLength(changed);
      expect(changed).toBeLessThan(1_100);
    });
  });

  test('end the verbs between two jobs where the reader of stdout goes away', async () => {
    await here.monque.enqueueMany(Array.from({ length: 300 }, () => ({ name: 'a' })));
    const io = fakeIo({ env: { MONQUE_URI: uriOf(here.db.databaseName) } });
    const ran = runIn(io, 'jobs', 'cancel', '--all', '--yes', '--json');
    await io.stdout.until('"done":true');
    io.stdout.destroy(new Error('write EPIPE'));
    expect(await ran).toMatchObject({ code: 130, err: expect.stringMatching(/^\d+ jobs? cancel/) });
    const changed = await here.db.collection('monque_jobs').countDocuments({ status: 'cancelled' });
    expect(changed).toBeLessThan(300);
  });

  test('what is done goes into the log of all transitions where the application keeps one', async () => {
    const logging = new Monque(here.db, { transitionLog: true });
    const { _id } = await logging.enqueue('a');
    await here.monqueCli('jobs', 'cancel', String(_id), '--as', 'ann');
    const history = await logging.getHistory(_id);
    expect(history.map(({ verb, by }) => [verb, by])).toEqual([
      ['enqueue', undefined],
      ['cancel', 'ann'],
    ]);
  });
});
