/**
 * A verb on every job of a filter, as the library does it, for the filters of the API.
 *
 * @module
 */
import type { BulkResult, JobStatus, JobsFilter, MonqueManagement } from '@monque/core';
import type { BulkFilter, BulkKind, OperationRequest } from '../api/types.ts';
import { bulkFilter } from './filters.ts';
import { badRequest } from './problems.ts';

/** What it goes over. */
export interface Bulk {
  readonly monque: MonqueManagement;
  readonly filter: BulkFilter;
  /** The names it is narrowed to when it names none. */
  readonly names: readonly string[] | undefined;
}

/** When it ends, and who is notified. */
export interface BulkBounds {
  readonly signal: AbortSignal;
  /** Called after each page. */
  readonly onProgress: (result: BulkResult) => void;
}

const NOTHING: BulkResult = { matched: 0, changed: 0, left: [], isComplete: true };

type Options = Pick<OperationRequest, 'limit' | 'perSecond' | 'reason'>;

/** Does it; resolves when it is over. */
export async function doBulk(
  bulk: Bulk,
  kind: BulkKind,
  { limit, perSecond, reason }: Options,
  { signal, onProgress }: BulkBounds,
): Promise<BulkResult> {
  const { monque } = bulk;
  const filter = filterOf(bulk);
  if (filter === undefined) return NOTHING;
  const options = {
    ...{ signal, onProgress },
    ...(limit !== undefined && { limit }),
    ...(reason !== undefined && { reason }),
  };
  const { flow = '' } = bulk.filter;
  switch (kind) {
    case 'cancel':
      return monque.cancelJobs(filter, options);
    case 'retry':
      return monque.retryJobs(filter, options);
    case 'delete':
      return monque.deleteJobs(filter, options);
    case 'redrive':
      return monque.redriveDeadLetters(filter, {
        ...options,
        ...(perSecond !== undefined && { perSecond }),
      });
    case 'cancelFlow':
      return monque.cancelFlow(flow, options);
    case 'redriveFlow':
      return monque.redriveFlow(flow, options);
  }
}

/** The states of the jobs that a kind is for, where it is for some alone. */
const STATES: Partial<Record<BulkKind, readonly JobStatus[]>> = {
  redrive: ['pending', 'failed', 'cancelled'],
  cancelFlow: ['pending', 'blocked', 'processing'],
  redriveFlow: ['failed', 'cancelled'],
};

/** Which jobs a preview looks at: those that the action would go over. */
export function previewFilter(bulk: Omit<Bulk, 'monque'>, kind: BulkKind): JobsFilter | undefined {
  const filter = filterOf(bulk);
  const status = STATES[kind];
  return filter && { ...(status && { status }), ...filter };
}

/**
 * Refuses what does not go with the kind.
 *
 * @throws a 400
 */
export function checkBulk(kind: BulkKind, filter: BulkFilter, perSecond?: number): void {
  bulkFilter(filter);
  const isOfFlow = kind === 'cancelFlow' || kind === 'redriveFlow';
  if (isOfFlow && (filter.flow === undefined || Object.keys(filter).length > 1)) {
    throw badRequest('filter', '`filter` has `flow` alone where a flow is meant');
  }
  if (kind !== 'redrive' && perSecond !== undefined) {
    throw badRequest('perSecond', '`perSecond` goes with the kind `redrive` alone');
  }
}

/** The filter as the library takes it; undefined for an actor who sees no name, for whom nothing matches. */
function filterOf({ filter, names }: Omit<Bulk, 'monque'>): JobsFilter | undefined {
  const given = bulkFilter(filter);
  if (names === undefined || filter.name !== undefined) return given;
  return names.length === 0 ? undefined : { ...given, name: names };
}
