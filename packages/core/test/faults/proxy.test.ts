import { type Collection, MongoClient, type MongoClientOptions } from 'mongodb';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type OwnServer, startOwnServer } from '../mongodb/own-server.ts';
import { describeWithOwnMongo } from '../setup/mongodb.ts';
import { until } from '../setup/until.ts';
import type { FaultProxy } from './proxy.ts';

interface Doc {
  readonly _id: number;
  readonly n: number;
}

describeWithOwnMongo('the fault proxy', (binary) => {
  let server: OwnServer;
  let proxy: FaultProxy;
  /** Sees the truth, past the proxy. */
  let direct: MongoClient;
  let client: MongoClient;

  beforeAll(async () => {
    server = await startOwnServer(binary);
    ({ proxy, direct } = server);
  });

  beforeEach(async () => {
    proxy.clear();
    await docs(direct).deleteMany();
    await docs(direct).insertOne({ _id: 1, n: 0 });
    client = await connect();
  });

  afterEach(() => client.close());

  afterAll(() => server?.stop());

  test('a client that follows the replica set goes through the proxy', async () => {
    const viaSet = server.connect();
    const seen = proxy.nextRequest('insert');
    await docs(viaSet).insertOne({ _id: 2, n: 0 });
    expect(await seen).toMatchObject({ command: 'insert', database: 'test' });
    await viaSet.close();
  });

  test('dropReply: the command is executed and the client gets a network error', async () => {
    const fault = proxy.dropReply({ command: 'update' });
    await expect(increment()).rejects.toMatchObject({ name: 'MongoNetworkError' });
    expect(fault.hits).toBe(1);
    expect(await n()).toBe(1);
  });

  test('dropRequest: the client gets the same error, and nothing is executed', async () => {
    const fault = proxy.dropRequest({ command: 'update' });
    await expect(increment()).rejects.toMatchObject({ name: 'MongoNetworkError' });
    expect(fault.hits).toBe(1);
    expect(await n()).toBe(0);
  });

  test('a fault strikes only what it is for, and only so often', async () => {
    const fault = proxy.dropReply({
      command: 'update',
      when: ({ body }) => body.comment === 'this one',
      times: 2,
    });
    await increment();
    for (const _ of [1, 2]) {
      await expect(increment({ comment: 'this one' })).rejects.toThrow();
    }
    await until('a new connection', () => increment({ comment: 'this one' }).then(() => true));
    expect(fault.hits).toBe(2);
    expect(await n()).toBe(4);
  });

  test('dropReply and hang: the command is executed, the client hears nothing', async () => {
    await reconnect({ socketTimeoutMS: 300 });
    proxy.dropReply({ command: 'update', ending: 'hang' });
    await expect(increment()).rejects.toMatchObject({ name: 'MongoNetworkTimeoutError' });
    expect(await n()).toBe(1);
  });

  test('dropRequest and hang: nothing is executed, the client hears nothing', async () => {
    await reconnect({ socketTimeoutMS: 300 });
    proxy.dropRequest({ command: 'update', ending: 'hang' });
    await expect(increment()).rejects.toMatchObject({ name: 'MongoNetworkTimeoutError' });
    expect(await n()).toBe(0);
  });

  test('holdReply: the command is executed, its reply comes when released', async () => {
    const fault = proxy.holdReply({ command: 'update' });
    let acknowledged = false;
    const pending = increment().then(() => {
      acknowledged = true;
    });
    await fault.entered();
    expect(await n()).toBe(1);
    expect(acknowledged).toBe(false);
    fault.release();
    await pending;
    await increment();
    expect(await n()).toBe(2);
  });

  test('entered gives up at its deadline', async () => {
    await expect(proxy.holdReply({ command: 'update' }).entered(1, 30)).rejects.toThrow(
      'Hit 1 of the fault on a reply took over 30 ms',
    );
  });

  test('latency delays the request and the reply', async () => {
    proxy.latency(60);
    const start = performance.now();
    await increment();
    expect(performance.now() - start).toBeGreaterThan(115);
  });

  test('cut ends every connection, and clients may connect again', async () => {
    const fault = proxy.holdReply({ command: 'update' });
    const pending = expect(increment()).rejects.toMatchObject({ name: 'MongoNetworkError' });
    await fault.entered();
    proxy.cut();
    await pending;
    fault.release();
    await increment();
    expect(await n()).toBe(2);
  });

  test('a black hole swallows everything until it is healed', async () => {
    await reconnect({ socketTimeoutMS: 300 });
    proxy.blackhole();
    await expect(increment()).rejects.toMatchObject({ name: 'MongoNetworkTimeoutError' });
    expect(await n()).toBe(0);
    proxy.blackhole(false);
    await until('the healed connection', () =>
      increment().then(
        () => true,
        () => false,
      ),
    );
    expect(await n()).toBe(1);
  });

  test('refuse resets new connections', async () => {
    proxy.refuse();
    await expect(connect({ serverSelectionTimeoutMS: 200 })).rejects.toMatchObject({
      name: 'MongoServerSelectionError',
    });
    proxy.refuse(false);
    await (await connect()).close();
  });

  async function connect(options: MongoClientOptions = {}): Promise<MongoClient> {
    const fresh = new MongoClient(proxy.directUri, { heartbeatFrequencyMS: 500, ...options });
    try {
      return await fresh.connect();
    } catch (error) {
      await fresh.close();
      throw error;
    }
  }

  async function reconnect(options: MongoClientOptions): Promise<void> {
    await client.close();
    client = await connect(options);
    await docs(client).findOne();
  }

  /** `updateMany` is what the driver never sends twice by itself. */
  async function increment(options: { comment?: string } = {}): Promise<void> {
    await docs(client).updateMany({}, { $inc: { n: 1 } }, options);
  }

  async function n(): Promise<number | undefined> {
    return (await docs(direct).findOne({ _id: 1 }))?.n;
  }
});

function docs(client: MongoClient): Collection<Doc> {
  return client.db('test').collection('docs');
}
