import { computed, signal } from '@preact/signals';
import { PAGE_PREFIX } from '../../../src/api/paths.ts';

/** Where the dashboard is mounted, with a slash at its end; the server states it in the document. */
const BASE = new URL(document.baseURI);

/** Before every page but the first, so that the server finds its mount in any path. */
const PAGES = `${BASE.pathname}${PAGE_PREFIX}`;

interface Place {
  /** Below the mount, without a slash before it: `jobs/0123…`. */
  readonly path: string;
  readonly search: string;
}

const place = signal<Place>(here());

/** The path below the mount. */
export const path = computed(() => place.value.path);

/** What the URL says after the question mark. Read it; to change it, use {@link setParams}. */
export const params = computed(() => new URLSearchParams(place.value.search));

/** Grows with each move to another page, so that focus and scroll follow; not with a change of the filters. */
export const moves = signal(0);

/** Makes a link below the mount; a parameter that is empty or absent is left out. */
export function href(
  to: string,
  query: Readonly<Record<string, string | number | undefined>> = {},
): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') search.append(key, String(value));
  }
  const text = search.toString();
  return pageUrl(to, text);
}

/** Goes to a link that {@link href} made. */
export function go(link: string, options: { readonly replace?: boolean } = {}): void {
  const before = place.value.path;
  if (options.replace) history.replaceState(null, '', link);
  else history.pushState(null, '', link);
  place.value = here();
  if (place.value.path === before) return;
  scrollTo(0, 0);
  moves.value += 1;
}

/** Changes some parameters of the URL and keeps the others; the page stays. */
export function setParams(
  changes: Readonly<Record<string, string | undefined>>,
  options: { readonly replace?: boolean } = {},
): void {
  const next = new URLSearchParams(place.value.search);
  for (const [key, value] of Object.entries(changes)) {
    if (value === undefined || value === '') next.delete(key);
    else next.set(key, value);
  }
  const text = next.toString();
  go(pageUrl(place.value.path, text), options);
}

/** Follows links without loading the document again, and the buttons of the browser. */
export function startRouter(): void {
  addEventListener('popstate', () => {
    const before = place.value.path;
    place.value = here();
    if (place.value.path !== before) moves.value += 1;
  });
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element).closest('a');
    if (!link || link.target || link.hasAttribute('download')) return;
    const url = new URL(link.href);
    if (url.origin !== BASE.origin) return;
    if (url.pathname !== BASE.pathname && !url.pathname.startsWith(PAGES)) return;
    event.preventDefault();
    go(url.pathname + url.search);
  });
}

/** The address of something the server answers, such as `api/v1/jobs`. */
export function serverUrl(to: string): string {
  return BASE.pathname + to;
}

function here(): Place {
  const { pathname, search } = location;
  const below = pathname.startsWith(PAGES) ? pathname.slice(PAGES.length) : '';
  return { path: below.replace(/\/+$/, ''), search };
}

function pageUrl(to: string, search: string): string {
  return `${to === '' ? BASE.pathname : PAGES + to}${search && `?${search}`}`;
}
