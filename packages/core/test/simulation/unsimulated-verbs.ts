/** The verbs that no simulated engine calls. The one it calls by itself finds nothing to do; the others refuse. */
import { UnsupportedError } from '../../src/foundation/errors.ts';
import type {
  ClaimCounts,
  CountDueResult,
  FlowRecord,
  GroupRecord,
  OrderRecord,
  RecoverResult,
  RepairResult,
  SetMetadataResult,
  StatsRow,
  ThroughputPoint,
  TransitionEntry,
} from '../../src/ledger/ledger-repository.ts';

/**
 * A ledger that no other tool uses, whose jobs are neither listed nor counted and have no metadata, which no state
 * depends on, and in whose transactions jobs are only enqueued.
 */
export abstract class UnsimulatedVerbs {
  async recover(): Promise<RecoverResult> {
    return { pending: 0, cancelled: 0 };
  }

  completeInSession(): Promise<boolean> {
    return refuse('completeInSession');
  }

  setMetadata(): Promise<SetMetadataResult> {
    return refuse('setMetadata');
  }

  repair(): Promise<RepairResult> {
    return refuse('repair');
  }

  readHistory(): Promise<readonly TransitionEntry[]> {
    return refuse('readHistory');
  }

  readFlows(): Promise<readonly FlowRecord[]> {
    return refuse('readFlows');
  }

  readOrders(): Promise<readonly OrderRecord[]> {
    return refuse('readOrders');
  }

  readGroups(): Promise<readonly GroupRecord[]> {
    return refuse('readGroups');
  }

  countClaims(): Promise<ClaimCounts> {
    return refuse('countClaims');
  }

  countDue(): Promise<CountDueResult> {
    return refuse('countDue');
  }

  countJobs(): Promise<number> {
    return refuse('countJobs');
  }

  addThroughput(): Promise<void> {
    return refuse('addThroughput');
  }

  readThroughput(): Promise<readonly ThroughputPoint[]> {
    return refuse('readThroughput');
  }

  readStats(): Promise<readonly StatsRow[]> {
    return refuse('readStats');
  }
}

async function refuse(verb: string): Promise<never> {
  throw new UnsupportedError(`${verb} is not simulated`);
}
