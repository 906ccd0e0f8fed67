/**
 * What was read before and has not changed is not sent again: `ETag` and `If-None-Match`.
 *
 * What always holds: an answer of the API is compared without the time that it was given at, which is new each time and
 * stands in a header of its own where nothing else is sent.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { TIME_HEADER } from '../api/paths.ts';

/** A tag for a content. */
export function tagOf(content: string): string {
  return `"${createHash('sha256').update(content).digest('base64url')}"`;
}

/** True when the asker has what bears the tag, however proxies on the way have marked it. */
export function isHad(request: Request, tag: string): boolean {
  const had = request.headers.get('if-none-match');
  if (had === null) return false;
  return had.split(',').some((entry) => {
    const given = entry.trim();
    return given === '*' || given.replace(/^W\//, '') === tag;
  });
}

/** An answer to a question that changes nothing: 304 where only its time is new. */
export function readAnswer(request: Request, answer: unknown): Response {
  const { at, ...rest } = Object(answer) as { readonly at?: string };
  const tag = tagOf(JSON.stringify(rest));
  // Weak, since the time is not compared. Jobs are no matter for the caches of browsers and proxies.
  const headers = { etag: `W/${tag}`, 'cache-control': 'no-store' };
  if (isHad(request, tag)) {
    return new Response(null, {
      status: 304,
      headers: { ...headers, ...(at && { [TIME_HEADER]: at }) },
    });
  }
  return new Response(JSON.stringify(answer), {
    headers: { ...headers, 'content-type': 'application/json' },
  });
}
