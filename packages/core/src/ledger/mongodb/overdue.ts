/**
 * Jobs that have been due for so long that they go before more urgent ones.
 *
 * They lie at each priority of their name behind its other jobs in the claim index, those that were due first in front. So
 * the priorities that have such jobs are looked for first, one key each, and remembered for a while; then one read merges
 * the jobs of all of them in the order of their due times, within the index.
 *
 * @module
 */
import type { Document, ObjectId } from 'mongodb';
import type { Clock } from '../../foundation/clock.ts';
import { type Random, sample } from '../../foundation/random.ts';
import { ORDERED_PRIORITY } from '../../job/job.ts';
import type { ClaimParams, Demand, OverdueDemand } from '../ledger-repository.ts';
import { claimableFilter } from './engine-queries.ts';
import type { Commands } from './server/commands.ts';
import { IndexName } from './server/indexes.ts';

/** How long priorities are remembered: a job at another one waits so much longer, in milliseconds. */
const LEVELS_LAST_MS = 2_000;

/** The server merges no more scans than that. Of more priorities the least urgent are taken, which wait the longest. */
const MOST_LEVELS = 200;

/** A job that may be claimed. */
export interface Candidate {
  readonly _id: ObjectId;
  readonly name: string;
}

interface OverdueBounds {
  readonly clock: Clock;
  readonly random: Random;
}

interface Levels {
  readonly priorities: readonly number[];
  readonly untilMs: number;
}

/** Finds overdue jobs. */
export class MongoOverdue {
  readonly #commands: Commands;
  readonly #bounds: OverdueBounds;
  /** By name; only workers ask, so there are few. */
  readonly #levels = new Map<string, Levels>();

  constructor(commands: Commands, bounds: OverdueBounds) {
    this.#commands = commands;
    this.#bounds = bounds;
  }

  /** Those of each name that were due first, as many as its demand says. No command where nobody asks for such. */
  async find({ demand, widening }: ClaimParams): Promise<readonly Candidate[]> {
    const found = await Promise.all(
      demand.map(({ name, overdue }) => (overdue ? this.#ofName(name, overdue, widening) : [])),
    );
    return found.flat();
  }

  /** Among rivals each takes a part of more jobs. */
  async #ofName(
    name: string,
    { before, limit }: OverdueDemand,
    widening: number,
  ): Promise<readonly Candidate[]> {
    const priorities = await this.#prioritiesOf(name, before);
    if (priorities.length === 0) return [];
    const filter = { ...claimableFilter([name], before, false), priority: { $in: priorities } };
    const found = await this.#commands.findInOneReply(filter, {
      projection: { _id: 1, name: 1 },
      sort: { nextRunAt: 1, _id: 1 },
      limit: limit * widening,
      hint: IndexName.CLAIM,
    });
    return sample(this.#bounds.random, found as Document[] as Candidate[], limit);
  }

  async #prioritiesOf(name: string, before: Date): Promise<readonly number[]> {
    const nowMs = this.#bounds.clock.monotonic();
    const known = this.#levels.get(name);
    if (known !== undefined && nowMs < known.untilMs) return known.priorities;
    const priorities: number[] = [];
    while (priorities.length < MOST_LEVELS) {
      const next = await this.#nextPriority(name, before, priorities.at(-1) ?? ORDERED_PRIORITY);
      if (next === undefined) break;
      priorities.push(next);
    }
    this.#levels.set(name, { priorities, untilMs: nowMs + LEVELS_LAST_MS });
    return priorities;
  }

  /** The next more urgent priority that has overdue jobs; one that is no number is more urgent than all, or none of ours. */
  async #nextPriority(name: string, before: Date, last: number): Promise<number | undefined> {
    const filter = { ...claimableFilter([name], before, false), priority: { $lt: last } };
    const [found] = await this.#commands.findInOneReply(filter, {
      projection: { _id: 0, priority: 1 },
      sort: { priority: -1 },
      limit: 1,
      hint: IndexName.CLAIM,
    });
    return (found as Document | undefined)?.priority;
  }
}

/**
 * Shares what may be claimed among the names, each at least one job. What of it may be overdue is rounded by chance: of a
 * claim of one job it is the whole or nothing, and neither may be so always.
 */
export function cutDemand(
  demand: readonly Demand[],
  most: number,
  random: Random,
): readonly Demand[] {
  const total = demand.reduce((sum, { limit }) => sum + limit, 0);
  if (total <= most) return demand;
  const share = most / total;
  return demand.map(({ name, limit, overdue }) => {
    const part = overdue ? Math.floor(overdue.limit * share + random.fraction()) : 0;
    return {
      name,
      limit: Math.max(1, Math.floor(limit * share)),
      ...(overdue && part > 0 && { overdue: { ...overdue, limit: part } }),
    };
  });
}
