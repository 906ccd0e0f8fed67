/**
 * A dashboard and an HTTP API for Monque that explain why every job is where it is.
 *
 * @module
 */
export type * from './api/types.ts';
