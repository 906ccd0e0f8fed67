/**
 * Checks requests by the schemas of the route table.
 *
 * @module
 */
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import type { Route } from '../api/route.ts';
import { ref, type Schema } from '../api/schema.ts';
import { SCHEMAS } from '../api/schemas.ts';
import { badRequest } from './problems.ts';

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;

/** True for a time that a `Date` can hold. */
export function isTime(text: string): boolean {
  return TIME.test(text) && !Number.isNaN(Date.parse(text));
}

/** Compiles what is asked for, once. It holds nothing of a dashboard, so all in a process share one. */
export class Validation {
  static #shared: Validation | undefined;

  readonly #ajv: Ajv2020;
  readonly #queries = new Map<Route, ValidateFunction>();

  /** Made with the first dashboard: to read the schemas takes longer than all else that one needs. */
  static get shared(): Validation {
    Validation.#shared ??= new Validation();
    return Validation.#shared;
  }

  private constructor() {
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
function refusal(where: string, errors: ValidateFunction['errors']): Error {
  const error = (errors as ErrorObject[]).at(-1) as ErrorObject;
  const path = error.instancePath.replaceAll('/', '.').replace(/\.(\d+)/g, '[$1]');
  const more = fieldOf(error);
  const field = `${path}${more === undefined ? '' : `.${more}`}`.replace(/^\./, '');
  const name = field === '' ? where : field;
  return badRequest(name, `\`${name}\` ${saidOf(error)}`);
}

function fieldOf({ params }: ErrorObject): string | undefined {
  const { additionalProperty, missingProperty } = params;
  return additionalProperty ?? missingProperty;
}

function saidOf({ keyword, params, message }: ErrorObject): string {
  if (keyword === 'additionalProperties') return 'is not known here';
  if (keyword === 'required') return 'is missing';
  if (keyword === 'enum') {
    const values: readonly unknown[] = params.allowedValues;
    return `must be one of ${values.join(', ')}`;
  }
  if (keyword === 'anyOf') return 'is none of what it may be';
  return String(message);
}
