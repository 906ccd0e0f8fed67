/**
 * What is said of an operation of the API, and what several of them share.
 *
 * @module
 */
import { described, ID, integer, type Schema, TIME, text } from './schema.ts';
import { GROUP, KEY, NAMES, ORDER, STATUSES } from './schemas.ts';

/** One operation. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below `api/v1`, with `{id}` where the id of a job or an operation stands. */
  readonly path: string;
  readonly summary: string;
  /** What it costs the database. */
  readonly cost: string;
  /** True when it changes something: such routes are closed to readers, and to other sites. */
  readonly changes?: true;
  readonly query?: Readonly<Record<string, Schema>>;
  /** Further parameters by a pattern of their names. */
  readonly queryPattern?: Readonly<Record<string, Schema>>;
  /** The name of the schema of its body. */
  readonly body?: string;
  /** The name of the schema of its answer, or the media type of what is no JSON. */
  readonly answer: string | { readonly media: string };
  /** The status of its answer. @default 200 */
  readonly status?: number;
  /** Takes an `Idempotency-Key`. */
  readonly idempotent?: true;
  /** A route that lasts as long as somebody listens has no time limit. */
  readonly endless?: true;
}

/** Costs that several operations have. */
export const COSTS = {
  one: 'One job by its id.',
  byId: 'One job by its id, and one write.',
  snapshot: 'The shared snapshot: nothing when it is fresh, else the bounded reads of `inspect`.',
  nothing: 'Nothing.',
  ledger:
    'The shared look at the ledger: nothing when it is fresh, else one read of at most 10,000 records.',
} as const;

/** How many jobs a page holds. */
export const LIMIT: Schema = described(integer(1, 200), 'Jobs a page holds; 50 when left out.');

/** A filter of jobs in a query. */
export const FILTER_QUERY: Readonly<Record<string, Schema>> = {
  name: described(NAMES, 'Repeat it for several names.'),
  status: described(STATUSES, 'Repeat it for several states.'),
  uniqueKey: KEY,
  order: described(ORDER, 'The key of their order.'),
  group: described(GROUP, 'The group they take turns in.'),
  flow: described(ID, 'The id of their flow.'),
  deadLettersOf: described(NAMES, 'Dead letters of this name; repeat it for several names.'),
  createdFrom: TIME,
  createdBefore: TIME,
  finishedFrom: TIME,
  finishedBefore: TIME,
  failReason: described(text(1_000), 'The beginning of the message of the last failure.'),
  claimedBy: described(text(256), 'The id of the instance that holds it.'),
};

/** Metadata in a query. */
export const BY_METADATA: Readonly<Record<string, Schema>> = {
  '^meta\\.[^.$][^.]{0,127}$': described(
    text(1_000),
    'Jobs whose metadata holds this value: extended JSON where it is, else a text.',
  ),
};
