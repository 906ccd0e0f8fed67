import { BSON, type Collection, type Db, type Document, Long, ObjectId } from 'mongodb';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { ConnectionError, type Job, MongoLedgerRepository } from '../../src/index.ts';
import {
  type LeftJob,
  type MigrateJobsOptions,
  type MigrationReport,
  migrateJobs,
} from '../../src/migration/index.ts';
import { MigrationStore } from '../../src/migration/migration-store.ts';
import { makeJob } from '../../src/testing/index.ts';
import { cleanupTestDb, closeMongoDb, describeWithMongo, getTestDb } from '../setup/mongodb.ts';

const LATER = new Date('2040-01-01T10:00:00Z');
const NONE = { pending: 0, series: 0, completed: 0, failed: 0, cancelled: 0 };

/** A document of a plain queue; its number makes its id. */
function waiting(number: number, fields: Document = {}): Document {
  const _id = ObjectId.createFromHexString(number.toString(16).padStart(24, '0'));
  return { _id, name: 'email', data: { number }, status: 'pending', nextRunAt: LATER, ...fields };
}

describeWithMongo('a migration', () => {
  let db: Db;

  beforeEach(async () => {
    db = await getTestDb('migrate');
    return () => cleanupTestDb(db);
  });

  afterAll(closeMongoDb);

  async function put(...documents: Document[]): Promise<void> {
    await db.collection('queue').insertMany(documents);
  }

  function migrate(options: Partial<MigrateJobsOptions> = {}): Promise<MigrationReport> {
    return migrateJobs({ source: db.collection('queue'), db, format: {}, ...options });
  }

  function jobs(): Promise<Job[]> {
    return db.collection<Job>('monque_jobs').find().sort({ _id: 1 }).toArray();
  }

  async function leftBy(options: Partial<MigrateJobsOptions>): Promise<LeftJob[]> {
    const left: LeftJob[] = [];
    await migrate({ ...options, onLeft: (job) => left.push(job) });
    return left;
  }

  test('of nothing stores nothing', async () => {
    expect(await migrate()).toStrictEqual({
      dryRun: false,
      read: 0,
      stored: NONE,
      storedBefore: 0,
      left: {},
      notes: {},
    });
  });

  test('stores documents byte by byte as an enqueue through the ledger does', async () => {
    await put(waiting(1, { uniqueKey: 'a', data: { big: Long.MAX_VALUE, none: null } }));
    await migrate();
    const options = { useBigInt64: true, promoteValues: false, raw: true };
    const read = async (): Promise<string> => {
      const stored = await db.collection('monque_jobs').findOne({}, options);
      return Buffer.from(stored as unknown as Uint8Array).toString('hex');
    };
    const migrated = await read();
    const [job] = await db.collection<Job>('monque_jobs').find({}, { useBigInt64: true }).toArray();
    await db.collection('monque_jobs').drop();
    await new MongoLedgerRepository(db).enqueue({ jobs: [job as Job] });
    expect(await read()).toBe(migrated);
    expect(BSON.deserialize(Buffer.from(migrated, 'hex'), { useBigInt64: true })).toMatchObject({
      data: { big: 2n ** 63n - 1n, none: null },
    });
  });

  test.each([1, 3, 5, 500])('reads everything in batches of %i', async (batchSize) => {
    await put(...[1, 2, 3, 4, 5, 6].map((number) => waiting(number)));
    const reads: number[] = [];
    const onProgress = ({ read }: MigrationReport): void => void reads.push(read);
    const report = await migrate({ batchSize, onProgress });
    expect(report).toMatchObject({ read: 6, stored: { pending: 6 } });
    expect(reads.at(-1)).toBe(6);
    expect(reads).toHaveLength(Math.ceil(6 / batchSize));
    expect((await jobs()).map(({ data }) => data)).toEqual(
      [1, 2, 3, 4, 5, 6].map((number) => ({ number })),
    );
  });

  test('reads ids of every type', async () => {
    const ids = [1, 'one', new ObjectId(), { a: 1 }, 2.5, new Date(7), true];
    await put(...ids.map((_id) => waiting(1, { _id })));
    expect(await migrate({ batchSize: 2 })).toMatchObject({ read: 7, stored: { pending: 7 } });
    expect(await migrate({ batchSize: 2 })).toMatchObject({ read: 7, storedBefore: 7 });
    expect(await jobs()).toHaveLength(7);
  });

  describe('that is run again', () => {
    test('stores nothing twice, and takes what is new', async () => {
      await put(waiting(1), waiting(3), waiting(5, { status: 'asleep' }));
      await migrate();
      await put(waiting(2), waiting(4));
      expect(await migrate()).toMatchObject({
        read: 5,
        stored: { ...NONE, pending: 2 },
        storedBefore: 2,
        left: { shape: 1 },
      });
      expect(await jobs()).toHaveLength(4);
    });

    test('takes what was left, once it can be taken', async () => {
      await put(waiting(1, { status: 'failed' }), waiting(2, { data: { $set: 1 } }));
      expect(await migrate()).toMatchObject({ left: { finished: 1, invalid: 1 } });
      await db.collection('queue').updateOne({ name: 'email' }, { $set: { failReason: 'why' } });
      await db.collection('queue').updateOne({ status: 'pending' }, { $set: { data: 'repaired' } });
      expect(await migrate({ finished: 'failed' })).toMatchObject({
        stored: { pending: 1, failed: 1 },
        left: {},
      });
    });

    test('does not bring a job back that was run and deleted since', async () => {
      await put(waiting(1));
      await migrate();
      await db.collection('monque_jobs').deleteMany({});
      expect(await migrate()).toMatchObject({ stored: NONE, storedBefore: 1 });
      expect(await jobs()).toEqual([]);
    });

    test('changes nothing of a job that was claimed or finished since', async () => {
      await put(waiting(1), waiting(2));
      await migrate();
      await db.collection('monque_jobs').updateOne({}, { $set: { status: 'processing' } });
      const before = await jobs();
      await migrate();
      expect(await jobs()).toEqual(before);
    });

    test('after a crash between a job and its record, changes nothing of the job', async () => {
      await put(waiting(1), waiting(2, { status: 'completed' }), waiting(3, { uniqueKey: 'a' }));
      await migrate({ finished: 'all' });
      await db.collection('monque_jobs.migrated').deleteMany({});
      await db.collection('monque_jobs').updateOne({}, { $set: { status: 'completed' } });
      const before = await jobs();
      expect(await migrate({ finished: 'all' })).toMatchObject({
        stored: NONE,
        storedBefore: 3,
        left: {},
      });
      expect(await jobs()).toEqual(before);
      expect(await db.collection('monque_jobs.migrated').countDocuments()).toBe(3);
    });

    test('after such a crash, does not bring back what is in the archive', async () => {
      await put(waiting(1, { status: 'completed' }));
      await migrate({ finished: 'all' });
      const [job] = await jobs();
      await db.collection<Job>('monque_jobs.archive').insertOne(job as Job);
      await db.collection('monque_jobs').deleteMany({});
      expect(await migrate({ finished: 'all' })).toMatchObject({ storedBefore: 1 });
      await db.collection('monque_jobs.migrated').deleteMany({});
      expect(await migrate({ finished: 'all' })).toMatchObject({ storedBefore: 1 });
      expect(await jobs()).toEqual([]);
    });

    test('at the same time as another stores everything once', async () => {
      await put(...Array.from({ length: 60 }, (_, index) => waiting(index + 1)));
      const reports = await Promise.all([1, 2, 3].map(() => migrate({ batchSize: 7 })));
      for (const report of reports) expect(report).toMatchObject({ read: 60, left: {} });
      expect(await jobs()).toHaveLength(60);
      expect(await db.collection('monque_jobs.migrated').countDocuments()).toBe(60);
    });

    test('after its callback threw, goes on where it was', async () => {
      await put(...[1, 2, 3, 4, 5].map((number) => waiting(number)));
      const onProgress = (): never => {
        throw new Error('The terminal is gone');
      };
      await expect(migrate({ batchSize: 2, onProgress })).rejects.toThrow('The terminal is gone');
      expect(await migrate({ batchSize: 2 })).toMatchObject({
        stored: { pending: 3 },
        storedBefore: 2,
      });
    });
  });

  describe('leaves, and reports,', () => {
    test('a job whose key is held, in the target or in the source', async () => {
      const holder = makeJob({ name: 'email', uniqueKey: 'a', uniqueLock: 'key:a' });
      await new MongoLedgerRepository(db).enqueue({ jobs: [holder] });
      await put(
        waiting(1, { uniqueKey: 'a' }),
        waiting(2, { uniqueKey: 'b' }),
        waiting(3, { uniqueKey: 'b' }),
        waiting(4, { repeatInterval: '0 9 * * *' }),
        waiting(5, { repeatInterval: '0 9 * * *' }),
      );
      const preview = await migrate({ dryRun: true });
      const left = await leftBy({});
      expect(left.map(({ id, reason }) => [String(id).at(-1), reason])).toEqual([
        ['1', 'keyTaken'],
        ['3', 'keyTaken'],
        ['5', 'keyTaken'],
      ]);
      expect(left[0]?.detail).toContain(holder._id.toHexString());
      expect(preview).toMatchObject({ stored: { pending: 1, series: 1 }, left: { keyTaken: 3 } });
      expect(await migrate({ dryRun: true })).toMatchObject({
        storedBefore: 2,
        left: { keyTaken: 3 },
      });
    });

    test('a job whose id another job has', async () => {
      const [document] = [waiting(1)];
      const other = makeJob({ _id: document?._id, name: 'other' });
      await new MongoLedgerRepository(db).enqueue({ jobs: [other] });
      await put(document as Document);
      expect(await leftBy({})).toEqual([
        {
          id: document?._id,
          name: 'email',
          reason: 'idTaken',
          detail: expect.stringMatching(/other/),
        },
      ]);
      expect(await jobs()).toMatchObject([{ name: 'other' }]);
    });

    test('a job that came from another collection already', async () => {
      await put(waiting(1));
      await migrate();
      await db.collection('copy').insertOne(waiting(1));
      expect(await leftBy({ source: db.collection('copy') })).toMatchObject([
        { reason: 'idTaken', detail: `The job came from ${db.databaseName}.queue` },
      ]);
    });

    test('jobs that MongoDB refuses, while the others are stored', async () => {
      const refusing = { validator: { 'data.number': { $ne: 2 } } };
      await db.createCollection('monque_jobs', refusing);
      await put(
        waiting(1),
        waiting(2),
        waiting(3, { status: 'completed', data: { number: 2 } }),
        waiting(4, { status: 'completed' }),
      );
      const left = await leftBy({ finished: 'all' });
      expect(left.map(({ reason }) => reason)).toEqual(['refused', 'refused']);
      expect(left[1]?.detail).toMatch(/validation/);
      expect(await jobs()).toHaveLength(2);
    });
  });

  describe('stores finished jobs', () => {
    const finished = makeJob({ status: 'completed', finishedAt: LATER });

    test('once, also when two runs do so at one moment', async () => {
      const store = new MigrationStore(db, 'monque_jobs');
      const answers = await Promise.all([1, 2].map(() => store.storeFinished([finished])));
      expect(answers).toEqual([[{ outcome: 'stored' }], [{ outcome: 'stored' }]]);
      expect(await jobs()).toHaveLength(1);
    });

    test('unless an index of the application is against it', async () => {
      await db.collection('monque_jobs').createIndex({ 'data.number': 1 }, { unique: true });
      const done = { status: 'completed', data: { number: 1 } };
      await put(waiting(1, done), waiting(2, done));
      expect(await leftBy({ finished: 'all' })).toMatchObject([{ reason: 'refused' }]);
    });
  });

  test('ends with an error that is no fault of the job', async () => {
    const fault = new Error('A fault of the program');
    const cursor = { next: () => Promise.reject(fault), close: async () => undefined };
    const source = { find: () => cursor, collectionName: 'queue', dbName: 'app' };
    await expect(migrate({ source: source as unknown as Collection })).rejects.toThrow(
      'A fault of the program',
    );
    expect(await jobs()).toEqual([]);
  });

  describe('that is a dry run', () => {
    test('says what would be done, and writes nothing at all', async () => {
      await put(waiting(1), waiting(2, { status: 'completed' }), waiting(3, { status: 'asleep' }));
      const preview = await migrate({ dryRun: true, finished: 'all' });
      const names = (await db.listCollections().toArray()).map(({ name }) => name);
      expect(names).toEqual(['queue']);
      expect(await migrate({ finished: 'all' })).toStrictEqual({ ...preview, dryRun: false });
    });
  });

  test('reads one database and writes to another', async () => {
    const other = await getTestDb('migrate_to');
    await put(waiting(1));
    const options = { db: other, collectionName: 'queue' };
    expect(await migrate(options)).toMatchObject({ stored: { pending: 1 } });
    expect(await other.collection('queue').countDocuments()).toBe(1);
    expect(await jobs()).toEqual([]);
    await cleanupTestDb(other);
  });

  test('from a client that is closed says so', async () => {
    const { MongoClient } = await import('mongodb');
    const client = new MongoClient('mongodb://127.0.0.1:1', { serverSelectionTimeoutMS: 50 });
    const source = client.db('app').collection('queue');
    await expect(migrate({ source })).rejects.toThrow(ConnectionError);
    await client.close();
  });
});
