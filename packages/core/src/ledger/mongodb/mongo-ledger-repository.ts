/**
 * The ledger for production: jobs in a MongoDB collection, leases in `<collection>.instances` beside it.
 *
 * What always holds: a write that changes a job's state carries the guards of the lifecycle table in its own filter,
 * so the server refuses what does not apply; what a claim runs is what was read after its update; and no answer is
 * taken for a write that the required number of members did not confirm.
 *
 * @module
 */
import type { Collection, Db, Document, ServerDescriptionChangedEvent } from 'mongodb';
import { UnknownOutcomeError } from '../../errors.ts';
import type { Job } from '../../job.ts';
import { JOB_LIFECYCLE, type JobVerb } from '../../lifecycle.ts';
import { type Random, systemRandom } from '../../random.ts';
import {
  type CancelParams,
  type CancelResult,
  type ClaimParams,
  type ClaimResult,
  DEFAULT_OPERATION_TIMEOUT,
  type DeclareDeadParams,
  type EnqueueParams,
  type EnqueueResult,
  type FindClaimantsParams,
  type InstanceParams,
  type JobParams,
  type LeaseRecord,
  type LedgerHint,
  LedgerRepository,
  type LedgerRepositoryOptions,
  type LedgerWatch,
  type NextDueParams,
  type OpenLeaseParams,
  type ReadClaimParams,
  type ReadClaimsParams,
  type RemoveResult,
  type RescueParams,
  type RescueResult,
  type SettleParams,
  type SettleResult,
  type StandingClaim,
} from '../ledger-repository.ts';
import { answerUnmatched } from '../settlement.ts';
import { watchCollection } from './change-stream.ts';
import { Commands, type WriteConcernOption } from './commands.ts';
import { readError, writeError } from './driver-errors.ts';
import { ENGINE_INDEXES, IndexName } from './indexes.ts';
import { fromDocument } from './job-document.ts';
import { MongoClaims } from './mongo-claims.ts';
import { MongoEnqueue } from './mongo-enqueue.ts';
import { type LeaseDocument, MongoLeases } from './mongo-leases.ts';
import {
  dueWindowFilter,
  settleStatements,
  transitionFilter,
  transitionUpdate,
} from './queries.ts';
import { checkDb, checkIndexes, checkServer } from './server-checks.ts';

/** The collection jobs are kept in when no other is named. */
export const DEFAULT_COLLECTION_NAME = 'monque_jobs';

const MOST_DUE_TIMES = 1_000;
const SHORTEST_WINDOW_MS = 100;
const MOST_CANCEL_RACES = 10;

/** What a {@link MongoLedgerRepository} is given beside the database. */
export interface MongoLedgerRepositoryOptions extends LedgerRepositoryOptions {
  /** The collection of the jobs. @default 'monque_jobs' */
  readonly collectionName?: string;
  /** Who must confirm a write. @default 'majority' */
  readonly writeConcern?: WriteConcernOption;
  /** Expect the indexes to be there instead of making them. @default false */
  readonly skipIndexCreation?: boolean;
  /** The source of chance. */
  readonly random?: Random;
}

