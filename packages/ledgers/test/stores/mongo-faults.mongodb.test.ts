/**
 * What only the store in MongoDB has: lost answers, and documents that another program changes.
 */
import type { MongoClient } from 'mongodb';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { failCommand } from '../../../core/test/faults/fail-point.ts';
import {
  APP_NAME,
  freshDb,
  type OwnServer,
  startOwnServer,
} from '../../../core/test/mongodb/own-server.ts';
import { describeWithOwnMongo } from '../../../core/test/setup/mongodb.ts';
import { MongoRecordStore } from '../../src/index.ts';
import { put, stepIn, stepsOn } from '../kit.ts';

const BY = { actor: 'Ann', run: 'run-001' };
/** Added to the answer of a command that was executed; the driver does not repeat it. */
const LOST = { writeConcernError: { code: 64, errmsg: 'lost' }, appName: APP_NAME };
/** Fails a command that is not executed, and not repeated. */
const REFUSED = { errorCode: 8000, appName: APP_NAME };

describeWithOwnMongo('a store in MongoDB', (binary) => {
  let server: OwnServer;
  let client: MongoClient;
  let store: MongoRecordStore;
  let rival: MongoRecordStore;
  let documents: ReturnType<typeof collectionOf>;

  function collectionOf(of: MongoClient, name: string) {
    return of.db(name).collection<{ _id: string }>('monque_ledger');
  }

  beforeAll(async () => {
    server = await startOwnServer(binary);
    client = server.connect({});
  });
  afterAll(() => server.stop());

  beforeEach(async () => {
    const [through, past] = freshDb(client, server.direct);
    if (!through || !past) throw new Error('Expected two handles');
    store = new MongoRecordStore(through);
    rival = new MongoRecordStore(past);
    documents = collectionOf(server.direct, past.databaseName);
    await put(rival, stepIn('not_started'));
  });

  test('goes on with a decision whose answer was lost', async () => {
    await failCommand(server.direct, { failCommands: ['update'], ...LOST });
    expect(await stepsOn(store).start('S01', BY)).toMatchObject({ status: 'in_progress' });
    expect((await rival.get('S01'))?.history).toHaveLength(1);
  });

  test('has written nothing when the decision was refused', async () => {
    await failCommand(server.direct, { failCommands: ['update'], ...REFUSED });
    await expect(stepsOn(store).start('S01', BY)).rejects.toMatchObject({ code: 8000 });
    expect(await rival.get('S01')).toMatchObject({ status: 'not_started' });
    expect(await stepsOn(store).start('S01', BY)).toMatchObject({ status: 'in_progress' });
  });

  test('says that the outcome is unknown when a decided write was not confirmed, and the next writer applies it', async () => {
    let updates = 0;
    const late = new MongoRecordStore(client.db(documents.dbName), {
      random: {
        fraction: () => 0,
        token: () => {
          updates += 1;
          return `token ${updates}`;
        },
        objectId: () => {
          throw new Error('Not used');
        },
      },
    });
    const data = { failCommands: ['update'], ...REFUSED };
    const failPoint = await failCommand(server.direct, data, { skip: 1 });
    await expect(stepsOn(late).start('S01', BY)).rejects.toMatchObject({ code: 'UNKNOWN_OUTCOME' });
    await failPoint.off();
    expect(await rival.get('S01')).toMatchObject({ status: 'not_started' });
    await stepsOn(rival).log('S01', 'still here', BY);
    expect(await rival.get('S01')).toMatchObject({
      status: 'in_progress',
      history: [{ verb: 'start' }, { verb: 'log' }],
    });
  });

  test('does not write over what another program changed since the decision', async () => {
    const ledger = stepsOn(store);
    const refused = store.write(async (view) => {
      const record = await view.get('S01');
      await documents.updateOne({ _id: 'S01' }, { $set: { status: 'verified' } });
      const row = { from: ['not_started'], to: 'in_progress' };
      return {
        kind: 'move',
        id: 'S01',
        row,
        params: {},
        next: { ...record, id: 'S01', status: 'in_progress', history: [] },
      };
    });
    await expect(refused).rejects.toMatchObject({ code: 'RECORD_STATE', status: 'verified' });
    const gone = store.write(async () => {
      await documents.deleteOne({ _id: 'S01' });
      return {
        kind: 'move',
        id: 'S01',
        row: { from: ['verified'], to: 'verified' },
        params: {},
        next: stepIn('verified'),
      };
    });
    await expect(gone).rejects.toMatchObject({ code: 'RECORD_STATE', status: 'gone' });
    const added = store.write(async () => {
      await documents.insertOne({ _id: 'S02' });
      return { kind: 'add', record: stepIn('not_started', 'S02') };
    });
    await expect(added).rejects.toMatchObject({ code: 'RECORD_EXISTS' });
    expect(await ledger.get('$ledger')).toBeNull();
  });

  const ADDED = { kind: 'add', record: stepIn('not_started', 'S02') } as const;

  test('says that the outcome is unknown when an answer was lost and others wrote since', async () => {
    const refused = store.write(async () => {
      await put(rival, stepIn('not_started', 'S09'));
      await failCommand(server.direct, { failCommands: ['update'], ...REFUSED });
      return ADDED;
    });
    await expect(refused).rejects.toMatchObject({
      code: 'UNKNOWN_OUTCOME',
      cause: expect.objectContaining({ code: 8000 }),
    });
    expect(await rival.get('S02')).toBeUndefined();
  });

  test('says that the ledger cannot be reached when neither the write nor a look at it gets through', async () => {
    let failPoint: Awaited<ReturnType<typeof failCommand>> | undefined;
    const refused = store.write(async () => {
      const data = { failCommands: ['update', 'find'], ...REFUSED };
      failPoint = await failCommand(server.direct, data, 'alwaysOn');
      return ADDED;
    });
    await expect(refused).rejects.toThrow(
      'The ledger could not be reached; the write may have been made',
    );
    await failPoint?.off();
    expect(await rival.get('S02')).toBeUndefined();
  });

  test('has written nothing when its first write was refused', async () => {
    await documents.deleteMany({});
    const refused = store.write(async () => {
      await failCommand(server.direct, { failCommands: ['insert'], ...REFUSED });
      return ADDED;
    });
    await expect(refused).rejects.toMatchObject({ code: 8000 });
    expect(await documents.countDocuments()).toBe(0);
  });

  test('decides again when another made the first write of all', async () => {
    await documents.deleteMany({});
    let decisions = 0;
    await store.write(async () => {
      decisions += 1;
      if (decisions === 1)
        await put(new MongoRecordStore(server.direct.db(documents.dbName)), stepIn('not_started'));
      return ADDED;
    });
    expect(decisions).toBe(2);
    expect((await rival.list({})).map(({ id }) => id)).toEqual(['S01', 'S02']);
  });

  test('gives up when others write first each time', async () => {
    let decisions = 0;
    const impatient = new MongoRecordStore(client.db(documents.dbName), { mostRaces: 20 });
    const refused = impatient.write(async () => {
      decisions += 1;
      await documents.updateOne({ _id: '$ledger' }, { $set: { token: `other ${decisions}` } });
      return ADDED;
    });
    await expect(refused).rejects.toMatchObject({
      code: 'LEDGER_BUSY',
      message: 'Others wrote to the ledger first, 20 times; try again',
    });
    expect(decisions).toBe(20);
    expect(await rival.get('S02')).toBeUndefined();
  });
});
