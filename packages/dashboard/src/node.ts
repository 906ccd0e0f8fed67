/**
 * Mounts a dashboard in what runs on Node.js: Express, Connect, NestJS, Ts.ED, Koa, Fastify, and plain `http`.
 *
 * Nothing of these is imported, and no global is replaced.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import type { DashboardHandler } from './dashboard.ts';

/** Answers requests of `http`, Express, Connect, NestJS and Ts.ED. Never rejects. */
export type NodeListener = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** What frameworks add to a request. */
interface Adorned extends IncomingMessage {
  originalUrl?: string;
  body?: unknown;
  rawBody?: unknown;
}

/**
 * A listener for `http.createServer`, `app.use(path, ...)` of Express 4 and 5, NestJS and Ts.ED, and middie.
 *
 * It takes the body as it is, or parsed already by others.
 */
export function toNodeListener(dashboard: DashboardHandler): NodeListener {
  const listen = getRequestListener((request) => dashboard(request), {
    overrideGlobalObjects: false,
    errorHandler: () => new Response(null, { status: 400 }),
  });
  return async (request, response) => {
    const to = bareMount(request);
    if (to !== undefined) {
      response.writeHead(302, { location: to, 'cache-control': 'no-store' }).end();
      return;
    }
    restoreBody(request);
    await listen(request, response);
  };
}

/** Where to go from a mount without its slash: a framework that strips the prefix shows it as `/`. */
function bareMount({ originalUrl = '', url = '' }: Adorned): string | undefined {
  const [path = '', query] = originalUrl.split('?', 2);
  const isRoot = url === '' || url === '/' || url.startsWith('/?') || url.startsWith('?');
  if (!isRoot || path === '' || path.endsWith('/')) return undefined;
  const name = path.slice(path.lastIndexOf('/') + 1);
  return `./${name}/${query === undefined ? '' : `?${query}`}`;
}

/** What was read by a parser is given back as it was. */
function restoreBody(request: Adorned): void {
  const { body, rawBody } = request;
  if (rawBody instanceof Buffer || body === undefined || !request.readableDidRead) return;
  if (Buffer.isBuffer(body)) request.rawBody = body;
  else if (typeof body === 'string') request.rawBody = Buffer.from(body);
  else request.rawBody = Buffer.from(JSON.stringify(body));
}

/** What a middleware of Koa needs of its context. */
export interface KoaContext {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly originalUrl: string;
  readonly request: object;
  respond?: boolean;
}

/** A middleware for Koa, to be mounted with `koa-mount`. */
export function toKoaMiddleware(
  dashboard: DashboardHandler,
): (context: KoaContext) => Promise<void> {
  const listen = toNodeListener(dashboard);
  return async (context) => {
    context.respond = false;
    const request: Adorned = context.req;
    request.originalUrl ??= context.originalUrl;
    request.body ??= Reflect.get(context.request, 'body');
    await listen(request, context.res);
  };
}

/** What a plugin needs of Fastify. */
export interface FastifyLike {
  removeAllContentTypeParsers(): unknown;
  addContentTypeParser(
    type: string,
    options: object,
    parse: (request: never, payload: never, done: (error: null) => void) => void,
  ): unknown;
  all(
    path: string,
    handle: (
      request: { readonly raw: IncomingMessage; readonly body?: unknown },
      reply: { readonly raw: ServerResponse; hijack(): unknown },
    ) => unknown,
  ): unknown;
}

/** A plugin for Fastify: `app.register(toFastifyPlugin(dashboard), { prefix: '/admin/jobs' })`. */
export function toFastifyPlugin(dashboard: DashboardHandler): (app: FastifyLike) => Promise<void> {
  const listen = toNodeListener(dashboard);
  return async (app) => {
    // The body is left as it is, in this scope alone.
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', {}, (_request, _payload, done) => done(null));
    for (const path of ['/', '/*']) {
      app.all(path, async (request, reply) => {
        reply.hijack();
        await listen(request.raw, reply.raw);
      });
    }
  };
}
