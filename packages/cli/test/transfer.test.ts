import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Monque } from '@monque/core';
import { type Db, Double, Int32, ObjectId } from 'mongodb';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { COMMAND_HELP } from '../../core/src/migration/command-arguments.ts';
import { uriOf } from '../../core/test/package/mongo-uri.ts';
import {
  cleanupTestDb,
  closeMongoDb,
  describeWithMongo,
  getTestDb,
} from '../../core/test/setup/mongodb.ts';
import type { CliCommand } from '../src/context/command.ts';
import { CliContext } from '../src/context/context.ts';
import { buildProgram } from '../src/program.ts';
import { fakeIo, runIn, runner } from './setup/io.ts';

describeWithMongo('jobs in and out', () => {
  let db: Db;
  let other: Db;
  let folder: string;
  let monque: Monque;

  beforeEach(async () => {
    db = await getTestDb('cli_export');
    other = await getTestDb('cli_import');
    folder = await mkdtemp(join(tmpdir(), 'monque-transfer-'));
    monque = new Monque(db);
    await monque.initialize();
    return async () => {
      await cleanupTestDb(db);
      await cleanupTestDb(other);
      await rm(folder, { recursive: true });
    };
  });

  afterAll(closeMongoDb);

  const from = (...args: string[]) =>
    runner(uriOf(db.databaseName), { cwd: folder })('export', ...args);
  const into = (...args: string[]) =>
    runner(uriOf(other.databaseName), { cwd: folder })('import', ...args);
  const read = (name: string) => readFile(join(folder, name), 'utf8');
  const write = (name: string, text: string) => writeFile(join(folder, name), text);
  const linesOf = (text: string) =>
    text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));

  const exact = { promoteValues: false, sort: { _id: 1 } } as const;
  const stored = (of: Db) => of.collection('monque_jobs').find({}, exact).toArray();

  test('what is exported and imported is the same to the last type', async () => {
    await monque.enqueue('a', { big: 2n ** 60n, at: new Date(), bytes: Buffer.from('x'), n: null });
    await monque.enqueue('b', 'text', { uniqueKey: 'k', metadata: { tenant: 'acme' } });
    await monque.schedule('@daily', 'c');
    const odd = { count: new Int32(5), share: new Double(5) };
    await db.collection('monque_jobs').updateOne({ name: 'a' }, { $set: { 'data.odd': odd } });
    await monque.pause('paused');
    const { code, out, err } = await from();
    expect({ code, err }).toEqual({ code: 0, err: '3 jobs exported.\n' });
    expect(linesOf(out)[0].data.odd).toEqual({
      count: { $numberInt: '5' },
      share: { $numberDouble: '5.0' },
    });
    await write('jobs.jsonl', out);
    const imported = await into('jobs.jsonl');
    expect(imported).toMatchObject({ code: 0, err: '3 jobs stored, 0 there already, 0 left.\n' });
    const before = await stored(db);
    expect(await stored(other)).toEqual(before.filter(({ _id }) => typeof _id !== 'string'));
    const again = await into('jobs.jsonl');
    expect(again).toMatchObject({ code: 0, err: '0 jobs stored, 3 there already, 0 left.\n' });
    const dry = await into('jobs.jsonl', '--dry-run');
    expect(dry.err).toBe('0 jobs would be stored, 3 there already, 0 left.\n');
  });

  test('jobs with an order, a group or a flow come through, and are found by theirs', async () => {
    await monque.enqueue('a', {}, { order: 'k' });
    await monque.enqueue('b', {}, { group: 'acme' });
    const { id } = await monque.enqueueFlow({ jobs: { c: { name: 'c' } } });
    for (const [option, name] of [
      [['--order', 'k'], 'a'],
      [['--group', 'acme'], 'b'],
      [['--flow', String(id)], 'c'],
    ] as const) {
      const { out } = await from(...option);
      expect(linesOf(out).map((job) => job.name)).toEqual([name]);
    }
    expect(await from('--flow', 'x')).toMatchObject({
      code: 2,
      err: "monque: --flow: expected an id of 24 hexadecimal characters, got 'x'\n",
    });
    await write('jobs.jsonl', (await from()).out);
    const imported = await into('jobs.jsonl');
    expect(imported).toMatchObject({ code: 0, err: '3 jobs stored, 0 there already, 0 left.\n' });
    expect(await stored(other)).toEqual(await stored(db));
    // They run there as they would have here.
    const there = new Monque(other, { logger: false });
    there.worker('a', () => 'a', { order: {} });
    there.worker('b', () => 'b', { groups: {} });
    there.worker('c', () => 'c');
    await there.start();
    for (const job of await there.getJobs()) expect(await there.waitFor(job)).toBe(job.name);
    await there.stop();
  });

  test('an export takes the filters of lists, the archive, and jobs behind an id', async () => {
    const options = { uniqueKey: 'k', metadata: { tenant: 'acme' } };
    const { _id } = await monque.enqueue('a', {}, options);
    const { _id: failed } = await monque.enqueue('b');
    const end = { status: 'failed', failReason: 'lost (ECONNRESET)', finishedAt: new Date() };
    await db.collection('monque_jobs').updateOne({ _id: failed }, { $set: end });
    const ids = async (...args: string[]) => {
      const { out } = await from(...args);
      return out === '' ? [] : linesOf(out).map((job) => job._id.$oid);
    };
    const [a, b] = [String(_id), String(failed)];
    expect(await ids('--name', 'a', '--key', 'k', '--meta', 'tenant=acme')).toEqual([a]);
    expect(await ids('--status', 'failed', '--failed-with', '(ECONN')).toEqual([b]);
    expect(await ids('--finished-from', '1h', '--created-from', '1h')).toEqual([b]);
    expect(await ids('--created-before', '1h')).toEqual([]);
    expect(await ids('--after', a)).toEqual([b]);
    await db.collection('monque_jobs.archive').insertOne({ name: 'old' });
    expect(await ids('--archived')).toHaveLength(1);
    expect(await from('--after', 'x')).toMatchObject({ code: 2 });
  });

  test('an export into a file goes on behind its last whole line', async () => {
    const jobs = await monque.enqueueMany(Array.from({ length: 600 }, () => ({ name: 'a' })));
    expect(jobs).toHaveLength(600);
    const first = await from('--output', 'jobs.jsonl');
    expect(first).toMatchObject({ code: 0, out: '', err: '600 jobs exported.\n' });
    const whole = await read('jobs.jsonl');
    expect(linesOf(whole)).toHaveLength(600);
    const there = await from('--output', 'jobs.jsonl');
    expect(there).toMatchObject({ code: 2, err: expect.stringContaining('--resume') });
    await write('jobs.jsonl', whole.slice(0, 100_000));
    const resumed = await from('--output', 'jobs.jsonl', '--resume');
    expect(resumed.err).toMatch(/^\d{2,3} jobs exported.\n$/);
    expect(await read('jobs.jsonl')).toBe(whole);
    const nothing = await from('--output', 'jobs.jsonl', '--resume');
    expect(nothing.err).toBe('0 jobs exported.\n');
    await write('half.jsonl', '{"_id":');
    await from('--output', 'half.jsonl', '--resume');
    expect(await read('half.jsonl')).toBe(whole);
    const fresh = await from('--output', 'new.jsonl', '--resume');
    expect(fresh.err).toBe('600 jobs exported.\n');
    expect(await from('--resume')).toMatchObject({ code: 2 });
    expect(await from('--output', 'no/such/folder')).toMatchObject({ code: 1, out: '' });
  });

  test('an export ends at Ctrl-C, and says how to go on', async () => {
    const many = Array.from({ length: 3_000 }, () => ({ name: 'a', pad: 'x'.repeat(500) }));
    await db.collection('monque_jobs').insertMany(many);
    for (const [args, how] of [
      [['--output', 'jobs.jsonl'], '--resume'],
      [[], '--after with the last id'],
    ] as const) {
      const io = fakeIo({
        env: { MONQUE_URI: uriOf(db.databaseName) },
        cwd: folder,
        isTerminal: true,
      });
      const ran = runIn(io, 'export', ...args);
      await io.stderr.until('Exported 500');
      io.interrupt();
      const { code, err } = await ran;
      expect(code).toBe(130);
      expect(err).toContain(`jobs exported; go on with ${how}.`);
    }
    await from('--output', 'jobs.jsonl', '--resume');
    expect(linesOf(await read('jobs.jsonl'))).toHaveLength(3_000);
  });

  test('an import reports each line that it leaves, and why', async () => {
    await monque.enqueue('a', {}, { uniqueKey: 'k' });
    await monque.enqueue('b');
    const claim = { status: 'processing', claimedBy: 'x', claimToken: 't', lockedAt: new Date() };
    await db.collection('monque_jobs').updateOne({ name: 'b' }, { $set: claim });
    const { out } = await from();
    const [a] = linesOf(out);
    const variant = (changes: object) =>
      JSON.stringify({ ...a, _id: { $oid: `${new ObjectId()}` }, ...changes });
    await write(
      'jobs.jsonl',
      [
        ...out.trim().split('\n'),
        ...['', 'no json', '{"name":"x"}', 'null'],
        ...[variant({}), variant({ status: 'odd' }), variant({ name: 7 })],
        ...[variant({ documentVersion: { $numberInt: '9' } }), variant({ priority: 'high' })],
      ].join('\n'),
    );
    const { code, err } = await into('jobs.jsonl');
    expect(code).toBe(7);
    expect(err.split('\n')).toEqual([
      expect.stringMatching(/^Line 4 is left: it is no extended JSON/),
      'Line 5 is left: it has no ObjectId as _id',
      'Line 6 is left: it has no ObjectId as _id',
      `Line 8 is left: the state 'odd' is not known`,
      'Line 9 is left: it has no name',
      'Line 10 is left: a newer version wrote it, or none',
      expect.stringMatching(/^Line 11 is left: .*`priority`/),
      'Line 7 is left: another job holds its unique key',
      '2 jobs stored, 0 there already, 8 left.',
      '1 job of these ran when exported, and will run again.',
      '',
    ]);
    const [, b] = await other
      .collection('monque_jobs')
      .find({}, { sort: { _id: 1 } })
      .toArray();
    expect(b).toMatchObject({ name: 'b', status: 'pending' });
    expect(b).not.toHaveProperty('claimedBy');
    const rules = { validator: { name: 'allowed' } };
    await other.command({ collMod: 'monque_jobs', ...rules });
    await write('refused.jsonl', variant({ uniqueKey: 'other', uniqueLock: 'other' }));
    const refused = await into('refused.jsonl');
    expect(refused).toMatchObject({ code: 7, err: expect.stringContaining('validation') });
    expect(await into('none.jsonl')).toMatchObject({
      code: 2,
      err: expect.stringContaining('ENOENT'),
    });
    const broken = await runIn(
      fakeIo({ env: { MONQUE_URI: uriOf(other.databaseName) }, input: 'x\n'.repeat(25) }),
      ...['import', '-'],
    );
    expect(broken.err.match(/is left/g)).toHaveLength(20);
    expect(broken.err).toContain('25 left');
  });

  test('an import ends at Ctrl-C, is run again, and stores nothing twice', async () => {
    await monque.enqueueMany(Array.from({ length: 2_000 }, () => ({ name: 'a' })));
    await from('--output', 'jobs.jsonl');
    const io = fakeIo({
      env: { MONQUE_URI: uriOf(other.databaseName) },
      cwd: folder,
      isTerminal: true,
    });
    const ran = runIn(io, 'import', 'jobs.jsonl');
    await io.stderr.until('Imported 500');
    io.interrupt();
    const { code, err } = await ran;
    expect(code).toBe(130);
    expect(err).toContain('It was ended before the last line; run it again to go on.');
    const there = await other.collection('monque_jobs').countDocuments();
    expect(there).toBeGreaterThanOrEqual(500);
    const again = await into('jobs.jsonl');
    expect(again.err).toBe(`${2_000 - there} jobs stored, ${there} there already, 0 left.\n`);
    await appendFile(join(folder, 'jobs.jsonl'), '\n');
  });

  test('a database that fails in the middle is reported', async () => {
    await monque.enqueue('a');
    await from('--output', 'jobs.jsonl');
    await other.createCollection('view_source');
    await other.createCollection('jobs_view', { viewOn: 'view_source', pipeline: [] });
    const uri = uriOf(other.databaseName);
    const ran = await runner(uri, { cwd: folder })(
      'import',
      'jobs.jsonl',
      '--collection',
      'jobs_view',
    );
    expect(ran).toMatchObject({ code: 1, err: expect.stringContaining('view') });
    const [job] = linesOf(await read('jobs.jsonl'));
    await write('large.jsonl', JSON.stringify({ ...job, data: 'x'.repeat(17 * 2 ** 20) }));
    const large = await into('large.jsonl');
    expect(large).toMatchObject({ out: '', err: expect.stringMatching(/^monque: .*(large|size)/) });
    expect(large.code).not.toBe(0);
  });

  describe('migrate', () => {
    const plain = ['migrate', '--from', 'old', '--format', 'plain'];

    test('copies the jobs of another queue, as monque-migrate does', async () => {
      await db.collection('old').insertMany([
        { state: 'new', due: new Date(), type: 'email', payload: { to: 'a' } },
        { state: 'odd', due: new Date(), type: 'email' },
      ]);
      const fields = [
        '--field',
        'name=type',
        '--field',
        'nextRunAt=due',
        '--field',
        'status=state',
      ];
      const rest = ['--field', 'data=payload', '--status', 'pending=new'];
      const cli = runner(uriOf(db.databaseName));
      const dry = await cli(...plain, ...fields, ...rest, '--dry-run');
      expect(dry).toMatchObject({ code: 2, out: expect.stringContaining('Nothing was written') });
      const into = ['--collection', 'moved', '--database', db.databaseName];
      const { code, records, err } = await cli(...plain, ...fields, ...rest, ...into, '--json');
      expect({ code, err }).toEqual({ code: 2, err: '2 documents read\n' });
      expect(records).toMatchObject([{ read: 2, stored: { pending: 1 } }]);
      expect(await db.collection('moved').find().toArray()).toMatchObject([{ name: 'email' }]);
    });

    test('says what it lacks', async () => {
      const { code, err } = await runIn(fakeIo(), ...plain);
      expect({ code, err }).toEqual({
        code: 1,
        err: expect.stringMatching(/^monque migrate: .*--uri/),
      });
    });
  });
});

test('migrate has the options of monque-migrate, apart from those that every command has', () => {
  const program = buildProgram(new CliContext(fakeIo()));
  const migrate = program.children.find((command) => command.name() === 'migrate') as CliCommand;
  const ours = [...migrate.options, ...program.options].map(({ long }) => long);
  const theirs = [...COMMAND_HELP.matchAll(/^ {2}(--[\w-]+)/gm)].map(([, option]) => option);
  expect(theirs.length).toBeGreaterThan(15);
  const missing = theirs.filter((option) => !ours.includes(option));
  // Where the jobs go is what every command has as --collection.
  expect(missing).toEqual(['--to']);
});
