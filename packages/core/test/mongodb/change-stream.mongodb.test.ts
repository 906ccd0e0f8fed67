// What becomes of the hints when the change stream, its node, or the client goes.
import type { Db, MongoClient } from 'mongodb';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { systemRandom } from '../../src/foundation/random.ts';
import type { LedgerWatch } from '../../src/ledger/ledger-repository.ts';
import type { MongoLedgerRepository } from '../../src/ledger/mongodb/mongo-ledger-repository.ts';
import { ManualClock } from '../../src/testing/index.ts';
import { type FailPoint, failCommand } from '../faults/fail-point.ts';
import { describeWithOwnMongo } from '../setup/mongodb.ts';
import { until, within } from '../setup/until.ts';
import { Hints } from './hints.ts';
import { at, claim, jobsIn, makeJobs, openLedger, settlement } from './jobs.ts';
import { APP_NAME, freshDb, type OwnServer, startOwnServer } from './own-server.ts';

/** Not one after which the driver resumes a stream by itself. */
const FINAL_CODE = 8000;

describeWithOwnMongo('a watch', (binary) => {
  let server: OwnServer;
  let client: MongoClient;
  let through: Db;
  let ledger: MongoLedgerRepository;
  /** Another process, and the truth. */
  let db: Db;
  let rival: MongoLedgerRepository;
  let hints: Hints;
  let watch: LedgerWatch | undefined;
  let failPoint: FailPoint | undefined;

  beforeAll(async () => {
    server = await startOwnServer(binary);
    client = server.connect();
  });

  beforeEach(async () => {
    const [first, second] = freshDb(client, server.direct);
    if (!first || !second) throw new Error('Expected two handles');
    [through, db] = [first, second];
    ledger = openLedger(through);
    rival = openLedger(db);
    hints = new Hints();
    await ledger.open();
  });

  afterEach(async () => {
    await failPoint?.off();
    server.proxy.clear();
    await watch?.close();
    watch = undefined;
    await db.dropDatabase();
  });

  afterAll(() => server?.stop());

  test('says that it has opened before it announces anything else', async () => {
    const opening = server.proxy.holdReply({ command: 'aggregate' });
    watch = await ledger.watch(hints.hear);
    await opening.entered();
    await rival.enqueue({ jobs: makeJobs(1) });
    expect(hints.kinds).toEqual([]);
    opening.release();
    await hints.nth('due');
    expect(hints.kinds).toEqual(['opened', 'due']);
  });

  test('of a client with one connection is refused: it has none to spare for hints', async () => {
    const single = server.connect({ maxPoolSize: 1 });
    const refused = await openLedger(single.db(db.databaseName)).watch(() => undefined);
    expect(refused.unsupported).toBe('the client has a `maxPoolSize` of 1');
    await refused.close();
    await single.close();
  });

  test('rests when it is told to, and is heard again, after `opened`, when it is called for', async () => {
    watch = await ledger.watch(hints.hear);
    await hints.nth('opened');
    for (let rests = 1; rests <= 2; rests += 1) {
      watch.rest?.(true);
      watch.rest?.(true);
      await rival.enqueue({ jobs: makeJobs(1) });
      watch.rest?.(false);
      await hints.nth('opened', 1 + rests);
      await rival.enqueue({ jobs: makeJobs(1) });
      await hints.nth('due', rests);
    }
    expect(hints.kinds).toEqual(['opened', 'opened', 'due', 'opened', 'due']);
  });

  test('that rests ends like any other', async () => {
    watch = await ledger.watch(hints.hear);
    await hints.nth('opened');
    watch.rest?.(true);
    await watch.close();
    await rival.enqueue({ jobs: makeJobs(1) });
    const second = await ledger.watch(hints.hear);
    await hints.nth('opened', 2);
    await rival.enqueue({ jobs: makeJobs(1) });
    await hints.nth('due');
    await second.close();
    expect(hints.kinds).toEqual(['opened', 'opened', 'due']);
  });

  test('announces nothing of what makes no job pending', async () => {
    watch = await ledger.watch(hints.hear);
    await hints.nth('opened');
    await rival.enqueue({ jobs: makeJobs(2) });
    const [first, second] = (await claim(rival)).jobs;
    if (!first || !second) throw new Error('Expected two jobs');
    const settlements = [settlement('complete', first), settlement('retry', second)];
    await rival.settle({ settlements, now: at(1) });
    await rival.remove({ jobId: first._id });
    expect(await hints.nth('due', 3)).toEqual({ kind: 'due', dueAt: at(2_000) });
    expect(hints.kinds).toEqual(['opened', 'due', 'due', 'due']);
  });

  test('loses nothing over a broken connection, and does not speak of it', async () => {
    watch = await ledger.watch(hints.hear);
    await hints.nth('opened');
    const resumed = server.proxy.nextRequest('aggregate');
    server.proxy.cut();
    await rival.enqueue({ jobs: makeJobs(1) });
    await resumed;
    await hints.nth('due');
    expect(hints.kinds.filter((kind) => kind !== 'clockChanged')).toEqual(['opened', 'due']);
  });

  test('opens again when its collection was dropped', async () => {
    watch = await ledger.watch(hints.hear);
    await hints.nth('opened');
    await jobsIn(db).drop();
    expect((await hints.nth('interrupted')).error).toBeInstanceOf(Error);
    await hints.nth('opened', 2);
    await openLedger(db).enqueue({ jobs: makeJobs(1) });
    await hints.nth('due');
    expect(hints.kinds).toEqual(['opened', 'interrupted', 'opened', 'due']);
  });

  test('opens again when the server ends the stream for good', async () => {
    failPoint = await failCommand(server.direct, {
      failCommands: ['getMore'],
      appName: APP_NAME,
      errorCode: FINAL_CODE,
    });
    watch = await ledger.watch(hints.hear);
    const { error } = await hints.nth('interrupted');
    expect(error).toMatchObject({ code: 'LEDGER_REFUSED', message: /watch/ });
    await hints.nth('opened', 2);
    await rival.enqueue({ jobs: makeJobs(1) });
    await hints.nth('due');
  });

  test('tries again less and less often, and starts over once it has opened', async () => {
    const clock = new ManualClock();
    const random = { ...systemRandom, fraction: () => 0 };
    const patient = openLedger(through, { clock, random });
    await refuseStreams();
    watch = await patient.watch(hints.hear);
    for (const [index, delayMs] of [50, 100, 200, 400, 800].entries()) {
      await hints.nth('interrupted', index + 1);
      await until('the delay', () => clock.pendingTimers === 1);
      await clock.advance(delayMs - 1);
      expect(clock.pendingTimers).toBe(1);
      if (delayMs === 800) await failPoint?.off();
      await clock.advance(1);
    }
    await hints.nth('opened');
    await refuseStreams();
    await rival.enqueue({ jobs: makeJobs(1) });
    await hints.nth('interrupted', 6);
    await until('the delay', () => clock.pendingTimers === 1);
    await failPoint?.off();
    await clock.advance(50);
    await hints.nth('opened', 2);
  });

  test('that is closed while it opens never says that it has opened', async () => {
    const opening = server.proxy.holdReply({ command: 'aggregate' });
    watch = await ledger.watch(hints.hear);
    await opening.entered();
    await within('Closing', watch.close(), 1_000);
    opening.release();
    await ledger.readLeases();
    expect(hints.kinds).toEqual([]);
  });

  test('that is closed does not wait for the request in flight, and announces nothing more', async () => {
    watch = await ledger.watch(hints.hear);
    const waiting = server.proxy.nextRequest('getMore');
    await hints.nth('opened');
    await waiting;
    await within('Closing', watch.close(), 1_000);
    await rival.enqueue({ jobs: makeJobs(1) });
    await ledger.readLeases();
    expect(hints.kinds).toEqual(['opened']);
  });

  test('that is closed while the server is gone does not wait for it', async () => {
    watch = await ledger.watch(hints.hear);
    await hints.nth('opened');
    server.proxy.refuse();
    server.proxy.cut();
    await within('Closing', watch.close(), 1_000);
    expect(hints.kinds).toEqual(['opened']);
  });

  test('that is closed between two tries leaves no timer behind', async () => {
    const clock = new ManualClock();
    const patient = openLedger(through, { clock });
    await refuseStreams();
    watch = await patient.watch(hints.hear);
    await hints.nth('interrupted');
    await until('the delay', () => clock.pendingTimers === 1);
    await watch.close();
    expect(clock.pendingTimers).toBe(0);
  });

  test('that is closed while the server refuses it announces nothing more', async () => {
    const refused = server.proxy.holdReply({ command: 'aggregate' });
    await refuseStreams();
    watch = await ledger.watch(hints.hear);
    await refused.entered();
    await watch.close();
    refused.release();
    await ledger.readLeases();
    expect(hints.kinds).toEqual([]);
  });

  test('on a client that was closed is interrupted until it is closed itself', async () => {
    const own = server.connect();
    const clock = new ManualClock();
    const orphan = openLedger(own.db(db.databaseName), { clock });
    await orphan.open();
    watch = await orphan.watch(hints.hear);
    await hints.nth('opened');
    await own.close();
    await hints.nth('interrupted');
    await until('the delay', () => clock.pendingTimers === 1);
    await clock.advance(100);
    expect((await hints.nth('interrupted', 2)).error).toMatchObject({ code: 'CONNECTION' });
    await watch.close();
    expect(clock.pendingTimers).toBe(0);
  });

  test('that is opened on a closed client can be closed', async () => {
    const own = server.connect();
    const orphan = openLedger(own.db(db.databaseName), { clock: new ManualClock() });
    await orphan.open();
    await own.close();
    watch = await orphan.watch(hints.hear);
    await hints.nth('interrupted');
  });

  test('closes once, and leaves no listener on the client', async () => {
    const before = client.listenerCount('serverDescriptionChanged');
    watch = await ledger.watch(hints.hear);
    expect(client.listenerCount('serverDescriptionChanged')).toBe(before + 1);
    await watch.close();
    await watch.close();
    expect(client.listenerCount('serverDescriptionChanged')).toBe(before);
  });

  test('says that the clock may be another one when there is a new primary', async () => {
    watch = await ledger.watch(hints.hear);
    await hints.nth('opened');
    const count = hints.count('clockChanged');
    await stepDownAndUp();
    await hints.nth('clockChanged', count + 1);
    await rival.enqueue({ jobs: makeJobs(1) });
    await hints.nth('due');
  });

  async function refuseStreams(): Promise<void> {
    const data = { failCommands: ['aggregate', 'getMore'], appName: APP_NAME };
    failPoint = await failCommand(server.direct, { ...data, errorCode: FINAL_CODE }, 'alwaysOn');
  }

  /** The only member of a set is elected again as soon as it may be. */
  async function stepDownAndUp(): Promise<void> {
    const admin = server.direct.db('admin');
    let isSeen = false;
    client.on('serverDescriptionChanged', ({ newDescription }) => {
      isSeen ||= newDescription.type === 'RSSecondary';
    });
    await admin.command({ replSetStepDown: 60, secondaryCatchUpPeriodSecs: 0, force: true });
    await until('the client to see the secondary', () => isSeen);
    await admin.command({ replSetFreeze: 0 });
    await until('a primary', async () => (await admin.command({ hello: 1 })).isWritablePrimary);
  }
});
