/**
 * The groups of the plain ledger: their jobs are claimed in turns, and never more of one than it may run.
 *
 * @module
 */
import type * as verbs from '@monque/core/ledger';
import {
  type GroupInTurn,
  groupSettings,
  holdsPlace,
  isGroupLane,
  type Job,
  type JobVerb,
  keyOfLane,
  laneOfGroup,
  type NamedHolder,
  nextStartOf,
  roomOf,
  SUSPECT_RESCUE_COUNT,
  type TransitionParams,
  takeTurns,
  usedUpAfter,
  usedUpUnder,
} from '@monque/core/ledger';
import type { JobRecord, JobTable } from './plain-ledger-jobs.ts';

type Move = (verb: JobVerb, job: JobRecord, params: TransitionParams) => JobRecord | null;

/** What is kept of a group. */
interface Lane {
  readonly own: verbs.GroupSettings;
  readonly paused: boolean;
  readonly held: readonly NamedHolder[];
  readonly usedUpMs?: number | undefined;
}

const NOTHING: Lane = { own: {}, paused: false, held: [] };

/** A group with due jobs. */
interface Open extends GroupInTurn {
  readonly settings: verbs.GroupSettings;
  readonly due: readonly JobRecord[];
}

/** Groups by their names and lanes. */
export class PlainGroups implements verbs.GroupVerbs {
  readonly #jobs: JobTable;
  readonly #move: Move;
  readonly #now: () => number;
  readonly #lanes = new Map<string, Lane>();
  readonly #ofAll = new Map<string, verbs.GroupSettings>();
  /** The lane of each name that had the last turn, and how many jobs are left of that. */
  readonly #last = new Map<string, { readonly lane: string; readonly left: number }>();

  constructor(jobs: JobTable, move: Move, now: () => number) {
    this.#jobs = jobs;
    this.#move = move;
    this.#now = now;
  }

