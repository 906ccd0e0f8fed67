/**
 * The OpenAPI 3.1 document, made from the route table.
 *
 * @module
 */
import { TIME_HEADER } from './paths.ts';
import type { Route } from './route.ts';
import { PATH_PARAMETERS, ROUTE_LIST } from './routes.ts';
import { ref, type Schema, TIME, text } from './schema.ts';
import { SCHEMAS } from './schemas.ts';

/** The version of the API. */
const API_VERSION = '1.0.0';

/** Made once for a server. */
export function openApiOf(title: string): Schema {
  const paths: Record<string, Record<string, Schema>> = {};
  for (const [id, route] of ROUTE_LIST) {
    const path = `/${route.path}`;
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(id, route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title,
      version: API_VERSION,
      description: 'Jobs, why they are where they are, and what can be done about it.',
    },
    servers: [{ url: '.' }],
    paths,
    components: {
      schemas: SCHEMAS,
      responses: {
        NotModified: {
          description: 'Nothing but `at` is new since the answer with this `ETag`.',
          headers: { [TIME_HEADER]: { description: 'The new `at`.', schema: TIME } },
        },
        Problem: {
          description: 'It was not done, or it is not known whether it was: `code` says which.',
          content: { 'application/problem+json': { schema: ref('Problem') } },
        },
      },
    },
  };
}

function operationOf(operationId: string, route: Route): Schema {
  const { summary, cost, body, answer, status = 200 } = route;
  const content =
    typeof answer === 'string'
      ? { 'application/json': { schema: ref(answer) } }
      : { [answer.media]: { schema: { type: 'string' } } };
  return {
    operationId,
    summary,
    description: `Cost: ${cost}`,
    parameters: parametersOf(route),
    ...(body !== undefined && {
      requestBody: { required: true, content: { 'application/json': { schema: ref(body) } } },
    }),
    responses: {
      [String(status)]: { description: summary, content },
      ...(isTagged(route) && { '304': { $ref: '#/components/responses/NotModified' } }),
      default: { $ref: '#/components/responses/Problem' },
    },
  };
}

/** What is read as JSON bears a tag. */
function isTagged({ method, answer }: Route): boolean {
  return method === 'GET' && typeof answer === 'string';
}

function parametersOf(route: Route): Schema[] {
  const { path, query = {}, queryPattern = {}, idempotent } = route;
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => ({
    ...{ name, in: 'path', required: true },
    schema: PATH_PARAMETERS[name],
  }));
  const inQuery = Object.entries(query).map(([name, schema]) => ({ name, in: 'query', schema }));
  const byPattern = Object.values(queryPattern).map((schema) => ({
    ...{ name: 'meta', in: 'query', style: 'form', explode: true },
    schema: { type: 'object', additionalProperties: schema },
  }));
  const key = { name: 'Idempotency-Key', in: 'header', schema: text(256) };
  const tag = { name: 'If-None-Match', in: 'header', schema: text(8_000) };
  return [
    ...[...inPath, ...inQuery, ...byPattern],
    ...(idempotent ? [key] : []),
    ...(isTagged(route) ? [tag] : []),
  ];
}
