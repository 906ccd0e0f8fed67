/**
 * Makes dashboards for tests, and checks each answer against the OpenAPI document on its way.
 */
import { Monque, type MonqueOptions } from '@monque/core';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect } from 'vitest';
import { openApiOf } from '../src/api/openapi.ts';
import type { Route } from '../src/api/route.ts';
import { ROUTE_LIST } from '../src/api/routes.ts';
import { createDashboard, type DashboardHandler, type DashboardOptions } from '../src/index.ts';
import type { Assets } from '../src/pages/asset.ts';
import { App } from '../src/server/app.ts';
import { Server } from '../src/server/server.ts';
import { isTime } from '../src/server/validation.ts';

const document = openApiOf('Test');
const ajv = new Ajv2020({ strict: false, formats: { 'date-time': isTime } });
ajv.addSchema({ ...document, $id: 'api' });

/** What was answered. */
export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly body: any;
}

/** What a request is made of beside its address. */
export interface Asking {
  readonly method?: string;
  readonly json?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export const ORIGIN = 'http://localhost';

/** A request as the pages send it. */
export function requestOf(path: string, { method = 'GET', json, headers = {} }: Asking): Request {
  const changes = method !== 'GET' && method !== 'HEAD';
  return new Request(`${ORIGIN}${path}`, {
    method,
    headers: { ...(changes && { 'content-type': 'application/json' }), ...headers },
    ...(json !== undefined && { body: JSON.stringify(json) }),
  });
}

/** Pages as a build leaves them. */
export const ASSETS: Assets = {
  'index.html': {
    type: 'text/html; charset=utf-8',
    hash: 'i1',
    encoding: 'utf8',
    body: '<!doctype html><html><head><base href="/"><title>M</title></head><body></body></html>',
  },
  'assets/a-1.js': { type: 'text/javascript', hash: 'a1', encoding: 'utf8', body: 'go()' },
  'assets/b-2.png': { type: 'image/png', hash: 'b2', encoding: 'base64', body: 'AAEC/w==' },
};

/** A dashboard with those pages. */
export function withPages(options: DashboardOptions, assets: Assets = ASSETS): DashboardHandler {
  const app = new App(new Server(options), assets);
  return (request) => app.answer(request);
}

/** A dashboard with a way to ask it. */
export class TestDashboard {
  readonly handler: DashboardHandler;

  constructor(monque: DashboardOptions['monque'], options: Partial<DashboardOptions> = {}) {
    this.handler = createDashboard({ monque, actor: () => 'ann', ...options });
  }

  /** Asks the API; the answer is checked against the document. */
  async ask(path: string, asking: Asking = {}): Promise<Answered> {
    const response = await this.handler(requestOf(`/api/v1/${path}`, asking));
    const answered = await readAnswer(response);
    checkAnswer(asking.method ?? 'GET', path, answered);
    return answered;
  }

  /** Asks for something that is no API. */
  page(path: string, headers: Record<string, string> = { accept: 'text/html' }): Promise<Response> {
    return this.handler(new Request(`${ORIGIN}${path}`, { headers }));
  }
}

export async function readAnswer(response: Response): Promise<Answered> {
  const { status, headers } = response;
  const text = await response.text();
  const isJson = /json/.test(headers.get('content-type') ?? '');
  return { status, headers, body: isJson && text !== '' ? JSON.parse(text) : text };
}

/** The row of the table that a request belongs to. */
function routeOf(method: string, path: string): Route | undefined {
  const [bare = ''] = path.split('?');
  const rows = ROUTE_LIST.map(([, route]) => route).filter((route) => {
    const pattern = route.path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+');
    return route.method === method && new RegExp(`^${pattern}$`).test(bare);
  });
  return rows[0];
}

/** Fails unless the answer is one that the document describes. */
export function checkAnswer(method: string, path: string, answered: Answered): void {
  const { status, headers, body } = answered;
  const type = headers.get('content-type') ?? '';
  if (status >= 400) {
    expect(type).toBe('application/problem+json');
    expect(faultsOf('Problem', body)).toEqual([]);
    expect(body.status).toBe(status);
    return;
  }
  const route = routeOf(method, path);
  expect(route, `${method} ${path}`).toBeDefined();
  expect(status).toBe(route?.status ?? 200);
  if (typeof route?.answer !== 'string') return;
  expect(type).toBe('application/json');
  expect(faultsOf(route.answer, body), `${method} ${path}`).toEqual([]);
}

function faultsOf(name: string, body: unknown): string[] {
  const validate = ajv.getSchema(`api#/components/schemas/${name}`);
  if (validate === undefined) throw new Error(`There is no schema ${name}`);
  if (validate(body)) return [];
  return (validate.errors ?? []).map(({ instancePath, message, params }) => {
    return `${instancePath} ${message} ${JSON.stringify(params)}`;
  });
}

/** A scheduler in memory. */
export function inMemory(options: MonqueOptions = {}): Monque {
  return Monque.inMemory({ logger: false, ...options });
}
