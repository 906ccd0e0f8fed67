/**
 * Jobs and what belongs to them as JSON: ids as their 24 characters, times in ISO form, and what users stored (data,
 * results, metadata, evidence, progress) as extended JSON, so that no value is changed.
 *
 * @module
 */
import { BSON } from 'mongodb';

/** Fields that hold what users stored. */
const USERS: ReadonlySet<string> = new Set([
  ...['data', 'result', 'metadata', 'evidence', 'progress', 'values'],
]);

/** A value for `JSON.stringify`. */
export function plain(value: unknown): unknown {
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Error) return value.message;
  if (Array.isArray(value)) return value.map(plain);
  if (isId(value)) return String(value);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(
    entries.map(([key, item]) => [key, USERS.has(key) ? extended(item) : plain(item)]),
  );
}

/** A value as relaxed extended JSON; whole numbers beyond 2^53 stay exact. */
export function extended(value: unknown): unknown {
  if (typeof value === 'bigint') {
    const isSafe = BigInt(Number(value)) === value && Number.isSafeInteger(Number(value));
    return isSafe ? Number(value) : { $numberLong: `${value}` };
  }
  if (Array.isArray(value)) return value.map(extended);
  if (isPlainObject(value)) {
    const entries = Object.entries(value).filter(([, item]) => item !== undefined);
    return Object.fromEntries(entries.map(([key, item]) => [key, extended(item)]));
  }
  return value === undefined ? undefined : BSON.EJSON.serialize({ value }, { relaxed: true }).value;
}

function isId(value: unknown): boolean {
  return (value as { _bsontype?: unknown } | null)?._bsontype === 'ObjectId';
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || '_bsontype' in value) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
