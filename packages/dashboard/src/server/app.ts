/**
 * From a request to its answer: who asks, whether that is allowed, what is asked for, and what went wrong.
 *
 * What always holds: nothing is answered before it is known who asks; every failure becomes an answer; and no failure
 * reaches the host.
 *
 * @module
 */
import type { Actor } from '@monque/core';
import { Hono } from 'hono';
import type { Route } from '../api/route.ts';
import { ROUTE_LIST, type RouteId } from '../api/routes.ts';
import { within } from '../clock.ts';
import { CONTROL_HANDLERS } from '../handlers/control.ts';
import { FLOW_HANDLERS } from '../handlers/flows.ts';
import { JOB_HANDLERS } from '../handlers/jobs.ts';
import { LEDGER_HANDLERS } from '../handlers/ledgers.ts';
import { OPERATION_HANDLERS } from '../handlers/operations.ts';
import { SERIES_HANDLERS } from '../handlers/series.ts';
import { THROUGHPUT_HANDLERS } from '../handlers/throughput.ts';
import { VIEW_HANDLERS } from '../handlers/views.ts';
import type { Assets } from '../pages/asset.ts';
import { Call, type Handlers } from './call.ts';
import { readAnswer } from './conditional.ts';
import { checkOrigin } from './cross-site.ts';
import { type Place, placeOf } from './mount.ts';
import { asset, COMMON_HEADERS, shell } from './pages.ts';
import {
  badRequest,
  forbidden,
  notFound,
  ProblemError,
  tookTooLong,
  toProblem,
} from './problems.ts';
import { readBody, readQuery } from './requests.ts';
import type { Server } from './server.ts';
import { Validation } from './validation.ts';

const HANDLERS: Handlers<RouteId> = {
  ...JOB_HANDLERS,
  ...VIEW_HANDLERS,
  ...THROUGHPUT_HANDLERS,
  ...SERIES_HANDLERS,
  ...OPERATION_HANDLERS,
  ...LEDGER_HANDLERS,
  ...CONTROL_HANDLERS,
  ...FLOW_HANDLERS,
};

/** Paths whose `{id}` is no id of a job. */
const OTHER_IDS = /^(operations|ledgers)\//;
const JOB_ID = /^[0-9a-f]{24}$/i;

type Env = { Bindings: { readonly actor: Actor } };

/** Answers requests for one dashboard. */
export class App {
  readonly #server: Server;
  readonly #assets: Assets;
  readonly #validation = Validation.shared;
  readonly #router: Hono<Env>;

  constructor(server: Server, assets: Assets) {
    this.#server = server;
    this.#assets = assets;
    this.#router = this.#makeRouter();
  }

  /** Answers. Never rejects. */
  async answer(request: Request): Promise<Response> {
    let response: Response;
    try {
      response = await this.#answer(request);
    } catch (error) {
      response = this.#problem(error);
    }
    const headers = new Headers(response.headers);
    for (const [name, value] of Object.entries(COMMON_HEADERS)) {
      if (!headers.has(name)) headers.set(name, value);
    }
    const { body, status } = response;
    return new Response(request.method === 'HEAD' ? null : body, { status, headers });
  }

