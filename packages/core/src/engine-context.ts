/**
 * What every part of the engine is given.
 *
 * @module
 */
import type { Clock } from './clock.ts';
import type { Emit } from './events.ts';
import type { HealthRecord } from './health.ts';
import type { LedgerRepository } from './ledger/ledger-repository.ts';
import type { LedgerTime } from './ledger-time.ts';
import type { ResolvedOptions } from './options.ts';
import type { Random } from './random.ts';

/** The surroundings of one instance. */
export interface EngineContext {
  readonly ledger: LedgerRepository;
  readonly ledgerTime: LedgerTime;
  readonly clock: Clock;
  readonly random: Random;
  readonly options: ResolvedOptions;
  readonly emit: Emit;
  readonly health: HealthRecord;
  /** Tells of an error outside of handlers, as the event `job:error`. */
  readonly report: (error: unknown) => void;
}
