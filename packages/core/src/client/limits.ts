/**
 * Limits, as people set and see them.
 *
 * @module
 */
import type { EngineContext } from '../context/scheduler-context.ts';
import type { LimitRecord } from '../ledger/ledger-repository.ts';
import {
  checkLimit,
  checkLimitKey,
  type LimitOptions,
  resolveLimit,
} from '../options/limit-options.ts';
import { type ManualVerbOptions, whyOf } from '../options/manual-verb-options.ts';

/** A limit, and who holds and wants what of it. */
export interface LimitInfo extends LimitRecord {
  /** How many jobs all instances together may hold now. */
  readonly held: number;
  /**
   * How many more they would take, as each said when it began to wait. Above zero somebody waits for this limit;
   * how many jobs wait is in the statistics of their names.
   */
  readonly wanted: number;
  /** What nobody holds; absent where the concurrency is not bounded. Below zero after a limit was lowered. */
  readonly free?: number;
}

type LimitsContext = Pick<EngineContext, 'ledger' | 'ledgerTime' | 'ready'>;

/** Sets a limit, for all processes. */
export async function setLimit(
  context: LimitsContext,
  key: string,
  limit: LimitOptions,
  options: ManualVerbOptions,
): Promise<void> {
  checkLimitKey('key', key);
  checkLimit('limit', limit);
  const why = whyOf(options);
  await context.ready();
  const now = context.ledgerTime.now();
  await context.ledger.setLimit({ key, ...resolveLimit(limit), now, ...why });
}

/** Every limit with its holders, by key. */
export async function readLimits(context: LimitsContext): Promise<LimitInfo[]> {
  await context.ready();
  return (await context.ledger.readLimits()).map(toInfo);
}

function toInfo(record: LimitRecord): LimitInfo {
  const { concurrency, shares } = record;
  const held = shares.reduce((sum, { count }) => sum + count, 0);
  const wanted = shares.reduce((sum, { wants }) => sum + wants, 0);
  return {
    ...record,
    held,
    wanted,
    ...(concurrency !== undefined && { free: concurrency - held }),
  };
}
