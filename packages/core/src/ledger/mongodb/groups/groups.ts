/**
 * Claims of jobs that take turns in groups: the first due jobs of some lanes are found, named in the documents of the
 * lanes whose groups are limited, by compare-and-swap, and claimed at the fence that they were named with.
 *
 * What always holds: no claim is sent for a job of a limited group before its lane is known to name it; a lane is
 * written only if it is as it was read, and names no more jobs than the limit; and a name counts until the claim that
 * it was made for has ended.
 *
 * @module
 */
import type { Document } from 'mongodb';
import { UnknownOutcomeError } from '../../../foundation/errors.ts';
import { laneOfGroup } from '../../../job/lanes.ts';
import {
  countedJobs,
  firstTurnOf,
  type GroupInTurn,
  groupSettings,
  holdsPlace,
  isAhead,
  leftOf,
  type NamedHolder,
  nextStartOf,
  roomOf,
  type Turns,
  takeTurns,
  wantedInTurns,
} from '../../group-choice.ts';
import type { LaneJob } from '../../lane-choice.ts';
import type {
  ClaimGroupsParams,
  ClaimGroupsResult,
  GroupDemand,
  GroupSettings,
} from '../../ledger-repository.ts';
import { SUSPECT_RESCUE_COUNT } from '../../ledger-repository.ts';
import { claimNamedStatements, laneId } from '../orders/lane-queries.ts';
import { DUPLICATE_KEY_CODE } from '../server/driver-errors.ts';
import { IndexName } from '../server/indexes.ts';
import { DueLanes } from './due-lanes.ts';
import {
  allGroupsId,
  firstOfLanes,
  type GroupDocument,
  type LaneChange,
  namingStatement,
  newLane,
  suspectHeads,
} from './group-queries.ts';
import type { MongoLanes } from './lanes.ts';

/** Of so many lanes at most more than the first job is read in one claim. */
const MOST_DEEP = 50;

/** Who has ended is looked for when so many are named, though there is room. */
const MANY_HELD = 20;

/** The lanes of so many suspects are read in one go. */
const SUSPECTS_A_READ = 200;

/** A lane with a due job. */
interface Lane {
  readonly name: string;
  readonly lane: string;
  readonly head: LaneChange['jobs'][number];
  readonly settings: GroupSettings;
  readonly document: GroupDocument | undefined;
  /** Who counts; those who were not looked at count. */
  kept: readonly NamedHolder[];
  /** Those who are named and wait, since the claim that named them was not made. */
  waiting: LaneChange['jobs'];
  isChecked: boolean;
  /** So many jobs are left of a turn of it that was cut short. */
  readonly left?: number | undefined;
}

/** What a walk has found for a name. */
interface Found {
  readonly changes: readonly LaneChange[];
  /** True when there may be more due jobs that could be claimed now. */
  readonly hasMore: boolean;
  readonly startsAt: Date | undefined;
}

/** When it is looked, and until when a walk goes on, by monotonic time. */
interface Look {
  readonly now: Date;
  readonly untilMs: number;
}

/** Claims jobs of groups. */
export class MongoGroups {
  readonly #lanes: MongoLanes;
  readonly #dueLanes: DueLanes;

  constructor(lanes: MongoLanes) {
    this.#lanes = lanes;
    this.#dueLanes = new DueLanes(lanes);
  }

