/**
 * Jobs of an in-memory ledger that take turns in groups.
 *
 * @module
 */
import type { Clock } from '../../../foundation/clock.ts';
import type { Job } from '../../../job/job.ts';
import { keyOfLane, laneOfGroup } from '../../../job/lanes.ts';
import {
  groupSettings,
  holdsPlace,
  isAhead,
  type LastTurn,
  leftOf,
  type NamedHolder,
  nextStartOf,
  roomOf,
  takeTurns,
} from '../../group-choice.ts';
import {
  type ClaimGroupsParams,
  type ClaimGroupsResult,
  type GroupDemand,
  type GroupRecord,
  type GroupSettings,
  type GroupVerbs,
  type ReadGroupsParams,
  type SetGroupParams,
  SUSPECT_RESCUE_COUNT,
} from '../../ledger-repository.ts';
import { usedUpAfter, usedUpUnder } from '../../limit-share.ts';
import type { JobStore } from '../job-store.ts';
import type { Moves } from '../moves.ts';
import { copyOut, type StoredJob } from '../stored-job.ts';

const MOST_COUNTED = 1_000;
const MOST_HOLDERS = 20;

/** What is kept of a group. */
interface Lane {
  readonly name: string;
  readonly lane: string;
  readonly own: GroupSettings;
  readonly isPaused: boolean;
  readonly held: readonly NamedHolder[];
  readonly usedUpMs?: number | undefined;
  readonly usedAtMs: number;
}

/** A group with due jobs, and what it may start. */
interface Open {
  readonly lane: Lane;
  readonly settings: GroupSettings;
  readonly due: readonly StoredJob[];
  readonly room: number;
  readonly weight: number;
  readonly left: number | undefined;
}

const NO_TURN: LastTurn = { lane: '', left: 0 };

/** Claims jobs in turns of their groups. */
export class MemoryGroups implements GroupVerbs {
  readonly #jobs: JobStore;
  readonly #moves: Moves;
  readonly #clock: Clock;
  readonly #lanes = new Map<string, Lane>();
  readonly #ofAll = new Map<string, GroupSettings>();
  /** Of each name. */
  readonly #last = new Map<string, LastTurn>();

  constructor(jobs: JobStore, moves: Moves, clock: Clock) {
    this.#jobs = jobs;
    this.#moves = moves;
    this.#clock = clock;
  }

  /** From behind the group that had the last turn on. */
  async claimGroups(params: ClaimGroupsParams): Promise<ClaimGroupsResult> {
    const saturated: string[] = [];
    const drained: string[] = [];
    const startsLater: { readonly name: string; readonly at: Date }[] = [];
    const chosen: (readonly [Open, StoredJob])[] = [];
    for (const demand of params.demand) {
      const { name } = demand;
      const open = this.#open(demand, params);
      const inTurn = open.map(({ lane: { lane }, ...turn }) => ({ lane, ...turn }));
      const { shares, last, left, isSpent } = takeTurns(inTurn, demand);
      const served = open[last];
      if (served !== undefined) this.#last.set(name, { lane: served.lane.lane, left });
      const found = open.flatMap((one, index) =>
        one.due.slice(0, shares[index]).map((stored) => [one, stored] as const),
      );
      chosen.push(...found);
      (isSpent ? saturated : drained).push(name);
      const at = firstStart(open, this.#clock.now());
      if (at !== undefined) startsLater.push({ name, at });
    }
    const won = (params.suspects ? chosen.slice(0, 1) : chosen).map(
      ([{ lane, settings }, stored]) => this.#claim(lane, settings, stored, params),
    );
    const answer = { attempted: won.length, saturated, drained, startsLater, lost: 0 };
    return { jobs: won.map(copyOut), ...answer };
  }

  #claim(
    { name, lane }: Lane,
    settings: GroupSettings,
    stored: StoredJob,
    { instanceId, claimToken, ...params }: ClaimGroupsParams,
  ): StoredJob {
    const now = new Date(params.now);
    const { _id: job, fence } = stored.job;
    const before = this.#laneOf(name, lane);
    const { rate, concurrency } = settings;
    const nowMs = this.#clock.now();
    const isBound = concurrency !== undefined;
    const held = isBound ? [...before.held, { job, fence: fence + 1 }] : before.held;
    const usedUpMs = rate
      ? usedUpAfter(rate, usedUpUnder(rate, before.usedUpMs, nowMs), nowMs, 1)
      : before.usedUpMs;
    this.#put({ ...before, held, usedUpMs, usedAtMs: now.getTime() });
    const claim = { instanceId, claimToken, now, fenceBefore: fence };
    return this.#moves.write('claimInOrder', stored, claim);
  }

  /** The groups with due jobs that are not paused, the one behind the last turn first. */
  #open({ name, limit, batchSize = 1 }: GroupDemand, params: ClaimGroupsParams): Open[] {
    const { now, suspects } = params;
    const lanes = this.#jobs.groupLanes(name);
    const last = this.#last.get(name) ?? NO_TURN;
    const ahead = lanes.findIndex((lane) => isAhead(lane, last));
    lanes.push(...lanes.splice(0, Math.max(ahead, 0)));
    const ofAll = this.#ofAll.get(name) ?? {};
    return lanes.flatMap((key): Open[] => {
      const lane = this.#counted(this.#laneOf(name, key));
      const settings = groupSettings(lane.own, ofAll);
      const { weight = 1 } = settings;
      // A whole turn, also where less is wanted: the rest of it comes next.
      const most = Math.max(limit, weight * batchSize);
      const due = firstDue(this.#jobs.inLane(name, key), { limit: most, now, suspects });
      if (due.length === 0 || lane.isPaused) return [];
      const { usedUpMs, held } = lane;
      const nowMs = this.#clock.now();
      const allowed = roomOf(settings, held.length, usedUpMs, nowMs);
      const room = Math.min(due.length, allowed);
      return [{ lane, settings, due, room, weight, left: leftOf(key, last) }];
    });
  }

