/** The groups of a stepped ledger: lanes that name who has a place, changed only as they were read. */
import type { Clock } from '../../src/foundation/clock.ts';
import type { Job } from '../../src/index.ts';
import { laneOfGroup } from '../../src/job/lanes.ts';
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
} from '../../src/ledger/group-choice.ts';
import {
  type ClaimGroupsParams,
  type ClaimGroupsResult,
  type GroupDemand,
  type GroupSettings,
  type SetGroupParams,
  SUSPECT_RESCUE_COUNT,
  type SweepOrdersParams,
  type SweepOrdersResult,
} from '../../src/ledger/ledger-repository.ts';
import { startsAllowed, usedUpAfter, usedUpUnder } from '../../src/ledger/limit-share.ts';
import type { Observer } from './observer.ts';
import type { SteppedJobs } from './stepped-jobs.ts';

/** A lane as it is written down; each change makes another one. */
interface Lane {
  readonly own: GroupSettings;
  readonly isPaused: boolean;
  readonly held: readonly NamedHolder[];
  readonly usedUpMs?: number | undefined;
  readonly usedAt: Date;
}

/** A lane with due jobs, as a claim sees it. */
interface Seen {
  readonly key: string;
  readonly name: string;
  readonly due: readonly Job[];
  readonly lane: Lane | undefined;
  readonly settings: GroupSettings;
  kept: readonly NamedHolder[];
  jobs: readonly Job[];
}

/** What groups share with the rest of the ledger. */
export interface SteppedGroupsParts {
  readonly jobs: SteppedJobs;
  readonly observer: Observer;
  readonly letOthersIn: () => Promise<void>;
  readonly clock: Clock;
  readonly readClaim: (params: ClaimGroupsParams) => Promise<readonly Job[]>;
}

/** Takes the steps of the MongoDB ledger. */
export class SteppedGroups {
  readonly #parts: SteppedGroupsParts;
  readonly #lanes = new Map<string, Lane>();
  readonly #ofAll = new Map<string, GroupSettings>();
  /** The last turn, by instance and name: each walks around by itself. */
  readonly #last = new Map<string, LastTurn>();

  constructor(parts: SteppedGroupsParts) {
    this.#parts = parts;
  }

  async claimGroups(params: ClaimGroupsParams): Promise<ClaimGroupsResult> {
    const { jobs, letOthersIn, readClaim } = this.#parts;
    const names = params.demand.map(({ name }) => name);
    const none = { saturated: [], drained: names, lost: 0 };
    const due = params.demand.map((demand) => ({
      ...{ name: demand.name, demand },
      lanes: this.#due(demand.name, params),
    }));
    await letOthersIn();
    const seen = due.map((one) => ({ ...one, lanes: this.#look(params, one) }));
    await letOthersIn();
    for (const { demand, lanes } of seen) this.#choose(lanes, demand, params);
    const all = seen.flatMap(({ lanes }) => lanes.filter((lane) => lane.jobs.length > 0));
    const wanted = params.suspects ? all.slice(0, 1) : all;
    if (params.suspects) for (const lane of wanted) lane.jobs = lane.jobs.slice(0, 1);
    const startsLater = seen.flatMap(({ name, lanes }) => startLater(name, lanes, params.now));
    if (wanted.length === 0) return { jobs: [], attempted: 0, ...none, startsLater };
    await letOthersIn();
    const named = wanted.filter((lane) => this.#name(lane, params.now));
    await letOthersIn();
    const chosen = named.flatMap((lane) => lane.jobs);
    for (const { _id, fence } of chosen) {
      const claim = { ...params, fenceBefore: fence };
      jobs.move('claimInOrder', _id, claim);
    }
    await letOthersIn();
    const won = (await readClaim(params)) as readonly Job[];
    const attempted = wanted.flatMap((lane) => lane.jobs).length;
    // There may be more, which the next look tells.
    return {
      jobs: won,
      attempted,
      ...none,
      startsLater,
      saturated: names,
      drained: [],
      lost: wanted.length - named.length,
    };
  }

  /** The due jobs of each lane of a name, in their order. */
  #due(name: string, { now, suspects }: ClaimGroupsParams): Map<string, Job[]> {
    const lanes = new Map<string, Job[]>();
    for (const job of this.#parts.jobs.all()) {
      const { group, lane, status, nextRunAt, rescueCount = 0 } = job;
      if (job.name !== name || group === undefined || lane === undefined) continue;
      if (status !== 'pending' || nextRunAt > now) continue;
      if (rescueCount >= SUSPECT_RESCUE_COUNT !== suspects) continue;
      lanes.set(lane, [...(lanes.get(lane) ?? []), job]);
    }
    for (const jobs of lanes.values())
      jobs.sort(
        (a, b) => Number(a.rank) - Number(b.rank) || Number(a.nextRunAt) - Number(b.nextRunAt),
      );
    return lanes;
  }

  /** The lanes as they are, the one behind the last turn first. */
  #look(
    { instanceId }: ClaimGroupsParams,
    { name, lanes }: { readonly name: string; readonly lanes: ReadonlyMap<string, readonly Job[]> },
  ): Seen[] {
    const ofAll = this.#ofAll.get(name) ?? {};
    const ordered = [...lanes].sort(([a], [b]) => (a < b ? -1 : 1));
    const seen = ordered.flatMap(([laneName, due]): Seen[] => {
      const key = keyOf(name, laneName);
      const lane = this.#lanes.get(key);
      if (lane?.isPaused) return [];
      const settings = groupSettings(lane?.own ?? {}, ofAll);
      return [{ key, name: laneName, due, lane, settings, kept: lane?.held ?? [], jobs: [] }];
    });
    const last = this.#lastTurn(instanceId, name);
    const ahead = seen.findIndex((lane) => isAhead(lane.name, last));
    return [...seen.splice(Math.max(ahead, 0)), ...seen];
  }

  #lastTurn(instanceId: string, name: string): LastTurn {
    return this.#last.get(`${instanceId} ${name}`) ?? { lane: '', left: 0 };
  }

  /** Who is named and waits goes first. */
  #choose(lanes: readonly Seen[], demand: GroupDemand, params: ClaimGroupsParams): void {
    const { now, suspects, instanceId } = params;
    const { jobs } = this.#parts;
    const waiting = new Map<Seen, readonly Job[]>();
    for (const lane of lanes) {
      lane.kept = lane.kept.filter((named) => holdsPlace(jobs.find(named.job) ?? undefined, named));
      const named = lane.kept.flatMap(({ job }) => jobs.find(job) ?? []);
      waiting.set(
        lane,
        named.filter(({ status, nextRunAt, rescueCount = 0 }) => {
          const isOfKind = rescueCount >= SUSPECT_RESCUE_COUNT === suspects;
          return status === 'pending' && nextRunAt <= now && isOfKind;
        }),
      );
    }
    const before = this.#lastTurn(instanceId, demand.name);
    const { shares, last, left } = takeTurns(
      lanes.map((lane) => {
        const again = waiting.get(lane)?.length ?? 0;
        const usedUpMs = lane.lane?.usedUpMs;
        const room = again + roomOf(lane.settings, lane.kept.length, usedUpMs, now.getTime());
        const most = Math.min(room, lane.due.length + again);
        const weight = lane.settings.weight ?? 1;
        return { lane: lane.name, room: most, weight, left: leftOf(lane.name, before) };
      }),
      demand,
    );
    const served = lanes[last];
    if (served !== undefined) {
      this.#last.set(`${instanceId} ${demand.name}`, { lane: served.name, left });
    }
    for (const [index, lane] of lanes.entries()) {
      const first = waiting.get(lane) ?? [];
      const others = lane.due.filter(({ _id }) => !first.some((job) => job._id.equals(_id)));
      lane.jobs = [...first, ...others].slice(0, shares[index]);
    }
  }

