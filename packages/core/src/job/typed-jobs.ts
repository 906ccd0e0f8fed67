/**
 * The types of jobs by their names, as a scheduler is given them: `new Monque<{ 'send-email': { to: string } }>(db)`.
 *
 * An entry is the type of the data, or an object of exactly `data` and, if wanted, `result`; data that looks like such
 * an entry is stated as `{ data: { data: ... } }`. Without such types any name goes, and a job has the type of the data
 * it is given.
 *
 * @module
 */

import type { Job } from './job.ts';

/** Names of jobs with their types. An interface does as well as a type. */
export type JobTypes = object;

/** Any name goes. */
export interface UntypedJobs {
  readonly [name: string]: unknown;
}

/** The names there are. */
export type NameOf<Types extends JobTypes> = keyof Types & string;

/** True where no types are stated: any name goes. */
type IsUntyped<Types extends JobTypes> = string extends keyof Types ? true : false;

/** An entry that says which part is the data. */
interface StatedEntry {
  readonly data: unknown;
  readonly result?: unknown;
}

type EntryOf<Types extends JobTypes, Name> = Name extends keyof Types ? Types[Name] : never;

type DataOfEntry<Entry> = Entry extends StatedEntry
  ? keyof Entry extends 'data' | 'result'
    ? Entry['data']
    : Entry
  : Entry;

type ResultOfEntry<Entry> = Entry extends StatedEntry
  ? [keyof Entry, 'result'] extends ['data' | 'result', keyof Entry]
    ? Entry['result']
    : unknown
  : unknown;

/** What the data of a job of this name is. */
export type DataOf<Types extends JobTypes, Name> = DataOfEntry<EntryOf<Types, Name>>;

/** The data a call must give: of several possible names, data that suits each of them. */
export type DataFor<Types extends JobTypes, Name> = (
  Name extends unknown
    ? (data: [DataOf<Types, Name>]) => void
    : never
) extends (data: infer Given extends [unknown]) => void
  ? Given[0]
  : never;

/** What its handler returns; unknown where that is not stated. */
export type ResultOf<Types extends JobTypes, Name> = ResultOfEntry<EntryOf<Types, Name>>;

/** A job of a name, with the data of that name; of several names, one of these. Without types, with the data of the call. */
export type JobOf<Types extends JobTypes, Name, Data = unknown> =
  IsUntyped<Types> extends true
    ? Job<Data>
    : Name extends NameOf<Types>
      ? Job<DataOf<Types, Name>> & { readonly name: Name }
      : never;

/** A job of this name, whatever its data is. */
export interface NamedJob<Name> {
  readonly _id: Job['_id'];
  readonly name: Name;
}

/** What a call that makes a job is given from the data on. Without types, data of any type. */
export type JobArguments<Types extends JobTypes, Name, Data, Rest extends readonly unknown[] = []> =
  IsUntyped<Types> extends true
    ? [data?: Data, ...rest: Rest]
    : DataArgument<DataFor<Types, Name>, Rest>;

/** What jobs return, each called by a name of its own, such as the parents of a job of a flow. */
export type ResultsOf<Types extends JobTypes, Names extends Readonly<Record<string, string>>> = {
  readonly [Ref in keyof Names]: ResultOf<Types, Names[Ref]>;
};

/** The arguments from the data on: data that may be undefined may be left out. */
export type DataArgument<T, Rest extends readonly unknown[] = []> = undefined extends T
  ? [data?: T, ...rest: Rest]
  : [data: T, ...rest: Rest];

/** Options that choose jobs by their names, with the names narrowed. */
export type OfNames<Options, Name> = Omit<Options, 'name'> & {
  readonly name?: Name | readonly Name[];
};