  async claimGroups(params: verbs.ClaimGroupsParams): Promise<verbs.ClaimGroupsResult> {
    const found = params.demand.map((demand) => {
      const { name } = demand;
      const open = this.#open(name, params);
      const { shares, last, left, isSpent } = takeTurns(open, demand);
      const served = open[last];
      if (served) this.#last.set(name, { lane: served.lane, left });
      const due = open.flatMap((group, index) => group.due.slice(0, shares[index]));
      return { name, due, at: this.#firstStart(name, open), isFull: isSpent };
    });
    const wanted = found.flatMap(({ due }) => due);
    // A suspect is claimed alone.
    const chosen = params.suspects ? wanted.slice(0, 1) : wanted;
    return {
      jobs: chosen.flatMap((job) => this.#claim(job, params) ?? []),
      attempted: chosen.length,
      saturated: found.filter(({ isFull }) => isFull).map(({ name }) => name),
      drained: found.filter(({ isFull }) => !isFull).map(({ name }) => name),
      startsLater: found.flatMap(({ name, at }) => (at ? [{ name, at }] : [])),
      lost: 0,
    };
  }

  #claim(
    job: JobRecord,
    { instanceId, claimToken, now }: verbs.ClaimGroupsParams,
  ): JobRecord | null {
    const { name, lane = '', _id, fence } = job;
    const before = this.#laneOf(name, lane);
    const { rate } = this.#settingsOf(name, before);
    const nowMs = this.#now();
    const usedUpMs = rate && usedUpUnder(rate, before.usedUpMs, nowMs);
    this.#lanes.set(keyOf(name, lane), {
      ...before,
      held: [...before.held, { job: _id, fence: fence + 1 }],
      usedUpMs: rate ? usedUpAfter(rate, usedUpMs, nowMs, 1) : before.usedUpMs,
    });
    return this.#move('claimInOrder', job, { instanceId, claimToken, now, fenceBefore: fence });
  }

  /** The groups with due jobs that are not paused, the one behind the last turn first. */
  #open(name: string, { now, suspects }: verbs.ClaimGroupsParams): Open[] {
    const waiting = new Map<string, JobRecord[]>();
    for (const job of this.#pending(name)) {
      const { lane = '' } = job;
      waiting.set(lane, [...(waiting.get(lane) ?? []), job]);
    }
    const last = this.#last.get(name) ?? { lane: '', left: 0 };
    // A turn that was cut short goes on.
    const isCut = (lane: string): boolean => lane === last.lane && last.left > 0;
    const isLater = (lane: string): number => Number(lane <= last.lane && !isCut(lane));
    const inTurn = [...waiting.keys()].sort((a, b) => isLater(a) - isLater(b) || (a < b ? -1 : 1));
    return inTurn.flatMap((lane): Open[] => {
      const due = (waiting.get(lane) ?? []).filter(({ nextRunAt, rescueCount = 0 }) => {
        return nextRunAt <= now && rescueCount >= SUSPECT_RESCUE_COUNT === suspects;
      });
      const kept = this.#laneOf(name, lane);
      if (due.length === 0 || kept.paused) return [];
      const settings = this.#settingsOf(name, kept);
      const allowed = roomOf(settings, kept.held.length, kept.usedUpMs, this.#now());
      const room = Math.min(due.length, allowed);
      const left = isCut(lane) ? last.left : undefined;
      return [{ lane, settings, due, room, weight: settings.weight ?? 1, left }];
    });
  }

  /** When a rate allows a start, of groups that wait for nothing else. */
  #firstStart(name: string, open: readonly Open[]): Date | undefined {
    const times = open.flatMap(({ lane, settings, room }) => {
      const { held, usedUpMs } = this.#laneOf(name, lane);
      if (room > 0 || held.length >= (settings.concurrency ?? Infinity)) return [];
      return nextStartOf(settings, usedUpMs, this.#now())?.getTime() ?? [];
    });
    return times.length === 0 ? undefined : new Date(Math.min(...times));
  }

  /** Those of a name with a group, by priority, due time and id. */
  #pending(name: string): JobRecord[] {
    return this.#jobs
      .all()
      .filter((job) => job.name === name && job.status === 'pending' && job.group !== undefined)
      .sort(
        (a, b) =>
          Number(a.rank) - Number(b.rank) ||
          a.nextRunAt.getTime() - b.nextRunAt.getTime() ||
          (a._id.toHexString() < b._id.toHexString() ? -1 : 1),
      );
  }

  async setGroup(params: verbs.SetGroupParams): Promise<void> {
    const { name, group } = params;
    if (group === undefined) {
      this.#ofAll.set(name, changed(this.#ofAll.get(name) ?? {}, params));
      return;
    }
    const lane = laneOfGroup(group);
    const before = this.#laneOf(name, lane);
    const own = changed(before.own, params);
    this.#lanes.set(keyOf(name, lane), { ...before, own, paused: params.paused ?? before.paused });
  }

  async readGroups(params: verbs.ReadGroupsParams): Promise<readonly verbs.GroupRecord[]> {
    const { name, group, after, limit } = params;
    const prefix = keyOf(name, '');
    const kept = [...this.#lanes.keys()].filter((key) => key.startsWith(prefix));
    const all = new Set([
      ...kept.map((key) => key.slice(prefix.length)),
      ...this.#pending(name).map(({ lane = '' }) => lane),
    ]);
    const behind = after === undefined ? '' : laneOfGroup(after);
    const page = [...all].sort().filter((lane) => isGroupLane(lane) && lane > behind);
    const lanes = group === undefined ? page.slice(0, limit) : [laneOfGroup(group)];
    return lanes.map((lane) => this.#recordOf(name, lane));
  }

  #recordOf(name: string, lane: string): verbs.GroupRecord {
    const kept = this.#laneOf(name, lane);
    const settings = this.#settingsOf(name, kept);
    const pending = this.#pending(name).filter((job) => job.lane === lane);
    const times = pending.map(({ nextRunAt }) => nextRunAt.getTime());
    const running = this.#jobs
      .all()
      .filter((job) => job.name === name && job.lane === lane && job.status === 'processing');
    const startAt = nextStartOf(settings, kept.usedUpMs, this.#now());
    return {
      ...{ group: keyOfLane(lane), paused: kept.paused, waiting: pending.length },
      ...{ running: running.length, holders: running.slice(0, 20).map(({ _id }) => _id) },
      ...(times.length > 0 && { oldestDueAt: new Date(Math.min(...times)) }),
      ...settings,
      ...(startAt && { nextStartAt: startAt }),
    };
  }

  #settingsOf(name: string, { own }: Lane): verbs.GroupSettings {
    return groupSettings(own, this.#ofAll.get(name) ?? {});
  }

  /** The lane with those alone who still have their places. */
  #laneOf(name: string, lane: string): Lane {
    const known = this.#lanes.get(keyOf(name, lane)) ?? NOTHING;
    return { ...known, held: known.held.filter((one) => holdsPlace(this.#jobs.get(one.job), one)) };
  }

  /** Forgets groups for which nothing was set, and which nobody uses; says how many. */
  sweep({ usedBefore }: verbs.SweepOrdersParams): number {
    const before = this.#lanes.size;
    for (const [key, { own, paused, held, usedUpMs = 0 }] of this.#lanes) {
      const isHeld = held.some((one) => holdsPlace(this.#jobs.get(one.job), one));
      const isSet = paused || Object.keys(own).length > 0;
      if (!isHeld && !isSet && usedUpMs < usedBefore.getTime()) this.#lanes.delete(key);
    }
    return before - this.#lanes.size;
  }
}

/** What is given is set, what is null taken back, and the rest stays. */
function changed(
  before: verbs.GroupSettings,
  { concurrency, rate, weight }: verbs.SetGroupParams,
): verbs.GroupSettings {
  const given = Object.entries({ concurrency, rate, weight });
  const all = {
    ...before,
    ...Object.fromEntries(given.filter(([, value]) => value !== undefined)),
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null));
}

function keyOf(name: string, lane: Job['name']): string {
  return `${name.length}/${name}/${lane}`;
}
