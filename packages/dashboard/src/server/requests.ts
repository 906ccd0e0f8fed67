/**
 * Reads the query and the body of a request, as the route table describes them.
 *
 * @module
 */
import type { Route } from '../api/route.ts';
import type { Schema } from '../api/schema.ts';
import { badRequest, ProblemError } from './problems.ts';

/** The most bytes of a body. */
const MOST_BODY_BYTES: number = 16 * 1_048_576;

/** The parameters of a query, in the types that the table says; unknown ones stay for the check to refuse. */
export function readQuery(route: Route, params: URLSearchParams): Record<string, unknown> {
  const query: Record<string, unknown> = Object.create(null);
  for (const name of new Set(params.keys())) {
    query[name] = parsed(params.getAll(name), route.query?.[name]);
  }
  return query;
}

function parsed(given: readonly string[], schema: Schema | undefined): unknown {
  if (schema?.type === 'array') return given;
  const [only = ''] = given;
  if (given.length > 1) return given;
  if (schema?.type === 'integer' && /^-?\d{1,15}$/.test(only)) return Number(only);
  if (schema?.type === 'boolean' && (only === 'true' || only === 'false')) return only === 'true';
  return only;
}

/** The body as JSON; an empty object when there is none. */
export async function readBody(request: Request): Promise<unknown> {
  const bytes = await readBytes(request);
  if (bytes.length === 0) return {};
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    throw badRequest('body', 'The body is no JSON');
  }
}

async function readBytes({ body, headers }: Request): Promise<Buffer> {
  if (Number(headers.get('content-length')) > MOST_BODY_BYTES) throw tooLarge();
  if (body === null) return Buffer.alloc(0);
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await read(reader);
    if (done) return Buffer.concat(chunks);
    size += value.length;
    if (size > MOST_BODY_BYTES) {
      await reader.cancel();
      throw tooLarge();
    }
    chunks.push(value);
  }
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;

/** A client that goes away in the middle is no error of the server. */
async function read(reader: Reader): Promise<ReturnType<Reader['read']>> {
  try {
    return await reader.read();
  } catch {
    throw badRequest('body', 'The body ended before its end');
  }
}

function tooLarge(): ProblemError {
  const detail = `The body takes more than ${MOST_BODY_BYTES} bytes`;
  return new ProblemError({ status: 413, code: 'TOO_LARGE', detail });
}
