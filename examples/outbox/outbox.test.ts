// The two services as processes, each killed at every step of its work.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { type Db, MongoClient } from 'mongodb';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { ensureBuilt } from '../../packages/core/test/package/built.ts';
import { describeWithOwnMongo } from '../../packages/core/test/setup/mongodb.ts';
import { type ReplicaSet, startReplicaSet } from '../../packages/core/test/setup/replica-set.ts';
import { until } from '../../packages/core/test/setup/until.ts';

interface Bill {
  readonly _id: number;
  readonly customer: string;
  readonly order: number;
}

interface Order {
  readonly _id: number;
  readonly customer: string;
}

type Service = 'shop' | 'billing';

interface Running {
  readonly child: ChildProcess;
  readonly output: string[];
}

/** Order 5, 10, 15 and 20 are out of stock. */
const PLACED = Array.from({ length: 20 }, (_, index) => index + 1).filter((n) => n % 5 !== 0);

const POINTS: readonly (readonly [Service, string])[] = [
  ['shop', 'before-commit'],
  ['shop', 'after-commit'],
  ['shop', 'before-publish'],
  ['shop', 'after-publish'],
  ['shop', 'after-recording'],
  ['billing', 'in-the-transaction-of-the-receiver'],
  ['billing', 'before-commit'],
  ['billing', 'after-commit'],
];

describeWithOwnMongo('a shop with an outbox and a billing with an inbox', (binary) => {
  let set: ReplicaSet;
  let client: MongoClient;
  let db: Db;
  let port: number;
  const running: Running[] = [];

  beforeAll(async () => {
    await ensureBuilt();
    set = await startReplicaSet({ binary });
    client = await new MongoClient(set.uri).connect();
    // What a killed process wrote in an open transaction is locked until the server gives that up: a minute if not told.
    await client.db('admin').command({ setParameter: 1, transactionLifetimeLimitSeconds: 2 });
  }, 120_000);

  afterAll(async () => {
    await client?.close();
    await set?.stop();
  });

  beforeEach(async () => {
    db = client.db(`outbox_${randomBytes(6).toString('hex')}`);
    port = await freePort();
  });

  afterEach(() => {
    for (const { child } of running.splice(0)) {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    }
  });

  function start(service: Service, env: NodeJS.ProcessEnv = {}): Running {
    const args = ['--import', './kill-points.mjs', `${service}.mjs`];
    const child = spawn(process.execPath, args, {
      cwd: import.meta.dirname,
      env: {
        ...process.env,
        MONGODB_URI: set.uri.replace('/?', `/${db.databaseName}?`),
        BILLING_URL: `http://127.0.0.1:${port}/`,
        PORT: String(port),
        ...env,
      },
    });
    const output: string[] = [];
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => output.push(text));
    }
    const one = { child, output };
    running.push(one);
    return one;
  }

  /** Judged from what the services have written themselves. */
  async function expectBilledOnce(): Promise<void> {
    const orders = await db.collection<Order>('orders').find().sort({ _id: 1 }).toArray();
    expect(orders.map(({ _id }) => _id)).toEqual(PLACED);
    const bills = await db.collection<Bill>('bills').find().sort({ _id: 1 }).toArray();
    expect(bills.map(({ _id }) => _id)).toEqual(PLACED.map((_, index) => index + 1));
    for (const customer of ['customer-0', 'customer-1', 'customer-2']) {
      const of = <T extends { customer: string }>(all: readonly T[]): T[] =>
        all.filter((one) => one.customer === customer);
      expect(of(bills).map(({ order }) => order)).toEqual(of(orders).map(({ _id }) => _id));
    }
  }

  async function untilSent(shop: Running): Promise<void> {
    await until('all orders are placed', () => shop.output.join('').includes('placed'), 30_000);
    const jobs = db.collection('shop_jobs');
    const unsent = { name: 'order-events', status: { $ne: 'completed' } };
    await until('all is sent', async () => (await jobs.countDocuments(unsent)) === 0, 30_000);
  }

  async function stop({ child, output }: Running): Promise<void> {
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await exited, output.join('')).toEqual([0, null]);
  }

  test('bills each order that was placed once, in order, and none that was not', async () => {
    const billing = start('billing');
    const shop = start('shop');
    await untilSent(shop);
    await expectBilledOnce();
    expect(shop.output.join('')).toBe('All orders are placed.\n');
    await stop(shop);
    await stop(billing);
  }, 60_000);

  test.each(POINTS)(
    'do so when the %s is killed %s',
    async (service, point) => {
      const victim = start(service, { KILL_AT: point });
      const exited = once(victim.child, 'exit');
      const other = start(service === 'shop' ? 'billing' : 'shop');
      expect(await exited, victim.output.join('')).toEqual([null, 'SIGKILL']);
      const again = start(service);
      await untilSent(service === 'shop' ? again : other);
      await expectBilledOnce();
    },
    90_000,
  );

  test('do so when both are killed at the same time, again and again', async () => {
    const bills = db.collection<Bill>('bills');
    for (const count of [2, 5, 9]) {
      const both = [start('billing'), start('shop')];
      const exits = both.map(({ child }) => once(child, 'exit'));
      await until(`${count} bills`, async () => (await bills.countDocuments()) >= count, 30_000);
      for (const { child } of both) child.kill('SIGKILL');
      await Promise.all(exits);
    }
    start('billing');
    await untilSent(start('shop'));
    await expectBilledOnce();
  }, 120_000);
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address !== 'object' || address === null) throw new Error('No port');
  return address.port;
}
