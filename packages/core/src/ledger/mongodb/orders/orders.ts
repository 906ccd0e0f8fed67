/**
 * Claims of jobs that stand in an order: the first of each lane is found, named in the lane's document by
 * compare-and-swap, and claimed at the fence that it was named with.
 *
 * What always holds: no claim is sent for a job before its lane is known to name it; a lane is written only if it is as
 * it was read; and who is named holds the lane until it is finished.
 *
 * @module
 */
import type { Collection, Document, ObjectId } from 'mongodb';
import { UnknownOutcomeError } from '../../../foundation/errors.ts';
import type { Job } from '../../../job/job.ts';
import type { JobVerb } from '../../../job/job-lifecycle.ts';
import { isGroupLane, keyOfLane, laneOf } from '../../../job/lanes.ts';
import { holdsLane, isSuperseded, type LaneJob, nextInLane } from '../../lane-choice.ts';
import type {
  ClaimOrdersParams,
  ClaimResult,
  FindAheadParams,
  JobAhead,
  LaneVerbs,
  OrderDemand,
  OrderRecord,
  ReadOrdersParams,
  SupersededJob,
  SweepOrdersParams,
  SweepOrdersResult,
} from '../../ledger-repository.ts';
import type { MongoClaims } from '../claims.ts';
import { isFreeGroup, isGroupLaneId } from '../groups/group-queries.ts';
import { fromDocument } from '../job-document.ts';
import { ID_INDEX, ID_KEY } from '../lifecycle-statements.ts';
import type { Commands } from '../server/commands.ts';
import { DUPLICATE_KEY_CODE } from '../server/driver-errors.ts';
import { IndexName } from '../server/indexes.ts';
import { movedFilter } from '../transition-log.ts';
import { LaneHeads, type LaneHeadsParts, MOST_HEADS } from './lane-heads.ts';
import {
  claimNamedStatements,
  LANE_ORDER,
  type LaneDocument,
  laneId,
  laneIdPrefix,
  laneNaming,
  lanesOfNameFilter,
  type NamedJob,
  namingStatement,
  ofLaneFilter,
  supersedingFilter,
} from './lane-queries.ts';
import { OrderPlace, OrderWalk } from './order-walk.ts';

const MOST_COUNTED = 1_000;

/** So many that supersede others one look reads. */
const MOST_SUPERSEDING = 2_000;

const HOLDER_FIELDS = {
  ...({ status: 1, fence: 1, nextRunAt: 1, rescueCount: 1 } as const),
  ...({ rank: 1, cancelRequestedAt: 1 } as const),
};

interface Head extends LaneJob {
  readonly laneId: string;
}

/** What orders are kept with. */
export interface MongoOrdersParts extends LaneHeadsParts {
  readonly lanes: Collection<LaneDocument>;
  readonly laneCommands: Commands;
  readonly claims: MongoClaims;
}

/** Claims jobs in their order. */
export class MongoOrders implements LaneVerbs {
  readonly #parts: MongoOrdersParts;
  readonly #firstJobs: LaneHeads;
  /** By what is looked for: ordinary jobs and suspects are found in other lanes. */
  readonly #places = new Map<string, OrderPlace>();
  /** The lock of the one that supersedes where the next look for those begins; undefined for the first. */
  #supersedingFrom: string | undefined;

  constructor(parts: MongoOrdersParts) {
    this.#parts = parts;
    this.#firstJobs = new LaneHeads(parts);
  }

  /**
   * Finds who is next, names those, claims those that are named, and reads what was won.
   *
   * @throws UnknownOutcomeError when the caller has given up before the claim
   */
  async claimOrders(params: ClaimOrdersParams): Promise<ClaimResult> {
    const { claims, jobs, bounds } = this.#parts;
    const lateMs = bounds.clock.monotonic() + (params.deadlineMs ?? bounds.operationTimeoutMs);
    const saturated: string[] = [];
    const drained: string[] = [];
    const chosen: NamedJob[] = [];
    for (const demand of params.demand) {
      const { found, isAll } = await this.#walk(demand, params);
      chosen.push(...found.slice(0, demand.limit));
      if (found.length >= demand.limit || !isAll) saturated.push(demand.name);
      else drained.push(demand.name);
    }
    // A suspect is claimed alone.
    const wanted = params.suspects ? chosen.slice(0, 1) : chosen;
    const named = await this.#name(wanted, params);
    const answer = { attempted: wanted.length, saturated, drained };
    if (named.length === 0) return { jobs: [], ...answer };
    if (bounds.clock.monotonic() >= lateMs)
      throw new UnknownOutcomeError('The claim was given up before it was made');
    const counts = await jobs.commands.update(claimNamedStatements(named, params));
    return { jobs: await claims.won(params, counts), ...answer };
  }

