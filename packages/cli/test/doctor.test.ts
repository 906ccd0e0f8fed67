import { Monque } from '@monque/core';
import { type Db, MongoClient } from 'mongodb';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { startStandaloneServer } from '../../core/test/mongodb/standalone-server.ts';
import { uriOf } from '../../core/test/package/mongo-uri.ts';
import {
  cleanupTestDb,
  closeMongoDb,
  describeWithMongo,
  describeWithOwnMongo,
  getTestDb,
} from '../../core/test/setup/mongodb.ts';
import { sizeText } from '../src/care/index-checks.ts';
import { deploymentOf, versionFindings } from '../src/care/server-checks.ts';
import { type FakeOptions, fakeIo, runIn, runner } from './setup/io.ts';

interface Shown {
  readonly kind: string;
  readonly weight: string;
  readonly message: string;
  readonly advice: string;
}

/** What doctor finds that is no fact. */
async function findings(uri: string, options: FakeOptions = {}, ...args: string[]) {
  const { code, records } = await runner(uri, options)('doctor', '--json', ...args);
  const found: Shown[] = records.filter(({ weight }) => weight !== 'fact');
  return { code, found, kinds: found.map(({ kind }) => kind) };
}

describeWithMongo('doctor', () => {
  let db: Db;
  let uri: string;
  let monque: Monque;

  /** A sound system: an instance that runs jobs, a series with a worker, all indexes. */
  beforeEach(async () => {
    db = await getTestDb('cli_doctor');
    uri = uriOf(db.databaseName);
    monque = new Monque(db);
    monque.worker('email', () => undefined);
    monque.worker('ordered', () => undefined, { order: {} });
    monque.worker('grouped', () => undefined, { groups: {} });
    await monque.start();
    await monque.schedule('@daily', 'email');
    return async () => {
      await monque.stop();
      await cleanupTestDb(db);
    };
  });

  afterAll(closeMongoDb);

  const jobs = () => db.collection('monque_jobs');

  test('finds nothing on a sound system, and says what it looked at', async () => {
    const { code, out, err } = await runner(uri)('doctor');
    expect({ code, err }).toEqual({ code: 0, err: 'Nothing must be done.\n' });
    expect(out).toMatch(/^\+ MongoDB \d.*, the replica set '.*', answers within/);
    expect(out).toMatch(/\+ The index monque_claim is there: \d+ KiB, \d+ uses? since/);
    expect(out).toContain('+ 1 job looked at');
    expect(out).not.toMatch(/^[!-]/m);
    expect(await findings(uri)).toEqual({ code: 0, found: [], kinds: [] });
  });

  test('finds a missing index', async () => {
    await jobs().dropIndex('monque_gates');
    const { code, found } = await findings(uri);
    expect(code).toBe(1);
    expect(found).toMatchObject([
      { kind: 'indexMissing', message: 'The index monque_gates is missing', weight: 'act' },
    ]);
  });

  test('goes on with the rest where a missing index keeps a part from being looked at', async () => {
    // An application that runs would make it again.
    await monque.stop();
    await jobs().dropIndex('monque_claim');
    const { code, kinds } = await findings(uri);
    expect({ code, first: kinds[0] }).toEqual({ code: 1, first: 'indexMissing' });
  });

  test('no command that only looks makes an index, whichever is missing', async () => {
    await monque.stop();
    const indexes = async () => (await jobs().indexes()).map(({ name }) => name);
    const [first] = await monque.getJobs({ name: 'email' });
    await jobs().dropIndexes();
    expect(await indexes()).toEqual(['_id_']);
    const run = runner(uri);
    for (const line of [
      ['doctor'],
      ['status'],
      ['jobs', 'list'],
      ['jobs', 'count'],
      ['names', 'list'],
      ['gates', 'list'],
      ['series', 'list'],
      ['audit'],
      ['why', String(first?._id)],
      ['jobs', 'cancel', String(first?._id)],
    ]) {
      await run(...line);
      expect(await indexes(), line.join(' ')).toEqual(['_id_']);
    }
  });

  test('finds an index of another shape, and one that is not ours', async () => {
    const listing = new Monque(db, { listingIndexes: true });
    await listing.initialize();
    await jobs().dropIndex('monque_gates');
    await jobs().createIndex({ blockedUntil: -1 }, { name: 'monque_gates' });
    await jobs().createIndex({ 'metadata.tenant': 1 }, { name: 'mine' });
    const { kinds, found } = await findings(uri);
    expect(kinds).toEqual(['indexShape', 'otherIndex']);
    expect(found[0]?.message).toContain('blockedUntil');
    const { out } = await runner(uri)('doctor');
    expect(out).toContain('+ The index monque_list is there');
    expect(out).toContain(`- The index mine is none of Monque's: `);
  });

  test('finds a clock that is off by a minute, either way', async () => {
    for (const [minutes, way] of [
      [1, 'ahead of'],
      [-1, 'behind'],
    ] as const) {
      const now = () => new Date(Date.now() + minutes * 60_000);
      const { code, found } = await findings(uri, { now });
      expect(code).toBe(1);
      expect(found).toMatchObject([{ kind: 'clock' }]);
      expect(found[0]?.message).toMatch(new RegExp(`is (59|60|1)[sm] ${way} that of the server`));
    }
  });

  test('finds an instance whose clock is off, by what it says of itself', async () => {
    const instances = db.collection<{ _id: string }>('monque_jobs.instances');
    const own = await instances.findOne();
    const { info } = own as unknown as { info: { vitals: object } };
    const add = (id: string, vitals: object, rest: object = {}) =>
      instances.insertOne({
        ...{
          ...own,
          _id: id,
          leaseDurationMs: 600_000,
          info: { ...info, vitals: { ...info.vitals, ...vitals } },
        },
        ...rest,
      } as never);
    await add('near', { clockErrorMs: 4_000 });
    await add('gone', { clockErrorMs: 60_000 }, { status: 'dead' });
    expect((await findings(uri)).kinds).toEqual([]);
    await add('skewed', { clockErrorMs: 60_000 });
    const { code, found } = await findings(uri);
    expect(code).toBe(1);
    expect(found).toMatchObject([{ kind: 'instanceClock', weight: 'act' }]);
    expect(found[0]?.message).toMatch(
      /^The clock of instance skewed \(.*, pid \d+\) is 1m off that of the server$/,
    );
  });

  test('finds nothing in jobs with an order, a group or a flow', async () => {
    await monque.enqueue('ordered', {}, { order: 'k', delay: 600_000 });
    await monque.enqueue('grouped', {}, { group: 'acme', delay: 600_000 });
    await monque.enqueueFlow({ jobs: { a: { name: 'email', options: { delay: 600_000 } } } });
    expect((await findings(uri)).kinds).toEqual([]);
  });

  test('finds a dead instance with claims', async () => {
    const { _id } = await monque.enqueue('other', {}, { delay: 600_000 });
    const claim = { status: 'processing', claimedBy: 'lost', claimToken: 'x', fence: 1 };
    const instances = db.collection<{ _id: string }>('monque_jobs.instances');
    const lease = { counter: 1, status: 'live', leaseDurationMs: 1_000 };
    const [own] = await instances.find().toArray();
    const info = { ...(own as unknown as { info: object }).info, reportedAt: new Date(0) };
    await instances.insertOne({ _id: 'lost', ...lease, info } as never);
    await jobs().updateOne({ _id }, { $set: claim });
    const { kinds, found } = await findings(uri);
    expect(kinds).toEqual(['deadInstance']);
    expect(found[0]?.message).toMatch(/^Instance lost \(.*, pid \d+\) is silent and holds 1 job$/);
  });

  test('finds a newer document, and one that nobody can read', async () => {
    const { _id } = await monque.enqueue('email', {}, { delay: 600_000 });
    await jobs().updateOne({ _id }, { $set: { documentVersion: 99 } });
    const { kinds, found } = await findings(uri);
    expect(kinds).toEqual(['newerDocument']);
    expect(found[0]?.message).toContain(`1 job, such as ${_id} (version 99)`);
    const { _id: other } = await monque.enqueue('email', {}, { delay: 600_000 });
    await jobs().updateOne({ _id: other }, { $set: { priority: 'high' } });
    await jobs().insertOne({ status: 'unheard-of' });
    expect((await findings(uri)).kinds).toEqual(['newerDocument', 'unreadable']);
  });

  test('finds a suspect job', async () => {
    const { _id } = await monque.enqueue('email', {}, { delay: 600_000 });
    await jobs().updateOne({ _id }, { $set: { rescueCount: 3 } });
    const { found } = await findings(uri);
    expect(found).toMatchObject([
      { kind: 'suspectJob', message: expect.stringContaining('1 job died 2 times or more') },
    ]);
  });

  test('finds a paused name with due jobs', async () => {
    await monque.pause('email');
    await monque.enqueue('email');
    const { found } = await findings(uri);
    expect(found).toMatchObject([{ kind: 'pausedDue', advice: expect.stringContaining('resume') }]);
  });

  test('finds a series without a worker', async () => {
    await monque.schedule('@daily', 'report');
    const { found } = await findings(uri);
    expect(found).toMatchObject([
      { kind: 'seriesWithoutWorker', message: expect.stringContaining(`'report'`) },
    ]);
    // An instance that does not name its workers, or not all of them, may have it.
    const instances = db.collection<{ _id: string }>('monque_jobs.instances');
    const older = { _id: 'older', counter: 1, status: 'live', leaseDurationMs: 60_000 };
    await instances.insertOne(older as never);
    expect((await findings(uri)).kinds).toEqual([]);
    await instances.deleteOne({ _id: 'older' });
    const silent = { $set: { 'info.unnamedWorkers': 1 } };
    await db.collection('monque_jobs.instances').updateOne({}, silent);
    expect((await findings(uri)).kinds).toEqual([]);
  });

  test('says that there is no collection yet, perhaps since its name is wrong', async () => {
    const { code, found } = await findings(uri, {}, '--collection', 'none');
    expect(code).toBe(0);
    expect(found).toMatchObject([{ kind: 'noCollection', weight: 'know' }]);
  });

  test('says how many jobs it looked at where there are more', async () => {
    const job = { name: 'email', status: 'pending', documentVersion: 1, rescueCount: 3 };
    const nextRunAt = new Date(Date.now() + 3_600_000);
    const many = Array.from({ length: 10_001 }, () => ({ ...job, nextRunAt }));
    await jobs().insertMany(many);
    const { out } = await runner(uri)('doctor');
    expect(out).toContain('+ 10000 jobs looked at (the newest 10000)');
    expect(out).toContain('The processes of 1000+ jobs died 2 times or more');
  });

  test('ends with an error where something else fails than the server', async () => {
    const now = () => {
      throw new Error('this machine has no clock');
    };
    const ran = await runner(uri, { now })('doctor');
    expect(ran).toMatchObject({ code: 1, out: '', err: 'monque: this machine has no clock\n' });
  });

  test('shows its progress on a terminal, and says how many things must be done', async () => {
    await monque.pause('email');
    await monque.enqueue('email');
    const io = fakeIo({ env: { MONQUE_URI: uri }, isTerminal: true });
    const { code, err, out } = await runIn(io, 'doctor');
    expect(code).toBe(1);
    expect(err).toContain('Checked [');
    expect(err).toContain('1 thing must be done.');
    expect(out).toContain('\u001b[31m!\u001b[39m The name');
  });
});

