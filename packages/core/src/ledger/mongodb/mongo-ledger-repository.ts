/**
 * The ledger for production: jobs in a MongoDB collection, leases in `<collection>.instances`, who is next in an order
 * in `<collection>.lanes`, and what was moved away in `<collection>.archive` beside it. This file only hands the verbs on to the parts, a concept a file.
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
import type { Job } from '../../job/job.ts';
import {
  DEFAULT_OPERATION_TIMEOUT,
  gathered,
  type LedgerHint,
  LedgerRepository,
  type LedgerVerbs,
  type LedgerWatch,
  type MendParams,
  type NextDueParams,
  type SetMetadataParams,
} from '../ledger-repository.ts';
import { type Around, surrounded } from '../verbs/around.ts';
import { isWrite } from '../verbs/verb-table.ts';
import { MongoClaims } from './claims.ts';
import { MongoEnqueue } from './enqueue.ts';
import { watchJobs } from './hints.ts';
import { IndexProvision } from './index-provision.ts';
import { MongoInspection } from './inspection.ts';
import { type LeaseDocument, MongoLeases } from './leases.ts';
import { DEFAULT_COLLECTION_NAME, type MongoLedgerRepositoryOptions } from './ledger-options.ts';
import type { LimitDocument } from './limits/limit-documents.ts';
import { MongoLimits } from './limits/limits.ts';
import { MongoListing } from './listing.ts';
import { MongoControl } from './manual-verbs.ts';
import { mend } from './mend.ts';
import { setMetadata } from './metadata.ts';
import { MongoJobs } from './moves.ts';
import { nextDue } from './next-due.ts';
import type { LaneDocument } from './orders/lane-queries.ts';
import { MongoOrders } from './orders/orders.ts';
import type { PauseDocument } from './pause-documents.ts';
import { MongoPauses } from './pauses.ts';
import { MongoPruning } from './pruning.ts';
import { MongoRescue } from './rescue.ts';
import { MongoSeries } from './series.ts';
import { Commands } from './server/commands.ts';
import { reading, writing } from './server/driver-errors.ts';
import { ENGINE_INDEXES, LISTING_INDEXES } from './server/indexes.ts';
import { checkedDb, checkServer } from './server/server-checks.ts';
import { MongoSettle } from './settle.ts';
import { MongoStages } from './stages.ts';
import { MongoTransitions } from './transition-log.ts';

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
    const commandsOf = (name: string, concern = writeConcern): Commands =>
      new Commands(db, name, concern, operationTimeoutMs);
    const logName = `${collectionName}.transitions`;
    const log = transitionLog
      ? new MongoTransitions(db.collection(logName), commandsOf(logName), random)
      : undefined;
    const archiveName = `${collectionName}.archive`;
    const archive = new MongoJobs(db.collection<Job>(archiveName), commandsOf(archiveName));
    const jobs = new MongoJobs(db.collection<Job>(collectionName), commandsOf(collectionName), log);
    const bounds = { clock: this.clock, random, operationTimeoutMs };
    const claims = new MongoClaims(jobs, bounds);
    const lanesName = `${collectionName}.lanes`;
    const lanes = db.collection<LaneDocument>(lanesName);
    const laneCommands = commandsOf(lanesName);
    const orders = new MongoOrders({ jobs, claims, bounds, lanes, laneCommands });
    const leasesName = `${collectionName}.instances`;
    const hasClaims = async (id: string) => (await claims.standing(id, 1)).length > 0;
    const instances = db.collection<LeaseDocument>(leasesName);
    const leases = new MongoLeases(instances, commandsOf(leasesName, 'majority'), hasClaims);
    this.#db = db;
    this.#jobs = jobs;
    this.#random = random;
    this.#provision = new IndexProvision({
      ...{ collection: jobs.collection, commands: jobs.commands, leases, log },
      indexes: listingIndexes ? [...ENGINE_INDEXES, ...LISTING_INDEXES] : ENGINE_INDEXES,
      mayMake: !skipIndexCreation,
    });
    const verbs = gathered(
      new MongoEnqueue(jobs),
      claims,
      orders,
      new MongoSettle(jobs),
      new MongoStages(jobs),
      new MongoControl(jobs, this.clock),
      new MongoSeries(jobs),
      new MongoListing(jobs, archive),
      new MongoInspection(jobs),
      new MongoRescue(jobs, {
        isLive: (instanceId) => leases.isLive(instanceId),
        claimsOf: (instanceId, limit) => claims.standing(instanceId, limit),
      }),
      new MongoPauses(db.collection<PauseDocument>(collectionName), jobs.commands),
      new MongoLimits(
        db.collection<LimitDocument>(collectionName),
        jobs.commands,
        async (instanceId) => (await leases.isLive(instanceId)) || (await hasClaims(instanceId)),
      ),
      new MongoPruning(jobs, archive, orders),
      leases,
      {
        readTime: () => readTime(db),
        setMetadata: (params: SetMetadataParams) => setMetadata(jobs, params),
        mend: (params: MendParams) => mend(jobs, params),
        nextDue: (params: NextDueParams) => nextDue(jobs, params),
      },
    );
    // What a call asks for by name may have been dropped; see `IndexProvision`.
    this.verbs = surrounded(surrounded(verbs, withErrorsOfCalls), (verb, params, next) =>
      this.#provision.during(verb, () => next(params)),
    );
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

async function readTime(db: Db): Promise<Date> {
  const hello = await db.command({ hello: 1 }, { readPreference: 'primary' });
  return hello.localTime;
}
