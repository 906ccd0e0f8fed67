/**
 * What an insert asks before it is sent: which of its jobs this process starts itself. The engine answers, where one
 * runs.
 *
 * @module
 */
import type { Job } from '../job/job.ts';
import type { EnqueueAnswer } from '../ledger/ledger-repository.ts';

/** An insert of which some jobs are claimed by this process already. */
export interface Birth {
  /** What the first try inserts, in the order in which the jobs were given. */
  readonly jobs: readonly Job[];
  /** True for a job that the first try stores as claimed. */
  claims(asked: Job): boolean;
  /** A try was not answered: nothing starts until a later one is. */
  unanswered(): void;
  /**
   * A try was answered. When it was the first, those of the claimed jobs that are stored start now; else what the
   * first one claimed is looked for.
   *
   * @returns the answers with the jobs as they were asked for
   */
  answered(answers: readonly EnqueueAnswer[]): readonly EnqueueAnswer[];
  /** No more tries are made. What the first one may have claimed is given back once it is seen. */
  givenUp(): void;
}

/** Undefined when none of the jobs can start here now. */
export type Bear = (jobs: readonly Job[]) => Birth | undefined;
