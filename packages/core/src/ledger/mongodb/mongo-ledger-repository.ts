/**
 * The ledger for production: jobs in a MongoDB collection, leases in `<collection>.instances` and what was moved away
 * in `<collection>.archive` beside it. This file only hands the verbs on to the parts, a concept a file.
 *
 * What always holds: a write that changes a job's state carries the guards of the lifecycle table in its own filter,
 * so the server refuses what does not apply; what a claim runs is what was read after its update; and no answer is
 * taken for a write that the required number of members did not confirm.
 *
 * @module
 */
import type { Collection, Db } from 'mongodb';
import { type Random, systemRandom } from '../../foundation/random.ts';
import type { Job } from '../../job/job.ts';
import { DEFAULT_OPERATION_TIMEOUT, LedgerRepository } from '../ledger-repository.ts';
import type * as verbs from '../verbs/ledger-verbs.ts';
import { MongoClaims } from './claims.ts';
import { MongoEnqueue } from './enqueue.ts';
import { watchJobs } from './hints.ts';
import { MongoInspection } from './inspection.ts';
import { type LeaseDocument, MongoLeases } from './leases.ts';
import { DEFAULT_COLLECTION_NAME, type MongoLedgerRepositoryOptions } from './ledger-options.ts';
import { MongoListing } from './listing.ts';
import { MongoControl } from './manual-verbs.ts';
import { mend } from './mend.ts';
import { setMetadata } from './metadata.ts';
import { MongoJobs } from './moves.ts';
import { findNextDue } from './next-due.ts';
import type { PauseDocument } from './pause-documents.ts';
import { MongoPauses } from './pauses.ts';
import { MongoPruning } from './pruning.ts';
import { MongoRescue } from './rescue.ts';
import { MongoSeries } from './series.ts';
import { Commands } from './server/commands.ts';
import { reading, writing } from './server/driver-errors.ts';
import {
  ENGINE_INDEXES,
  LISTING_INDEXES,
  type NamedIndex,
  SUPERSEDED_INDEXES,
} from './server/indexes.ts';
import {
  checkDb,
  checkIndexes,
  checkServer,
  dropIndexes,
  makeIndexes,
} from './server/server-checks.ts';
import { MongoSettle } from './settle.ts';
import { MongoStages } from './stages.ts';
import { MongoTransitions } from './transition-log.ts';

export {
  DEFAULT_COLLECTION_NAME,
  type MongoLedgerRepositoryOptions,
} from './ledger-options.ts';

/** Keeps jobs in MongoDB 4.4 or newer, on a replica set; on a standalone server without hints. */
export class MongoLedgerRepository extends LedgerRepository {
  readonly #db: Db;
  readonly #collection: Collection<Job>;
  readonly #commands: Commands;
  readonly #jobs: MongoJobs;
  readonly #leases: MongoLeases;
  readonly #claims: MongoClaims;
  readonly #rescue: MongoRescue;
  readonly #enqueue: MongoEnqueue;
  readonly #settle: MongoSettle;
  readonly #stages: MongoStages;
  readonly #control: MongoControl;
  readonly #series: MongoSeries;
  readonly #listing: MongoListing;
  readonly #inspection: MongoInspection;
  readonly #pauses: MongoPauses;
  readonly #pruning: MongoPruning;
  readonly #log: MongoTransitions | undefined;
  readonly #random: Random;
  readonly #indexes: readonly NamedIndex[];
  readonly #skipIndexCreation: boolean;
  readonly #operationTimeoutMs: number;
  #canWatch = false;

