/**
 * Claims as they stand in the jobs collection: how they are made and found.
 *
 * @module
 */
import { BSON, type Collection, type Document, type ObjectId, type WithId } from 'mongodb';
import type { Clock } from '../../foundation/clock.ts';
import { UnknownOutcomeError } from '../../foundation/errors.ts';
import { type Random, sample } from '../../foundation/random.ts';
import type { ClaimedJob, Job } from '../../job/job.ts';
import type {
  ClaimParams,
  ClaimResult,
  Demand,
  FindClaimantsParams,
  ReadClaimParams,
  ReadClaimsParams,
  StandingClaim,
} from '../ledger-repository.ts';
import {
  CLAIM_ORDER,
  claimableFilter,
  claimantFilter,
  claimStatement,
  claimsFilter,
  PLAN_FIELDS,
} from './engine-queries.ts';
import { fromDocument } from './job-document.ts';
import type { UpdateStatement } from './lifecycle-statements.ts';
import type { MongoJobs } from './moves.ts';
import { type Candidate, cutDemand, MongoOverdue } from './overdue.ts';
import type { Commands, UpdateCounts } from './server/commands.ts';
import { IndexName } from './server/indexes.ts';
import type { MongoTransitions } from './transition-log.ts';

const MOST_STRANGERS = 100;

/** One claim's jobs are read within one deadline, over whatever network there is. */
const MOST_BYTES_A_CLAIM = 8 * 1_048_576;
const SMALLEST_JOB_BYTES = 256;
const KEPT_SIZE = 0.9;

/** Of the last jobs in a queue, each of many rivals takes at least so many: to lose them costs little. */
const SMALLEST_PART = 20;

/** What a claim shows of its job: all that a rescue chooses by. */
const STANDING_FIELDS = {
  name: 1,
  failCount: 1,
  lane: 1,
  flow: 1,
  'source.name': 1,
  claimToken: 1,
  fence: 1,
  rescueCount: 1,
  cancelRequestedAt: 1,
  ...PLAN_FIELDS,
} as const;

/** What a claim is made with. */
export interface ClaimBounds {
  readonly clock: Clock;
  readonly random: Random;
  /** How long a claim may take that says nothing else. */
  readonly operationTimeoutMs: number;
}

/** Makes and reads claims. */
export class MongoClaims {
  readonly #collection: Collection<Job>;
  readonly #commands: Commands;
  readonly #bounds: ClaimBounds;
  readonly #overdue: MongoOverdue;
  readonly #log: MongoTransitions | undefined;
  #bytesAJob = SMALLEST_JOB_BYTES;

  constructor({ collection, commands, log }: MongoJobs, bounds: ClaimBounds) {
    this.#log = log;
    this.#collection = collection;
    this.#commands = commands;
    this.#bounds = bounds;
    this.#overdue = new MongoOverdue(commands, bounds);
  }

  /**
   * Finds due jobs, claims those that are still pending, and reads what was won.
   *
   * @throws UnknownOutcomeError when the caller has given up: it may have looked for the token already, so nothing more
   * may be claimed under it
   */
  async claim(params: ClaimParams): Promise<ClaimResult> {
    const { clock, random, operationTimeoutMs } = this.#bounds;
    const lateMs = clock.monotonic() + (params.deadlineMs ?? operationTimeoutMs);
    const demand = cutDemand(params.demand, MOST_BYTES_A_CLAIM / this.#bytesAJob, random);
    const { chosen, ...names } = await this.#choose({ ...params, demand });
    const ids = chosen.map((candidate) => candidate._id);
    if (ids.length === 0) return { jobs: [], attempted: 0, ...names };
    if (clock.monotonic() >= lateMs)
      throw new UnknownOutcomeError('The claim was given up before it was made');
    return {
      jobs: await this.#make(claimStatement(ids, params), params),
      attempted: ids.length,
      ...names,
    };
  }

  /** One job is claimed and read in one go, as jobs that come alone mostly are. */
  async #make(statement: UpdateStatement, params: ReadClaimParams): Promise<Job[]> {
    const { q, u, hint } = statement;
    const [only, ...others]: readonly ObjectId[] = q._id.$in;
    if (others.length === 0) {
      const document = await this.#commands.updateOne({ q: { ...q, _id: only }, u, hint });
      if (document !== undefined) return this.#noteWon(document ? [fromDocument(document)] : []);
    }
    return this.won(params, await this.#commands.update([statement]));
  }

  /** Reads what a claim won that was just made. */
  async won(params: ReadClaimParams, counts: UpdateCounts): Promise<Job[]> {
    return this.#noteWon(
      counts.matched + counts.refused > 0 ? await this.#readWon(params, counts) : [],
    );
  }

