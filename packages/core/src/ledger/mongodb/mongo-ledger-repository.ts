/**
 * The ledger for production: jobs in a MongoDB collection, leases in `<collection>.instances`, who is next in an order
 * in `<collection>.lanes`, marks of transactions in `<collection>.marks`, and what was moved away in `<collection>.archive` beside it. The verbs are in the parts, a
 * concept a file.
 *
 * What always holds: a write that changes a job's state carries the guards of the lifecycle table in its own filter,
 * so the server refuses what does not apply; what a claim runs is what was read after its update; and no answer is
 * taken for a write that the required number of members did not confirm.
 *
 * @module
 */
import type { Db } from 'mongodb';
import type { Database } from '../../foundation/driver-shapes.ts';
import { type Random, systemRandom } from '../../foundation/random.ts';
import {
  DEFAULT_OPERATION_TIMEOUT,
  type LedgerHint,
  LedgerRepository,
  type LedgerTransactions,
  type LedgerVerbs,
  type LedgerWatch,
} from '../ledger-repository.ts';
import { type Around, surrounded } from '../verbs/around.ts';
import { isWrite } from '../verbs/verb-table.ts';
import { watchJobs } from './hints/hints.ts';
import { IndexProvision } from './index-provision.ts';
import { DEFAULT_COLLECTION_NAME, type MongoLedgerRepositoryOptions } from './ledger-options.ts';
import type { MongoJobs } from './moves.ts';
import { mongoParts } from './parts.ts';
import { reading, writing } from './server/driver-errors.ts';
import { ENGINE_INDEXES, LISTING_INDEXES } from './server/indexes.ts';
import { checkedDb, checkServer } from './server/server-checks.ts';

export {
  DEFAULT_COLLECTION_NAME,
  type MongoLedgerRepositoryOptions,
} from './ledger-options.ts';

/** Keeps jobs in MongoDB 4.4 or newer, on a replica set; on a standalone server without hints. */
export class MongoLedgerRepository extends LedgerRepository {
  protected override verbs: LedgerVerbs;
  readonly #db: Db;
  readonly #jobs: MongoJobs;
  readonly #random: Random;
  readonly #provision: IndexProvision;
  readonly #transactions: LedgerTransactions;
  #canWatch = false;

  /** @param source - the database; its client is the user's, and stays open when the ledger is closed */
  constructor(source: Database, options: MongoLedgerRepositoryOptions = {}) {
    const db = checkedDb(source);
    super(options);
    const {
      collectionName = DEFAULT_COLLECTION_NAME,
      writeConcern = 'majority',
      operationTimeoutMs = DEFAULT_OPERATION_TIMEOUT,
      skipIndexCreation = false,
      listingIndexes = false,
      transitionLog = false,
      random = systemRandom,
    } = options;
    const bounds = { clock: this.clock, random, operationTimeoutMs };
    const mayMake = !skipIndexCreation;
    const { jobs, leases, log, transactions, verbs } = mongoParts(db, {
      ...{ collectionName, writeConcern, transitionLog, bounds, mayMake },
    });
    this.#db = db;
    this.#transactions = transactions;
    this.#jobs = jobs;
    this.#random = random;
    this.#provision = new IndexProvision({
      ...{ collection: jobs.collection, commands: jobs.commands, leases, log },
      indexes: listingIndexes ? [...ENGINE_INDEXES, ...LISTING_INDEXES] : ENGINE_INDEXES,
      mayMake,
    });
    // What a call asks for by name may have been dropped; see `IndexProvision`.
    this.verbs = surrounded(surrounded(verbs, withErrorsOfCalls), (verb, params, next) =>
      this.#provision.during(verb, () => next(params)),
    );
  }

  override get transactions(): LedgerTransactions {
    return this.#transactions;
  }

  protected override performOpen(): Promise<void> {
    const { collection } = this.#jobs;
    return reading('open', async () => {
      const { canWatch } = await checkServer(this.#db, collection.collectionName);
      this.#canWatch = canWatch;
      await this.#provision.open();
    });
  }

  protected override async performClose(): Promise<void> {
    // Nothing is held open but watches, which are closed by who set them up.
  }

  protected override async performWatch(
    listener: (hint: LedgerHint) => void,
  ): Promise<LedgerWatch> {
    return watchJobs({
      client: this.#db.client,
      collection: this.#jobs.collection,
      canWatch: this.#canWatch,
      listener,
      clock: this.clock,
      random: this.#random,
    });
  }
}

/** Errors reach whoever is in a transaction as the driver made them: `withTransaction` decides by their labels. */
const withErrorsOfCalls: Around = (verb, params, next) => {
  if ('session' in params && params.session !== undefined) return next(params);
  return isWrite(verb) ? writing(verb, () => next(params)) : reading(verb, () => next(params));
};
