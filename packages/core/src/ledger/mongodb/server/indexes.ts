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
  LANES: 'monque_lanes',
  GATES: 'monque_gates',
  FEEDS: 'monque_feeds',
  WAITING: 'monque_waiting',
  FLOW: 'monque_flow',
  LOCK: 'monque_lock',
  LOCK_START: 'monque_lock_start',
  LOCK_WINDOW: 'monque_lock_window',
  LIST: 'monque_list',
  LIST_BY_NAME: 'monque_list_by_name',
} as const;

/** An index with its name. */
export type NamedIndex = IndexDescription & { readonly name: string };

/** For commands that the driver takes no name of an index for, too. */
export const FLOW_KEY: Readonly<Record<string, 1>> = Object.freeze({ flow: 1, _id: 1, status: 1 });

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
    // laneHeadsFilter and ofLaneFilter; empty unless jobs have an order. A head is read from each lane, without a
    // document.
    name: IndexName.LANES,
    key: { status: 1, name: 1, lane: 1, rank: 1, nextRunAt: 1, _id: 1, fence: 1, rescueCount: 1 },
    partialFilterExpression: { status: 'pending', lane: { $exists: true } },
  },
  {
    // overdueGateFilter; empty unless jobs wait at gates.
    name: IndexName.GATES,
    key: { blockedUntil: 1 },
    partialFilterExpression: { status: 'blocked' },
  },
  {
    // feedingFilter, and lists of parents; empty unless there are flows.
    name: IndexName.FEEDS,
    key: { feeds: 1, status: 1, _id: 1 },
    partialFilterExpression: { feeds: { $exists: true } },
  },
  {
    // waitingFilter, waitingBehindFilter and childrenFilter; empty unless there are flows.
    name: IndexName.WAITING,
    key: { status: 1, waitsFor: 1, _id: 1 },
    partialFilterExpression: { waitsFor: { $exists: true } },
  },
  {
    // flowCounts, ofFlowFilter, and listFilter of one flow; empty unless there are flows.
    name: IndexName.FLOW,
    key: FLOW_KEY,
    partialFilterExpression: { flow: { $exists: true } },
  },
  {
    // holdersFilter and seriesFilter; keeps a second job with the same unique lock out. The lock comes first: an insert
    // looks for its own key from the first field on, and would walk past all deleted keys of the name.
    name: IndexName.LOCK,
    key: { uniqueLock: 1, name: 1 },
    unique: true,
    partialFilterExpression: { uniqueLock: { $exists: true } },
  },
  {
    // holdersFilter, for keys that are held until a job is claimed.
    name: IndexName.LOCK_START,
    key: { startLock: 1, name: 1 },
    unique: true,
    partialFilterExpression: { startLock: { $exists: true } },
  },
  {
    // holdersFilter, for keys that are held for a window of time.
    name: IndexName.LOCK_WINDOW,
    key: { windowLock: 1, name: 1 },
    unique: true,
    partialFilterExpression: { windowLock: { $exists: true } },
  },
]);

/**
 * Indexes that earlier versions made and that others have taken the place of. Each costs every keyed job an entry, and
 * an earlier version that is running asks for them by name.
 */
export const SUPERSEDED_INDEXES: readonly NamedIndex[] = Object.freeze([
  { name: 'monque_unique', key: { name: 1, uniqueLock: 1 } },
  { name: 'monque_unique_start', key: { name: 1, startLock: 1 } },
  { name: 'monque_unique_window', key: { name: 1, windowLock: 1 } },
]);

/** The indexes that lists by due time rest on. Every job passes through them, so they are made only when asked for. */
export const LISTING_INDEXES: readonly NamedIndex[] = Object.freeze([
  // listFilter by due time, of all names.
  { name: IndexName.LIST, key: { status: 1, nextRunAt: 1, _id: 1 } },
  // listFilter by due time, of some names.
  { name: IndexName.LIST_BY_NAME, key: { name: 1, status: 1, nextRunAt: 1, _id: 1 } },
]);
