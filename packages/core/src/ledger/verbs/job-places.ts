/**
 * Where the answer of a ledger's verb holds jobs.
 *
 * What always holds: the compiler knows from the type of each answer which of its fields hold jobs, and refuses a row
 * that leaves one out; so a verb that is new, or whose answer grows, cannot hand out a job that nobody looked at.
 *
 * @module
 */
import type { ObjectId } from 'mongodb';
import type { Job } from '../../job/job.ts';

/** What is looked at as a whole. */
type Whole = Date | ObjectId | Error;

/** `true` for each part of a type that is a job. */
type JobsIn<T> = T extends Job
  ? true
  : T extends Whole
    ? false
    : T extends readonly (infer Item)[]
      ? JobsIn<Item>
      : T extends object
        ? JobsIn<T[keyof T]>
        : false;

type HoldsJob<T> = true extends JobsIn<T> ? true : false;

/** The fields that hold jobs, of any member of a union. */
type HoldingFields<T> = T extends unknown
  ? { [Field in keyof T]-?: HoldsJob<T[Field]> extends true ? Field : never }[keyof T]
  : never;

type FieldOf<T, Field> = T extends unknown ? (Field extends keyof T ? T[Field] : never) : never;

/** Where a value holds jobs: it is one, each item of its list is a place, or these fields of it are, and all of them. */
export type JobPlaces<T> =
  HoldsJob<T> extends false
    ? 'none'
    : NonNullable<T> extends Job
      ? 'job'
      : NonNullable<T> extends readonly (infer Item)[]
        ? { readonly each: JobPlaces<Item> }
        : {
            readonly fields: {
              readonly [Field in HoldingFields<NonNullable<T>>]: JobPlaces<
                FieldOf<NonNullable<T>, Field>
              >;
            };
          };

/** The places of any answer. */
export type AnyPlaces =
  | 'none'
  | 'job'
  | { readonly each: AnyPlaces }
  | { readonly fields: Readonly<Record<string, AnyPlaces>> };

/** The same answer with every job in it changed. */
export function withJobs<T>(answer: T, places: AnyPlaces, change: (job: Job) => Job): T {
  return changed(answer, places, change) as T;
}

function changed(value: unknown, places: AnyPlaces, change: (job: Job) => Job): unknown {
  if (places === 'none' || value === null || value === undefined) return value;
  if (places === 'job') return change(value as Job);
  if ('each' in places) {
    return (value as readonly unknown[]).map((item) => changed(item, places.each, change));
  }
  const record = value as Readonly<Record<string, unknown>>;
  const present = Object.entries(places.fields).filter(([field]) => record[field] !== undefined);
  const fields = present.map(([field, of]) => [field, changed(record[field], of, change)]);
  return { ...record, ...Object.fromEntries(fields) };
}
