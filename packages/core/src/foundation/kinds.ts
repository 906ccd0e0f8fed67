/**
 * What kind of value something is, also when it comes from another realm, as in Jest and `vm`: there `instanceof` knows
 * neither a Date nor a plain object.
 *
 * @module
 */
import { types } from 'node:util';

/** True for a Date, valid or not. */
export function isDate(value: unknown): value is Date {
  return types.isDate(value);
}

/** True for a Date that stands for a time. */
export function isValidDate(value: unknown): value is Date {
  return isDate(value) && !Number.isNaN(value.getTime());
}

/** True for an error, of whichever realm; false for a proxy that answers to nothing any more. */
export function isError(value: unknown): value is Error {
  try {
    return value instanceof Error || types.isNativeError(value);
  } catch {
    return false;
  }
}

/** True for an object whose prototype is that of `{}`, of whichever realm, or none. */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: object | null = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
