/**
 * The indexes of a ledger: made, or checked, when it opens, and again when a call finds that one is gone.
 *
 * A collection or an index may be dropped at any time, by tests between two cases, a restore, or manually. What always
 * holds: a call that asks for a missing index makes it again, or says which is missing and how it is made.
 *
 * @module
 */
import type { Collection } from 'mongodb';
import { UnknownOutcomeError } from '../../foundation/errors.ts';
import { SingleFlight } from '../../foundation/single-flight.ts';
import type { Job } from '../../job/job.ts';
import type { LedgerVerb } from '../ledger-repository.ts';
import { isWrite } from '../verbs/verb-table.ts';
import type { MongoLeases } from './leases.ts';
import type { Commands } from './server/commands.ts';
import { isIndexMissing, reading } from './server/driver-errors.ts';
import { type NamedIndex, SUPERSEDED_INDEXES } from './server/indexes.ts';
import { checkIndexes, dropIndexes, makeIndexes } from './server/server-checks.ts';
import type { MongoTransitions } from './transition-log.ts';

/** What indexes are provided for, and how. */
export interface IndexProvisionParams {
  readonly collection: Collection<Job>;
  readonly commands: Commands;
  readonly leases: MongoLeases;
  readonly log: MongoTransitions | undefined;
  /** Those of the jobs. */
  readonly indexes: readonly NamedIndex[];
  /** False where somebody else makes them. */
  readonly mayMake: boolean;
}

/** Provides indexes. */
export class IndexProvision {
  readonly #params: IndexProvisionParams;
  readonly #again = new SingleFlight(() => this.#provide());

  constructor(params: IndexProvisionParams) {
    this.#params = params;
  }

  /** Makes what is missing, and drops what others have taken the place of; or checks that all are there. */
  async open(): Promise<void> {
    await this.#provide();
    const { collection, commands, leases, mayMake } = this.#params;
    // While an instance of another version is alive, it may ask for them by name.
    if (!mayMake || (await leases.hasOtherVersion())) return;
    await dropIndexes(collection, SUPERSEDED_INDEXES, commands.readOptions());
  }

  /** Performs a verb. When an index is gone, a read is made once more; of a write nobody can say how far it came. */
  async during<T>(verb: LedgerVerb, perform: () => Promise<T>): Promise<T> {
    try {
      return await perform();
    } catch (error) {
      if (!isIndexMissing(error)) throw error;
      await reading(verb, () => this.#again.run());
      if (!isWrite(verb)) return perform();
      const { collectionName } = this.#params.collection;
      const message = `Indexes of ${collectionName} had been dropped; they were made again during ${verb}`;
      throw new UnknownOutcomeError(message, { cause: error });
    }
  }

  async #provide(): Promise<void> {
    const { collection, commands, log, indexes, mayMake } = this.#params;
    if (!mayMake) {
      await checkIndexes(collection, indexes, commands.readOptions());
      await log?.check();
      return;
    }
    // Without a bound: on a large collection it may take long, and goes on after a call gave up waiting for it.
    const { maxTimeMS: _, ...options } = commands.writeOptions();
    await makeIndexes(collection, indexes, options);
    await log?.make(options);
  }
}
