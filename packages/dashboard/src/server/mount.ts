/**
 * Finds in the path of a request where the dashboard is mounted, and what is asked for below.
 *
 * What always holds: it depends on the path alone, so it is right whether a framework or a proxy strips the prefix or
 * keeps it; and what it makes of the path is always relative, so it never leads to another host.
 *
 * @module
 */
import { API_PREFIX, ASSET_PREFIX, PAGE_PREFIX } from '../api/paths.ts';

/** What a path asks for. */
export type Place =
  | { readonly kind: 'api'; readonly path: string }
  | { readonly kind: 'asset'; readonly path: string }
  | { readonly kind: 'page'; readonly base: string }
  /** The mount itself without its slash: relative addresses would lead beside it. */
  | { readonly kind: 'bare'; readonly to: string };

const MARKERS = [
  { kind: 'api', marker: `/${API_PREFIX}` },
  { kind: 'asset', marker: `/${ASSET_PREFIX}` },
  { kind: 'page', marker: `/${PAGE_PREFIX}` },
] as const;

/** What the path asks for: the last marker in it decides. */
export function placeOf(pathname: string): Place {
  const found = MARKERS.map((row) => ({ ...row, at: pathname.lastIndexOf(row.marker) }));
  const last = found.reduce((best, row) => (row.at > best.at ? row : best));
  const below = pathname.slice(last.at + last.marker.length);
  if (last.at < 0) return atMount(pathname);
  if (last.kind === 'page') return { kind: 'page', base: '../'.repeat(below.split('/').length) };
  return { kind: last.kind, path: last.kind === 'asset' ? `${ASSET_PREFIX}${below}` : `/${below}` };
}

function atMount(pathname: string): Place {
  if (pathname.endsWith('/')) return { kind: 'page', base: './' };
  return { kind: 'bare', to: `./${pathname.slice(pathname.lastIndexOf('/') + 1)}/` };
}