  /** From where the last walk ended once around all lanes, or until there is enough, or many were looked at. */
  async #walk(
    demand: OrderDemand,
    params: ClaimOrdersParams,
  ): Promise<{ readonly found: readonly NamedJob[]; readonly isAll: boolean }> {
    const { limit } = demand;
    const walk = new OrderWalk(this.#placeOf(demand.name, params.suspects));
    const found: NamedJob[] = [];
    let seen = 0;
    while (!walk.isAround && found.length < limit && seen < MOST_HEADS) {
      const { heads, next } = await this.#look(walk, demand, params);
      found.push(...next);
      seen += heads;
    }
    // Another is the first each time: where each look finds more than is wanted, every lane gets its turn.
    const begin = Math.floor(this.#parts.bounds.random.fraction() * found.length);
    found.push(...found.splice(0, begin));
    return { found, isAll: walk.ended(found.length > 0) };
  }

  /** The next part of a walk. */
  async #look(
    walk: OrderWalk,
    demand: OrderDemand,
    params: ClaimOrdersParams,
  ): Promise<{ readonly heads: number; readonly next: readonly NamedJob[] }> {
    const { name } = demand;
    try {
      const range = { name, ...walk.next() };
      const { heads, last } = await this.#firstJobs.read(range, params.instanceId);
      const next = await this.#choose(heads.map(asHeadOf(name)), demand, params);
      walk.looked(heads.length, last);
      return { heads: heads.length, next };
    } catch (error) {
      walk.failed();
      throw error;
    }
  }

  #placeOf(name: string, suspects: boolean): OrderPlace {
    const key = `${suspects}/${name}`;
    const place = this.#places.get(key) ?? new OrderPlace(this.#parts.bounds.random.fraction());
    this.#places.set(key, place);
    return place;
  }

  /** Who goes next in each lane, where it is somebody's time. */
  async #choose(
    heads: readonly Head[],
    { name, halts }: OrderDemand,
    params: ClaimOrdersParams,
  ): Promise<NamedJob[]> {
    const lanes = await this.#readLanes(heads.map((head) => head.laneId));
    const holders = await this.#readHolders([...lanes.values()]);
    return heads.flatMap((head): NamedJob[] => {
      const lane = lanes.get(head.laneId);
      const holder: LaneJob | undefined = holders.get(keyOfHolder(lane));
      const next = nextInLane<LaneJob>(head, holder, { ...params, halts });
      if (next === undefined) return [];
      const { _id: jobId, fence: fenceBefore } = next;
      const seen = lane && { seen: lane.token };
      return [{ laneId: head.laneId, name, jobId, fenceBefore, halts, ...seen }];
    });
  }

  async #readLanes(ids: readonly string[]): Promise<Map<string, LaneDocument>> {
    if (ids.length === 0) return new Map();
    const { lanes, laneCommands } = this.#parts;
    const found = await lanes
      .find({ _id: { $in: [...ids] } }, { ...laneCommands.readOptions(), hint: ID_INDEX })
      .toArray();
    return new Map(found.map((lane) => [lane._id, lane]));
  }

  /** Those whom lanes name, by their ids. */
  async #readHolders(lanes: readonly LaneDocument[]): Promise<Map<string, LaneJob>> {
    const ids = lanes.flatMap(({ held }) => held.map(({ job }) => job));
    if (ids.length === 0) return new Map();
    const { collection, commands } = this.#parts.jobs;
    const documents = await collection
      .find(
        { _id: { $in: ids } },
        { ...commands.readOptions(), projection: HOLDER_FIELDS, hint: ID_INDEX },
      )
      .toArray();
    return new Map(documents.map(asLaneJob).map((job) => [job._id.toHexString(), job]));
  }

  /** Those that their lanes name now. A lane that was changed meanwhile names another, or will. */
  async #name(
    wanted: readonly NamedJob[],
    params: ClaimOrdersParams,
  ): Promise<readonly NamedJob[]> {
    const { laneCommands } = this.#parts;
    const fresh = wanted.filter(({ seen }) => seen === undefined);
    const known = wanted.filter(({ seen }) => seen !== undefined);
    const lost = new Set<NamedJob>();
    if (fresh.length > 0) {
      const errors = await laneCommands.insert(fresh.map((named) => laneNaming(named, params)));
      for (const { index, code, errmsg } of errors) {
        if (code !== DUPLICATE_KEY_CODE) throw new Error(`MongoDB refused a lane: ${errmsg}`);
        lost.add(fresh[index] as NamedJob);
      }
    }
    if (known.length === 0) return fresh.filter((named) => !lost.has(named));
    const { matched } = await laneCommands.update(
      known.map((named) => namingStatement(named, params)),
    );
    if (matched < known.length) {
      const lanes = await this.#readLanes(known.map((named) => named.laneId));
      for (const named of known) {
        if (lanes.get(named.laneId)?.token !== params.claimToken) lost.add(named);
      }
    }
    return wanted.filter((named) => !lost.has(named));
  }

  /** By page: lanes are read until there are enough that somebody holds. */
  async readOrders(params: ReadOrdersParams): Promise<readonly OrderRecord[]> {
    const { name, halted, limit } = params;
    const records: OrderRecord[] = [];
    let after = params.after === undefined ? undefined : laneOf(params.after);
    while (records.length < limit) {
      const page = await this.#pageOfLanes(lanesOfNameFilter(name, after), limit);
      const holders = await this.#readHolders(page);
      for (const lane of page) {
        const holder = holders.get(keyOfHolder(lane));
        if (holder === undefined || !holdsLane(holder, lane.halts)) continue;
        if (halted && holder.status !== 'failed') continue;
        if (records.length < limit) records.push(await this.#recordOf(name, lane, holder));
      }
      const last = page.at(-1);
      if (last === undefined || page.length < limit) break;
      after = last._id.slice(laneIdPrefix(name).length);
    }
    return records;
  }

  async #recordOf(
    name: string,
    { _id }: LaneDocument,
    { _id: jobId, status }: LaneJob,
  ): Promise<OrderRecord> {
    const { collection, commands } = this.#parts.jobs;
    const lane = _id.slice(laneIdPrefix(name).length);
    const waiting = await collection.countDocuments(ofLaneFilter(name, lane), {
      ...commands.readOptions(),
      hint: IndexName.LANES,
      limit: MOST_COUNTED,
    });
    return { order: keyOfLane(lane), jobId, status, waiting };
  }

  #pageOfLanes(filter: Document, limit: number): Promise<LaneDocument[]> {
    const { lanes, laneCommands } = this.#parts;
    return lanes
      .find(filter, { ...laneCommands.readOptions(), sort: ID_KEY, limit, hint: ID_INDEX })
      .toArray();
  }

  async findAhead({ name, lane }: FindAheadParams): Promise<JobAhead | null> {
    const lanes = [...(await this.#readLanes([laneId(name, lane)])).values()];
    const [holder] = (await this.#readHolders(lanes)).values();
    const halts = lanes.some((lane) => lane.halts);
    if (holder !== undefined && holdsLane(holder, halts)) {
      return { jobId: holder._id, status: holder.status };
    }
    const { collection, commands } = this.#parts.jobs;
    const head =
      (await this.#firstJobs.heldByStranger(name, lane)) ??
      (await collection.findOne(ofLaneFilter(name, lane), {
        ...commands.readOptions(),
        projection: { status: 1 },
        sort: LANE_ORDER,
        hint: IndexName.LANES,
      }));
    return head && { jobId: head._id, status: head.status };
  }

  /** One seek where none waits to supersede another. Of many a part, and the next time those behind it. */
  async #superseded(): Promise<SupersededJob[]> {
    const { collection, commands } = this.#parts.jobs;
    const options = { ...commands.readOptions(), limit: MOST_SUPERSEDING };
    const projection = { name: 1, lane: 1, rank: 1, startLock: 1 };
    const documents = await collection
      .find(supersedingFilter(this.#supersedingFrom), {
        ...{ ...options, projection, sort: { startLock: 1 }, hint: IndexName.LOCK_START },
      })
      .toArray();
    // A lock may be that of one job of each name, and no key has so many.
    this.#supersedingFrom = documents[MOST_SUPERSEDING - 1]?.startLock;
    const waiting = documents.map(fromDocument);
    const laneOfJob = ({ name, lane = '' }: Job): string => laneId(name, lane);
    const lanes = await this.#readLanes(waiting.map(laneOfJob));
    const holders = await this.#readHolders([...lanes.values()]);
    return waiting.flatMap((job): SupersededJob[] => {
      const holder = holders.get(keyOfHolder(lanes.get(laneOfJob(job))));
      const isSo = holder !== undefined && isSuperseded(holder, job);
      return isSo ? [{ jobId: holder._id, by: job._id }] : [];
    });
  }

  async sweepOrders(params: SweepOrdersParams): Promise<SweepOrdersResult> {
    const { after, usedBefore, limit } = params;
    const filter = after === undefined ? {} : { _id: { $gt: after } };
    const page = await this.#pageOfLanes(filter, limit);
    const old = page.filter(({ usedAt }) => usedAt < usedBefore);
    const holders = await this.#readHolders(old);
    const free = old.filter((lane) => isFree(lane, holders, usedBefore));
    // Only as they were read: each change gives a lane another token.
    const swept = await this.#parts.laneCommands.remove(
      free.map(({ _id, token }) => ({ q: { _id, token }, limit: 1, hint: ID_INDEX })),
    );
    const last = page.length === limit ? page.at(-1) : undefined;
    const superseded = params.superseded ? await this.#superseded() : [];
    return {
      swept,
      ...(superseded.length > 0 && { superseded }),
      ...(last && { position: last._id }),
    };
  }

  /** Of these jobs, which stand in orders, those that hold them up after they have failed. */
  async halting(jobs: readonly Pick<Job, '_id' | 'name' | 'lane'>[]): Promise<readonly ObjectId[]> {
    const ids = jobs.map(({ name, lane }) => laneId(name, lane as string));
    const lanes = await this.#readLanes(ids);
    return [...lanes.values()]
      .filter(({ halts }) => halts)
      .flatMap(({ held }) => held.map(({ job }) => job));
  }

  /** Of jobs that this verb was to let fail at a time, those that did, and hold their orders up. */
  async haltedBy(
    verb: JobVerb,
    jobs: readonly Pick<Job, '_id' | 'lane'>[],
    now: Date,
  ): Promise<readonly Job[]> {
    const ids = jobs
      .filter(({ lane }) => lane !== undefined && !isGroupLane(lane))
      .map(({ _id }) => _id);
    if (ids.length === 0) return [];
    const { collection, commands } = this.#parts.jobs;
    const documents = await collection
      .find(
        { ...movedFilter(ids, verb, now), status: 'failed' },
        { ...commands.readOptions(), hint: ID_INDEX },
      )
      .toArray();
    const failed = documents.map(fromDocument);
    const halting = new Set((await this.halting(failed)).map((id) => id.toHexString()));
    return failed.filter(({ _id }) => halting.has(_id.toHexString()));
  }
}

/** True for a lane that may be forgotten; those of groups lie beside those of orders. */
function isFree(
  lane: LaneDocument,
  holders: ReadonlyMap<string, LaneJob>,
  usedBefore: Date,
): boolean {
  if (isGroupLaneId(lane._id)) return isFreeGroup(lane, holders, usedBefore);
  return !holdsLane(holders.get(keyOfHolder(lane)), lane.halts);
}

function asHeadOf(name: string): (document: Document) => Head {
  return ({ _id: lane, jobId, nextRunAt, fence, rescueCount }) => ({
    laneId: laneId(name, lane),
    ...asLaneJob({ _id: jobId, status: 'pending', nextRunAt, fence, rescueCount }),
  });
}

function asLaneJob(document: Document): LaneJob {
  return fromDocument(document as Job);
}

function keyOfHolder(lane: LaneDocument | undefined): string {
  return lane?.held[0]?.job.toHexString() ?? '';
}