  /**
   * Finds whose turn it is, names those, claims those that are named, and reads what was won.
   *
   * @throws UnknownOutcomeError when the caller has given up before the claim
   */
  async claimGroups(params: ClaimGroupsParams): Promise<ClaimGroupsResult> {
    const { claims, jobs, bounds } = this.#lanes.parts;
    const { now, deadlineMs = bounds.operationTimeoutMs } = params;
    const lateMs = bounds.clock.monotonic() + deadlineMs;
    // The other half is for what follows.
    const look = { now, untilMs: lateMs - deadlineMs / 2 };
    const found: (readonly [string, Found])[] = [];
    for (const demand of params.demand) {
      const { name } = demand;
      found.push([
        name,
        await (params.suspects ? this.#suspect(name, now) : this.#find(demand, look)),
      ]);
    }
    const all = found.flatMap(([, { changes }]) => changes);
    // A suspect is claimed alone.
    const wanted = params.suspects ? all.slice(0, 1) : all;
    const named = await this.#name(wanted, params);
    const lost = new Set(wanted.filter((change) => !named.includes(change)));
    const isDrained = ({ changes, hasMore }: Found): boolean =>
      !hasMore && !changes.some((change) => lost.has(change));
    const answer = {
      attempted: wanted.flatMap((change) => change.jobs).length,
      saturated: found.filter(([, one]) => !isDrained(one)).map(([name]) => name),
      drained: found.filter(([, one]) => isDrained(one)).map(([name]) => name),
      startsLater: found.flatMap(([name, { startsAt: at }]) => (at ? [{ name, at }] : [])),
      lost: lost.size,
    };
    const chosen = named.flatMap((change) => change.jobs);
    if (chosen.length === 0) return { jobs: [], ...answer };
    if (bounds.clock.monotonic() >= lateMs)
      throw new UnknownOutcomeError('The claim was given up before it was made');
    const counts = await jobs.commands.update(claimNamedStatements(chosen, params));
    return { jobs: await claims.won(params, counts), ...answer };
  }

  /**
   * Those with a batch that lacks jobs; then from behind the group that had the last turn, until each wanted job has a
   * group, or once around.
   */
  async #find(demand: GroupDemand, look: Look): Promise<Found> {
    const { now } = look;
    const begun = await this.#begun(demand, now);
    if (wantedInTurns(demand) > 0) return this.#walk(demand, begun, look);
    const { shares } = turnsOf(begun, demand, now);
    const found = await this.#changesOf(demand.name, begun, shares, now);
    return { ...found, startsAt: firstStart(begun, now) };
  }

