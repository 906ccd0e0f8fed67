/** What must hold of limits. */
import type { Job } from '../../../src/index.ts';
import type { JobVerb } from '../../../src/job/job-lifecycle.ts';
import { claimKey, type Facts, type LimitFacts } from '../facts.ts';
import { limitKeysOf } from '../features/users.ts';
import type { Machine } from '../machine.ts';
import { OPERATION_TIMEOUT_MS } from '../profile.ts';
import { describe } from './job-rules.ts';
import { RateWindow } from './rate-window.ts';
import type { Rule, Violate } from './rule.ts';

const CLAIMS = new Set<JobVerb>(['claim', 'claimInOrder', 'enqueueClaimed']);

/** Clocks that drift apart. */
const DRIFT = 1.01;

/** The oldest knowledge on which a claim is sent, by a clock that drifts. */
const OLDEST_KNOWLEDGE_MS = 2_000 * DRIFT;

/** Starts of a rate that are not used by then are void, by a clock that drifts. */
const STARTS_LAST_MS = 1_000 * DRIFT;

/**
 * No claim of a living instance is one more than the limit allowed when it was sent, and in no window of time are there
 * more than the rate allows. What was claimed before a limit was lowered runs on, and counts unless there was no bound then.
 */
export function limitRule(facts: Facts, violate: Violate): Rule {
  const running = new Map<string, Set<string>>();
  /** Under each limit the claims whose start was counted: one that is written is seen again when it runs. */
  const counted = new Map<string, Set<string>>();
  const starts = new Map<string, { readonly ofMs: number; readonly window: RateWindow }>();
  const judgeRate = (key: string, limit: LimitFacts, sentMs: number, told: string): void => {
    const { rate } = limit.record;
    if (rate === undefined || sentMs < limit.changedMs + OLDEST_KNOWLEDGE_MS) return;
    const known = starts.get(key);
    const window =
      known?.ofMs === limit.changedMs ? known.window : new RateWindow(rate, STARTS_LAST_MS);
    starts.set(key, { ofMs: limit.changedMs, window });
    for (const { count, most } of window.start(sentMs)) {
      violate('more start than a rate allows', `${told}, ${count} of ${most}`);
    }
  };
  const judge = (job: Job, id: string, sentMs: number): void => {
    for (const key of limitKeysOf(job.name, facts.profile)) {
      const limit = facts.limits.get(key);
      const jobs = running.get(key) ?? new Set();
      running.set(key, jobs);
      if (limit === undefined) violate('a limit is not known', key);
      if (limit === undefined || jobs.has(id)) continue;
      jobs.add(id);
      const all = [...jobs].map((one) => describe(facts.jobs.get(one)));
      const told = `${key}: ${describe(job)}, with it ${all.join()}`;
      const most = mostSince(limit, sentMs - OLDEST_KNOWLEDGE_MS);
      if (jobs.size > most) violate('more run than a limit allows', `${told}, most ${most}`);
      // Who dies before the limit has a bound holds no share of it for what it ran.
      if (most === Number.POSITIVE_INFINITY) jobs.delete(id);
      const claims = counted.get(key) ?? new Set();
      counted.set(key, claims);
      const claim = claimKey(job, job.claimToken);
      if (!claims.has(claim)) judgeRate(key, limit, sentMs, told);
      claims.add(claim);
    }
  };
  const sentMsOf = (token: string | undefined): number =>
    facts.claimsSent.get(token ?? '') ?? facts.world.nowMs;
  return {
    jobWritten({ verb, before, after }) {
      const id = (after ?? before)?._id.toHexString() ?? '';
      if (after?.status !== 'processing') {
        for (const jobs of running.values()) jobs.delete(id);
        return;
      }
      // Nobody runs what is claimed by the dead, or by a message that was given up before it came; it is given back.
      const isDead = facts.leases.get(after.claimedBy ?? '')?.diedMs !== undefined;
      const sentMs = sentMsOf(after.claimToken);
      const isLate = facts.world.nowMs - sentMs > OPERATION_TIMEOUT_MS / DRIFT;
      if (CLAIMS.has(verb) && !isDead && !isLate) judge(after, id, sentMs);
    },
    runStarted({ job, token }) {
      if (job.status === 'processing') judge(job, job._id.toHexString(), sentMsOf(token));
    },
  };
}

/** Shares never grow beyond the limit, those of the dead come back, and at the end nobody has one. */
export function shareRule(facts: Facts, violate: Violate): Rule {
  /** What a stop had no time to wait for stands on its share until somebody rescues it. */
  const cutShort = new Set<Machine>();
  return {
    stopped({ machine, givenUp }) {
      if (givenUp.size > 0) cutShort.add(machine);
    },
    limitWritten(key, { record }, before) {
      const [was, is] = [sumOf(before), sumOf({ record })];
      if (is <= was || is <= (record.concurrency ?? Number.POSITIVE_INFINITY)) return;
      violate('shares exceed their limit', `${key}: ${is} of ${record.concurrency}`);
    },
    drained() {
      for (const [key, limit] of facts.limits) {
        for (const instanceId of deadHolders(facts, limit)) {
          violate('a share of the dead is kept', `${key} by ${instanceId}`);
        }
      }
    },
    ended() {
      for (const [key, { record }] of facts.limits) {
        for (const { count, instanceId } of record.shares) {
          const machine = facts.leases.get(instanceId)?.machine;
          const isInUse = machine !== undefined && cutShort.has(machine);
          if (count === 0 || isInUse) continue;
          violate('a stop keeps a share', `${key}: ${count} by ${instanceId}`);
        }
      }
    },
  };
}

/** Those who hold a share and are dead to the ledger. */
export function deadHolders(facts: Facts, { record }: LimitFacts): readonly string[] {
  return record.shares
    .filter(({ count, instanceId }) => count > 0 && facts.diedMs(instanceId) !== undefined)
    .map(({ instanceId }) => instanceId);
}

function sumOf(limit: Pick<LimitFacts, 'record'> | undefined): number {
  return (limit?.record.shares ?? []).reduce((sum, { count }) => sum + count, 0);
}

/** The highest of what was allowed since then. */
function mostSince({ allowed }: LimitFacts, sinceMs: number): number {
  return allowed.reduce((most, { concurrency, untilMs }) => {
    return untilMs >= sinceMs ? Math.max(most, concurrency) : most;
  }, 0);
}
