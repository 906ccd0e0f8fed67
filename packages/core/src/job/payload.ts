/**
 * What the `data` of a job may hold, and how it is copied.
 *
 * The copy is taken at the call: what the caller changes later does not reach the job, and a value that cannot be
 * stored is refused there, alone, by its path. `docs/getting-started/configuration.md` has the table.
 *
 * @module
 */
import { types } from 'node:util';
import { BSON } from 'mongodb';
import { checkWellFormed } from '../foundation/argument-checks.ts';
import { InvalidArgumentError, messageOf, toError } from '../foundation/errors.ts';
import { isDate, isError, isPlainObject, isValidDate } from '../foundation/kinds.ts';

/** How deep objects and arrays may be nested. MongoDB refuses documents deeper than 200 in any part of its work. */
export const DEEPEST_NESTING = 100;

/** The BSON options of every read and write of a job: a bigint and a Buffer come back as they went in. */
export const BSON_OPTIONS = {
  useBigInt64: true,
  promoteBuffers: true,
  promoteValues: true,
  promoteLongs: true,
  ignoreUndefined: true,
  serializeFunctions: false,
  bsonRegExp: false,
  raw: false,
} as const;

/** The most bytes that one value of a job may be allowed, so that MongoDB, which takes 16 MiB, takes the job. */
export const LARGEST_PAYLOAD_BYTES: number = 15 * 1_048_576;

const BSON_VERSION = Symbol.for('@@mdb.bson.version');
const SMALLEST_INT64 = -(2n ** 63n);
const LARGEST_INT64 = 2n ** 63n - 1n;

/** The major version of the BSON library that this package loaded. */
export function bsonMajorVersion(): number {
  return bsonVersionOf(new BSON.ObjectId()) as number;
}

/** The major version of the BSON library a value comes from; undefined for a value that is no BSON type. */
export function bsonVersionOf(value: object): unknown {
  return Reflect.get(value, BSON_VERSION);
}

function bsonTypeOf(value: object): unknown {
  return Reflect.get(value, '_bsontype');
}

/** How many bytes of BSON a value takes, as the one field of a document. */
export function bytesOfPayload(value: unknown): number {
  return BSON.calculateObjectSize({ value }, { ignoreUndefined: true });
}

/**
 * Copies a value that is to be stored.
 *
 * @param field - what the value is called in errors, such as `data`
 * @param bound - the option that sets the bound, as it is shown in errors
 * @throws InvalidArgumentError naming the path of what cannot be stored, or the size when it is too large
 */
export function copyPayload(
  field: string,
  value: unknown,
  maxBytes: number,
  bound = ' (`maxPayloadSize`)',
): unknown {
  const copy = copyValue(field, value, []);
  if (copy === undefined) return undefined;
  const bytes = bytesOfPayload(copy);
  if (bytes > maxBytes) {
    throw new InvalidArgumentError(
      field,
      `at most ${maxBytes} bytes of BSON${bound}`,
      bytes,
      'keep large content elsewhere and enqueue a reference to it',
    );
  }
  return copy;
}

/** What a getter, a `toBSON` or a revoked proxy throws is refused by its path like any other value. */
function copyValue(path: string, value: unknown, ancestors: readonly object[]): unknown {
  try {
    return copyOf(path, value, ancestors);
  } catch (thrown) {
    if (thrown instanceof InvalidArgumentError) throw thrown;
    const why = messageOf(toError(thrown));
    throw new InvalidArgumentError(path, 'a value that can be read', value, why);
  }
}

function copyOf(path: string, value: unknown, ancestors: readonly object[]): unknown {
  switch (typeof value) {
    case 'string':
      checkWellFormed(path, value);
      return value;
    case 'number':
    case 'boolean':
    case 'undefined':
      return value;
    case 'bigint':
      return checkedBigInt(path, value);
    case 'object':
      return value === null ? null : copyObject(path, value, ancestors);
    default:
      throw new InvalidArgumentError(path, 'a value that BSON can hold', value);
  }
}

function checkedBigInt(path: string, value: bigint): bigint {
  if (value >= SMALLEST_INT64 && value <= LARGEST_INT64) return value;
  throw new InvalidArgumentError(
    path,
    'a bigint of at most 64 bits',
    value,
    'store it as a string',
  );
}

function copyObject(path: string, value: object, ancestors: readonly object[]): unknown {
  if (ancestors.includes(value)) {
    throw new InvalidArgumentError(path, 'a value without circular references', value);
  }
  if (ancestors.length >= DEEPEST_NESTING) {
    throw new InvalidArgumentError(path, `nested at most ${DEEPEST_NESTING} levels deep`, value);
  }
  if (isDate(value)) return copyDate(path, value);
  if (types.isRegExp(value)) return copyRegExp(path, value);
  if (types.isUint8Array(value)) return Buffer.from(value);
  if ('_bsontype' in value) return checkedBsonType(path, value);
  const nextAncestors = [...ancestors, value];
  if (Array.isArray(value)) return copyArray(path, value, nextAncestors);
  refuseLossyObject(path, value);
  if ('toBSON' in value && typeof value.toBSON === 'function') {
    return copyValue(path, value.toBSON(), nextAncestors);
  }
  return copyPlainObject(path, value, nextAncestors);
}

