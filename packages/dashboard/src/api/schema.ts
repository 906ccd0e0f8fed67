/**
 * Short words for JSON Schema literals: the one source of what requests are checked by and of the OpenAPI document.
 *
 * @module
 */

/** A JSON Schema of the draft 2020-12, as OpenAPI 3.1 has it. */
export interface Schema {
  readonly [keyword: string]: unknown;
}

type Fields = Readonly<Record<string, Schema>>;

/** An object of exactly these fields. */
export function object(required: Fields, optional: Fields = {}): Schema {
  return {
    type: 'object',
    properties: { ...required, ...optional },
    ...(Object.keys(required).length > 0 && { required: Object.keys(required) }),
    additionalProperties: false,
  };
}

/** A list. */
export function list(items: Schema, more: Schema = {}): Schema {
  return { type: 'array', items, ...more };
}

/** An object whose keys are not known. */
export function record(values: Schema): Schema {
  return { type: 'object', additionalProperties: values };
}

/** One of these texts. */
export function oneOf(...values: readonly string[]): Schema {
  return { type: 'string', enum: values };
}

/** A text of so many characters. */
export function text(maxLength: number, minLength = 1): Schema {
  return { type: 'string', minLength, maxLength };
}

/** An integer between these. */
export function integer(minimum: number, maximum: number): Schema {
  return { type: 'integer', minimum, maximum };
}

/** A named schema of the document. */
export function ref(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` };
}

/** The same schema with a description. */
export function described(schema: Schema, description: string): Schema {
  return { ...schema, description };
}

/** One value or a list of them. */
export function oneOrMany(item: Schema, maxItems: number): Schema {
  return { anyOf: [item, list(item, { minItems: 1, maxItems })] };
}

export const STRING: Schema = { type: 'string' };
export const NUMBER: Schema = { type: 'number' };
export const COUNT: Schema = { type: 'integer', minimum: 0 };
export const BOOLEAN: Schema = { type: 'boolean' };
export const TIME: Schema = { type: 'string', format: 'date-time' };
export const ID: Schema = { type: 'string', pattern: '^[0-9a-fA-F]{24}$' };
/** Extended JSON: whatever JSON can say. */
export const EJSON: Schema = {};
export const METADATA: Schema = { type: 'object', additionalProperties: EJSON };
