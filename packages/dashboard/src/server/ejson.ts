/**
 * Stored values as extended JSON, and back.
 *
 * What always holds: what BSON can hold comes back as it was, 64-bit integers, decimals, dates and binaries included;
 * a key is never more than a key, `__proto__` and its like too; and no value makes it throw.
 *
 * @module
 */
import { BSON } from 'mongodb';
import type { Ejson } from '../api/types.ts';
import { masked } from './masking.ts';
import { badRequest } from './problems.ts';

/** Values are nested at most so deep; what lies deeper was written by other tools. */
const DEEPEST = 120;

const TOO_DEEP: Ejson = { $undecodable: 'It is nested too deep to be shown' };

/** Where a value was taken out. */
export const REDACTED: Ejson = { $redacted: true };

/** Sees every field of an object on its way out; gives {@link REDACTED}, or nothing to let it pass. */
export type SeeField = (key: string) => Ejson | undefined;

/** A stored value as extended JSON. */
export function toEjson(value: unknown, see: SeeField, depth = 0): Ejson {
  if (depth > DEEPEST) return TOO_DEEP;
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      return isPlain(value) ? value : { $numberDouble: Object.is(value, -0) ? '-0.0' : `${value}` };
    case 'bigint':
      return { $numberLong: value.toString() };
    case 'object':
      return value === null ? null : objectToEjson(value, see, depth);
    default:
      return null;
  }
}

function isPlain(value: number): boolean {
  return Number.isFinite(value) && !Object.is(value, -0);
}

function objectToEjson(value: object, see: SeeField, depth: number): Ejson {
  if (value instanceof Error) return { $undecodable: masked(value.message) };
  if (Array.isArray(value)) return value.map((item) => toEjson(item, see, depth + 1));
  if (value instanceof Date) return dateToEjson(value);
  if (value instanceof Uint8Array) {
    return { $binary: { base64: Buffer.from(value).toString('base64'), subType: '00' } };
  }
  if (value instanceof RegExp) {
    return { $regularExpression: { pattern: value.source, options: bsonFlags(value) } };
  }
  if ('_bsontype' in value && typeof value._bsontype === 'string') return bsonToEjson(value);
  return fieldsToEjson(Object.entries(value), see, depth);
}

function fieldsToEjson(
  fields: readonly (readonly [string, unknown])[],
  see: SeeField,
  depth: number,
): Ejson {
  const out: Record<string, Ejson> = Object.create(null);
  for (const [key, field] of fields) {
    if (field !== undefined) out[key] = see(key) ?? toEjson(field, see, depth + 1);
  }
  return out;
}

function dateToEjson(date: Date): Ejson {
  const ms = date.getTime();
  if (Number.isNaN(ms)) return { $undecodable: 'A time that cannot be read' };
  const year = date.getUTCFullYear();
  const isCommon = year >= 1970 && year <= 9_999;
  return { $date: isCommon ? date.toISOString() : { $numberLong: `${ms}` } };
}

/** Letters that MongoDB knows, in its order. */
function bsonFlags({ flags }: RegExp): string {
  return [...flags]
    .filter((flag) => 'imsux'.includes(flag))
    .sort()
    .join('');
}

function bsonToEjson(value: object): Ejson {
  try {
    return BSON.EJSON.serialize(value, { relaxed: false }) as Ejson;
  } catch {
    return { $undecodable: 'A value of another version of BSON' };
  }
}

/**
 * The value that extended JSON stands for.
 *
 * @throws a 400 naming the field, for what stands for no value
 */
export function fromEjson(field: string, given: unknown, depth = 0): unknown {
  if (depth > DEEPEST) throw badRequest(field, `\`${field}\` is nested too deep`);
  if (typeof given !== 'object' || given === null) return given;
  if (Array.isArray(given)) {
    return given.map((item, index) => fromEjson(`${field}[${index}]`, item, depth + 1));
  }
  const entries = Object.entries(given);
  const [kind = ''] = Object.keys(given);
  if (entries.length === 1 && isForm(kind)) return typedValue(field, given, kind);
  const out = {};
  for (const [key, value] of entries) {
    const read = fromEjson(`${field}.${key}`, value, depth + 1);
    // A plain assignment would make `__proto__` more than a key.
    const shape = { value: read, enumerable: true, writable: true, configurable: true };
    Object.defineProperty(out, key, shape);
  }
  return out;
}

const NOT_VALUES: Readonly<Record<string, string>> = {
  $redacted: 'was taken out where it came from, and is no value',
  $undecodable: 'could not be read where it came from, and is no value',
};

const FORMS = new Set([
  ...['$numberInt', '$numberLong', '$numberDouble', '$numberDecimal', '$date', '$oid', '$binary'],
  ...['$regularExpression', '$timestamp', '$minKey', '$maxKey', '$uuid', '$symbol'],
]);

/** Other keys that begin with `$` are data like any. */
function isForm(key: string): boolean {
  return FORMS.has(key) || Object.hasOwn(NOT_VALUES, key);
}

function typedValue(field: string, given: object, kind: string): unknown {
  if (Object.hasOwn(NOT_VALUES, kind)) {
    throw badRequest(field, `\`${field}\` ${NOT_VALUES[kind]}`);
  }
  try {
    return plainValue(BSON.EJSON.deserialize(given, { relaxed: false }));
  } catch {
    throw badRequest(field, `\`${field}\` is no valid ${kind} of extended JSON`);
  }
}

/** As the library gives values to handlers: bigints and buffers. */
function plainValue(value: unknown): unknown {
  // A timestamp is a kind of long to the driver.
  const isLong = value instanceof BSON.Long && !(value instanceof BSON.Timestamp);
  if (isLong) return value.toBigInt();
  if (value instanceof BSON.Int32 || value instanceof BSON.Double) return value.valueOf();
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw new TypeError('An invalid date');
    return value;
  }
  if (value instanceof BSON.Binary && value.sub_type === 0) return Buffer.from(value.value());
  return value;
}
