/** What must hold of the turns of groups. */
import type { Job } from '../../../src/index.ts';
import {
  type SetGroupParams,
  SUSPECT_RESCUE_COUNT,
} from '../../../src/ledger/ledger-repository.ts';
import type { Facts } from '../facts.ts';
import { BATCH_SIZE } from '../features/batch-work.ts';
import { LAST_WORDS_MS } from '../features/users.ts';
import { type Machine, WALL_START_MS } from '../machine.ts';
import { OPERATION_TIMEOUT_MS } from '../profile.ts';
import { describe } from './job-rules.ts';
import type { Rule, Violate } from './rule.ts';

/** The clock by which a claim knows what is due may be late by so much. */
const CLOCK_ERROR_MS = 1_000;

/** So many turns of one instance may go to another group before one that waits gets its own. */
const MOST_TURNS = 2;

/** What is known from outside of what a group may do. */
class Openings {
  readonly #facts: Facts;
  /** When the settings of a group, or of all of a name, were changed last. */
  readonly #setMs = new Map<string, number>();
  readonly #bounds = new Map<string, number | null>();
  readonly #rated = new Map<string, unknown>();
  readonly #paused = new Set<string>();

  constructor(facts: Facts) {
    this.#facts = facts;
  }

  groupSet({ name, group = '', concurrency, rate, paused }: SetGroupParams): void {
    const key = `${name}/${group}`;
    this.#setMs.set(key, this.#facts.world.nowMs);
    if (concurrency !== undefined) this.#bounds.set(key, concurrency);
    if (rate !== undefined) this.#rated.set(key, rate);
    if (paused) this.#paused.add(key);
    if (paused === false) this.#paused.delete(key);
  }