  /** The lanes with a due job of the groups whose batches lack some. */
  async #begun({ name, begun = [] }: GroupDemand, now: Date): Promise<readonly Lane[]> {
    if (begun.length === 0) return [];
    const { collectionName } = this.#lanes.parts.jobs.collection;
    const wanted = begun.slice(0, MOST_DEEP).map(({ group }) => {
      return { lane: laneOfGroup(group), count: 1 };
    });
    const jobs = await this.#lanes.aggregate(firstOfLanes(collectionName, name, wanted, now));
    const heads = jobs.map(({ _id, lane, fence }) => ({ _id: lane, jobId: _id, fence }));
    const lanes = await this.#look(name, heads, now, false);
    await this.#check(lanes, now, false);
    return lanes;
  }

  async #walk(demand: GroupDemand, begun: readonly Lane[], { now, untilMs }: Look): Promise<Found> {
    const { name, batchSize = 1 } = demand;
    const isBegun = new Set(demand.begun?.map(({ group }) => laneOfGroup(group)));
    const limit = wantedInTurns(demand);
    const walk = this.#dueLanes.walk({ name, turns: limit / batchSize, now, untilMs });
    const { last } = walk;
    const lanes: Lane[] = [];
    while (!walk.isOver && inOneTurn(lanes, now, batchSize) < limit) {
      const heads = await walk.next();
      const others = heads.filter(({ _id }) => !isBegun.has(_id));
      const seen = await this.#look(name, others, now, false);
      lanes.push(...seen.map((one) => ({ ...one, left: leftOf(one.lane, last) })));
    }
    const first = lanes.findIndex(({ lane }) => isAhead(lane, last));
    lanes.push(...lanes.splice(0, Math.max(first, 0)));
    if (inOneTurn(lanes, now, batchSize) < limit) await this.#check(lanes, now, false);
    lanes.unshift(...begun);
    const turns = turnsOf(lanes, demand, now);
    const served = lanes[turns.last];
    const isAll = walk.end(served && { lane: served.lane, left: turns.left });
    const { changes, hasMore } = await this.#changesOf(name, lanes, turns.shares, now);
    return { changes, hasMore: hasMore || !isAll, startsAt: firstStart(lanes, now) };
  }

  /** The suspect that is due longest of those that there is a place for. */
  async #suspect(name: string, now: Date): Promise<Found> {
    const heads = await this.#lanes.aggregate(suspectHeads(name, now), IndexName.SUSPECTS);
    for (let start = 0; start < heads.length; start += SUSPECTS_A_READ) {
      const some = heads.slice(start, start + SUSPECTS_A_READ);
      const lanes = await this.#look(name, some, now, true);
      const open = lanes.find((lane) => inTurn(lane, now).room > 0);
      if (open === undefined) continue;
      const changes = [changeOf(open, [open.waiting[0] ?? open.head])];
      return { changes, hasMore: true, startsAt: undefined };
    }
    return { changes: [], hasMore: false, startsAt: undefined };
  }

  /** What is known of the lanes of these jobs that are not paused. */
  async #look(
    name: string,
    heads: readonly Document[],
    now: Date,
    suspects: boolean,
  ): Promise<Lane[]> {
    if (heads.length === 0) return [];
    const ids = heads.map(({ _id }) => laneId(name, _id));
    const documents = await this.#lanes.read([allGroupsId(name), ...ids]);
    const ofAll = documents.get(allGroupsId(name)) ?? {};
    const lanes = heads.flatMap(({ _id: lane, jobId, fence }, index): Lane[] => {
      const document = documents.get(ids[index] as string);
      if (document?.pausedAt !== undefined) return [];
      const settings = groupSettings(document ?? {}, ofAll);
      const kept = document?.held ?? [];
      const head = { jobId, fenceBefore: fence };
      return [{ name, lane, head, settings, document, kept, waiting: [], isChecked: false }];
    });
    await this.#check(
      lanes.filter(({ kept, settings: { concurrency = Infinity, weight = 1 } }) => {
        return kept.length + weight > concurrency || kept.length >= MANY_HELD;
      }),
      now,
      suspects,
    );
    return lanes;
  }

  /** Finds out who of those that are named still counts, and who waits. */
  async #check(lanes: readonly Lane[], now: Date, suspects: boolean): Promise<void> {
    const unsure = lanes.filter(({ isChecked, kept }) => !isChecked && kept.length > 0);
    const jobs = await this.#lanes.readJobs(unsure.flatMap(({ kept }) => kept));
    for (const lane of unsure) {
      lane.isChecked = true;
      lane.kept = lane.kept.filter((named) => holdsPlace(jobs.get(keyOf(named)), named));
      lane.waiting = lane.kept.flatMap((named) => {
        const job = jobs.get(keyOf(named)) as LaneJob;
        if (job.status !== 'pending' || !(job.nextRunAt <= now)) return [];
        const isSuspect = (job.rescueCount ?? 0) >= SUSPECT_RESCUE_COUNT;
        return isSuspect === suspects ? [{ jobId: job._id, fenceBefore: job.fence }] : [];
      });
    }
  }

  /** The jobs of each lane that has a share: those that wait for a claim, then the first due ones. */
  async #changesOf(
    name: string,
    lanes: readonly Lane[],
    shares: readonly number[],
    now: Date,
  ): Promise<Pick<Found, 'changes' | 'hasMore'>> {
    const deep = lanes
      .map(({ lane, waiting }, index) => {
        const share = shares[index] as number;
        return { lane, share, count: share + waiting.length };
      })
      .filter(({ share }) => share > 1)
      .slice(0, MOST_DEEP);
    const { collectionName } = this.#lanes.parts.jobs.collection;
    const found =
      deep.length === 0
        ? []
        : await this.#lanes.aggregate(firstOfLanes(collectionName, name, deep, now));
    const wasRead = new Set(deep.map(({ lane }) => lane));
    const changes: LaneChange[] = [];
    let hasMore = false;
    for (const [index, lane] of lanes.entries()) {
      const share = shares[index] as number;
      const due = found.filter((job) => job.lane === lane.lane).map(asClaimable);
      const jobs = inOrder(lane, due.length > 0 ? due : [lane.head]).slice(0, share);
      if (share > 0) changes.push(changeOf(lane, jobs));
      const isExhausted = jobs.length < share && wasRead.has(lane.lane);
      hasMore ||= !isExhausted && share < inTurn(lane, now).room;
    }
    return { changes, hasMore };
  }

  /** Those whose lanes name their jobs now, or need not. A lane that was changed meanwhile names others, or will. */
  async #name(
    wanted: readonly LaneChange[],
    params: ClaimGroupsParams,
  ): Promise<readonly LaneChange[]> {
    const { laneCommands } = this.#lanes.parts;
    const limited = wanted.filter(({ concurrency, rate }) => concurrency !== undefined || rate);
    const fresh = limited.filter(({ seen }) => seen === undefined);
    const known = limited.filter(({ seen }) => seen !== undefined);
    const lost = new Set<LaneChange>();
    if (fresh.length > 0) {
      const errors = await laneCommands.insert(fresh.map((change) => newLane(change, params)));
      for (const { index, code, errmsg } of errors) {
        if (code !== DUPLICATE_KEY_CODE) throw new Error(`MongoDB refused a lane: ${errmsg}`);
        lost.add(fresh[index] as LaneChange);
      }
    }
    if (known.length > 0) {
      const { matched } = await laneCommands.update([namingStatement(known, params)]);
      if (matched < known.length) {
        const documents = await this.#lanes.read(known.map((change) => change.laneId));
        for (const change of known) {
          if (documents.get(change.laneId)?.token !== params.claimToken) lost.add(change);
        }
      }
    }
    return wanted.filter((change) => !lost.has(change));
  }
}

