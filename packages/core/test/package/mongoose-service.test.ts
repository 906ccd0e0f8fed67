import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { codeBlocks, readPage } from '../docs/pages.ts';
import { cleanupTestDb, closeMongoDb, describeWithMongo, getTestDb } from '../setup/mongodb.ts';
import { until } from '../setup/until.ts';
import { ensureBuilt, PACKAGE, runNode, runNpm } from './built.ts';
import { uriOf } from './mongo-uri.ts';

const GUIDE = 'docs/guides/mongoose.md';
const INSTALL = ['install', '--prefer-offline', '--no-audit', '--no-fund'];
const MINUTE_MS = 60_000;

const TYPESCRIPT = 'typescript@5.9.3';
const BUNDLER = ['--noEmit', '--module', 'esnext', '--moduleResolution', 'bundler'];

let folder: string;
let tarball: string;

/** The service of the guide, built from the guide alone, outside of the repository. */
describeWithMongo('the service of the guide about Mongoose', () => {
  const processes: ChildProcess[] = [];

  beforeAll(async () => {
    await ensureBuilt();
    folder = await mkdtemp(join(tmpdir(), 'monque-mongoose-'));
    const pack = ['pack', PACKAGE, '--json', '--pack-destination', folder];
    const [packed] = JSON.parse((await runNpm(pack, { cwd: folder })).stdout);
    tarball = join(folder, packed.filename);
  });

  afterEach(() => {
    for (const child of processes.splice(0)) child.kill('SIGKILL');
  });

  afterAll(async () => {
    await closeMongoDb();
    await rm(folder, { recursive: true });
  });

  /** Does what the guide says, with a version of Mongoose. */
  async function install(major: number): Promise<string> {
    const cwd = join(folder, `mongoose-${major}`);
    await mkdir(join(cwd, 'src'), { recursive: true });
    await writeFile(join(cwd, 'package.json'), '{ "private": true, "type": "module" }');
    for (const { title, code } of codeBlocks(await readPage(GUIDE))) {
      if (title !== undefined) await writeFile(join(cwd, title), code);
    }
    await runNpm([...INSTALL, `mongoose@${major}`], { cwd });
    const print = `console.log(require('mongoose/package.json').dependencies.mongodb)`;
    const { stdout } = await runNode(['--eval', print, '--input-type=commonjs'], { cwd });
    const driver = `mongodb@${stdout.trim()}`;
    await runNpm([...INSTALL, tarball, driver, 'express@5'], { cwd });
    await runNpm([...INSTALL, TYPESCRIPT, '@types/express@5', '@types/node@20'], { cwd });
    return cwd;
  }

  /** Starts one of the two processes; resolves with the first line that it prints. */
  async function start(cwd: string, program: string, uri: string) {
    const env = { ...process.env, MONGODB_URI: uri, PORT: '0' };
    const child = spawn(process.execPath, [join(cwd, 'dist', program)], { cwd, env });
    processes.push(child);
    const errors: string[] = [];
    child.stderr.on('data', (chunk) => errors.push(String(chunk)));
    const lines: string[] = [];
    createInterface(child.stdout).on('line', (line) => lines.push(line));
    await until(`${program} to start`, () => {
      if (child.exitCode !== null) throw new Error(errors.join(''));
      return lines.length > 0;
    });
    const end = async (): Promise<unknown> => {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      const [code] = await exited;
      return code;
    };
    return { lines, errors, end };
  }

  async function postOrder(base: string, order: object): Promise<Response> {
    const headers = { 'content-type': 'application/json' };
    return fetch(`${base}/orders`, { method: 'POST', headers, body: JSON.stringify(order) });
  }

  for (const major of [8, 9]) {
    test(`builds and runs with Mongoose ${major}`, { timeout: 5 * MINUTE_MS }, async () => {
      const cwd = await install(major);
      const nested = await readdir(join(cwd, 'node_modules/mongoose/node_modules')).catch(() => []);
      expect(nested).not.toContain('mongodb');
      const tsc = join(cwd, 'node_modules/typescript/bin/tsc');
      // One look through the eyes of a bundler is enough: what differs between the versions is seen by both builds.
      if (major === 9) await runNode([tsc, ...BUNDLER], { cwd });
      await runNode([tsc], { cwd });
      const db = await getTestDb(`mongoose_${major}`);
      const uri = uriOf(db.databaseName);
      const [web, worker] = [await start(cwd, 'web.js', uri), await start(cwd, 'worker.js', uri)];
      const [, port] = /port: (\d+)/.exec(web.lines.join(' ')) ?? [];
      const base = `http://127.0.0.1:${port}`;

      const refused = await postOrder(base, { total: 5 });
      expect(refused.status).toBe(500);
      expect(await db.collection('monque_jobs').countDocuments()).toBe(0);

      const stored = await postOrder(base, { customer: 'ann@example.com', total: 5 });
      expect(stored.status).toBe(201);
      const { orderId, jobId } = (await stored.json()) as { orderId: string; jobId: string };
      await until('the worker to run the job', async () => {
        const answer = await fetch(`${base}/jobs/${jobId}`);
        const job = (await answer.json()) as { status: string; result?: unknown };
        if (job.status !== 'completed') return false;
        expect(job.result).toEqual({ sentTo: 'ann@example.com' });
        return true;
      });
      const [order] = await db.collection('orders').find().toArray();
      expect([String(order?._id), order?.receiptSentAt instanceof Date]).toEqual([orderId, true]);
      expect(worker.lines).toContain(`mail ${jobId} to ann@example.com`);
      expect((await fetch(`${base}/health`)).status).toBe(200);
      expect((await fetch(`${base}/jobs/000000000000000000000000`)).status).toBe(404);

      expect(await Promise.all([web.end(), worker.end()])).toEqual([0, 0]);
      expect(worker.errors.join('')).toBe('');
      await cleanupTestDb(db);
    });
  }
});

test('the guide and the page about the installation name the same way to install', async () => {
  const [, way] = /^(npm install @monque\/core mongodb@\$.*)$/m.exec(await readPage(GUIDE)) ?? [];
  expect(way).toContain('mongoose/package.json');
  expect(await readPage('docs/getting-started/installation.md')).toContain(`\n${way}\n`);
});
