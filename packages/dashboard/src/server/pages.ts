/**
 * Serves the pages from the generated module. Nothing is read from a disk.
 *
 * @module
 */
import type { Asset, Assets } from '../pages/asset.ts';
import { isHad, tagOf } from './conditional.ts';

/** What the pages may do: nothing from elsewhere, and no script or style in the page itself. */
const CONTENT_SECURITY_POLICY: string = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'self'",
  "form-action 'self'",
  "frame-ancestors 'self'",
].join('; ');

const YEAR_S = 31_536_000;

/** What every answer bears. */
export const COMMON_HEADERS: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
};

/** The page shell, with the way from the asked path back to the mount. */
export function shell(assets: Assets, base: string, request: Request): Response {
  const index = assets['index.html'];
  const html = index === undefined ? NOT_BUILT : textOf(index);
  const body = html
    .replace(/<base\b[^>]*>/i, '')
    .replace(/<head\b[^>]*>/i, (head) => `${head}<base href="${base}">`);
  const headers = {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-cache',
    'content-security-policy': CONTENT_SECURITY_POLICY,
  };
  const etag = tagOf(body);
  if (index === undefined) return new Response(body, { status: 503, headers });
  return isHad(request, etag)
    ? new Response(null, { status: 304, headers: { ...headers, etag } })
    : new Response(body, { headers: { ...headers, etag } });
}

const NOT_BUILT =
  '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Monque</title></head>' +
  '<body><p>The pages were not built into this package. The API works.</p></body></html>';

/** A file of the pages; undefined when there is none. */
export function asset(assets: Assets, path: string, request: Request): Response | undefined {
  if (!Object.hasOwn(assets, path)) return undefined;
  const file = assets[path] as Asset;
  const etag = `"${file.hash}"`;
  const headers = {
    etag,
    'content-type': file.type,
    'cache-control': `private, max-age=${YEAR_S}, immutable`,
  };
  return isHad(request, etag)
    ? new Response(null, { status: 304, headers })
    : new Response(bytesOf(file), { headers });
}

function textOf({ encoding, body }: Asset): string {
  return encoding === 'utf8' ? body : Buffer.from(body, 'base64').toString('utf8');
}

function bytesOf({ encoding, body }: Asset): string | Uint8Array<ArrayBuffer> {
  return encoding === 'utf8' ? body : new Uint8Array(Buffer.from(body, 'base64'));
}
