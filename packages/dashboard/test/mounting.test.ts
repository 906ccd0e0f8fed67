import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import middie from '@fastify/middie';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import express5 from 'express';
import express4 from 'express-4';
import fastify from 'fastify';
import Koa from 'koa';
import mount from 'koa-mount';
import { afterEach, describe, expect, test } from 'vitest';
import { until } from '../../core/test/setup/until.ts';
import { createDashboard } from '../src/index.ts';
import { toFastifyPlugin, toKoaMiddleware, toNodeListener } from '../src/node.ts';
import { checkAnswer, inMemory, readAnswer } from './dashboards.ts';

const stops: (() => unknown)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

function make() {
  const monque = inMemory();
  stops.push(() => monque.stop());
  return { monque, dashboard: createDashboard({ monque, actor: () => 'ann' }) };
}

type Dashboard = ReturnType<typeof make>['dashboard'];

/** Starts a host; gives the address of the dashboard in it, with its slash. */
type Start = (dashboard: Dashboard) => Promise<string>;

const PREFIX = '/admin/jobs';
/** Where a framework strips it, any prefix will do. */
const LOOKALIKE = '/api/v1/jobs';

async function listen(listener: RequestListener | Server, prefix = PREFIX): Promise<string> {
  const server = typeof listener === 'function' ? createServer(listener) : listener;
  if (!server.listening) server.listen(0, '127.0.0.1');
  if (!server.listening) await once(server, 'listening');
  stops.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return `http://127.0.0.1:${port}${prefix}/`;
}

class AppModule {}
Module({})(AppModule);

const quiet = { logger: false } as const;

/** Every host, with the dashboard under a prefix that it strips or keeps, and bodies that it parsed or did not. */
const HOSTS: Readonly<Record<string, Start>> = {
  'plain http at the root': (dashboard) => listen(toNodeListener(dashboard), ''),
  'plain http under a prefix that is kept': (dashboard) => listen(toNodeListener(dashboard)),
  'Express 4': (dashboard) => {
    return listen(express4().use(PREFIX, toNodeListener(dashboard)) as RequestListener);
  },
  'Express 4 with parsed bodies': (dashboard) => {
    const app = express4().use(express4.json()).use(PREFIX, toNodeListener(dashboard));
    return listen(app as RequestListener);
  },
  'Express 5': (dashboard) => listen(express5().use(PREFIX, toNodeListener(dashboard))),
  'Express 5 under a prefix that looks like the API': (dashboard) => {
    return listen(express5().use(LOOKALIKE, toNodeListener(dashboard)), LOOKALIKE);
  },
  'Express 5 with parsed bodies': (dashboard) => {
    return listen(express5().use(express5.json()).use(PREFIX, toNodeListener(dashboard)));
  },
  'Express 5 with bodies read as text': (dashboard) => {
    const text = express5.text({ type: '*/*' });
    return listen(express5().use(text).use(PREFIX, toNodeListener(dashboard)));
  },
  'Express 5 with bodies read as bytes': (dashboard) => {
    const raw = express5.raw({ type: '*/*' });
    return listen(express5().use(raw).use(PREFIX, toNodeListener(dashboard)));
  },
  'Koa under koa-mount': (dashboard) => {
    const app = new Koa().use(mount(PREFIX, toKoaMiddleware(dashboard)));
    return listen(app.callback() as RequestListener);
  },
  'Koa with parsed bodies': (dashboard) => {
    const app = new Koa();
    app.use(async (context, next) => {
      const chunks: Buffer[] = [];
      for await (const chunk of context.req) chunks.push(chunk as Buffer);
      const text = Buffer.concat(chunks).toString();
      Object.assign(context.request, { body: text === '' ? undefined : JSON.parse(text) });
      await next();
    });
    app.use(mount(PREFIX, toKoaMiddleware(dashboard)));
    return listen(app.callback() as RequestListener);
  },
  'Fastify as a plugin': async (dashboard) => {
    const app = fastify();
    await app.register(toFastifyPlugin(dashboard), { prefix: PREFIX });
    await app.ready();
    stops.push(() => app.close());
    return listen(app.server);
  },
  'Fastify with middie': async (dashboard) => {
    const app = fastify();
    await app.register(middie);
    app.use(PREFIX, toNodeListener(dashboard));
    await app.ready();
    stops.push(() => app.close());
    return listen(app.server);
  },
  'NestJS on Express': async (dashboard) => {
    const app = await NestFactory.create(AppModule, new ExpressAdapter(), quiet);
    app.use(PREFIX, toNodeListener(dashboard));
    await app.init();
    stops.push(() => app.close());
    return listen(app.getHttpServer());
  },
  'NestJS on Express with parsed bodies': async (dashboard) => {
    const app = await NestFactory.create(AppModule, new ExpressAdapter(), quiet);
    app.use(express5.json());
    app.use(PREFIX, toNodeListener(dashboard));
    await app.init();
    stops.push(() => app.close());
    return listen(app.getHttpServer());
  },
  'NestJS on Fastify': async (dashboard) => {
    const adapter = new FastifyAdapter();
    const app = await NestFactory.create<NestFastifyApplication>(AppModule, adapter, quiet);
    app.use(PREFIX, toNodeListener(dashboard));
    await app.init();
    await app.getHttpAdapter().getInstance().ready();
    stops.push(() => app.close());
    return listen(app.getHttpServer());
  },
  'NestJS on Fastify as a plugin': async (dashboard) => {
    const adapter = new FastifyAdapter();
    const app = await NestFactory.create<NestFastifyApplication>(AppModule, adapter, quiet);
    await app.register(toFastifyPlugin(dashboard) as never, { prefix: PREFIX });
    await app.init();
    await app.getHttpAdapter().getInstance().ready();
    stops.push(() => app.close());
    return listen(app.getHttpServer());
  },
};

