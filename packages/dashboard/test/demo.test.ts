/**
 * `npm run demo`, as somebody starts it in a fresh clone: built, in a process of its own.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { ensureBuilt, ensurePackageBuilt, ROOT } from '../../core/test/package/built.ts';
import {
  cleanupTestDb,
  closeMongoDb,
  describeWithMongo,
  getTestDb,
} from '../../core/test/setup/mongodb.ts';
import { until } from '../../core/test/setup/until.ts';
import type { BoardAnswer, JobsAnswer, OverviewAnswer, StepsAnswer } from '../src/index.ts';

const DASHBOARD = join(ROOT, 'packages/dashboard');
const STATUSES = ['pending', 'processing', 'blocked', 'completed', 'failed', 'cancelled'];

describe('the demo', () => {
  let demo: ChildProcess | undefined;

  beforeAll(async () => {
    await ensureBuilt();
    await ensurePackageBuilt(join(ROOT, 'packages/ledgers'), ['index.mjs']);
    await ensurePackageBuilt(DASHBOARD, ['index.mjs', 'node.mjs']);
  }, 180_000);

  afterEach(() => {
    demo?.kill('SIGKILL');
  });

  test('starts in memory, shows jobs in every state, and ends when it is told to', async () => {
    const said = await start({});
    expect(said[1]).toBe('Jobs are kept in memory.');
    await seesEveryState(addressIn(said));
    await seesLedgers(addressIn(said));
    expect(await end()).toBe(0);
  }, 60_000);

  describeWithMongo('with MONGODB_URI', () => {
    test('keeps its jobs there', async () => {
      const db = await getTestDb('demo');
      const uri = new URL(inject('mongoUri'));
      uri.pathname = db.databaseName;
      try {
        const said = await start({ MONGODB_URI: uri.href });
        expect(said[1]).toBe(`Jobs are kept in MongoDB: ${db.databaseName}.monque_demo`);
        await seesEveryState(addressIn(said));
        expect(await db.collection('monque_demo').countDocuments()).toBeGreaterThan(100);
        expect(await end()).toBe(0);
      } finally {
        await cleanupTestDb(db);
        await closeMongoDb();
      }
    }, 60_000);
  });

  /** Starts it, and gives the lines it says. */
  async function start(env: NodeJS.ProcessEnv): Promise<string[]> {
    const { MONGODB_URI: _, ...rest } = process.env;
    demo = spawn(process.execPath, [join(DASHBOARD, 'demo/demo.mjs')], {
      env: { ...rest, PORT: '0', ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (!demo.stdout) throw new Error('No output');
    const lines: string[] = [];
    for await (const line of createInterface({ input: demo.stdout })) {
      if (lines.push(line) === 3) return lines;
    }
    throw new Error(`The demo ended, and said: ${lines.join(' ')}`);
  }

  async function end(): Promise<unknown> {
    if (!demo) throw new Error('The demo was not started');
    const exited = once(demo, 'exit');
    demo.kill('SIGTERM');
    return (await exited)[0];
  }
});

function addressIn([line = '']: string[]): string {
  const address = /http:\S+/.exec(line)?.[0];
  if (address === undefined) throw new Error(`No address in: ${line}`);
  return address;
}

async function seesEveryState(address: string): Promise<void> {
  const page = await (await fetch(address)).text();
  expect(page).toContain('<div id="app">');
  for (const status of STATUSES) {
    await until(
      `a job that is ${status}`,
      async () => (await get<JobsAnswer>(address, `jobs?status=${status}`)).jobs.length > 0,
      30_000,
    );
  }
  const { instances, names } = await get<OverviewAnswer>(address, 'overview');
  expect(instances).toHaveLength(3);
  expect(names.map(({ name }) => name)).toContain('translate-page');
}

async function seesLedgers(address: string): Promise<void> {
  const { counts } = await get<StepsAnswer>(address, 'ledgers/verification');
  expect(Object.values(counts).every((count) => count > 0)).toBe(true);
  const { columns } = await get<BoardAnswer>(address, 'ledgers/coordination');
  expect(columns.filter(({ tasks }) => tasks.length === 0)).toEqual([]);
}

async function get<T>(address: string, path: string): Promise<T> {
  const response = await fetch(`${address}api/v1/${path}`);
  return (await response.json()) as T;
}
