import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ensureBuilt, ensurePackageBuilt, ROOT } from '../../packages/core/test/package/built.ts';
import { uriOf } from '../../packages/core/test/package/mongo-uri.ts';
import {
  cleanupTestDb,
  closeMongoDb,
  describeWithMongo,
  getTestDb,
} from '../../packages/core/test/setup/mongodb.ts';
import { until, within } from '../../packages/core/test/setup/until.ts';

/** It takes a second or two, and much longer on a machine that is busy. */
const STARTS_WITHIN_MS = 60_000;

describeWithMongo('the example application', () => {
  let db: Awaited<ReturnType<typeof getTestDb>>;
  let application: ChildProcess;
  let address: string;

  beforeAll(async () => {
    await ensureBuilt();
    await ensurePackageBuilt(join(ROOT, 'packages/tsed'), ['index.mjs']);
    await ensurePackageBuilt(import.meta.dirname, ['index.mjs']);
    db = await getTestDb('tsed_app');
    const env = {
      ...process.env,
      MONGODB_URI: uriOf(db.databaseName),
      PORT: '0',
      NODE_ENV: 'production',
    };
    application = spawn(process.execPath, ['dist/index.mjs'], {
      cwd: import.meta.dirname,
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    address = await within(
      'the start of the application',
      addressOf(application),
      STARTS_WITHIN_MS,
    );
  }, 2 * STARTS_WITHIN_MS);

  afterAll(async () => {
    application.kill('SIGKILL');
    await cleanupTestDb(db);
    await closeMongoDb();
  });

  /** The application logs where it listens. */
  async function addressOf({ stdout }: ChildProcess): Promise<string> {
    if (stdout === null) throw new Error('The application has no output');
    for await (const line of createInterface(stdout)) {
      const found = /Listen server on (http:\S+)/.exec(line)?.[1];
      if (found !== undefined) {
        stdout.resume();
        return found;
      }
    }
    throw new Error('The application ended');
  }

  async function statusOf(id: string): Promise<string> {
    const response = await fetch(`${address}/orders/${id}`);
    const { status } = (await response.json()) as { readonly status: string };
    return status;
  }

  test('confirms and ships an order that comes over HTTP, by two jobs', async () => {
    const response = await fetch(`${address}/orders`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ customer: 'a@b.test' }),
    });
    expect(response.status).toBe(202);
    const order = (await response.json()) as { readonly id: string; readonly status: string };
    expect(order.status).toBe('placed');
    await until('the order to be shipped', async () => (await statusOf(order.id)) === 'shipped');
    const jobs = db.collection('jobs');
    await until(
      'both jobs',
      async () => (await jobs.countDocuments({ status: 'completed' })) === 2,
    );
    const names = await jobs.distinct('name', { status: 'completed' });
    expect(names).toEqual(['confirm-order', 'ship-order']);
  });

  test('answers what is wrong in a request with its own fault, not with one of the server', async () => {
    const statusAt = async (path: string) => (await fetch(`${address}/orders/${path}`)).status;
    expect([await statusAt('no-id'), await statusAt('0'.repeat(24))]).toEqual([400, 404]);
  });

  test('has its series', async () => {
    const series = await db.collection('jobs').findOne({ name: 'nightly.count-orders' });
    expect(series).toMatchObject({ repeatInterval: '0 3 * * *', timezone: 'Europe/Berlin' });
  });

  test('ends by itself on SIGTERM, without a lease that lives on', async () => {
    const ended = once(application, 'exit');
    application.kill('SIGTERM');
    const [code] = await within('the end of the application', ended, STARTS_WITHIN_MS);
    expect(code).toBe(0);
    expect(await db.collection('jobs').countDocuments({ status: 'processing' })).toBe(0);
    expect(application.exitCode).toBe(0);
  });
});