  /** @param db - the database; its client is the user's, and stays open when the ledger is closed */
  constructor(db: Db, options: MongoLedgerRepositoryOptions = {}) {
    checkDb(db);
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
    const instances = `${collectionName}.instances`;
    const archive = `${collectionName}.archive`;
    this.#db = db;
    this.#random = random;
    this.#indexes = listingIndexes ? [...ENGINE_INDEXES, ...LISTING_INDEXES] : ENGINE_INDEXES;
    this.#skipIndexCreation = skipIndexCreation;
    this.#operationTimeoutMs = operationTimeoutMs;
    this.#collection = db.collection<Job>(collectionName);
    this.#commands = commandsOf(collectionName);
    const transitions = `${collectionName}.transitions`;
    this.#log = transitionLog
      ? new MongoTransitions(db.collection(transitions), commandsOf(transitions), random)
      : undefined;
    this.#jobs = new MongoJobs(this.#collection, this.#commands, this.#log);
    const archived = new MongoJobs(db.collection<Job>(archive), commandsOf(archive));
    this.#leases = new MongoLeases(
      db.collection<LeaseDocument>(instances),
      commandsOf(instances, 'majority'),
    );
    this.#claims = new MongoClaims(this.#collection, this.#commands, random, this.#log);
    this.#rescue = new MongoRescue(this.#jobs);
    this.#enqueue = new MongoEnqueue(this.#collection, this.#commands, this.#log);
    this.#settle = new MongoSettle(this.#jobs);
    this.#stages = new MongoStages(this.#jobs);
    this.#control = new MongoControl(this.#jobs);
    this.#series = new MongoSeries(this.#jobs);
    this.#listing = new MongoListing(this.#jobs, archived);
    this.#inspection = new MongoInspection(this.#jobs);
    this.#pauses = new MongoPauses(db.collection<PauseDocument>(collectionName), this.#commands);
    this.#pruning = new MongoPruning(this.#jobs, archived);
  }

  protected override performOpen(): Promise<void> {
    return reading('open', async () => {
      const { canWatch } = await checkServer(this.#db, this.#collection.collectionName);
      this.#canWatch = canWatch;
      if (this.#skipIndexCreation) {
        await checkIndexes(this.#collection, this.#indexes, this.#commands.readOptions());
        await this.#log?.check();
        return;
      }
      // Without a bound: on a large collection it may take long, and goes on after a call gave up waiting for it.
      const { maxTimeMS: _, ...options } = this.#commands.writeOptions();
      await makeIndexes(this.#collection, this.#indexes, options);
      await this.#dropSuperseded();
      await this.#log?.make(options);
    });
  }

  /** While an instance of another version is alive, it may ask for them by name. */
  async #dropSuperseded(): Promise<void> {
    if (await this.#leases.hasOtherVersion()) return;
    await dropIndexes(this.#collection, SUPERSEDED_INDEXES, this.#commands.readOptions());
  }

  protected override async performClose(): Promise<void> {
    // Nothing is held open but watches, which are closed by who set them up.
  }

  protected override performReadTime(): Promise<Date> {
    return reading('readTime', async () => {
      const hello = await this.#db.command({ hello: 1 }, { readPreference: 'primary' });
      return hello.localTime;
    });
  }

  protected override performEnqueue({
    jobs,
    session,
  }: verbs.EnqueueParams): Promise<verbs.EnqueueResult> {
    if (session === undefined) {
      return writing('enqueue', async () => ({ answers: await this.#enqueue.batch(jobs) }));
    }
    return this.#enqueueInSession(jobs, session);
  }

  /** Errors reach the caller as the driver made them: `withTransaction` decides by their labels. */
  async #enqueueInSession(
    jobs: readonly Job[],
    session: NonNullable<verbs.EnqueueParams['session']>,
  ): Promise<verbs.EnqueueResult> {
    const answers = [];
    for (const job of jobs) answers.push(await this.#enqueue.inSession(job, session));
    return { answers };
  }

  protected override performClaim(params: verbs.ClaimParams): Promise<verbs.ClaimResult> {
    const { clock } = this;
    const lateMs = clock.monotonic() + (params.deadlineMs ?? this.#operationTimeoutMs);
    return writing('claim', () => this.#claims.claim(params, () => clock.monotonic() >= lateMs));
  }

  protected override performReadClaim(params: verbs.ReadClaimParams): Promise<readonly Job[]> {
    return reading('readClaim', () => this.#claims.readConfirmed(params));
  }

  protected override performSettle(params: verbs.SettleParams): Promise<verbs.SettleResult> {
    return writing('settle', () => this.#settle.settle(params));
  }

  protected override performNote(params: verbs.NoteParams): Promise<boolean> {
    return writing('note', () => this.#settle.note(params));
  }

  protected override performCheckpoint(
    params: verbs.CheckpointParams,
  ): Promise<verbs.CheckpointResult> {
    return writing('checkpoint', () => this.#stages.checkpoint(params));
  }

  protected override performOpenGate(params: verbs.OpenGateParams): Promise<verbs.OpenGateResult> {
    return writing('openGate', () => this.#stages.openGate(params));
  }

  protected override performExpireGates(
    params: verbs.ExpireGatesParams,
  ): Promise<verbs.ExpireGatesResult> {
    return writing('expireGates', () => this.#stages.expireGates(params));
  }

  protected override performCompleteInSession(
    params: verbs.CompleteInSessionParams,
  ): Promise<boolean> {
    return this.#settle.completeInSession(params);
  }

  protected override performCancel(params: verbs.CancelParams): Promise<verbs.CancelResult> {
    return writing('cancel', () => this.#control.cancel(params));
  }

  protected override performRedrive(params: verbs.RedriveParams): Promise<verbs.RedriveResult> {
    return writing('redrive', () => this.#control.redrive(params));
  }

  protected override performAmend(params: verbs.AmendParams): Promise<verbs.AmendResult> {
    if (params.session) return this.#control.amend(params);
    return writing('amend', () => this.#control.amend(params));
  }

  protected override performRemove(params: verbs.RemoveParams): Promise<verbs.RemoveResult> {
    const { now = new Date(this.clock.now()) } = params;
    return writing('remove', () => this.#control.remove({ ...params, now }));
  }

  protected override performReplan(params: verbs.ReplanParams): Promise<verbs.SeriesResult> {
    return writing('replan', () => this.#series.replan(params));
  }

  protected override performEndSeries(params: verbs.EndSeriesParams): Promise<verbs.SeriesResult> {
    return writing('endSeries', () => this.#series.endSeries(params));
  }

  protected override performFindSeries(params: verbs.FindSeriesParams): Promise<readonly Job[]> {
    return reading('findSeries', () => this.#series.find(params));
  }

  protected override performSetMetadata(
    params: verbs.SetMetadataParams,
  ): Promise<verbs.SetMetadataResult> {
    return writing('setMetadata', () => setMetadata(this.#jobs, params));
  }

  protected override performMend(params: verbs.MendParams): Promise<verbs.MendResult> {
    return writing('mend', () => mend(this.#jobs, params));
  }

  protected override performReadHistory(
    params: verbs.ReadHistoryParams,
  ): Promise<readonly verbs.TransitionEntry[]> {
    return reading('readHistory', () => this.#listing.history(params));
  }

  protected override performGetJob(params: verbs.GetJobParams): Promise<Job | null> {
    return reading('getJob', () => this.#listing.get(params));
  }

  protected override performFindJobs(params: verbs.FindJobsParams): Promise<readonly Job[]> {
    return reading('findJobs', () => this.#listing.list(params));
  }

  protected override performReadStats(
    params: verbs.ReadStatsParams,
  ): Promise<readonly verbs.StatsRow[]> {
    return reading('readStats', () => this.#listing.stats(params));
  }

  protected override performSetPaused(params: verbs.SetPausedParams): Promise<void> {
    return writing('setPaused', () => this.#pauses.set(params));
  }

  protected override performReadPaused(): Promise<readonly string[]> {
    return reading('readPaused', () => this.#pauses.read());
  }

  protected override performPrune(params: verbs.PruneParams): Promise<verbs.PruneResult> {
    return writing('prune', () => this.#pruning.prune(params));
  }

  protected override performNextDue(params: verbs.NextDueParams): Promise<Date | null> {
    return reading('nextDue', () => findNextDue(this.#jobs, params));
  }

  protected override performOpenLease(params: verbs.OpenLeaseParams): Promise<void> {
    return writing('openLease', () => this.#leases.open(params));
  }

  protected override performRenewLease(params: verbs.RenewLeaseParams): Promise<boolean> {
    return writing('renewLease', () => this.#leases.renew(params));
  }

  protected override performReadLeases(
    params: verbs.ReadLeasesParams,
  ): Promise<readonly verbs.LeaseRecord[]> {
    return reading('readLeases', () => this.#leases.readAll(params));
  }

  protected override performDeclareDead(params: verbs.DeclareDeadParams): Promise<boolean> {
    return writing('declareDead', () => this.#leases.declareDead(params));
  }

  protected override performEndLease({ instanceId }: verbs.InstanceParams): Promise<void> {
    return writing('endLease', async () => {
      await this.#leases.end(instanceId);
      const [claim] = await this.#claims.standing(instanceId, 1);
      if (claim === undefined) await this.#leases.removeDead(instanceId);
    });
  }

  protected override performRemoveLease({ instanceId }: verbs.InstanceParams): Promise<void> {
    return writing('removeLease', () => this.#leases.removeDead(instanceId));
  }

  protected override performFindClaimants({
    except,
  }: verbs.FindClaimantsParams): Promise<readonly string[]> {
    return reading('findClaimants', () => this.#claims.claimants(except));
  }

  protected override performReadClaims({
    instanceId,
    limit,
  }: verbs.ReadClaimsParams): Promise<readonly verbs.StandingClaim[]> {
    return reading('readClaims', async () => {
      const claims = await this.#claims.standing(instanceId, limit);
      return claims.map(({ _id, claimToken, fence, cancelRequestedAt }) => ({
        jobId: _id,
        claimToken,
        fence,
        ...(cancelRequestedAt && { cancelRequestedAt }),
      }));
    });
  }

  protected override performCountClaims(
    params: verbs.CountClaimsParams,
  ): Promise<verbs.ClaimCounts> {
    return reading('countClaims', () => this.#inspection.countClaims(params));
  }

  protected override performCountDue(params: verbs.CountDueParams): Promise<verbs.CountDueResult> {
    return reading('countDue', () => this.#inspection.countDue(params));
  }

  protected override performRescue(params: verbs.RescueParams): Promise<verbs.RescueResult> {
    return writing('rescue', async () => {
      const { deadInstanceId, limit } = params;
      if (await this.#leases.isLive(deadInstanceId)) {
        return { pending: 0, failed: 0, cancelled: 0, more: false, refused: true };
      }
      const claims = await this.#claims.standing(deadInstanceId, limit);
      const counts = await this.#rescue.rescue(claims, params);
      return { ...counts, more: claims.length === limit, refused: false };
    });
  }

  protected override performRecover(params: verbs.RecoverParams): Promise<verbs.RecoverResult> {
    return writing('recover', () => this.#rescue.recover(params));
  }

  protected override async performWatch(
    listener: (hint: verbs.LedgerHint) => void,
  ): Promise<verbs.LedgerWatch> {
    return watchJobs({
      client: this.#db.client,
      collection: this.#collection,
      canWatch: this.#canWatch,
      listener,
      clock: this.clock,
      random: this.#random,
    });
  }
}
