/**
 * Where the answers of a ledger's verbs hold jobs.
 *
 * What always holds: the compiler knows from the type of each answer which of its fields hold jobs, and refuses a table
 * that leaves one out; so a verb that is new, or whose answer grows, cannot hand out a job that nobody looked at.
 *
 * @module
 */
import type { ObjectId } from 'mongodb';
import type { Job } from '../../job/job.ts';
import type { LedgerVerb, ResultOf } from '../verbs/verb-table.ts';

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

/** Any row of the table. */
type AnyPlaces =
  | 'none'
  | 'job'
  | { readonly each: AnyPlaces }
  | { readonly fields: Readonly<Record<string, AnyPlaces>> };

const LIST = { each: 'job' } as const;
const JOB_FIELD = { fields: { job: 'job' } } as const;

/** Every verb, with where its answer holds jobs. */
const JOB_PLACES: { readonly [V in LedgerVerb]: JobPlaces<ResultOf<V>> } = {
  readTime: 'none',
  enqueue: { fields: { answers: { each: JOB_FIELD } } },
  claim: { fields: { jobs: LIST } },
  readClaim: LIST,
  settle: 'none',
  cancel: JOB_FIELD,
  remove: JOB_FIELD,
  redrive: { fields: { job: 'job', holder: 'job' } },
  amend: JOB_FIELD,
  replan: JOB_FIELD,
  endSeries: JOB_FIELD,
  findSeries: LIST,
  note: 'none',
  checkpoint: 'none',
  openGate: JOB_FIELD,
  expireGates: 'none',
  completeInSession: 'none',
  setMetadata: JOB_FIELD,
  mend: JOB_FIELD,
  readHistory: 'none',
  getJob: 'job',
  findJobs: LIST,
  readStats: 'none',
  setPaused: 'none',
  readPaused: 'none',
  recover: 'none',
  prune: 'none',
  nextDue: 'none',
  openLease: 'none',
  renewLease: 'none',
  readLeases: 'none',
  declareDead: 'none',
  endLease: 'none',
  removeLease: 'none',
  findClaimants: 'none',
  readClaims: 'none',
  countClaims: 'none',
  countDue: 'none',
  rescue: 'none',
};

/** Where the answer of a verb holds jobs. */
export function placesOf(verb: LedgerVerb): AnyPlaces {
  return JOB_PLACES[verb];
}

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