function copyDate(path: string, value: Date): Date {
  if (isValidDate(value)) return new Date(value.getTime());
  throw new InvalidArgumentError(path, 'a valid Date', value);
}

/** Other flags would be lost without a word, and what BSON holds of a pattern ends at a NUL character. */
function copyRegExp(path: string, value: RegExp): RegExp {
  if (!/^[gim]*$/.test(value.flags)) {
    const expected = 'a RegExp with no other flags than g, i and m';
    throw new InvalidArgumentError(path, expected, value.flags);
  }
  checkPattern(path, value.source);
  return new RegExp(value.source, value.flags);
}

/** A BSON type of another major version would be refused by the driver in the middle of a batch. */
function checkedBsonType(path: string, value: object): object {
  const version = bsonVersionOf(value);
  if (version === bsonMajorVersion()) return writableBsonType(path, value);
  throw new InvalidArgumentError(
    path,
    `a BSON value of major version ${bsonMajorVersion()}`,
    value,
    `it comes from version ${version}; install one version of mongodb`,
  );
}

/** A value of BSON's own may have been changed since it was made, or hold code with a scope that has anything in it. */
function writableBsonType(path: string, value: object): object {
  if (value instanceof BSON.Long) checkLong(path, value);
  for (const text of textsOf(value)) checkWellFormed(path, text);
  try {
    // What is too large is reported with its size.
    if (bytesOfPayload(value) <= LARGEST_PAYLOAD_BYTES) BSON.serialize({ value });
    return value;
  } catch (error) {
    const why = `the driver says: ${messageOf(toError(error))}`;
    throw new InvalidArgumentError(path, 'a value that BSON can hold', value, why);
  }
}

/** The texts of a RegExp, a Code, a Symbol or a DBRef, and whatever is nested in it. */
function textsOf(value: unknown, depth = 0): readonly string[] {
  if (typeof value === 'string') return [value];
  const isNested = typeof value === 'object' && value !== null && !ArrayBuffer.isView(value);
  if (!isNested || depth > DEEPEST_NESTING) return [];
  return Object.entries(value).flatMap(([key, item]) => [key, ...textsOf(item, depth + 1)]);
}

function checkLong(path: string, value: BSON.Long): void {
  const isTimestamp = bsonTypeOf(value) === 'Timestamp';
  if (isTimestamp || !value.unsigned || value.high >= 0) return;
  const expected = 'a Long of at most 63 bits, since MongoDB knows no unsigned one';
  throw new InvalidArgumentError(path, expected, value, 'store it as a string or a Decimal128');
}

/** A pattern ends at a NUL in BSON. */
function checkPattern(path: string, pattern: string): void {
  checkWellFormed(path, pattern);
  if (!pattern.includes('\0')) return;
  const shown = pattern.replaceAll('\0', '\\0');
  throw new InvalidArgumentError(path, 'a RegExp without NUL characters', shown, 'write `\\x00`');
}

function copyArray(
  path: string,
  values: readonly unknown[],
  ancestors: readonly object[],
): unknown[] {
  return Array.from(values, (item, index) => {
    const copy = copyValue(`${path}[${index}]`, item, ancestors);
    return copy === undefined ? null : copy;
  });
}

/** These would be stored as empty or as something else than they are. */
function refuseLossyObject(path: string, value: object): void {
  if (isPlainObject(value)) return;
  const refused: [boolean, string][] = [
    [types.isMap(value), 'convert it with Object.fromEntries'],
    [types.isSet(value), 'convert it to an array'],
    [isError(value), 'store its message, or its fields'],
    [types.isPromise(value), 'await it first'],
    [types.isWeakMap(value) || types.isWeakSet(value), 'it cannot be listed'],
    [ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value), 'convert it to a Buffer'],
    [types.isBoxedPrimitive(value), 'use the primitive value'],
  ];
  const hasContent = Object.keys(value).length > 0 || 'toBSON' in value;
  refused.push([!hasContent, 'it has no fields of its own that could be stored']);
  const found = refused.find(([isRefused]) => isRefused);
  if (found) throw new InvalidArgumentError(path, 'a value that BSON can hold', value, found[1]);
}

/** What an assignment makes, for the one name that an assignment gives another meaning. */
const OWN_FIELD = { enumerable: true, writable: true, configurable: true };

function copyPlainObject(
  path: string,
  value: object,
  ancestors: readonly object[],
): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    const itemPath = `${path}.${key}`;
    refuseKey(itemPath, key);
    const itemCopy = copyValue(itemPath, item, ancestors);
    if (itemCopy === undefined) continue;
    if (key === '__proto__') Object.defineProperty(copy, key, { ...OWN_FIELD, value: itemCopy });
    else copy[key] = itemCopy;
  }
  return copy;
}

function refuseKey(path: string, key: string): void {
  checkWellFormed(path, key);
  if (key.includes('\0')) {
    throw new InvalidArgumentError(
      path.replaceAll('\0', '\\0'),
      'a key without NUL characters',
      key,
    );
  }
  if (key.startsWith('$')) {
    throw new InvalidArgumentError(
      path,
      'a key that does not start with $',
      key,
      'servers before MongoDB 5.0 refuse such keys; rename it or store the object as a JSON string',
    );
  }
}
