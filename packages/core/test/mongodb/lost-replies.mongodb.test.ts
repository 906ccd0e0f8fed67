// What a verb says when its write was not answered, and what the same verb says when it is called again.
import type { Db, MongoClient } from 'mongodb';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ConnectionError } from '../../src/foundation/errors.ts';
import type { MongoLedgerRepository } from '../../src/ledger/mongodb/mongo-ledger-repository.ts';
import { type FailCommandData, type FailPoint, failCommand } from '../faults/fail-point.ts';
import { describeWithOwnMongo } from '../setup/mongodb.ts';
import { until } from '../setup/until.ts';
import {
  at,
  claim,
  INSTANCE,
  idsOf,
  jobsIn,
  makeClaimed,
  makeJobs,
  makeSeries,
  openLedger,
  put,
  settlement,
  statesOf,
  TOKEN,
} from './jobs.ts';
import { APP_NAME, freshDb, type OwnServer, startOwnServer } from './own-server.ts';
import { NEW_JOB, WRITES } from './writes.ts';

const READS: Readonly<Record<string, (ledger: MongoLedgerRepository) => Promise<unknown>>> = {
  getJob: (ledger) => ledger.getJob({ jobId: NEW_JOB._id }),
  readClaim: (ledger) => ledger.readClaim({ instanceId: INSTANCE, claimToken: TOKEN }),
  readClaims: (ledger) => ledger.readClaims({ instanceId: INSTANCE, limit: 1 }),
  findClaimants: (ledger) => ledger.findClaimants({ except: [] }),
  nextDue: (ledger) => ledger.nextDue({ names: ['a'], after: at(0), until: at(1) }),
  readLeases: (ledger) => ledger.readLeases(),
  findSeries: (ledger) => ledger.findSeries({ limit: 1 }),
  readPaused: (ledger) => ledger.readPaused(),
  readFlows: (ledger) => ledger.readFlows({ limit: 1 }),
  readLimits: (ledger) => ledger.readLimits(),
  findJobs: (ledger) =>
    ledger.findJobs({ filter: {}, orderBy: '_id', direction: 'ascending', limit: 1 }),
};

/** More often than the driver tries. */
const EVERY_TRY = 10;
const UNKNOWN = { name: 'UnknownOutcomeError', code: 'UNKNOWN_OUTCOME' };
const NO_CONNECTION = { name: 'ConnectionError', code: 'CONNECTION' };

