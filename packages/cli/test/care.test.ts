import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Monque } from '@monque/core';
import { type Db, ObjectId } from 'mongodb';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { uriOf } from '../../core/test/package/mongo-uri.ts';
import {
  cleanupTestDb,
  closeMongoDb,
  describeWithMongo,
  getTestDb,
} from '../../core/test/setup/mongodb.ts';
import { fakeIo, runIn, runner } from './setup/io.ts';

describeWithMongo('the commands that look after a database', () => {
  let db: Db;
  let uri: string;
  let monque: Monque;
  let monqueCli: ReturnType<typeof runner>;

  beforeEach(async () => {
    db = await getTestDb('cli_care');
    uri = uriOf(db.databaseName);
    monque = new Monque(db);
    await monque.initialize();
    monqueCli = runner(uri);
    return () => cleanupTestDb(db);
  });

  afterAll(closeMongoDb);

  describe('audit', () => {
    /** One job that is sound, one that can be repaired, one that cannot. */
    async function broken(): Promise<void> {
      await monque.enqueue('sound');
      const { _id: repairable } = await monque.enqueue('repairable');
      const { _id: lost } = await monque.enqueue('lost');
      const jobs = db.collection('monque_jobs');
      await jobs.updateOne({ _id: repairable }, { $set: { claimToken: 'x', claimedBy: 'y' } });
      await jobs.updateOne({ _id: lost }, { $set: { status: 'blocked' } });
    }

    test('reports what breaks a rule, and repairs with --repair what can be repaired', async () => {
      await broken();
      const { code, out, err } = await monqueCli('audit');
      expect(code).toBe(1);
      expect(out).toContain('repairable');
      expect(err).toMatch(/^3 jobs audited, \d broken rules found, 0 repaired.\n {2}status: 2/);
      const repaired = await monqueCli('audit', '--repair', '--json', '--batch', '1');
      expect(repaired.code).toBe(1);
      expect(repaired.records.some(({ isRepaired }) => isRepaired)).toBe(true);
      const again = await monqueCli('audit', '--repair');
      expect(again.out).not.toContain('repairable');
      await db.collection('monque_jobs').deleteMany({ status: 'blocked' });
      const sound = await monqueCli('audit');
      expect(sound).toMatchObject({
        ...{ code: 0, out: '', err: '2 jobs audited, 0 broken rules found, 0 repaired.\n' },
      });
    });

    test('marks what it repaired', async () => {
      await broken();
      const { out } = await monqueCli('audit', '--repair');
      expect(out).toContain('(repaired)');
    });

    test('says that only some were shown of very many', async () => {
      const job = { name: 'a', status: 'pending', claimedBy: 'y' };
      const documents = Array.from({ length: 1_001 }, () => ({ ...job, _id: new ObjectId() }));
      await db.collection('monque_jobs').insertMany(documents);
      const { err } = await monqueCli('audit');
      expect(err).toContain('The first 1000 were shown.');
    });

    test('ends at Ctrl-C behind the batch, and shows how far it is on a terminal', async () => {
      await monque.enqueueMany(Array.from({ length: 300 }, () => ({ name: 'a' })));
      const io = fakeIo({ env: { MONQUE_URI: uri }, isTerminal: true });
      const ran = runIn(io, 'audit', '--batch', '1');
      await io.stderr.until('Audited [');
      io.interrupt();
      const { code, err } = await ran;
      expect(code).toBe(130);
      expect(err).toContain('It was ended before all jobs were looked at.');
    });
  });

  describe('bench', () => {
    const collections = async () =>
      (await db.listCollections().toArray()).filter(({ name }) => name.startsWith('monque_bench'));

    test('measures, and leaves nothing behind', async () => {
      const few = ['--jobs', '30', '--samples', '3', '--concurrency', '5'];
      const { code, records, err } = await monqueCli('bench', ...few, '--json');
      expect(code).toBe(0);
      expect(records.map(({ unit }) => unit)).toEqual(['jobs/s', 'jobs/s', 'ms', 'ms', 'ms']);
      for (const { value } of records) expect(value).toBeGreaterThan(0);
      expect(err).toMatch(/^The collections monque_bench_\w+\* were dropped.\n$/);
      expect(await collections()).toEqual([]);
      const { out } = await monqueCli('bench', '--jobs', '501', '--samples', '1');
      expect(out).toMatch(/^MEASURE +VALUE +UNIT\nenqueue, 500 a call +\d+\.\d +jobs\/s\n/);
    });

    test('ends at Ctrl-C, and leaves nothing behind', async () => {
      for (const moment of ['Enqueued [', 'Ran [']) {
        const io = fakeIo({ env: { MONQUE_URI: uri }, isTerminal: true });
        const ran = runIn(io, 'bench', '--jobs', '20000', '--samples', '2');
        await io.stderr.until(moment);
        io.interrupt();
        const { code, out } = await ran;
        expect({ code, out }).toEqual({ code: 130, out: '' });
        expect(await collections()).toEqual([]);
      }
    }, 60_000);

    test('ends at Ctrl-C while it measures the waits', async () => {
      const io = fakeIo({ env: { MONQUE_URI: uri }, isTerminal: true });
      const ran = runIn(io, 'bench', '--jobs', '1', '--samples', '10000');
      await io.stderr.until('1 of 1');
      await io.stderr.until('Ran [########################] 1 of 1');
      io.interrupt();
      expect((await ran).code).toBe(130);
    });
  });

  test('a database that does not answer is reported in a line, with its own exit code', async () => {
    const gone = 'mongodb://user:secret@127.0.0.1:1/app?replicaSet=rs0';
    const { code, err, out } = await runner(gone)('status', '--timeout', '200ms');
    expect({ code, out }).toEqual({ code: 5, out: '' });
    expect(err).not.toMatch(/secret| at /);
    const why = await runner(gone)('why', String(new ObjectId()), '--timeout', '200ms');
    expect(why.code).toBe(5);
  });
});