/** What needs a prefix to be without its slash. */
const underPrefix = Object.keys(HOSTS).filter((name) => !name.includes('root'));

describe.each(Object.keys(HOSTS))('in %s', (name) => {
  const start = HOSTS[name] as Start;

  test('the API answers, with its bodies exact', async () => {
    const { dashboard, monque } = make();
    const base = await start(dashboard);
    const { GlobalRequest, GlobalResponse } = { GlobalRequest: Request, GlobalResponse: Response };
    const stored = await fetch(`${base}api/v1/jobs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'mäil', data: { n: { $numberLong: '9007199254740993' } } }),
    });
    const answered = await readAnswer(stored);
    checkAnswer('POST', 'jobs', answered);
    expect(answered.status).toBe(201);
    const { id } = answered.body.job;
    expect((await monque.getJob(id))?.data).toEqual({ n: 9_007_199_254_740_993n });
    const retry = await fetch(`${base}api/v1/jobs/${id}/actions/cancel`, {
      method: 'POST',
      headers: { 'x-monque': '1' },
    });
    expect((await readAnswer(retry)).body.job.status).toBe('cancelled');
    const gone = await fetch(`${base}api/v1/jobs/${id}`, {
      method: 'DELETE',
      headers: { 'x-monque': '1' },
    });
    expect(gone.status).toBe(200);
    const head = await fetch(`${base}api/v1/names`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    expect(Request).toBe(GlobalRequest);
    expect(Response).toBe(GlobalResponse);
  });

  test('the pages find their way back to the mount', async () => {
    const base = await start(make().dashboard);
    const accept = { accept: 'text/html' };
    const pages = ['', '-/jobs', '-/jobs/64b0c0ffee64b0c0ffee64b0', '-/a/b/c?x=/-/y'];
    for (const page of pages) {
      const response = await fetch(`${base}${page}`, { headers: accept });
      expect(response.headers.get('content-type')).toContain('text/html');
      const [, href = ''] = /<base href="([^"]*)">/.exec(await response.text()) ?? [];
      expect(new URL(href, `${base}${page}`).href).toBe(base);
    }
    expect((await fetch(`${base}assets/none.js`)).status).toBe(404);
  });

  test('events flow, and end with the connection', async () => {
    const { dashboard, monque } = make();
    await monque.enqueue('mail');
    const base = await start(dashboard);
    const controller = new AbortController();
    const response = await fetch(`${base}api/v1/events`, { signal: controller.signal });
    const text = await firstEvent(response);
    expect(text).toContain('event: snapshot');
    controller.abort();
  });
});

describe.each(underPrefix)('without its slash, in %s', (name) => {
  test('the mount leads to itself with one', async () => {
    const base = await (HOSTS[name] as Start)(make().dashboard);
    const bare = base.slice(0, -1);
    const response = await fetch(`${bare}?a=1`, { headers: { accept: 'text/html' } });
    expect(response.url).toBe(`${base}?a=1`);
    const plain = await fetch(bare, { headers: { accept: 'text/html' } });
    expect(plain.url).toBe(base);
  });
});

test('a request for a host that cannot be is refused, and reaches no dashboard', async () => {
  let asked = 0;
  const listener = toNodeListener(async () => {
    asked += 1;
    return new Response('');
  });
  const { port } = new URL(await listen(listener));
  const socket = connect(Number(port), '127.0.0.1');
  socket.end('GET / HTTP/1.1\r\nHost: a/b\r\nConnection: close\r\n\r\n');
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  expect(Buffer.concat(chunks).toString()).toMatch(/^HTTP\/1\.1 400 /);
  expect(asked).toBe(0);
});

async function firstEvent(response: Response): Promise<string> {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  let text = '';
  return until('an event', async () => {
    text += Buffer.from((await reader.read()).value ?? []).toString();
    return text.includes('data: ') ? text : '';
  });
}