describeWithOwnMongo('a ledger that gets no answer', (binary) => {
  let server: OwnServer;
  let client: MongoClient;
  let ledger: MongoLedgerRepository;
  /** One database for all tests, since its indexes take longer to make than a test. */
  let through: Db;
  /** To look at the truth. */
  let db: Db;
  let failPoint: FailPoint | undefined;

  beforeAll(async () => {
    server = await startOwnServer(binary);
    client = server.connect();
    const [opened, past] = freshDb(client, server.direct);
    if (!opened || !past) throw new Error('Expected two handles');
    through = opened;
    db = past;
  });

  beforeEach(async () => {
    ledger = openLedger(through);
    await until('the client to be connected again', isOpened);
  });

  /** The client may hear only now of a connection that the test before broke, and opening is not tried twice. */
  async function isOpened(): Promise<boolean> {
    try {
      await ledger.open();
      return true;
    } catch (error) {
      if (error instanceof ConnectionError) return false;
      throw error;
    }
  }

  afterEach(async () => {
    await failPoint?.off();
    server.proxy.clear();
    const collections = await db.collections();
    await Promise.all(collections.map((collection) => collection.deleteMany()));
  });

  afterAll(() => server?.stop());

  describe.each(WRITES)('$verb', (write) => {
    const rule = {
      command: write.command,
      when: ({ body }: { body: Record<string, unknown> }) =>
        body[write.command] === write.collection,
    };
    const { command, otherCommand = command } = write;
    const failing = { failCommands: [command, otherCommand], appName: APP_NAME };

    beforeEach(() => write.prepare?.(ledger, db));

    test('whose replies are lost has an unknown outcome, and can be called again', async () => {
      const fault = server.proxy.dropReply({ ...rule, times: EVERY_TRY });
      await expect(write.run(ledger, db)).rejects.toMatchObject(UNKNOWN);
      expect(fault.hits).toBe(write.retriedByDriver ? 2 : 1);
      server.proxy.clear();
      expect(await write.landed(db)).toBe(true);
      await expectAnswer(write.run(ledger, db), write.answerAgain);
    });

    test('whose first reply is lost happens once', async () => {
      server.proxy.dropReply(rule);
      if (write.retriedByDriver) await expectAnswer(write.run(ledger, db), write.answer);
      else await expect(write.run(ledger, db)).rejects.toMatchObject(UNKNOWN);
      expect(await write.landed(db)).toBe(true);
    });

    test('whose requests are lost has an unknown outcome, and changed nothing', async () => {
      server.proxy.dropRequest({ ...rule, times: EVERY_TRY });
      await expect(write.run(ledger, db)).rejects.toMatchObject(UNKNOWN);
      server.proxy.clear();
      expect(await write.landed(db)).toBe(false);
      await expectAnswer(write.run(ledger, db), write.answer);
      expect(await write.landed(db)).toBe(true);
    });

    test('that the majority did not confirm has an unknown outcome', async () => {
      await fail({
        ...failing,
        writeConcernError: { code: 64, errmsg: 'waiting for replication timed out' },
      });
      await expect(write.run(ledger, db)).rejects.toMatchObject(UNKNOWN);
      await failPoint?.off();
      expect(await write.landed(db)).toBe(true);
      await expectAnswer(write.run(ledger, db), write.answerAgain);
    });

    test('whose connection the server closes has an unknown outcome', async () => {
      await fail({ ...failing, closeConnection: true });
      await expect(write.run(ledger, db)).rejects.toMatchObject(UNKNOWN);
      await failPoint?.off();
      expect(await write.landed(db)).toBe(false);
      await expectAnswer(write.run(ledger, db), write.answer);
    });

    test('that the server refuses for good has an outcome: refused', async () => {
      await fail({ ...failing, errorCode: 8000 });
      await expect(write.run(ledger, db)).rejects.toMatchObject({ code: 'LEDGER_REFUSED' });
      expect(await write.landed(db)).toBe(false);
    });
  });

  test.each([
    ['InterruptedAtShutdown', 11600],
    ['PrimarySteppedDown', 189],
    ['NotWritablePrimary', 10107],
    ['ShutdownInProgress', 91],
    ['WriteConflict', 112],
    ['MaxTimeMSExpired', 50],
  ])('a write that ends with %s has an unknown outcome, a read got no answer', async (_, code) => {
    await fail({ failCommands: ['insert', 'find'], appName: APP_NAME, errorCode: code });
    const jobs = [NEW_JOB];
    await expect(ledger.enqueue({ jobs })).rejects.toMatchObject(UNKNOWN);
    await expect(ledger.getJob({ jobId: NEW_JOB._id })).rejects.toMatchObject(NO_CONNECTION);
    await failPoint?.off();
    expect(await ledger.enqueue({ jobs })).toMatchObject({ answers: [{ outcome: 'enqueued' }] });
    expect(await ledger.getJob({ jobId: NEW_JOB._id })).toMatchObject({ status: 'pending' });
  });

  test.each(Object.keys(READS))('%s without an answer is a connection error', async (verb) => {
    server.proxy.dropReply({ command: 'find', times: EVERY_TRY });
    await expect(READS[verb]?.(ledger)).rejects.toMatchObject(NO_CONNECTION);
    server.proxy.clear();
    await READS[verb]?.(ledger);
  });

  test('a cancelled run of a series whose reply is lost is one run', async () => {
    const job = makeSeries('key');
    await put(db, [job]);
    const skips = ({ body }: { body: Record<string, unknown> }) =>
      JSON.stringify(body.update).includes('scheduledFor');
    const fault = server.proxy.dropReply({ command: 'findAndModify', when: skips });
    expect(await ledger.cancel({ jobId: job._id, now: at(1) })).toMatchObject({
      outcome: 'skipped',
      job: { status: 'pending', scheduledFor: at(60_000) },
    });
    expect(fault.hits).toBe(1);
    expect(await jobsIn(db).findOne()).toMatchObject({
      scheduledFor: at(60_000),
      history: [{ verb: 'skipRun' }],
    });
  });

  test('readStats without an answer is a connection error', async () => {
    server.proxy.dropReply({ command: 'aggregate', times: EVERY_TRY });
    await expect(ledger.readStats({ now: at(0) })).rejects.toMatchObject(NO_CONNECTION);
    server.proxy.clear();
    expect(await ledger.readStats({ now: at(0) })).toEqual([]);
  });

  test.each([
    ['countJobs', () => ledger.countJobs({ filter: {}, limit: 1 }), 0],
    [
      'readThroughput',
      () => ledger.readThroughput({ from: at(0), before: at(1), stepMs: 60_000, limit: 1 }),
      [],
    ],
  ])('%s without an answer is a connection error', async (_, read, answer) => {
    server.proxy.dropReply({ command: 'aggregate', times: EVERY_TRY });
    await expect(read()).rejects.toMatchObject(NO_CONNECTION);
    server.proxy.clear();
    expect(await read()).toEqual(answer);
  });

  test('readTime without an answer is a connection error', async () => {
    const isOurs = ({ body }: { body: Record<string, unknown> }) => body.lsid !== undefined;
    server.proxy.dropReply({ command: 'hello', when: isOurs, times: EVERY_TRY });
    await expect(ledger.readTime()).rejects.toMatchObject(NO_CONNECTION);
  });

  test('what a claim won whose answer was lost is found by its token', async () => {
    const jobs = makeJobs(5);
    await put(db, jobs);
    server.proxy.dropReply({ command: 'update' });
    await expect(claim(ledger, { limit: 3 })).rejects.toMatchObject(UNKNOWN);
    const won = await ledger.readClaim({ instanceId: INSTANCE, claimToken: TOKEN });
    expect(idsOf(won)).toEqual(idsOf(jobs.slice(0, 3)));
    expect(await statesOf(db)).toEqual({ processing: 3, pending: 2 });
  });

  test('a claim whose read was lost after it won is found by its token', async () => {
    await put(db, makeJobs(2));
    const isByToken = ({ body }: { body: Record<string, unknown> }) =>
      JSON.stringify(body.filter).includes(TOKEN);
    server.proxy.dropReply({ command: 'find', when: isByToken, times: EVERY_TRY });
    await expect(claim(ledger)).rejects.toMatchObject(UNKNOWN);
    server.proxy.clear();
    expect(await ledger.readClaim({ instanceId: INSTANCE, claimToken: TOKEN })).toHaveLength(2);
  });

  test('many settlements whose reply was lost are each answered as settled', async () => {
    const jobs = makeClaimed(50);
    await put(db, jobs);
    const settlements = jobs.map((job, index) =>
      settlement(index % 2 === 0 ? 'complete' : 'retry', job),
    );
    server.proxy.dropReply({ command: 'update' });
    await expect(ledger.settle({ settlements, now: at(1) })).rejects.toMatchObject(UNKNOWN);
    const { answers } = await ledger.settle({ settlements, now: at(2) });
    expect(new Set(answers)).toEqual(new Set(['settled']));
    expect(await jobsIn(db).countDocuments({ updatedAt: at(2) })).toBe(0);
  });

  test('a connection that was reset just before is no answer either', async () => {
    server.proxy.cut();
    await expect(ledger.enqueue({ jobs: [NEW_JOB] })).rejects.toMatchObject(UNKNOWN);
    await ledger.getJob({ jobId: NEW_JOB._id });
    server.proxy.cut();
    const read = await ledger.getJob({ jobId: NEW_JOB._id }).catch((error: unknown) => error);
    if (read !== null) expect(read).toMatchObject(NO_CONNECTION);
  });

  test('of many writes in flight on a broken connection none is taken for done', async () => {
    const jobs = makeJobs(10);
    const held = server.proxy.holdReply({ command: 'insert', times: jobs.length });
    const calls = jobs.map((job) =>
      ledger.enqueue({ jobs: [job] }).catch((error: unknown) => error),
    );
    await held.entered(jobs.length);
    server.proxy.cut();
    for (const answer of await Promise.all(calls)) expect(answer).toMatchObject(UNKNOWN);
    server.proxy.clear();
    const { answers } = await ledger.enqueue({ jobs });
    expect(answers.map(({ outcome }) => outcome)).toEqual(jobs.map(() => 'enqueued'));
    expect(await jobsIn(db).countDocuments()).toBe(jobs.length);
  });

  test('a silent connection is given up after the ledger’s own deadline', async () => {
    const impatient = openLedger(client.db(db.databaseName), { operationTimeoutMs: 300 });
    await impatient.open();
    server.proxy.dropReply({ command: 'insert', ending: 'hang' });
    await expect(impatient.enqueue({ jobs: [NEW_JOB] })).rejects.toMatchObject({
      ...UNKNOWN,
      message: 'The ledger did not answer enqueue within 300 ms',
    });
    expect(await jobsIn(db).countDocuments()).toBe(1);
    server.proxy.dropReply({ command: 'find', ending: 'hang' });
    await expect(impatient.getJob({ jobId: NEW_JOB._id })).rejects.toMatchObject({
      ...NO_CONNECTION,
      message: 'The ledger did not answer getJob within 300 ms',
    });
  });

  test('a call may have a deadline of its own', async () => {
    server.proxy.dropRequest({ command: 'update', ending: 'hang' });
    await expect(ledger.renewLease({ instanceId: INSTANCE, deadlineMs: 50 })).rejects.toMatchObject(
      { ...UNKNOWN, message: 'The ledger did not answer renewLease within 50 ms' },
    );
  });

  test('a client that never connected is connected once the server can be reached', async () => {
    const far = server.connect({ serverSelectionTimeoutMS: 300 });
    server.proxy.refuse();
    server.proxy.cut();
    const late = openLedger(far.db(db.databaseName));
    await expect(late.open()).rejects.toMatchObject(NO_CONNECTION);
    await expect(late.enqueue({ jobs: [NEW_JOB] })).rejects.toMatchObject(NO_CONNECTION);
    server.proxy.clear();
    await until('the connection', () =>
      late.open().then(
        () => true,
        () => false,
      ),
    );
    await far.close();
  });

  test('a ledger that could not read its indexes does not call them missing', async () => {
    const careful = openLedger(client.db(db.databaseName), { skipIndexCreation: true });
    server.proxy.dropReply({ command: 'listIndexes', times: EVERY_TRY });
    await expect(careful.open()).rejects.toMatchObject(NO_CONNECTION);
    server.proxy.clear();
    await careful.open();
  });

  test('a client that is closed while the ledger waits for a server stays closed', async () => {
    const own = server.connect();
    const closing = openLedger(own.db(db.databaseName));
    server.proxy.refuse();
    server.proxy.cut();
    const selecting = new Promise((resolve) => own.once('serverDescriptionChanged', resolve));
    const opening = closing.open().catch((error: unknown) => error);
    await selecting;
    await own.close();
    expect(await opening).toMatchObject(NO_CONNECTION);
    server.proxy.clear();
    await expect(closing.open()).rejects.toMatchObject(NO_CONNECTION);
  });

  test('a closed client is a connection error at once', async () => {
    const own = server.connect();
    const closed = openLedger(own.db(db.databaseName));
    await closed.open();
    await own.close();
    const message = /client is closed.*close it after `stop\(\)`, or open it again/;
    await expect(closed.enqueue({ jobs: [NEW_JOB] })).rejects.toMatchObject({
      ...NO_CONNECTION,
      message,
    });
    await expect(claim(closed)).rejects.toMatchObject(NO_CONNECTION);
    await expect(closed.readLeases()).rejects.toMatchObject(NO_CONNECTION);
    await expect(closed.renewLease({ instanceId: INSTANCE })).rejects.toMatchObject(NO_CONNECTION);
  });

  test('a write in flight while the client is closed has an unknown outcome', async () => {
    const own = server.connect();
    const closing = openLedger(own.db(db.databaseName));
    await closing.open();
    const held = server.proxy.holdReply({ command: 'insert' });
    const call = closing.enqueue({ jobs: [NEW_JOB] }).catch((error: unknown) => error);
    await held.entered();
    await own.close();
    expect(await call).toMatchObject(UNKNOWN);
    expect(await jobsIn(db).countDocuments()).toBe(1);
  });

  async function fail(data: FailCommandData): Promise<void> {
    failPoint = await failCommand(server.direct, data, 'alwaysOn');
  }
});

async function expectAnswer(call: Promise<unknown>, expected: unknown): Promise<void> {
  const answer = await call;
  if (typeof expected === 'object') expect(answer).toMatchObject(expected as object);
  else expect(answer).toBe(expected);
}
