import { createServer, get as httpGet, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { InMemoryLedgerRepository, Monque } from '@monque/core';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createDashboard, type DashboardHandler } from '../src/index.ts';
import { toNodeListener } from '../src/node.ts';
import { App } from '../src/server/app.ts';
import { Server } from '../src/server/server.ts';
import { FRESH_MS } from '../src/server/snapshot.ts';
import { ASSETS, ORIGIN, readAnswer } from './dashboards.ts';

/** A ledger that counts its calls. */
class CountedLedger extends InMemoryLedgerRepository {
  leases = 0;
  fails = false;

  override readLeases(...given: Parameters<InMemoryLedgerRepository['readLeases']>) {
    this.leases += 1;
    if (this.fails) throw new Error('mongodb://user:pass@host does not answer');
    return super.readLeases(...given);
  }
}

let ledger: CountedLedger;
let monque: Monque;
let handler: DashboardHandler;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  ledger = new CountedLedger();
  monque = new Monque(ledger);
  handler = createDashboard({ monque, actor: () => 'ann' });
});

afterEach(() => {
  vi.useRealTimers();
});

/** Reads events as they come. */
class Events {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #text = '';

  constructor(response: Response) {
    this.#reader = (response.body as ReadableStream<Uint8Array>).getReader();
  }

  /** The data of the next event of this kind; those before it are passed over. */
  async next(kind: string): Promise<{ [field: string]: unknown }> {
    for (;;) {
      const found = new RegExp(`event: ${kind}\ndata: (.*)\n\n`).exec(this.#text);
      if (found !== null) {
        this.#text = this.#text.slice(found.index + found[0].length);
        return JSON.parse(found[1] ?? '');
      }
      if (!(await this.more())) throw new Error('The stream ended');
    }
  }

  /** Reads on; false at the end. */
  async more(): Promise<boolean> {
    const { value, done } = await this.#reader.read();
    this.#text += Buffer.from(value ?? []).toString();
    return !done;
  }

  close(): Promise<void> {
    return this.#reader.cancel();
  }
}

async function open(query = ''): Promise<Events> {
  const response = await handler(new Request(`${ORIGIN}/api/v1/events${query}`));
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  return new Events(response);
}

/** Lets the timers of one round pass. */
async function round(ms = FRESH_MS): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}

