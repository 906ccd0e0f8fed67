/**
 * What the verbs of a ledger are given and what they answer, gathered: each family has a file of its own.
 *
 * @module
 */
export type * from './call.ts';
export type * from './claims.ts';
export type * from './enqueue.ts';
export type * from './flows.ts';
export type * from './groups.ts';
export type * from './inspection.ts';
export type * from './leases.ts';
export type * from './limits.ts';
export type * from './listing.ts';
export type * from './manual-verbs.ts';
export type * from './orders.ts';
export type * from './series.ts';
export type * from './settle.ts';
export type * from './stages.ts';
export type * from './throughput.ts';
export type * from './upkeep.ts';
export type * from './watch.ts';