  async #noteWon(jobs: Job[]): Promise<Job[]> {
    this.#measure(jobs);
    await this.#log?.claimed(jobs);
    return jobs;
  }

  /** Among rivals each looks at a place of its own in the queue; of few jobs each takes a part. */
  async #choose(params: ClaimParams): Promise<Choice> {
    const { demand, suspects, widening } = params;
    // A suspect is claimed alone.
    const wanted = suspects ? 1 : demand.reduce((sum, { limit }) => sum + limit, 0);
    const place = Math.floor(this.#bounds.random.fraction() * widening);
    const [overdue, found] = await Promise.all([
      suspects ? [] : this.#overdue.find(params),
      this.#findCandidates(params, wanted, place * wanted),
    ]);
    const isFull = found.length === wanted;
    if (isFull || widening === 1) return choose(demand, { overdue, found, isFull }, mostUrgent);
    const all = place === 0 ? found : await this.#findCandidates(params, wanted * widening);
    const isCut = all.length === wanted * widening;
    return choose(demand, { overdue, found: all, isFull: isCut }, (named, limit) => {
      const part = Math.max(Math.ceil(named.length / widening), SMALLEST_PART);
      return sample(this.#bounds.random, named, Math.min(part, limit));
    });
  }

  /** Large jobs are claimed in smaller batches, so that the read of a claim ends before its deadline. */
  #measure(jobs: readonly Job[]): void {
    const [sample] = jobs;
    if (sample === undefined) return;
    const bytes = BSON.calculateObjectSize(sample, { ignoreUndefined: true });
    this.#bytesAJob = Math.max(bytes, this.#bytesAJob * KEPT_SIZE, SMALLEST_JOB_BYTES);
  }

  async #findCandidates(
    { demand, now, suspects }: ClaimParams,
    limit: number,
    skip = 0,
  ): Promise<Candidate[]> {
    const names = demand.map(({ name }) => name);
    const found = await this.#commands.findInOneReply(claimableFilter(names, now, suspects), {
      projection: { _id: 1, name: 1 },
      sort: CLAIM_ORDER,
      skip,
      limit,
      hint: suspects ? IndexName.SUSPECTS : IndexName.CLAIM,
    });
    return found as Document[] as Candidate[];
  }

  /** What a claim won whose answer was lost: all of it, and only what can no longer be rolled back. */
  async readClaim(params: ReadClaimParams): Promise<Job[]> {
    await this.#commands.confirmPast();
    const jobs = await this.#read(params, 'majority');
    await this.#log?.claimed(jobs);
    return jobs;
  }

  /**
   * The jobs of a claim that was just made. One reply brings them all, unless they are larger than most. It stops at the
   * last of them: behind it lie the deleted keys of earlier claims, which the server keeps for minutes.
   */
  async #readWon(params: ReadClaimParams, { matched, refused }: UpdateCounts): Promise<Job[]> {
    const filter = claimsFilter(params.instanceId, params.claimToken);
    const documents = await this.#commands.findInOneReply(filter, {
      hint: IndexName.CLAIMS,
      // Of a statement that ended with an error nobody knows how many it changed.
      ...(refused === 0 && { limit: matched }),
    });
    return documents.length < matched + refused
      ? this.#read(params, 'local')
      : inClaimOrder(documents);
  }

  /** The jobs under one token, the most urgent first. */
  async #read(
    { instanceId, claimToken }: ReadClaimParams,
    readConcern: 'local' | 'majority',
  ): Promise<Job[]> {
    const documents = await this.#collection
      .find(claimsFilter(instanceId, claimToken), {
        ...this.#commands.readOptions(readConcern),
        hint: IndexName.CLAIMS,
      })
      .toArray();
    return inClaimOrder(documents);
  }

  /** The claims that stand under an instance's id. */
  async readClaims({ instanceId, limit }: ReadClaimsParams): Promise<readonly StandingClaim[]> {
    const claims = await this.standing(instanceId, limit);
    return claims.map(({ _id, claimToken, fence, cancelRequestedAt }) => ({
      jobId: _id,
      claimToken,
      fence,
      ...(cancelRequestedAt && { cancelRequestedAt }),
    }));
  }

  /** What an instance holds, without the jobs' content. */
  async standing(instanceId: string, limit: number): Promise<ClaimedJob[]> {
    const documents = await this.#collection
      .find(claimsFilter(instanceId), {
        ...this.#commands.readOptions(),
        projection: STANDING_FIELDS,
        limit,
        hint: IndexName.CLAIMS,
      })
      .toArray();
    return documents.map(fromDocument) as ClaimedJob[];
  }

  /** Instances that hold claims, beyond those that are known; from one to the next within the index. */
  async findClaimants({ except }: FindClaimantsParams): Promise<readonly string[]> {
    const strangers: string[] = [];
    while (strangers.length < MOST_STRANGERS) {
      const next = await this.#collection.findOne(claimantFilter(except, strangers.at(-1) ?? ''), {
        ...this.#commands.readOptions(),
        projection: { _id: 0, claimedBy: 1 },
        sort: { claimedBy: 1 },
        hint: IndexName.CLAIMS,
      });
      if (next?.claimedBy === undefined) break;
      strangers.push(next.claimedBy);
    }
    return strangers;
  }
}