describe('events', () => {
  test('begin with a snapshot, and tell when there is a newer one', async () => {
    const events = await open();
    await round(1);
    expect(await events.next('snapshot')).toMatchObject({ names: [] });
    await monque.enqueue('mail');
    await round();
    expect(await events.next('snapshot')).toMatchObject({ names: [{ name: 'mail' }] });
    await events.close();
  });

  test('are made once for all who look, and never when nobody does', async () => {
    const streams = [await open(), await open(), await open()];
    await round(1);
    for (const events of streams) await events.next('snapshot');
    expect(ledger.leases).toBe(1);
    await round(10 * FRESH_MS);
    expect(ledger.leases).toBeLessThanOrEqual(11);
    for (const events of streams) await events.close();
    expect(vi.getTimerCount()).toBe(0);
    const before = ledger.leases;
    await round(100 * FRESH_MS);
    expect(ledger.leases).toBe(before);
  });

  test('tell of the jobs that were asked for, when they change and when they are gone', async () => {
    const job = await monque.enqueue('mail', 1, { delay: 60_000 });
    const other = await monque.enqueue('mail', 2, { delay: 60_000 });
    const events = await open(`?jobs=${job._id}&jobs=${other._id}`);
    await round(1);
    expect((await events.next('jobs')).jobs).toHaveLength(2);
    await monque.cancelJob(job._id);
    await monque.deleteJob(other._id);
    await round();
    expect(await events.next('jobs')).toMatchObject({
      jobs: [{ id: String(job._id), status: 'cancelled' }],
      gone: [String(other._id)],
    });
    await events.close();
  });

  test('tell of an operation as it goes on, to who began it', async () => {
    await monque.enqueue('mail');
    const events = await open();
    await round(1);
    await handler(
      new Request(`${ORIGIN}/api/v1/operations`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ kind: 'cancel', filter: { name: 'mail' } }),
      }),
    );
    expect(await events.next('operation')).toMatchObject({ kind: 'cancel', by: 'ann' });
    await events.close();
  });

  test('say when the database does not answer, and go on when it does', async () => {
    const events = await open();
    await round(1);
    await events.next('snapshot');
    ledger.fails = true;
    await round();
    const lame = await events.next('snapshot');
    expect(lame.problem).toEqual(expect.any(String));
    expect(JSON.stringify(lame)).not.toContain('pass@');
    ledger.fails = false;
    await round();
    expect((await events.next('snapshot')).problem).toBeUndefined();
    await events.close();
  });

  test('tell of the problem when there never was a snapshot', async () => {
    ledger.fails = true;
    const events = await open();
    await round(1);
    expect(await events.next('problem')).toMatchObject({ message: expect.any(String) });
    await events.close();
  });

  test('end after ten minutes, so that it is asked anew who listens', async () => {
    const events = await open();
    const reading = (async () => {
      while (await events.more());
    })();
    await round(600_000 + 2 * FRESH_MS);
    await reading;
    expect(vi.getTimerCount()).toBe(0);
  });

  test('do not pile up for a slow reader, who gets the newest in the end', async () => {
    const events = await open();
    for (let index = 0; index < 50; index += 1) {
      await monque.enqueue(`mail-${index}`);
      await round();
    }
    let last: { names?: unknown } = {};
    for (let index = 0; index < 6; index += 1) {
      last = await events.next('snapshot').catch(() => last);
      await round();
    }
    expect(last.names).toHaveLength(50);
    await events.close();
  });

  test('are refused beyond 200 streams', async () => {
    const streams = [];
    for (let index = 0; index < 200; index += 1) streams.push(await open());
    const refused = await handler(new Request(`${ORIGIN}/api/v1/events`));
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '30']);
    for (const events of streams) await events.close();
    await (await open()).close();
  });
});

test('a connection that is cut ends its stream', async () => {
  vi.useRealTimers();
  const shared = new Server({ monque, actor: () => 'ann' });
  const app = new App(shared, ASSETS);
  const listener = toNodeListener((request) => app.answer(request));
  const server = createServer(listener).listen(0, '127.0.0.1');
  await vi.waitUntil(() => server.listening);
  const { port } = server.address() as AddressInfo;
  const response = await new Promise<IncomingMessage>((resolve) => {
    httpGet({ port, path: '/api/v1/events' }, resolve);
  });
  await new Promise((resolve) => response.once('data', resolve));
  expect(shared.live.size).toBe(1);
  const gone = new Promise((resolve) => response.once('close', resolve));
  response.once('error', () => undefined);
  response.destroy();
  await gone;
  await vi.waitUntil(() => shared.live.size === 0);
  server.closeAllConnections();
  server.close();
});

test('a request that takes too long is given up, and says what is not known', async () => {
  handler = createDashboard({ monque, actor: () => 'ann', timeout: 1_000 });
  vi.spyOn(ledger, 'findJobs').mockImplementation(() => new Promise(() => undefined));
  vi.spyOn(ledger, 'enqueue').mockImplementation(() => new Promise(() => undefined));
  const listing = handler(new Request(`${ORIGIN}/api/v1/jobs`));
  await round(1_001);
  const late = await listing;
  expect([late.status, (await readAnswer(late)).body.code]).toEqual([503, 'DEADLINE']);
  const storing = handler(
    new Request(`${ORIGIN}/api/v1/jobs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"name":"mail"}',
    }),
  );
  await round(1_001);
  const unknown = await storing;
  expect(unknown.status).toBe(500);
  expect(await unknown.json()).toMatchObject({
    code: 'UNKNOWN_OUTCOME',
    advice: expect.stringContaining('Read it again before you repeat it'),
  });
});
