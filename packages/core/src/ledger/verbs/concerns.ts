/**
 * Which jobs a verb concerns, by its parameters: whoever acts is asked about those.
 *
 * @module
 */
import type { ObjectId } from 'mongodb';

/** What a call concerns: jobs of all names, nothing in the ledger, or these names and the jobs with these ids. */
export type Concern =
  | 'all'
  | 'nothing'
  | { readonly names?: readonly string[]; readonly jobIds?: readonly ObjectId[] };

/** Jobs that are not known before, or of all names. */
export const all = (): Concern => 'all';

/** The job with an id. */
export const oneJob = ({ jobId }: { readonly jobId: ObjectId }): Concern => ({ jobIds: [jobId] });

/** The job with an id, and the name that the caller says it has. */
export const jobAndName = ({
  jobId,
  name,
}: {
  readonly jobId: ObjectId;
  readonly name?: string;
}): Concern => ({
  jobIds: [jobId],
  names: name === undefined ? [] : [name],
});

/** The jobs of a name, or of all. */
export const nameOrAll = ({ name }: { readonly name?: string }): Concern =>
  name === undefined ? 'all' : { names: [name] };

/** The jobs of some names, or of all. */
export const namesOrAll = ({ names }: { readonly names?: readonly string[] }): Concern =>
  names === undefined ? 'all' : { names };

/** The names of things that have one each. */
export const namesOf = (list: readonly { readonly name: string }[]): Concern => ({
  names: list.map(({ name }) => name),
});

/** The names that are claimed for. */
export const namesOfDemand = ({
  demand,
}: {
  readonly demand: readonly { readonly name: string }[];
}): Concern => namesOf(demand);