/** How many jobs of a lane may be claimed, as far as is known. */
function inTurn({ lane, settings, kept, waiting, document, left }: Lane, now: Date): GroupInTurn {
  const room = roomOf(settings, kept.length, document?.usedUpMs, now.getTime());
  return { lane, room: waiting.length + room, weight: settings.weight ?? 1, left };
}

function turnsOf(lanes: readonly Lane[], demand: GroupDemand, now: Date): Turns {
  return takeTurns(
    lanes.map((lane) => inTurn(lane, now)),
    demand,
  );
}

/** How many jobs are claimed when each lane gets one turn; batches count as full ones. */
function inOneTurn(lanes: readonly Lane[], now: Date, batchSize = 1): number {
  const turns = lanes.map((lane) => inTurn(lane, now));
  return turns.reduce((sum, turn) => {
    return sum + countedJobs(Math.min(turn.room, firstTurnOf(turn, batchSize)), batchSize);
  }, 0);
}

/** When a start is allowed of those that wait for nothing but a rate. */
function firstStart(lanes: readonly Lane[], now: Date): Date | undefined {
  const times = lanes.flatMap((lane) => {
    const { settings, document, kept } = lane;
    if (inTurn(lane, now).room > 0 || kept.length >= (settings.concurrency ?? Infinity)) return [];
    // Without room for a start there is a rate that was used up.
    return [(nextStartOf(settings, document?.usedUpMs, now.getTime()) as Date).getTime()];
  });
  return times.length === 0 ? undefined : new Date(Math.min(...times));
}

/** Those that wait for a claim go first. */
function inOrder({ waiting }: Lane, due: LaneChange['jobs']): LaneChange['jobs'] {
  const others = due.filter(({ jobId }) => !waiting.some((one) => one.jobId.equals(jobId)));
  return [...waiting, ...others];
}

function asClaimable({ _id: jobId, fence: fenceBefore }: Document): LaneChange['jobs'][number] {
  return { jobId, fenceBefore };
}

function changeOf(lane: Lane, jobs: LaneChange['jobs']): LaneChange {
  const { name, document, kept, settings } = lane;
  const { concurrency, rate } = settings;
  return {
    ...{ name, laneId: laneId(name, lane.lane), kept, jobs },
    ...(document && { seen: document.token }),
    ...(concurrency !== undefined && { concurrency }),
    ...(rate && { rate }),
  };
}

function keyOf({ job }: NamedHolder): string {
  return job.toHexString();
}
