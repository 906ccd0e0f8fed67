/**
 * What a ledger on MongoDB is given beside the database.
 *
 * @module
 */
import type { Random } from '../../foundation/random.ts';
import type { LedgerRepositoryOptions } from '../ledger-repository.ts';
import type { WriteConcernOption } from './server/commands.ts';

/** The collection jobs are kept in when no other is named. */
export const DEFAULT_COLLECTION_NAME = 'monque_jobs';

/** What a {@link MongoLedgerRepository} is given beside the database. */
export interface MongoLedgerRepositoryOptions extends LedgerRepositoryOptions {
  /** The collection of the jobs. @default 'monque_jobs' */
  readonly collectionName?: string;
  /** Who must confirm a write. @default 'majority' */
  readonly writeConcern?: WriteConcernOption;
  /** Expect the indexes to be there instead of making them. @default false */
  readonly skipIndexCreation?: boolean;
  /** Have two more indexes, for lists of jobs by due time; each makes writes dearer by a third. @default false */
  readonly listingIndexes?: boolean;
  /**
   * Keep every transition of every job in the collection `<collectionName>.transitions`, for `readHistory`. It is
   * never removed by this library, and costs one more insert for each batch. @default false
   */
  readonly transitionLog?: boolean;
  /** The source of chance. */
  readonly random?: Random;
}
