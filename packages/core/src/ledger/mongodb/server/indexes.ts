/**
 * The indexes of the jobs collection, each beside the queries it serves. Every index a job passes through costs about
 * a third of an update, so there are no more than these. Partial filters use only equality and `$exists: true`, which
 * MongoDB 4.4 and compatible servers can carry.
 *
 * @module
 */
import type { IndexDescription } from 'mongodb';

/** Names of the indexes, for hints. */
export const IndexName = {
  CLAIM: 'monque_claim',
  SUSPECTS: 'monque_suspects',
  CLAIMS: 'monque_claims',
  GATES: 'monque_gates',
  UNIQUE: 'monque_unique',
  UNIQUE_START: 'monque_unique_start',
  UNIQUE_WINDOW: 'monque_unique_window',
  LIST: 'monque_list',
  LIST_BY_NAME: 'monque_list_by_name',
} as const;

/** An index with its name. */
export type NamedIndex = IndexDescription & { readonly name: string };

/** The indexes the engine's own queries rest on. */
export const ENGINE_INDEXES: readonly NamedIndex[] = Object.freeze([
  {
    // claimableFilter, dueWindowFilter, nextNameFilter and dueOfNameFilter, all without reading a document.
    // rescueCount stands last so that suspects are passed over within the index.
    name: IndexName.CLAIM,
    key: { status: 1, name: 1, priority: 1, nextRunAt: 1, _id: 1, rescueCount: 1 },
    partialFilterExpression: { status: 'pending' },
  },
  {
    // claimableFilter for suspects; empty unless an instance died.
    name: IndexName.SUSPECTS,
    key: { name: 1, priority: 1, nextRunAt: 1, _id: 1 },
    partialFilterExpression: { status: 'pending', rescueCount: { $exists: true } },
  },
  {
    // claimsFilter, claimantFilter, and staleFilter and leaselessFilter, where claimedBy is absent.
    name: IndexName.CLAIMS,
    key: { claimedBy: 1, claimToken: 1 },
    partialFilterExpression: { status: 'processing' },
  },
  {
    // overdueGateFilter; empty unless jobs wait at gates.
    name: IndexName.GATES,
    key: { blockedUntil: 1 },
    partialFilterExpression: { status: 'blocked' },
  },
  {
    // holdersFilter and seriesFilter; keeps a second job with the same unique lock out.
    name: IndexName.UNIQUE,
    key: { name: 1, uniqueLock: 1 },
    unique: true,
    partialFilterExpression: { uniqueLock: { $exists: true } },
  },
  {
    // holdersFilter, for keys that are held until a job is claimed.
    name: IndexName.UNIQUE_START,
    key: { name: 1, startLock: 1 },
    unique: true,
    partialFilterExpression: { startLock: { $exists: true } },
  },
  {
    // holdersFilter, for keys that are held for a window of time.
    name: IndexName.UNIQUE_WINDOW,
    key: { name: 1, windowLock: 1 },
    unique: true,
    partialFilterExpression: { windowLock: { $exists: true } },
  },
]);

/** The indexes that lists by due time rest on. Every job passes through them, so they are made only when asked for. */
export const LISTING_INDEXES: readonly NamedIndex[] = Object.freeze([
  // listFilter by due time, of all names.
  { name: IndexName.LIST, key: { status: 1, nextRunAt: 1, _id: 1 } },
  // listFilter by due time, of some names.
  { name: IndexName.LIST_BY_NAME, key: { name: 1, status: 1, nextRunAt: 1, _id: 1 } },
]);