  async #answer(request: Request): Promise<Response> {
    const place = placeOf(new URL(request.url).pathname);
    const actor = await this.#server.options.actor(request);
    if (actor instanceof Response) return actor;
    if (actor === null || actor === undefined) throw unauthenticated();
    if (place.kind === 'api') return this.#router.fetch(request, { actor });
    if (request.method !== 'GET' && request.method !== 'HEAD') throw notAllowed();
    return this.#page(request, place);
  }

  #page(request: Request, place: Exclude<Place, { kind: 'api' }>): Response {
    if (place.kind === 'asset') {
      const file = asset(this.#assets, place.path, request);
      if (file === undefined) throw notFound('There is no such file');
      return file;
    }
    const accept = request.headers.get('accept') ?? '*/*';
    if (!/text\/html|\*\/\*|text\/\*/.test(accept)) throw notFound('There is only a page here');
    if (place.kind === 'page') return shell(this.#assets, place.base, request);
    const location = `${place.to}${new URL(request.url).search}`;
    return new Response(null, { status: 302, headers: { location, 'cache-control': 'no-store' } });
  }

  #makeRouter(): Hono<Env> {
    const router = new Hono<Env>({ getPath: pathOf });
    for (const [id, route] of ROUTE_LIST) {
      const path = `/${route.path.replaceAll(/\{(\w+)\}/g, ':$1')}`;
      router.on(route.method, path, ({ req, env }) => {
        return this.#call(id, route, {
          request: req.raw,
          actor: env.actor,
          id: req.param('id') ?? '',
        });
      });
    }
    for (const path of new Set(ROUTE_LIST.map(([, route]) => route.path))) {
      router.all(`/${path.replaceAll(/\{(\w+)\}/g, ':$1')}`, () => {
        throw notAllowed();
      });
    }
    router.notFound(() => {
      throw notFound('There is no such resource');
    });
    router.onError((error) => {
      throw error;
    });
    return router;
  }

  async #call(id: RouteId, route: Route, asked: Asked): Promise<Response> {
    const { request, actor } = asked;
    const readOnly = this.#server.isReadOnly(actor);
    checkOrigin(request, route.method !== 'GET');
    if (route.changes && readOnly) {
      throw forbidden('READ_ONLY', 'Nothing can be changed here by you', 'Ask who runs this.');
    }
    checkId(route, asked.id);
    const query = readQuery(route, new URL(request.url).searchParams);
    this.#validation.checkQuery(route, query);
    const body = await this.#body(route, request);
    const call = new Call({ server: this.#server, ...asked, readOnly, query, body });
    const { timeoutMs } = this.#server;
    const work = this.#carryOut(id, route, call);
    return route.endless
      ? work
      : within(timeoutMs, work, () => {
          throw tookTooLong(timeoutMs, route.changes === true);
        });
  }

  async #body({ body: schema }: Route, request: Request): Promise<unknown> {
    if (schema === undefined) return undefined;
    const body = await readBody(request);
    this.#validation.checkBody(schema, body);
    return body;
  }

  async #carryOut(id: RouteId, route: Route, call: Call): Promise<Response> {
    try {
      const answer = await HANDLERS[id](call);
      if (route.changes) this.#note(id, call, undefined);
      if (answer instanceof Response) return answer;
      return route.method === 'GET'
        ? readAnswer(call.request, answer)
        : json(answer, route.status ?? 200);
    } catch (error) {
      if (route.changes) this.#note(id, call, toProblem(error).problem);
      throw error;
    }
  }

  #note(id: RouteId, call: Call, problem: ProblemError['problem'] | undefined): void {
    const isRefused = problem !== undefined && problem.status < 500;
    const name: unknown = Reflect.get(Object(call.body), 'name');
    this.#server.activity.note({
      at: call.at,
      actor: call.actorId,
      action: id,
      outcome: problem === undefined ? 'done' : isRefused ? 'refused' : 'failed',
      ...(JOB_ID.test(call.id) && { jobId: call.id }),
      ...(typeof name === 'string' && { name }),
      ...(problem && { code: problem.code }),
    });
  }

  #problem(error: unknown): Response {
    const { problem, retryAfter } = toProblem(error);
    if (problem.code === 'INTERNAL') this.#server.report(error);
    const response = json(problem, problem.status);
    response.headers.set('content-type', 'application/problem+json');
    if (retryAfter !== undefined) response.headers.set('retry-after', String(retryAfter));
    return response;
  }
}

interface Asked {
  readonly request: Request;
  readonly actor: Actor;
  readonly id: string;
}

/** The router gets nothing but what is asked of the API. */
function pathOf(request: Request): string {
  const place = placeOf(new URL(request.url).pathname);
  return (place as Extract<Place, { kind: 'api' }>).path;
}

function checkId({ path }: Route, id: string): void {
  if (!path.includes('{id}') || OTHER_IDS.test(path) || JOB_ID.test(id)) return;
  throw badRequest('id', 'The id of a job has 24 hexadecimal characters');
}

function json(answer: unknown, status: number): Response {
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };
  return new Response(JSON.stringify(answer), { status, headers });
}

function unauthenticated(): ProblemError {
  const detail = 'It is not known who asks';
  const advice = 'Sign in to the application that this is part of.';
  return new ProblemError({ status: 401, code: 'UNAUTHENTICATED', detail, advice });
}

function notAllowed(): ProblemError {
  return new ProblemError({
    status: 405,
    code: 'METHOD_NOT_ALLOWED',
    detail: 'Not by this method',
  });
}