interface Choice extends Pick<ClaimResult, 'saturated' | 'drained'> {
  readonly chosen: readonly Candidate[];
}

type Take = (named: readonly Candidate[], limit: number) => readonly Candidate[];

const mostUrgent: Take = (named, limit) => named.slice(0, limit);

/** What a claim may take. */
interface Candidates {
  /** They are taken whatever else there is. */
  readonly overdue: readonly Candidate[];
  /** Overdue ones may be among them again. */
  readonly found: readonly Candidate[];
  /** True when there may be more than were found: one name's may have kept another's out. */
  readonly isFull: boolean;
}

/** Takes each name's share of the candidates. */
function choose(
  demand: readonly Demand[],
  { overdue, found, isFull }: Candidates,
  take: Take,
): Choice {
  const chosen: Candidate[] = [...overdue];
  const saturated: string[] = [];
  const drained: string[] = [];
  const ids = new Set(overdue.map(({ _id }) => _id.toHexString()));
  const others = ids.size === 0 ? found : found.filter(({ _id }) => !ids.has(_id.toHexString()));
  for (const { name, limit } of demand) {
    const first = overdue.filter((candidate) => candidate.name === name).length;
    const named = others.filter((candidate) => candidate.name === name);
    const taken = take(named, limit - first);
    if (first + named.length >= limit || named.length > taken.length) saturated.push(name);
    else if (!isFull) drained.push(name);
    chosen.push(...taken);
  }
  return { chosen, saturated, drained };
}

function inClaimOrder(documents: readonly WithId<Document>[]): Job[] {
  return documents.map(fromDocument).sort(byClaimOrder);
}

function byClaimOrder(a: Job, b: Job): number {
  return (
    a.priority - b.priority ||
    Number(a.nextRunAt) - Number(b.nextRunAt) ||
    Buffer.compare(a._id.id, b._id.id)
  );
}