describeWithOwnMongo('doctor, on a server of its own,', (binary) => {
  test('finds that there is no replica set, and a user without rights', async () => {
    const server = await startStandaloneServer(binary, ['--auth']);
    try {
      const client = new MongoClient(server.uri);
      const admin = { user: 'admin', pwd: 'secret', roles: ['root'] };
      await client.db('admin').command({ createUser: 'admin', pwd: admin.pwd, roles: admin.roles });
      await client.close();
      const as = (user: string) =>
        server.uri.replace('//', `//${user}:secret@`).concat('app?authSource=admin');
      const root = new MongoClient(as('admin'));
      const roles = (...names: string[]) => names.map((role) => ({ role, db: 'app' }));
      const users = { reader: roles('read'), writer: roles('readWrite') };
      for (const [name, own] of Object.entries(users)) {
        await root.db('admin').command({ createUser: name, pwd: 'secret', roles: own });
      }
      const instances = {
        resource: { db: 'app', collection: 'monque_jobs.instances' },
        actions: ['find'],
      };
      const nothing = { createRole: 'little', privileges: [instances], roles: [] };
      await root.db('admin').command(nothing);
      await root.db('admin').command({ createUser: 'little', pwd: 'secret', roles: ['little'] });
      const all = [{ resource: { anyResource: true }, actions: ['anyAction'] }];
      await root.db('admin').command({ createRole: 'every', privileges: all, roles: [] });
      await root.db('admin').command({ createUser: 'every', pwd: 'secret', roles: ['every'] });
      await new Monque(root.db('app')).initialize();
      await root.close();

      expect((await findings(as('admin'))).kinds).toEqual(['noReplicaSet']);
      for (const user of ['writer', 'every']) {
        expect((await findings(as(user))).kinds).toEqual(['noReplicaSet']);
      }
      const reader = await findings(as('reader'));
      expect(reader.kinds.slice(0, 2)).toEqual(['noReplicaSet', 'noRights']);
      expect(reader.found[1]?.message).toBe(
        'The user may not insert, update, remove, createIndex on app.monque_jobs',
      );
      const little = await findings(as('little'));
      expect(little.kinds).toContain('notLookedAt');
      expect(little.found.find(({ kind }) => kind === 'noRights')?.message).toContain(
        'may not find',
      );
      const status = await runner(as('little'))('status');
      expect(status.err).not.toContain('secret');
      const wrong = await runner(as('admin').replace('secret', 'wrong'))('status');
      expect(wrong).toMatchObject({ code: 5, out: '', err: expect.stringContaining('monque: ') });
      const exported = await runner(as('little'))('export');
      expect(exported).toMatchObject({ code: 4, out: '' });
    } finally {
      await server.stop();
    }
  }, 60_000);
});

describe('the server', () => {
  test('is told apart by what it says of itself', () => {
    expect(deploymentOf({ msg: 'isdbgrid' })).toEqual(['a sharded cluster']);
    expect(deploymentOf({ setName: 'rs0' })).toEqual([`the replica set 'rs0'`]);
    const [kind, problem] = deploymentOf({});
    expect(kind).toBe('a standalone server');
    expect(problem).toMatchObject({ kind: 'noReplicaSet', weight: 'act' });
  });

  test('has indexes of any size', () => {
    expect([sizeText(1), sizeText(4_096), sizeText(3_145_728)]).toEqual([
      '1 KiB',
      '4 KiB',
      '3.0 MiB',
    ]);
  });
});

describe('the version of the server', () => {
  test('is at least the oldest that is supported', () => {
    for (const version of ['4.4.0', '5.0.1', '8.2.0']) expect(versionFindings(version)).toEqual([]);
    for (const version of ['4.2.24', '3.6', 'x']) {
      expect(versionFindings(version)).toMatchObject([{ kind: 'oldServer', weight: 'act' }]);
    }
  });
});
