// The user's Db may be set to anything: every command has to say for itself what it wants.
import { type Db, type DbOptions, type Document, MongoClient, ReadConcern } from 'mongodb';
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import type { LedgerHint } from '../../src/ledger/ledger-repository.ts';
import type { MongoLedgerRepository } from '../../src/ledger/mongodb/mongo-ledger-repository.ts';
import { ENGINE_INDEXES } from '../../src/ledger/mongodb/server/indexes.ts';
import { cleanupTestDb, closeMongoDb, describeWithMongo, getTestDb } from '../setup/mongodb.ts';
import { until } from '../setup/until.ts';
import { CommandLog, nameOf, namesOf, onlyCommand } from './command-log.ts';
import {
  at,
  claim,
  INSTANCE,
  JOB_NAME,
  jobsIn,
  makeJobs,
  openLedger,
  settlement,
  TOKEN,
} from './jobs.ts';

const CARELESS: DbOptions = {
  readPreference: 'secondaryPreferred',
  readConcern: new ReadConcern('available'),
  writeConcern: { w: 0 },
};

const ODD_BSON: DbOptions = {
  raw: true,
  promoteValues: false,
  promoteLongs: false,
  promoteBuffers: false,
  bsonRegExp: true,
  ignoreUndefined: false,
  serializeFunctions: true,
  forceServerObjectId: true,
};

const TIMEOUT_MS = 5_432;

