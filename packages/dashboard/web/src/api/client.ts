import { TIME_HEADER } from '../../../src/api/paths.ts';
import type { Problem } from '../../../src/api/types.ts';
import { learnTime } from '../app/clock.ts';
import { serverUrl } from '../app/router.ts';

/** What the server, or the way to it, answered in place of what was asked for. */
export class ProblemError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail || problem.title);
    this.problem = problem;
  }

  /** True where the server itself, or its database, was not reached: the same may work later. */
  get isOutage(): boolean {
    return this.problem.status === 0 || this.problem.status === 503;
  }
}

export type Query = Readonly<
  Record<string, string | number | boolean | undefined | readonly string[]>
>;

/** An address of the API; lists become repeated parameters. */
export function apiUrl(to: string, query: Query = {}): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value === undefined || value === '') continue;
    for (const item of Array.isArray(value) ? value : [value]) search.append(key, String(item));
  }
  const text = search.toString();
  return serverUrl(`api/v1/${to}${text && `?${text}`}`);
}

interface CallOptions {
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Asks for an answer, or has something done; throws a {@link ProblemError}. */
export async function call<T>(
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  url: string,
  options: CallOptions = {},
): Promise<T> {
  const had = method === 'GET' ? kept.get(url) : undefined;
  const response = await send(method, url, {
    ...options,
    headers: { ...options.headers, ...(had && { 'if-none-match': had.tag }) },
  });
  const text = await response.text();
  const isSame = had !== undefined && response.status === 304;
  const answer = isSame ? withTimeOf(response, had.answer) : parsed(text);
  if (!response.ok && !isSame) throw new ProblemError(problemOf(response, answer));
  if (method === 'GET') keep(url, response.headers.get('etag') ?? '', answer);
  learnTime((answer as { at?: string } | undefined)?.at);
  return answer as T;
}

const MOST_KEPT = 60;

/** The last answers by address: a page that is come back to stands there at once, and only what is new is sent. */
const kept = new Map<string, { readonly tag: string; readonly answer: unknown }>();

function keep(url: string, tag: string, answer: unknown): void {
  kept.delete(url);
  kept.set(url, { tag, answer });
  const [oldest] = kept.keys();
  if (kept.size > MOST_KEPT && oldest !== undefined) kept.delete(oldest);
}

/** What an address answered last, where that is known. */
export function lastAnswer<T>(url: string | undefined): T | undefined {
  return url === undefined ? undefined : (kept.get(url)?.answer as T | undefined);
}

/** What was answered before, as of now. */
function withTimeOf({ headers }: Response, answer: unknown): unknown {
  const at = headers.get(TIME_HEADER);
  return at === null ? answer : { ...Object(answer), at };
}

async function send(
  method: string,
  url: string,
  { body, signal, headers }: CallOptions,
): Promise<Response> {
  try {
    return await fetch(url, {
      method,
      headers: {
        accept: 'application/json',
        'x-monque': 'dashboard',
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(signal && { signal }),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ProblemError({
      type: 'about:blank',
      title: 'No answer',
      status: 0,
      code: 'NO_ANSWER',
      detail: 'The server of this dashboard does not answer.',
      advice: 'It is asked again by itself. Is the process still running, and the network up?',
    });
  }
}

function parsed(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

function problemOf(response: Response, answer: unknown): Problem {
  const described = answer as Partial<Problem> | undefined;
  return {
    type: 'about:blank',
    title: response.statusText || `Status ${response.status}`,
    code: 'NO_PROBLEM_DOCUMENT',
    detail: `The server answered with status ${response.status} and did not say why.`,
    ...described,
    status: response.status,
  };
}

export const get = <T>(to: string, query?: Query, signal?: AbortSignal): Promise<T> =>
  call<T>('GET', apiUrl(to, query), { signal });

export const post = <T>(to: string, body: unknown = {}): Promise<T> =>
  call<T>('POST', apiUrl(to), { body });