  /** Sets what is given, takes back what is null, and leaves the rest as it is. */
  async setGroup({ name, group, paused, now, ...given }: SetGroupParams): Promise<void> {
    if (group === undefined) {
      this.#ofAll.set(name, changed(this.#ofAll.get(name) ?? {}, given));
      return;
    }
    const lane = this.#laneOf(name, laneOfGroup(group));
    const isPaused = paused ?? lane.isPaused;
    this.#put({ ...lane, own: changed(lane.own, given), isPaused, usedAtMs: now.getTime() });
  }

  /** Groups with pending or claimed jobs, and those that are kept, in the order of their lanes. */
  async readGroups(params: ReadGroupsParams): Promise<readonly GroupRecord[]> {
    const { name, group, after, limit } = params;
    const holders = this.#holders(name);
    const kept = [...this.#lanes.values()].filter((lane) => lane.name === name);
    const all = new Set([...this.#jobs.groupLanes(name), ...kept.map(({ lane }) => lane)]);
    const behind = after === undefined ? '' : laneOfGroup(after);
    const page = [...all].sort().filter((lane) => lane > behind);
    const lanes = group === undefined ? page.slice(0, limit) : [laneOfGroup(group)];
    return lanes.map((lane) => this.#recordOf(this.#laneOf(name, lane), holders.get(lane) ?? []));
  }

  #recordOf({ name, lane, own, isPaused, usedUpMs }: Lane, holders: readonly Job['_id'][]) {
    const settings = groupSettings(own, this.#ofAll.get(name) ?? {});
    const startAt = nextStartOf(settings, usedUpMs, this.#clock.now());
    const pending = this.#jobs.inLane(name, lane).slice(0, MOST_COUNTED);
    const times = pending.map(({ job }) => job.nextRunAt.getTime());
    return {
      ...{ group: keyOfLane(lane), waiting: pending.length },
      ...(times.length > 0 && { oldestDueAt: new Date(Math.min(...times)) }),
      ...{ running: holders.length, holders: holders.slice(0, MOST_HOLDERS), paused: isPaused },
      ...settings,
      ...(startAt && { nextStartAt: startAt }),
    };
  }

  /** The jobs of each lane of a name that are processing. */
  #holders(name: string): Map<string, Job['_id'][]> {
    const holders = new Map<string, Job['_id'][]>();
    for (const instanceId of this.#jobs.claimants()) {
      for (const { job } of this.#jobs.claimsOf(instanceId)) {
        if (job.name !== name || job.group === undefined || job.lane === undefined) continue;
        holders.set(job.lane, [...(holders.get(job.lane) ?? []), job._id]);
      }
    }
    return holders;
  }

  /** Forgets groups of which nothing is to be known any more, and says how many. */
  sweep(usedBefore: Date): number {
    let swept = 0;
    for (const [key, lane] of this.#lanes) {
      const { own, isPaused, usedUpMs = 0, usedAtMs, held } = this.#counted(lane);
      const isSet = isPaused || Object.keys(own).length > 0;
      const isUsed = Math.max(usedUpMs, usedAtMs) >= usedBefore.getTime();
      if (isSet || isUsed || held.length > 0) continue;
      this.#lanes.delete(key);
      swept += 1;
    }
    return swept;
  }

  /** The lane with those alone who still have their places. */
  #counted(lane: Lane): Lane {
    const held = lane.held.filter((named) =>
      holdsPlace(this.#jobs.find(named.job.toHexString())?.job, named),
    );
    const counted = { ...lane, held };
    if (this.#lanes.has(keyOf(lane))) this.#put(counted);
    return counted;
  }

  #laneOf(name: string, lane: string): Lane {
    const known = this.#lanes.get(keyOf({ name, lane }));
    return known ?? { name, lane, own: {}, isPaused: false, held: [], usedAtMs: 0 };
  }

  #put(lane: Lane): void {
    this.#lanes.set(keyOf(lane), lane);
  }
}

function firstDue(
  jobs: readonly StoredJob[],
  {
    limit,
    now,
    suspects,
  }: Pick<ClaimGroupsParams, 'now' | 'suspects'> & { readonly limit: number },
): StoredJob[] {
  const due: StoredJob[] = [];
  for (const stored of jobs) {
    const { nextRunAt, rescueCount = 0 } = stored.job;
    const isWanted = rescueCount >= SUSPECT_RESCUE_COUNT === suspects && nextRunAt <= now;
    if (isWanted) due.push(stored);
    if (due.length === limit) break;
  }
  return due;
}

/** When a start is allowed of those that wait for nothing but a rate. */
function firstStart(open: readonly Open[], nowMs: number): Date | undefined {
  const times = open.flatMap(({ room, settings, lane }) => {
    if (room > 0 || lane.held.length >= (settings.concurrency ?? Infinity)) return [];
    // Without room for a start there is a rate that was used up.
    return [(nextStartOf(settings, lane.usedUpMs, nowMs) as Date).getTime()];
  });
  return times.length === 0 ? undefined : new Date(Math.min(...times));
}

function changed(
  before: GroupSettings,
  { concurrency, rate, weight }: Pick<SetGroupParams, 'concurrency' | 'rate' | 'weight'>,
): GroupSettings {
  const given = Object.entries({ concurrency, rate, weight }).filter(
    ([, value]) => value !== undefined,
  );
  const all = { ...before, ...Object.fromEntries(given) };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null));
}

function keyOf({ name, lane }: Pick<Lane, 'name' | 'lane'>): string {
  return `${name.length}/${name}/${lane}`;
}