  /** True when neither a rate nor a concurrency is in its way for whoever looked since then, as far as it is seen here. */
  isOpen(name: string, group: string, sinceMs: number): boolean {
    const keys = [`${name}/`, `${name}/${group}`];
    if (keys.some((key) => (this.#setMs.get(key) ?? -1) >= sinceMs || this.#paused.has(key)))
      return false;
    if (keys.some((key) => (this.#rated.get(key) ?? null) !== null)) return false;
    const bound = this.#bounds.get(`${name}/${group}`) ?? this.#bounds.get(`${name}/`) ?? null;
    if (bound === null) return true;
    // Who is named and not claimed holds a place too; the ledger in memory has none.
    if (this.#facts.profile.ledger !== 'memory') return false;
    const running = [...this.#facts.jobs.values()].filter((job) => {
      return job.name === name && job.group === group && job.status === 'processing';
    });
    return running.length < bound;
  }
}

/** A claim of grouped jobs, from its first write on. */
interface Claim {
  readonly token: string;
  readonly instanceId: string;
  /** The groups that waited before the first of its writes, by name and group. */
  readonly waiting: ReadonlySet<string>;
  /** How many jobs of each group it won. */
  readonly won: Map<string, number>;
}

/**
 * While a group waits with nothing in its way, no instance gives another one more than two turns before somebody gives it
 * one. A turn is one job here, or one batch.
 */
export function turnRule(facts: Facts, violate: Violate): Rule {
  const turn = facts.profile.batchedJobs > 0 ? BATCH_SIZE : 1;
  /** When each job was written last. */
  const writtenMs = new Map<string, number>();
  const openings = new Openings(facts);
  /** By the group that waits: what an instance gave another group meanwhile. */
  const passedOver = new Map<string, Map<string, number>>();
  let claim: Claim | undefined;

  function waitingGroups({ name }: Job, sentMs: number): Set<string> {
    const dueBefore = WALL_START_MS + sentMs - CLOCK_ERROR_MS;
    const groups = new Set<string>();
    for (const [id, job] of facts.jobs) {
      if (job.name !== name || job.group === undefined || job.lane === undefined) continue;
      if (job.status !== 'pending' || isSuspect(job) || job.nextRunAt.getTime() > dueBefore)
        continue;
      if ((writtenMs.get(id) ?? 0) < sentMs) groups.add(job.group);
    }
    return new Set(
      [...groups]
        .filter((group) => openings.isOpen(name, group, sentMs))
        .map((group) => `${name}/${group}`),
    );
  }

  /** A claim is told of job by job: it is judged when something else is told. */
  function judge(): void {
    if (claim === undefined) return;
    const { instanceId, waiting, won } = claim;
    claim = undefined;
    for (const group of passedOver.keys()) if (!waiting.has(group)) passedOver.delete(group);
    for (const group of won.keys()) passedOver.delete(group);
    for (const group of waiting) {
      if (won.has(group)) continue;
      const counts = passedOver.get(group) ?? new Map<string, number>();
      passedOver.set(group, counts);
      for (const [other, count] of won) {
        const key = `${instanceId} gave ${other}`;
        counts.set(key, (counts.get(key) ?? 0) + count);
        if ((counts.get(key) as number) <= MOST_TURNS * turn) continue;
        violate('a group that waits is passed over', `${group}: ${key} ${counts.get(key)} jobs`);
      }
    }
  }

  return {
    groupSet: (params) => openings.groupSet(params),
    jobWritten({ verb, before, after }) {
      const token = after?.claimToken ?? '';
      if (claim !== undefined && (verb !== 'claimInOrder' || token !== claim.token)) judge();
      const { nowMs } = facts.world;
      const id = (after ?? before)?._id.toHexString() ?? '';
      const sentMs = facts.claimsSent.get(token) ?? nowMs;
      const isTurn = verb === 'claimInOrder' && after?.group !== undefined && !isSuspect(after);
      const isLate = nowMs - sentMs > OPERATION_TIMEOUT_MS / 2;
      const isDead = facts.leases.get(after?.claimedBy ?? '')?.diedMs !== undefined;
      if (isTurn && !isLate && !isDead) {
        const instanceId = after.claimedBy ?? '';
        claim ??= {
          token,
          instanceId,
          waiting: waitingGroups(after, sentMs),
          won: new Map(),
        };
        const key = `${after.name}/${after.group}`;
        claim.won.set(key, (claim.won.get(key) ?? 0) + 1);
      } else if (isTurn) passedOver.delete(`${after.name}/${after.group}`);
      writtenMs.set(id, nowMs);
    },
    passed: judge,
  };
}

function isSuspect({ rescueCount = 0 }: Job): boolean {
  return rescueCount >= SUSPECT_RESCUE_COUNT;
}

/** So long a job of a group may wait at most with nothing in its way: a few polls. */
const LONGEST_WAIT_MS = 5_000;

/**
 * Without faults no due job of a group waits for longer than some polls while its group has room and a process that runs
 * such jobs has nothing at all to do.
 */
export function starvingRule(facts: Facts, violate: Violate): Rule {
  /** Since when a job has been waiting, or a worker has been without any. */
  const waitingSinceMs = new Map<string, number>();
  const idleSinceMs = new Map<Machine, number>();
  const openings = new Openings(facts);

  function noteIdle(nowMs: number): void {
    const busy = new Set<Machine | undefined>();
    for (const { status, claimedBy } of facts.jobs.values()) {
      if (status === 'processing') busy.add(facts.leases.get(claimedBy ?? '')?.machine);
    }
    for (const machine of facts.workers) {
      if (busy.has(machine)) idleSinceMs.delete(machine);
      else if (!idleSinceMs.has(machine)) idleSinceMs.set(machine, nowMs);
    }
    for (const machine of idleSinceMs.keys()) {
      if (!facts.workers.has(machine)) idleSinceMs.delete(machine);
    }
  }

  return {
    groupSet: (params) => openings.groupSet(params),
    passed(nowMs) {
      if (nowMs < facts.profile.faultyMs + LAST_WORDS_MS) return;
      noteIdle(nowMs);
      const idleMs = Math.min(...idleSinceMs.values());
      for (const [id, job] of facts.jobs) {
        const { name, group, lane, nextRunAt } = job;
        const isDue = job.status === 'pending' && nextRunAt.getTime() <= WALL_START_MS + nowMs;
        const isOpen =
          group !== undefined && lane !== undefined && openings.isOpen(name, group, nowMs);
        if (!isDue || !isOpen || isSuspect(job)) {
          waitingSinceMs.delete(id);
          continue;
        }
        const sinceMs = waitingSinceMs.get(id) ?? nowMs;
        waitingSinceMs.set(id, sinceMs);
        if (nowMs - Math.max(sinceMs, idleMs) <= LONGEST_WAIT_MS) continue;
        violate('a job of a group starves', `${describe(job)} of ${group}`);
      }
    },
  };
}
