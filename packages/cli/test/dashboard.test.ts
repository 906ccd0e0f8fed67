import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type IncomingHttpHeaders, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Monque } from '@monque/core';
import type { Db } from 'mongodb';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { uriOf } from '../../core/test/package/mongo-uri.ts';
import {
  cleanupTestDb,
  closeMongoDb,
  describeWithMongo,
  getTestDb,
} from '../../core/test/setup/mongodb.ts';
import { fakeIo, runIn } from './setup/io.ts';
import { ensureCliBuilt, start } from './setup/process.ts';

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

async function ask(
  address: string,
  headers: Record<string, string> = {},
  { method = 'GET', body = '' } = {},
): Promise<Answer> {
  const asking = request(address, { method, headers, agent: false }).end(body);
  const [response] = await once(asking, 'response');
  const chunks = await response.toArray();
  return { status: response.statusCode, headers: response.headers, text: chunks.join('') };
}

/** Opens the address, and gives the base of the dashboard and the cookie of its session. */
async function enter(address: string): Promise<{ base: string; cookie: string }> {
  const { status, headers } = await ask(address);
  expect({ status, location: headers.location }).toEqual({ status: 303, location: '/' });
  const [given = ''] = headers['set-cookie'] ?? [];
  expect(given).toMatch(/; HttpOnly; SameSite=Strict; Path=\/$/);
  return { base: new URL('/', address).href, cookie: given.split(';')[0] as string };
}

describeWithMongo('dashboard', () => {
  let db: Db;
  let env: Record<string, string>;
  let id: string;

  beforeAll(ensureCliBuilt, 180_000);

  beforeEach(async () => {
    db = await getTestDb('cli_dashboard');
    env = { MONQUE_URI: uriOf(db.databaseName), MONQUE_ACTOR: 'ann' };
    id = String((await new Monque(db).enqueue('send-email', {}, { delay: 600_000 }))._id);
    return () => cleanupTestDb(db);
  });

  afterAll(closeMongoDb);

  const cancel = (base: string, cookie: string) =>
    ask(
      `${base}api/v1/jobs/${id}/actions/cancel`,
      { cookie, 'content-type': 'application/json' },
      { method: 'POST', body: '{}' },
    );

  test('shows the ledgers of the files that are named', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cli-dashboard-'));
    try {
      const inFolder = (...args: string[]) => runIn(fakeIo({ cwd: folder }), ...args);
      await inFolder('ledger', 'init', '--file', 'L.md');
      await inFolder('ledger', 'add', 'S1', 'Retries', '--file', 'L.md');
      await inFolder('tasks', 'init', '--file', 'T.md');
      await inFolder('tasks', 'add', 'T1', 'Write it', '--file', 'T.md');
      const steps = expect.objectContaining({ steps: [expect.objectContaining({ id: 'S1' })] });
      const task = { at: expect.any(String), task: expect.objectContaining({ title: 'Write it' }) };
      const none = expect.objectContaining({ status: 404 });
      for (const [files, answers] of [
        [
          ['--steps', 'L.md'],
          [steps, none],
        ],
        [
          ['--tasks', 'T.md'],
          [none, task],
        ],
      ] as const) {
        const io = fakeIo({ env, cwd: folder });
        const ran = runIn(io, 'dashboard', '--json', ...files);
        await io.stdout.until('address');
        const { base, cookie } = await enter(JSON.parse(io.stdout.text).address);
        const get = async (path: string) =>
          JSON.parse((await ask(`${base}api/v1/ledgers/${path}`, { cookie })).text);
        expect([await get('verification'), await get('coordination/T1')]).toEqual(answers);
        io.interrupt();
        expect(await ran).toMatchObject({ code: 0 });
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('is served to who comes with the address the first time, and to nobody else', async () => {
    const io = fakeIo({ env });
    const ran = runIn(io, 'dashboard', '--json');
    await io.stdout.until('address');
    const { address } = JSON.parse(io.stdout.text);
    expect(address).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/open\/[\w-]{32}$/);
    const { host } = new URL(address);
    const before = await ask(`http://${host}/`);
    expect(before).toMatchObject({ status: 401, text: expect.stringContaining('works once') });
    const wrong = await ask(address.replace(/.$/, '!'));
    expect(wrong.status).toBe(401);
    const rebound = await ask(address, { host: 'evil.example' });
    expect(rebound).toMatchObject({ status: 421, headers: { 'cache-control': 'no-store' } });
    const { base, cookie } = await enter(address);
    expect((await ask(address)).status).toBe(401);
    expect((await ask(base, { cookie: `${cookie.slice(0, -1)}!` })).status).toBe(401);
    const page = await ask(base, { cookie: `other=1; ${cookie}`, accept: 'text/html' });
    // Whatever it shows, it comes from the dashboard.
    expect(page.headers['content-security-policy']).toContain("default-src 'none'");
    const { text } = await ask(`${base}api/v1/jobs`, { cookie });
    expect(JSON.parse(text)).toMatchObject({ jobs: [{ name: 'send-email' }] });
    expect((await cancel(base, cookie)).status).toBe(200);
    const { history } = (await new Monque(db).getJob(id)) ?? {};
    expect(history).toMatchObject([{ verb: 'cancel', by: 'ann' }]);
    const taken = await runIn(fakeIo({ env }), 'dashboard', '--port', new URL(address).port);
    expect(taken).toMatchObject({ code: 1, out: '', err: expect.stringContaining('EADDRINUSE') });
    io.interrupt();
    const { code, err } = await ran;
    expect(code).toBe(0);
    expect(err).toContain('The dashboard is ended.');
    await expect(ask(base)).rejects.toThrow('ECONNREFUSED');
  });

  test('changes nothing with --read-only', async () => {
    const io = fakeIo({ env });
    const ran = runIn(io, 'dashboard', '--read-only');
    await io.stderr.until('Ctrl-C ends it.');
    const { base, cookie } = await enter(io.stdout.text.trim());
    expect((await cancel(base, cookie)).status).toBe(403);
    expect((await new Monque(db).getJob(id))?.status).toBe('pending');
    io.interrupt();
    expect((await ran).err).toMatch(/^Nothing can be changed there. The address works once/);
  });

  test('as a process ends at SIGTERM, though a browser is still connected', async () => {
    const child = start(['dashboard', '--read-only'], { env });
    const [printed] = await once(child.stdout as NodeJS.ReadableStream, 'data');
    const { base, cookie } = await enter(String(printed).trim());
    const stream = request(`${base}api/v1/events`, { headers: { cookie } }).end();
    stream.on('error', () => undefined);
    const [events] = await once(stream, 'response');
    events.on('error', () => undefined);
    await once(events, 'data');
    child.kill('SIGTERM');
    const [code] = await once(child, 'close');
    expect(code).toBe(0);
  }, 60_000);
});
