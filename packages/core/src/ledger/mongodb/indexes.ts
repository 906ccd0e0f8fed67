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
  UNIQUE: 'monque_unique',
} as const;

/** The indexes the engine's own queries rest on. */
export const ENGINE_INDEXES: readonly (IndexDescription & { name: string })[] = Object.freeze([
  {
    // claimableFilter and dueWindowFilter, both without reading a document. rescueCount stands last so that
    // suspects are passed over within the index.
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
    // claimsFilter and claimantFilter.
    name: IndexName.CLAIMS,
    key: { claimedBy: 1, claimToken: 1 },
    partialFilterExpression: { status: 'processing' },
  },
  {
    // holdersFilter; keeps a second job with the same unique lock out.
    name: IndexName.UNIQUE,
    key: { name: 1, uniqueLock: 1 },
    unique: true,
    partialFilterExpression: { uniqueLock: { $exists: true } },
  },
]);
