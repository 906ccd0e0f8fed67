import type { Route } from '../src/api/route.ts';
import { ROUTE_LIST, type RouteId } from '../src/api/routes.ts';
import type { Asking } from './dashboards.ts';

/** The password of an address that no answer may show. */
export const SECRET = 'hunter2-s3cret';
/** An address with it. */
export const ADDRESS: string = `mongodb://admin:${SECRET}@db.internal:27017/jobs`;
/** The id of no job. */
export const NOBODY = '64b0c0ffee64b0c0ffee64b0';

/** A body that fits the route, so that nothing but rights refuses it. */
export const BODIES: Readonly<Record<string, unknown>> = {
  NameRequest: { name: 'mail' },
  EnqueueRequest: { name: 'mail' },
  CancelRequest: {},
  RescheduleRequest: { runAt: '2030-01-01T00:00:00Z' },
  MetadataRequest: { changes: { a: 1 } },
  OpenGateRequest: { gate: 'g', evidence: 1 },
  PreviewRequest: { kind: 'cancel', filter: { name: 'mail' } },
  OperationRequest: { kind: 'retry', filter: { all: true } },
  LimitRequest: { key: 'api', concurrency: 1 },
  GroupRequest: { name: 'mail', group: 'acme', paused: true },
  ReasonRequest: {},
  SeriesRequest: { name: 'mail', cron: '0 * * * *' },
};

/** A route with a request that it takes. */
export interface AskedRoute {
  readonly routeId: RouteId;
  readonly route: Route;
  readonly path: string;
  readonly asking: Asking;
}

/** Every route. */
export function everyRoute(id: string): readonly AskedRoute[] {
  return ROUTE_LIST.map(([routeId, route]) => ({
    routeId,
    route,
    path: route.path.replace('{id}', id),
    asking: {
      method: route.method,
      ...(route.body !== undefined && { json: BODIES[route.body] }),
    },
  }));
}
