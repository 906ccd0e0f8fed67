/** The verbs that no simulated engine calls. The one it calls by itself finds nothing to do; the others refuse. */
import { UnsupportedError } from '../../src/foundation/errors.ts';
import type { Job } from '../../src/index.ts';
import {
  type ClaimCounts,
  type CountDueResult,
  LedgerRepository,
  type MendResult,
  type RecoverResult,
  type SetMetadataResult,
  type StatsRow,
  type TransitionEntry,
} from '../../src/ledger/ledger-repository.ts';

/**
 * A ledger that no other tool uses, whose jobs are neither listed nor counted and have no metadata, which no state
 * depends on, and that has no transactions.
 */
export abstract class UnsimulatedVerbs extends LedgerRepository {
  protected async performRecover(): Promise<RecoverResult> {
    return { pending: 0, cancelled: 0 };
  }

  protected performCompleteInSession(): Promise<boolean> {
    return refuse('completeInSession');
  }

  protected performFindJobs(): Promise<readonly Job[]> {
    return refuse('findJobs');
  }

  protected performSetMetadata(): Promise<SetMetadataResult> {
    return refuse('setMetadata');
  }

  protected performMend(): Promise<MendResult> {
    return refuse('mend');
  }

  protected performReadHistory(): Promise<readonly TransitionEntry[]> {
    return refuse('readHistory');
  }

  protected performCountClaims(): Promise<ClaimCounts> {
    return refuse('countClaims');
  }

  protected performCountDue(): Promise<CountDueResult> {
    return refuse('countDue');
  }

  protected performReadStats(): Promise<readonly StatsRow[]> {
    return refuse('readStats');
  }
}

async function refuse(verb: string): Promise<never> {
  throw new UnsupportedError(`${verb} is not simulated`);
}