describeWithMongo('the ledger on a Db that is set to something else', () => {
  let client: MongoClient;
  let log: CommandLog;
  let name: string;
  /** With the driver's own settings. */
  let plain: Db;

  beforeAll(async () => {
    client = new MongoClient(inject('mongoUri'), { monitorCommands: true });
    log = new CommandLog(client);
    plain = client.db((await getTestDb('concerns')).databaseName);
    name = plain.databaseName;
  });

  beforeEach(() => cleanupTestDb(plain));

  afterAll(async () => {
    await cleanupTestDb(plain);
    await client.close();
    await closeMongoDb();
  });

  test('no command is left to the settings of the Db', async () => {
    const ledger = openLedger(client.db(name, CARELESS), { operationTimeoutMs: TIMEOUT_MS });
    const commands = await log.during(() => everyVerb(ledger));
    for (const command of commands) {
      expect(command.$readPreference?.mode ?? 'primary', nameOf(command)).toBe('primary');
    }
    for (const command of only(commands, 'find', 'listIndexes', 'aggregate')) {
      expect(command.maxTimeMS, nameOf(command)).toBe(
        nameOf(command) === 'aggregate' ? undefined : TIMEOUT_MS,
      );
    }
    expect(levels(only(commands, 'find'))).toEqual(new Set(['local', 'majority']));
    expect(levels(only(commands, 'aggregate'))).toEqual(new Set(['majority']));
    for (const command of only(commands, 'insert', 'update', 'findAndModify', 'delete')) {
      expect(command.writeConcern, nameOf(command)).toEqual({ w: 'majority' });
      expect(command.maxTimeMS, nameOf(command)).toBe(TIMEOUT_MS);
    }
  });

  test('the indexes are confirmed before the ledger is open, however long they take', async () => {
    const ledger = openLedger(client.db(name, CARELESS), { operationTimeoutMs: TIMEOUT_MS });
    const sent = onlyCommand(await log.during(() => ledger.open()), 'createIndexes');
    expect(sent.writeConcern).toEqual({ w: 'majority' });
    expect(sent).not.toHaveProperty('maxTimeMS');
    expect(await jobsIn(plain).indexes()).toHaveLength(1 + ENGINE_INDEXES.length);
  });

  test('the writes of many jobs are left to no retry of the driver', async () => {
    const ledger = openLedger(client.db(name, CARELESS));
    const commands = await log.during(() => everyVerb(ledger));
    const ofJobs = commands.filter(
      (command) => command.insert === 'jobs' || command.update === 'jobs',
    );
    expect(new Set(namesOf(ofJobs))).toEqual(new Set(['insert', 'update']));
    for (const command of ofJobs) expect(command).not.toHaveProperty('txnNumber');
  });

  test('with write concern 1 the jobs ask for one, and leases still for the majority', async () => {
    const ledger = openLedger(client.db(name, CARELESS), { writeConcern: 1 });
    const commands = await log.during(() => everyVerb(ledger));
    const writes = only(commands, 'insert', 'update', 'findAndModify', 'delete', 'createIndexes');
    for (const command of writes) {
      const isOfJobs = command[nameOf(command)] === 'jobs' && !confirmsPast(command);
      expect(command.writeConcern).toEqual({ w: isOfJobs ? 1 : 'majority' });
    }
  });

  test('inside a transaction the concerns are those of the transaction', async () => {
    const ledger = openLedger(client.db(name, CARELESS));
    await ledger.open();
    const session = client.startSession();
    const commands = await log.during(() =>
      session.withTransaction(
        () => ledger.enqueue({ jobs: [...makeJobs(1), ...makeJobs(1, KEYED)], session }),
        { writeConcern: { w: 'majority' }, readConcern: { level: 'snapshot' } },
      ),
    );
    await session.endSession();
    const writes = only(commands, 'insert', 'findAndModify');
    expect(writes).toHaveLength(2);
    for (const command of writes) {
      expect(command).not.toHaveProperty('writeConcern');
      expect(command).not.toHaveProperty('maxTimeMS');
      expect(command).toMatchObject({ autocommit: false });
    }
  });

  test('in a session without a transaction the concerns are stated', async () => {
    const ledger = openLedger(client.db(name, CARELESS));
    const session = client.startSession();
    const commands = await log.during(() => ledger.enqueue({ jobs: makeJobs(1), session }));
    await session.endSession();
    expect(onlyCommand(commands, 'insert').writeConcern).toEqual({ w: 'majority' });
    expect(await jobsIn(plain).countDocuments()).toBe(1);
  });

  test('whatever the Db makes of BSON, a job comes back as it went in', async () => {
    const ledger = openLedger(client.db(name, ODD_BSON));
    const data = { big: 2n ** 60n, bytes: Buffer.from('bytes'), pattern: /a+/i, list: [1, null] };
    const hints: LedgerHint[] = [];
    const watch = await ledger.watch((hint) => hints.push(hint));
    await until('the watch to open', () => hints.some(({ kind }) => kind === 'opened'));
    await ledger.enqueue({ jobs: makeJobs(1, { data }) });
    await ledger.enqueue({ jobs: makeJobs(1, { ...KEYED, data }) });
    const { jobs } = await claim(ledger);
    expect(jobs.map((job) => job.data)).toEqual([data, data]);
    expect(jobs).toMatchObject([{ fence: 1 }, { fence: 1 }]);
    await until('both hints', () => hints.filter(({ kind }) => kind === 'due').length === 2);
    expect(hints).toContainEqual({ kind: 'due', name: JOB_NAME, dueAt: at(0) });
    await watch.close();
    for (const { _id } of jobs) {
      expect(await ledger.getJob({ jobId: _id })).toMatchObject({ data, priority: 0 });
    }
    expect(await ledger.readTime()).toBeInstanceOf(Date);
  });

  test('whatever the Db makes of BSON, every verb answers as ever', async () => {
    const ledger = openLedger(client.db(name, ODD_BSON));
    await everyVerb(ledger);
    const again = openLedger(client.db(name, ODD_BSON), { skipIndexCreation: true });
    await again.open();
    expect(await again.readLeases()).toEqual([]);
  });

  const KEYED = { uniqueKey: 'key', uniqueLock: 'key' };

  /** Sends every command there is, and checks what each answers. */
  async function everyVerb(ledger: MongoLedgerRepository): Promise<void> {
    const instanceId = INSTANCE;
    const now = at(1);
    let isOpen = false;
    const watch = await ledger.watch(({ kind }) => {
      isOpen ||= kind === 'opened';
    });
    await until('the watch to open', () => isOpen);
    await watch.close();
    await openLedger(client.db(name, CARELESS), {
      operationTimeoutMs: TIMEOUT_MS,
      skipIndexCreation: true,
    }).open();
    await ledger.readTime();
    await ledger.openLease({ instanceId, leaseDurationMs: 1_000 });
    expect(await ledger.renewLease({ instanceId })).toBe(true);
    expect(await ledger.readLeases()).toEqual([
      { instanceId, counter: 1, status: 'live', leaseDurationMs: 1_000 },
    ]);
    const stored = await ledger.enqueue({ jobs: makeJobs(4) });
    expect(stored.answers.map(({ outcome }) => outcome)).toEqual(Array(4).fill('enqueued'));
    await ledger.enqueue({ jobs: makeJobs(1, KEYED) });
    const [taken] = (await ledger.enqueue({ jobs: makeJobs(1, KEYED) })).answers;
    expect(taken?.outcome).toBe('existing');
    const { jobs } = await claim(ledger, { limit: 3 });
    expect(await ledger.readClaim({ instanceId, claimToken: TOKEN })).toEqual(jobs);
    expect(await ledger.readClaims({ instanceId, limit: 5 })).toHaveLength(3);
    expect(await ledger.findClaimants({ except: [] })).toEqual([instanceId]);
    const [first, second, third] = jobs;
    if (!first || !second || !third) throw new Error('Expected three jobs');
    expect(await ledger.cancel({ jobId: second._id, now })).toMatchObject({ outcome: 'requested' });
    const settlements = [settlement('complete', first), settlement('retry', second)];
    expect(await ledger.settle({ settlements, now })).toEqual({
      answers: ['settled', 'cancelRequested'],
    });
    expect(await ledger.remove({ jobId: first._id })).toMatchObject({ outcome: 'removed' });
    const due = await ledger.nextDue({ names: [JOB_NAME], after: at(-1), until: at(5) });
    expect(due).toEqual(at(0));
    const dead = { deadInstanceId: instanceId, rescueLimit: 5, now, limit: 10 };
    expect(await ledger.rescue(dead)).toMatchObject({ refused: true });
    expect(await ledger.declareDead({ instanceId, counter: 1 })).toBe(true);
    expect(await ledger.rescue(dead)).toMatchObject({ pending: 1, cancelled: 1 });
    await ledger.endLease({ instanceId });
    await ledger.removeLease({ instanceId });
  }
});

function only(commands: readonly Document[], ...names: readonly string[]): Document[] {
  const found = commands.filter((command) => names.includes(nameOf(command)));
  expect(found.length).toBeGreaterThan(0);
  return found;
}

/** A write of nothing, for which a lost claim is read only once the majority has it. */
function confirmsPast(command: Document): boolean {
  return command.updates?.[0].q._id?.$in?.length === 0;
}

function levels(commands: readonly Document[]): Set<string> {
  return new Set(commands.map((command) => command.readConcern?.level));
}