/** Keeps jobs in MongoDB 4.4 or newer, on a replica set; on a standalone server without hints. */
export class MongoLedgerRepository extends LedgerRepository {
  readonly #db: Db;
  readonly #collection: Collection<Job>;
  readonly #commands: Commands;
  readonly #leases: MongoLeases;
  readonly #claims: MongoClaims;
  readonly #enqueue: MongoEnqueue;
  readonly #random: Random;
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
    } = options;
    this.#db = db;
    this.#collection = db.collection<Job>(collectionName);
    this.#commands = new Commands(db, collectionName, writeConcern, operationTimeoutMs);
    const instances = db.collection<LeaseDocument>(`${collectionName}.instances`);
    this.#leases = new MongoLeases(
      instances,
      new Commands(db, instances.collectionName, 'majority', operationTimeoutMs),
    );
    this.#enqueue = new MongoEnqueue(this.#collection, this.#commands);
    this.#random = options.random ?? systemRandom;
    this.#claims = new MongoClaims(this.#collection, this.#commands, this.#random);
    this.#skipIndexCreation = options.skipIndexCreation ?? false;
    this.#operationTimeoutMs = operationTimeoutMs;
  }

  protected override performOpen(): Promise<void> {
    return reading('open', async () => {
      const { canWatch } = await checkServer(this.#db, this.#collection.collectionName);
      this.#canWatch = canWatch;
      if (this.#skipIndexCreation)
        await checkIndexes(this.#collection, this.#commands.readOptions());
      else await this.#createIndexes();
    });
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

  protected override performEnqueue({ jobs, session }: EnqueueParams): Promise<EnqueueResult> {
    if (session === undefined) {
      return writing('enqueue', async () => ({ answers: await this.#enqueue.batch(jobs) }));
    }
    return this.#enqueueInSession(jobs, session);
  }

  /** Errors reach the caller as the driver made them: `withTransaction` decides by their labels. */
  async #enqueueInSession(
    jobs: readonly Job[],
    session: NonNullable<EnqueueParams['session']>,
  ): Promise<EnqueueResult> {
    const answers = [];
    for (const job of jobs) answers.push(await this.#enqueue.inSession(job, session));
    return { answers };
  }

  protected override performClaim(params: ClaimParams): Promise<ClaimResult> {
    const { clock } = this;
    const lateMs = clock.monotonic() + (params.deadlineMs ?? this.#operationTimeoutMs);
    return writing('claim', () => this.#claims.claim(params, () => clock.monotonic() >= lateMs));
  }

  protected override performReadClaim(params: ReadClaimParams): Promise<readonly Job[]> {
    return reading('readClaim', () => this.#claims.readConfirmed(params));
  }

  protected override performSettle({ settlements, now }: SettleParams): Promise<SettleResult> {
    return writing('settle', async () => {
      const { matched } = await this.#commands.update(settleStatements(settlements, now));
      if (matched === settlements.length) return { answers: settlements.map(() => 'settled') };
      return { answers: await this.#answersAfterRead(settlements) };
    });
  }

  async #answersAfterRead(
    settlements: SettleParams['settlements'],
  ): Promise<SettleResult['answers']> {
    const ids = settlements.map(({ jobId }) => jobId);
    const stored = await this.#collection
      .find(
        { _id: { $in: ids } },
        {
          ...this.#commands.readOptions(),
          projection: { status: 1, fence: 1, lastToken: 1, claimToken: 1, cancelRequestedAt: 1 },
        },
      )
      .toArray();
    const byId = new Map(stored.map((job) => [job._id.toHexString(), fromDocument(job)]));
    return settlements.map((settlement) =>
      answerUnmatched(settlement, byId.get(settlement.jobId.toHexString()) ?? null),
    );
  }

  protected override performCancel({ jobId, now }: CancelParams): Promise<CancelResult> {
    return writing('cancel', async () => {
      for (let race = 0; race < MOST_CANCEL_RACES; race += 1) {
        const cancelled = await this.#applyTo(jobId, 'cancel', { now });
        if (cancelled) return { outcome: 'cancelled', job: cancelled };
        const requested = await this.#applyTo(jobId, 'requestCancel', { now });
        if (requested) return { outcome: 'requested', job: requested };
        const job = await this.#find(jobId);
        if (job === null) return { outcome: 'missing', job };
        if (JOB_LIFECYCLE.terminal.includes(job.status)) return { outcome: 'refused', job };
        if (job.cancelRequestedAt) return { outcome: 'requested', job };
      }
      throw new UnknownOutcomeError(`Job ${jobId.toHexString()} changed too often to be cancelled`);
    });
  }

  async #applyTo(jobId: Job['_id'], verb: JobVerb, params: { now: Date }): Promise<Job | null> {
    const document = await this.#collection.findOneAndUpdate(
      { _id: jobId, ...transitionFilter(verb, params) },
      transitionUpdate(verb, params),
      { ...this.#commands.writeOptions(), returnDocument: 'after' },
    );
    return document && fromDocument(document);
  }

  protected override performRemove({ jobId }: JobParams): Promise<RemoveResult> {
    return writing('remove', async () => {
      const removed = await this.#collection.findOneAndDelete(
        { _id: jobId, ...transitionFilter('remove', {}) },
        this.#commands.writeOptions(),
      );
      if (removed) return { outcome: 'removed', job: fromDocument(removed) };
      const job = await this.#find(jobId);
      return { outcome: job ? 'refused' : 'missing', job };
    });
  }

  protected override performGetJob({ jobId }: JobParams): Promise<Job | null> {
    return reading('getJob', () => this.#find(jobId));
  }

  async #find(jobId: Job['_id']): Promise<Job | null> {
    const document = await this.#collection.findOne({ _id: jobId }, this.#commands.readOptions());
    return document && fromDocument(document);
  }

  protected override performNextDue({ names, after, until }: NextDueParams): Promise<Date | null> {
    return reading('nextDue', async () => {
      let windowEnd = until;
      for (;;) {
        const times = await this.#findDueTimes(dueWindowFilter(names, after, windowEnd));
        if (times.length === 0) return null;
        const windowMs = windowEnd.getTime() - after.getTime();
        // Of so many, one that was left out may be earlier: nearer to now there are fewer.
        const isWhole = times.length < MOST_DUE_TIMES || windowMs <= SHORTEST_WINDOW_MS;
        if (isWhole) return new Date(Math.min(...times));
        windowEnd = new Date(after.getTime() + Math.ceil(windowMs / 2));
        if ((await this.#findDueTimes(dueWindowFilter(names, after, windowEnd), 1)).length === 0) {
          return windowEnd;
        }
      }
    });
  }

  async #findDueTimes(filter: Document, limit = MOST_DUE_TIMES): Promise<number[]> {
    const due = await this.#collection
      .find(filter, {
        ...this.#commands.readOptions(),
        projection: { _id: 0, nextRunAt: 1 },
        limit,
        batchSize: limit + 1,
        hint: IndexName.CLAIM,
      })
      .toArray();
    return due.map(({ nextRunAt }) => nextRunAt.getTime());
  }

  protected override performOpenLease(params: OpenLeaseParams): Promise<void> {
    return writing('openLease', () => this.#leases.open(params));
  }

  protected override performRenewLease({ instanceId }: InstanceParams): Promise<boolean> {
    return writing('renewLease', () => this.#leases.renew(instanceId));
  }

  protected override performReadLeases(): Promise<readonly LeaseRecord[]> {
    return reading('readLeases', () => this.#leases.readAll());
  }

  protected override performDeclareDead(params: DeclareDeadParams): Promise<boolean> {
    return writing('declareDead', () => this.#leases.declareDead(params));
  }

  protected override performEndLease({ instanceId }: InstanceParams): Promise<void> {
    return writing('endLease', async () => {
      await this.#leases.end(instanceId);
      const [claim] = await this.#claims.standing(instanceId, 1);
      if (claim === undefined) await this.#leases.removeDead(instanceId);
    });
  }

  protected override performRemoveLease({ instanceId }: InstanceParams): Promise<void> {
    return writing('removeLease', () => this.#leases.removeDead(instanceId));
  }

  protected override performFindClaimants({
    except,
  }: FindClaimantsParams): Promise<readonly string[]> {
    return reading('findClaimants', () => this.#claims.claimants(except));
  }

  protected override performReadClaims({
    instanceId,
    limit,
  }: ReadClaimsParams): Promise<readonly StandingClaim[]> {
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

  protected override performRescue(params: RescueParams): Promise<RescueResult> {
    return writing('rescue', async () => {
      if (await this.#leases.isLive(params.deadInstanceId)) return rescued({ refused: true });
      const claims = await this.#claims.standing(params.deadInstanceId, params.limit);
      const [pending, failed, cancelled] = [
        await this.#claims.rescueBy('rescue', claims, params),
        await this.#claims.rescueBy('rescueToFailed', claims, params),
        await this.#claims.rescueBy('rescueToCancelled', claims, params),
      ];
      return rescued({ pending, failed, cancelled, more: claims.length === params.limit });
    });
  }

  protected override async performWatch(
    listener: (hint: LedgerHint) => void,
  ): Promise<LedgerWatch> {
    const unwatchPrimary = this.#watchPrimary(listener);
    const unsupported = this.#whyNoHints();
    if (unsupported !== undefined) return { unsupported, close: async () => unwatchPrimary() };
    const { clock } = this;
    const watch = watchCollection({
      collection: this.#collection,
      listener,
      clock,
      random: this.#random,
    });
    return {
      async close(): Promise<void> {
        unwatchPrimary();
        await watch.close();
      },
    };
  }

  /** A change stream waits on a connection of its own, so it must not be the only one. */
  #whyNoHints(): string | undefined {
    if (!this.#canWatch) return 'the server is not part of a replica set';
    if (this.#db.client.options.maxPoolSize === 1) return 'the client has a `maxPoolSize` of 1';
    return undefined;
  }

  /** Another primary has another clock. */
  #watchPrimary(listener: (hint: LedgerHint) => void): () => void {
    const onChange = ({
      previousDescription,
      newDescription,
    }: ServerDescriptionChangedEvent): void => {
      const becamePrimary =
        newDescription.type === 'RSPrimary' && previousDescription.type !== 'RSPrimary';
      if (becamePrimary) listener({ kind: 'clockChanged' });
    };
    const { client } = this.#db;
    client.on('serverDescriptionChanged', onChange);
    return () => client.off('serverDescriptionChanged', onChange);
  }

  /** Bounded by nothing: on a large collection it may take long, and goes on after a call gave up waiting for it. */
  async #createIndexes(): Promise<void> {
    const { maxTimeMS: _, ...options } = this.#commands.writeOptions();
    await this.#collection.createIndexes([...ENGINE_INDEXES], options);
  }
}

async function reading<T>(verb: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw readError(verb, error);
  }
}

async function writing<T>(verb: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    throw writeError(verb, error);
  }
}

function rescued(result: Partial<RescueResult>): RescueResult {
  return { pending: 0, failed: 0, cancelled: 0, more: false, refused: false, ...result };
}
