/**
 * Metadata: a small plain object of the user's beside the data of a job, which lists and bulk verbs can filter by.
 *
 * What always holds: it has at most 4 KiB; its values are texts, finite numbers, booleans, dates, and lists and plain
 * objects of these; and its keys are no paths, so that a filter means the same in every ledger and is never a query of
 * the database.
 *
 * @module
 */
import { BSON } from 'mongodb';
import { checkWellFormed } from '../foundation/argument-checks.ts';
import { InvalidArgumentError } from '../foundation/errors.ts';
import { isDate, isPlainObject, isValidDate } from '../foundation/kinds.ts';

/** The most bytes of BSON that the metadata of a job takes. */
const MOST_METADATA_BYTES = 4_096;

const LONGEST_KEY = 128;
const DEEPEST_METADATA = 4;

/** A value that metadata can be filtered by. */
export type MetadataScalar = string | number | boolean | Date;

/** What a key of metadata may hold. Lists and objects are nested at most four levels deep. */
export type MetadataValue =
  | MetadataScalar
  | readonly MetadataValue[]
  | { readonly [key: string]: MetadataValue };

/** The metadata of a job: at most 4 KiB; keys of 1 to 128 characters, without a dot and not beginning with `$`. */
export type JobMetadata = Readonly<Record<string, MetadataValue>>;

/** What is to become of single keys: a value is set, `null` removes the key; the other keys stay. */
export type MetadataChanges = Readonly<Record<string, MetadataValue | null>>;

/** Keys that must hold these values; a list holds each of its values. */
export type MetadataFilter = Readonly<Record<string, MetadataScalar>>;

/**
 * Checks and copies metadata.
 *
 * @throws InvalidArgumentError naming the path of what does not belong there, or the size
 */
export function copyMetadata(field: string, given: unknown): JobMetadata {
  const copy = copyObject(field, given, 0);
  const bytes = sizeOf(copy);
  if (bytes > MOST_METADATA_BYTES) throw tooLarge(field, bytes);
  return copy;
}

/** Checks and copies changes of metadata, as {@link copyMetadata} does. */
export function copyMetadataChanges(field: string, given: unknown): MetadataChanges {
  checkPlainObject(field, given);
  const removed = Object.entries(given).filter(([, value]) => value === null);
  for (const [key] of removed) checkKey(field, key);
  const kept = Object.entries(given).filter(([, value]) => value !== null);
  return Object.fromEntries([...removed, ...Object.entries(copyMetadata(field, asObject(kept)))]);
}

/** Checks what is to be filtered by: keys with texts, numbers, booleans or dates. */
export function checkMetadataFilter(field: string, given: unknown): void {
  checkPlainObject(field, given);
  for (const [key, value] of Object.entries(given)) {
    checkKey(field, key);
    if (typeof value === 'string') checkWellFormed(`${field}.${key}`, value);
    if (isScalar(value)) continue;
    throw new InvalidArgumentError(
      `${field}.${key}`,
      'a text, finite number, boolean or date',
      value,
    );
  }
}

/** The metadata after changes, and whether it has more bytes than it may. What is no plain object counts as empty. */
export function mergeMetadata(
  current: unknown,
  changes: MetadataChanges,
): { readonly metadata: JobMetadata; readonly isTooLarge: boolean } {
  const merged = new Map(Object.entries(isPlainObject(current) ? current : {}));
  for (const [key, value] of Object.entries(changes)) {
    if (value === null) merged.delete(key);
    else merged.set(key, value);
  }
  const metadata = asObject(merged) as JobMetadata;
  return { metadata, isTooLarge: sizeOf(metadata) > MOST_METADATA_BYTES };
}

/** True when every key of the filter holds its value. */
export function matchesMetadata(
  metadata: JobMetadata | undefined,
  filter: MetadataFilter,
): boolean {
  const values = new Map(Object.entries(metadata ?? {}));
  return Object.entries(filter).every(([key, wanted]) => {
    const value = values.get(key);
    return Array.isArray(value)
      ? value.some((item) => isSame(item, wanted))
      : isSame(value, wanted);
  });
}

/** That changes would make the metadata of a job larger than it may be. */
export function metadataFull(field: string): InvalidArgumentError {
  const expected = `small enough that the metadata of the job stays within ${MOST_METADATA_BYTES} bytes of BSON`;
  return new InvalidArgumentError(field, expected, 'more', ADVICE);
}

const ADVICE = 'keep large content in `data` or elsewhere';

function tooLarge(field: string, bytes: number): InvalidArgumentError {
  const expected = `at most ${MOST_METADATA_BYTES} bytes of BSON`;
  return new InvalidArgumentError(field, expected, bytes, ADVICE);
}

function copyObject(path: string, given: unknown, depth: number): JobMetadata {
  checkPlainObject(path, given);
  const present = Object.entries(given).filter(([, value]) => value !== undefined);
  return asObject(
    present.map(([key, value]) => {
      checkKey(path, key);
      return [key, copyValue(`${path}.${key}`, value, depth + 1)];
    }),
  ) as JobMetadata;
}

function copyValue(path: string, value: unknown, depth: number): MetadataValue {
  if (isValidDate(value)) return new Date(value);
  if (isScalar(value)) {
    if (typeof value === 'string') checkWellFormed(path, value);
    return value;
  }
  const isNested = Array.isArray(value) || isPlainObject(value);
  if (!isNested) {
    const expected = 'a text, finite number, boolean, date, or a list or plain object of these';
    throw new InvalidArgumentError(path, expected, value);
  }
  if (depth >= DEEPEST_METADATA) {
    const expected = `nested at most ${DEEPEST_METADATA} levels deep`;
    throw new InvalidArgumentError(path, expected, value);
  }
  if (!Array.isArray(value)) return copyObject(path, value, depth);
  return Array.from(value, (item, index) => copyValue(`${path}[${index}]`, item, depth + 1));
}

function checkKey(path: string, key: string): void {
  checkWellFormed(path, key);
  const fits = key.length > 0 && key.length <= LONGEST_KEY && !/^\$|[.\0]/.test(key);
  if (fits) return;
  const expected = `keys of 1 to ${LONGEST_KEY} characters, without a dot and not beginning with $`;
  throw new InvalidArgumentError(path, `an object with ${expected}`, key);
}

function checkPlainObject(field: string, value: unknown): asserts value is object {
  if (!isPlainObject(value)) throw new InvalidArgumentError(field, 'a plain object', value);
}

function isScalar(value: unknown): value is MetadataScalar {
  if (isDate(value)) return isValidDate(value);
  return typeof value === 'number' ? Number.isFinite(value) : /string|boolean/.test(typeof value);
}

function isSame(value: unknown, wanted: MetadataScalar): boolean {
  if (!isDate(wanted)) return value === wanted;
  return isDate(value) && value.getTime() === wanted.getTime();
}

/** Keys of any name become fields of its own. */
function asObject(entries: Iterable<readonly [string, unknown]>): Record<string, unknown> {
  return Object.fromEntries(entries);
}

function sizeOf(metadata: object): number {
  return BSON.calculateObjectSize(metadata, { ignoreUndefined: true });
}
