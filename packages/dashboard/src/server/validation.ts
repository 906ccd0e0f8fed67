/**
 * Checks requests by the schemas of the route table.
 *
 * @module
 */
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import type { Route } from '../api/routes.ts';
import { ref, type Schema } from '../api/schema.ts';
import { SCHEMAS } from '../api/schemas.ts';
import { badRequest } from './problems.ts';

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;

/** True for a time that a `Date` can hold. */
export function isTime(text: string): boolean {
  return TIME.test(text) && !Number.isNaN(Date.parse(text));
}

/** Compiles what is asked for, once. */
export class Validation {
  readonly #ajv: Ajv2020;
  readonly #queries = new Map<Route, ValidateFunction>();

  constructor() {
    this.#ajv = new Ajv2020({ strict: false, formats: { 'date-time': isTime } });
    this.#ajv.addSchema({ $id: 'monque', components: { schemas: SCHEMAS } });
  }

  /** @throws a 400 that names the field */
  checkBody(name: string, body: unknown): void {
    const key = `monque${String(ref(name).$ref)}`;
    const validate = this.#ajv.getSchema(key) as ValidateFunction;
    if (!validate(body)) throw refusal('body', validate.errors);
  }

  /** @throws a 400 that names the parameter */
  checkQuery(route: Route, query: Readonly<Record<string, unknown>>): void {
    let validate = this.#queries.get(route);
    if (validate === undefined) {
      validate = this.#ajv.compile(querySchema(route));
      this.#queries.set(route, validate);
    }
    if (!validate(query)) throw refusal('query', validate.errors);
  }
}

function querySchema({ query = {}, queryPattern = {} }: Route): Schema {
  return {
    type: 'object',
    properties: query,
    patternProperties: queryPattern,
    additionalProperties: false,
  };
}

/** Of several errors the last is that of the whole: what came before are the parts that did not fit. */
function refusal(where: string, errors: ErrorObject[] | null | undefined): Error {
  const error = errors?.at(-1);
  const path = (error?.instancePath ?? '').replaceAll('/', '.').replace(/\.(\d+)/g, '[$1]');
  const more = fieldOf(error);
  const field = `${path}${more === undefined ? '' : `.${more}`}`.replace(/^\./, '');
  const name = field === '' ? where : field;
  return badRequest(name, `\`${name}\` ${saidOf(error)}`);
}

function fieldOf(error: ErrorObject | undefined): string | undefined {
  const { additionalProperty, missingProperty } = error?.params ?? {};
  return additionalProperty ?? missingProperty;
}

function saidOf(error: ErrorObject | undefined): string {
  if (error?.keyword === 'additionalProperties') return 'is not known here';
  if (error?.keyword === 'required') return 'is missing';
  if (error?.keyword === 'enum') {
    const values: readonly unknown[] = error.params.allowedValues;
    return `must be one of ${values.join(', ')}`;
  }
  if (error?.keyword === 'anyOf') return 'is none of what it may be';
  return error?.message ?? 'does not fit';
}
