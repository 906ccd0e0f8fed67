/**
 * A verb on every job of a filter, as the library does it, for the filters of the API.
 *
 * @module
 */
import type { BulkResult, JobsFilter, MonqueManagement } from '@monque/core';
import type { BulkFilter } from '../api/types.ts';
import { bulkFilter } from './filters.ts';

/** What a bulk action does with one job. */
export type BulkVerb = 'cancel' | 'retry' | 'delete';

/** What it goes over. */
export interface Bulk {
  readonly monque: MonqueManagement;
  readonly filter: BulkFilter;
  /** The names it is narrowed to when it names none. */
  readonly names: readonly string[] | undefined;
}

/** When it ends, and who is told. */
export interface BulkBounds {
  readonly signal: AbortSignal;
  readonly limit: number | undefined;
  /** Called after each page. */
  readonly onProgress: (result: BulkResult) => void;
}

const VERBS = { cancel: 'cancelJobs', retry: 'retryJobs', delete: 'deleteJobs' } as const;

const NOTHING: BulkResult = { matched: 0, changed: 0, left: [], isComplete: true };

/** Does it; resolves when it is over. */
export async function doBulk(bulk: Bulk, verb: BulkVerb, bounds: BulkBounds): Promise<BulkResult> {
  const filter = filterOf(bulk);
  if (filter === undefined) return NOTHING;
  const { limit, signal, onProgress } = bounds;
  const options = { signal, onProgress, ...(limit !== undefined && { limit }) };
  return bulk.monque[VERBS[verb]](filter, options);
}

/** The filter as the library takes it; undefined for an actor who sees no name, for whom nothing matches. */
export function filterOf({ filter, names }: Omit<Bulk, 'monque'>): JobsFilter | undefined {
  const given = bulkFilter(filter);
  if (names === undefined || filter.name !== undefined) return given;
  return names.length === 0 ? undefined : { ...given, name: names };
}
