import { createServer, get as httpGet, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { InMemoryLedgerRepository, Monque, type MonqueOptions } from '@monque/core';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createDashboard, type DashboardHandler } from '../src/index.ts';
import { toNodeListener } from '../src/node.ts';
import { App } from '../src/server/app.ts';
import { Server } from '../src/server/server.ts';
import { FRESH_MS } from '../src/server/snapshot.ts';
import { ASSETS, ORIGIN, readAnswer, requestOf } from './dashboards.ts';

/** A ledger that counts its calls. */
class CountedLedger extends InMemoryLedgerRepository {
  leases = 0;
  fails = false;
  /** What every answer waits for. */
  held: Promise<void> | undefined;

  override async readLeases(...given: Parameters<InMemoryLedgerRepository['readLeases']>) {
    this.leases += 1;
    await this.held;
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
  /** All that came. */
  all = '';

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
    const text = Buffer.from(value ?? []).toString();
    this.#text += text;
    this.all += text;
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

function beginCancel(): Promise<Response> {
  const json = { kind: 'cancel', filter: { name: 'mail' } };
  return handler(requestOf('/api/v1/operations', { method: 'POST', json }));
}

/** Lets the timers of one round pass. */
async function round(ms = FRESH_MS): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}

describe('events', () => {
  test('begin with a snapshot, and report when there is a newer one', async () => {
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

  test('report the jobs that were asked for, when they change and when they are gone', async () => {
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

  test('report an operation as it goes on, to who began it', async () => {
    await monque.enqueue('mail');
    const events = await open();
    await round(1);
    await beginCancel();
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

  test('report the problem when there never was a snapshot', async () => {
    ledger.fails = true;
    const events = await open();
    await round(1);
    expect(await events.next('problem')).toMatchObject({ message: expect.any(String) });
    await events.close();
  });

  test('have their turn at once where they join while others wait for a look', async () => {
    let answer = (): void => undefined;
    ledger.held = new Promise((resolve) => {
      answer = resolve;
    });
    const first = await open();
    await round(1);
    const second = await open();
    await round(1);
    answer();
    await round(50);
    expect(await first.next('snapshot')).toMatchObject({ names: [] });
    expect(await second.next('snapshot')).toMatchObject({ names: [] });
    expect(ledger.leases).toBe(1);
    await first.close();
    await second.close();
  });

  test('report no operation of others', async () => {
    let asking = 'ann';
    handler = createDashboard({ monque, actor: () => asking });
    const own = await open();
    asking = 'eve';
    const others = await open();
    await round(1);
    await beginCancel();
    expect(await others.next('operation')).toMatchObject({ kind: 'cancel', by: 'eve' });
    await monque.enqueue('other');
    await round();
    await own.next('snapshot');
    expect(await own.next('snapshot')).toMatchObject({ names: [{ name: 'other' }] });
    expect(own.all).not.toContain('event: operation');
    await own.close();
    await others.close();
  });

  test('report jobs when they change alone', async () => {
    const job = await monque.enqueue('mail', 1, { delay: 60_000 });
    const events = await open(`?jobs=${job._id}`);
    await round(1);
    await events.next('jobs');
    await monque.enqueue('other');
    await round();
    await events.next('snapshot');
    await monque.cancelJob(job._id);
    await round();
    expect((await events.next('jobs')).jobs).toMatchObject([{ status: 'cancelled' }]);
    expect(events.all.match(/event: jobs/g)).toHaveLength(2);
    await events.close();
  });

  test.each([
    ['of some names report jobs of these', ['mail'], 1],
    ['of no name report no job', [], 0],
  ] as const)('for an actor %s', async (_, names: readonly string[], most) => {
    const access: MonqueOptions['access'] = { may: ({ name = '' }) => names.includes(name) };
    const jobs = [await monque.enqueue('mail'), await monque.enqueue('secret')];
    const ids = jobs.map(({ _id }) => String(_id));
    handler = createDashboard({ monque: new Monque(ledger, { access }), actor: () => 'eve' });
    const events = await open(`?jobs=${ids.join('&jobs=')}`);
    await round(1);
    const sent = await events.next('jobs');
    expect(sent.jobs).toMatchObject(ids.slice(0, most).map((id) => ({ id })));
    expect(sent.gone).toEqual(ids.slice(most));
    await events.close();
  });

  test('report what went wrong for one who listens, without its words', async () => {
    const can = () => Promise.reject(new Error('mongodb://user:pass@host does not answer'));
    const verbs = {
      health: () => monque.health(),
      metrics: () => monque.metrics(),
      inspect: () => monque.inspect(),
    };
    handler = createDashboard({ monque: { ...verbs, as: () => ({ can }) }, actor: () => 'ann' });
    const events = await open();
    await round(1);
    expect(await events.next('problem')).toMatchObject({
      message: 'The server met an error that it does not know; its log has more',
    });
    expect(events.all).not.toContain('pass');
    await events.close();
  });

  test('end after ten minutes, so that it is asked again who listens', async () => {
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
