/**
 * Refuses what other sites make a browser send. There is no cookie, session or token of the dashboard's own: the host
 * decides who asks, and a browser says for whom it asks.
 *
 * @module
 */
import { forbidden, ProblemError } from './problems.ts';

/** @throws a 403 for a request that another site caused, and a 415 for a change that a plain form could send */
export function checkOrigin(request: Request, changes: boolean): void {
  const { headers } = request;
  const site = headers.get('sec-fetch-site');
  if (site === 'cross-site' || site === 'same-site') throw crossSite(`it is ${site}`);
  if (!changes) return;
  const origin = headers.get('origin');
  // A browser that says itself that it is the same origin knows better than what a proxy made of the host.
  if (origin !== null && site !== 'same-origin' && !isSameHost(origin, request)) {
    throw crossSite(`its origin is ${origin.slice(0, 100)}`);
  }
  if (!isDeliberate(headers)) throw notJson();
}

function isSameHost(origin: string, { headers, url }: Request): boolean {
  if (!URL.canParse(origin)) return false;
  const { host } = new URL(origin);
  return host === (headers.get('host') ?? new URL(url).host);
}

/** What a form cannot send without asking first. */
function isDeliberate(headers: Headers): boolean {
  const type = (headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase();
  return headers.has('x-monque') || type === 'application/json';
}

function crossSite(why: string): ProblemError {
  const advice = 'A proxy in front must keep the header `Host`.';
  return forbidden('CROSS_SITE', `The request comes from another site: ${why}`, advice);
}

function notJson(): ProblemError {
  const detail = 'A change needs the content type `application/json`, or the header `X-Monque`';
  return new ProblemError({ status: 415, code: 'NOT_JSON', detail });
}