describe('check', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'monque-check-'));
    return () => rm(folder, { recursive: true });
  });

  async function check(program: string, file = 'setup.mjs', ...args: string[]) {
    await writeFile(join(folder, file), program);
    return runIn(fakeIo({ cwd: folder }), 'check', `./${file}`, ...args);
  }

  test('passes a set-up that is right, in either kind of module', async () => {
    const body = `
      monque.worker('email', () => {}).worker('report', () => {});
      await monque.schedule('0 9 * * *', 'report', {}, { timezone: 'Europe/Berlin' });
      await monque.enqueueMany([{ name: 'email' }]);
      monque.on('job:fail', () => {});
      await monque.start();
      if (monque.isHealthy()) throw new Error('It was started');
      if (monque.nothing !== undefined) throw new Error('It is none');`;
    const options = `{ maxRetries: 3, collectionName: 'jobs', listingIndexes: true }`;
    const right = await check(
      `export const options = ${options}; export async function setup(monque) {${body}}`,
    );
    expect(right).toMatchObject({ code: 0, out: '', err: '2 workers, 1 series, 0 faults.\n' });
    const asDefault = await check(`export default async (monque) => {${body}};`, 'default.mjs');
    expect(asDefault.code).toBe(0);
    const required = await check(
      `module.exports = { setup: async (monque) => {${body}}, options: ${options} };`,
      'setup.cjs',
    );
    expect(required).toMatchObject({ code: 0, err: '2 workers, 1 series, 0 faults.\n' });
  });

  test('reports wrong options, crons, schemas and names, each by where it is', async () => {
    const { code, records, err } = await check(
      `export async function setup(monque) {
        const schema = { '~standard': { version: 1, vendor: 'own', validate: (value) =>
          value?.to ? { value } : { issues: [{ message: 'to is missing' }] } } };
        await monque.enqueue('email', { subject: 'hello' });
        monque.worker('email', () => {}, { schema });
        monque.worker('twice', () => {});
        monque.worker('twice', () => {}, { concurrency: 0 });
        await monque.schedule('0 25 * * *', 'twice');
        await monque.now('unheard-of');
        await monque.enqueueMany('nothing');
        await monque.enqueueFlow({ jobs: { a: { name: 'twice' }, b: { name: 'unknown', after: ['a'] } } });
        await monque.enqueueFlow({ jobs: { a: { name: 'twice', after: ['a'] } } });
        await monque.enqueueFlow();
        throw 'the end';
      }`,
      'setup.mjs',
      '--json',
    );
    expect(code).toBe(1);
    expect(err).toBe('2 workers, 1 series, 9 faults.\n');
    expect(records.map(({ where, message }) => [where, message])).toEqual([
      [`worker('twice')`, expect.stringContaining('concurrency')],
      ['setup', 'the end'],
      [`enqueue('email')`, expect.stringContaining('to is missing')],
      [`schedule('twice')`, expect.stringContaining(`'25' is not a value`)],
      [`now('unheard-of')`, `No worker is registered for 'unheard-of'`],
      ['enqueueMany', expect.any(String)],
      [`enqueueFlow('unknown')`, `No worker is registered for 'unknown'`],
      [`enqueueFlow('twice')`, expect.stringContaining('a')],
      ['enqueueFlow', expect.stringContaining('flow')],
    ]);
    const options = await check(
      'export const options = { maxRetries: 0 }; export const setup = () => {};',
      'o.mjs',
    );
    expect(options).toMatchObject({
      code: 1,
      out: expect.stringMatching(/^! options: .*maxRetries/),
    });
  });

  test('reports a module that cannot be loaded, has no set-up, or is not there', async () => {
    const broken = await check('throw new Error("no database here");', 'broken.mjs');
    expect(broken).toMatchObject({
      code: 1,
      out: '! ./broken.mjs: It cannot be loaded: no database here\n',
    });
    const empty = await check('export const other = 1;', 'empty.mjs');
    expect(empty).toMatchObject({ code: 2, err: expect.stringContaining('setup(monque)') });
    const none = await runIn(fakeIo({ cwd: folder }), 'check', 'none.mjs');
    expect(none).toMatchObject({ code: 2, err: expect.stringContaining('There is no file') });
    const directory = await runIn(fakeIo({ cwd: folder }), 'check', '.');
    expect(directory.code).toBe(2);
  });
});