  /** False when the lane is not as it was read. */
  #name({ key, lane, kept, jobs, settings }: Seen, now: Date): boolean {
    const { concurrency, rate } = settings;
    if (concurrency === undefined && rate === undefined) return true;
    if (this.#lanes.get(key) !== lane) return false;
    const added = jobs
      .map(({ _id, fence }) => ({ job: _id, fence: fence + 1 }))
      .filter(({ job, fence }) => !kept.some((one) => one.job.equals(job) && one.fence === fence));
    const { own = {}, isPaused = false } = lane ?? {};
    const nowMs = this.#parts.clock.now();
    const usedMs = usedUpUnder(rate, lane?.usedUpMs, nowMs);
    if (rate && startsAllowed(rate, usedMs, nowMs) < added.length) return false;
    const usedUpMs = rate ? usedUpAfter(rate, usedMs, nowMs, added.length) : lane?.usedUpMs;
    const held = concurrency === undefined ? kept : [...kept, ...added];
    this.#lanes.set(key, { own, isPaused, held, usedUpMs, usedAt: now });
    return true;
  }

  async setGroup(params: SetGroupParams): Promise<void> {
    const { name, group, concurrency, rate, weight, paused, now } = params;
    const changed = (before: GroupSettings): GroupSettings => {
      const given = Object.entries({ concurrency, rate, weight }).filter(
        ([, value]) => value !== undefined,
      );
      const all = { ...before, ...Object.fromEntries(given) };
      return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null));
    };
    this.#parts.observer.groupSet(params);
    if (group === undefined) {
      this.#ofAll.set(name, changed(this.#ofAll.get(name) ?? {}));
      return;
    }
    const key = keyOf(name, laneOfGroup(group));
    const lane = this.#lanes.get(key) ?? { own: {}, isPaused: false, held: [] };
    const isPaused = paused ?? lane.isPaused;
    this.#lanes.set(key, { ...lane, own: changed(lane.own), isPaused, usedAt: now });
  }

  /** A look, and then the deletion of those that are as they were. */
  async sweepOrders({ usedBefore }: SweepOrdersParams): Promise<SweepOrdersResult> {
    const { jobs, letOthersIn } = this.#parts;
    const free = [...this.#lanes].filter(([, { own, isPaused, held, usedUpMs = 0, usedAt }]) => {
      const isSet = isPaused || Object.keys(own).length > 0 || usedUpMs >= usedBefore.getTime();
      const isHeld = held.some((named) => holdsPlace(jobs.find(named.job) ?? undefined, named));
      return !isSet && !isHeld && usedAt < usedBefore;
    });
    await letOthersIn();
    let swept = 0;
    for (const [key, lane] of free) {
      if (this.#lanes.get(key) !== lane) continue;
      this.#lanes.delete(key);
      swept += 1;
    }
    return { swept };
  }
}

/** When the next job starts of the lanes that wait for nothing but a rate. */
function startLater(
  name: string,
  lanes: readonly Seen[],
  now: Date,
): readonly { readonly name: string; readonly at: Date }[] {
  return lanes.flatMap(({ jobs, settings, kept, lane }) => {
    const isFull = kept.length >= (settings.concurrency ?? Number.POSITIVE_INFINITY);
    const at = nextStartOf(settings, lane?.usedUpMs, now.getTime());
    return jobs.length > 0 || isFull || at === undefined ? [] : [{ name, at }];
  });
}

function keyOf(name: string, lane: string): string {
  return `${name.length}/${name}/${lane}`;
}
