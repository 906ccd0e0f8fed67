/** What must hold of limits. */
import type { JobVerb } from '../../../src/job/job-lifecycle.ts';
import type { Facts, LimitFacts } from '../facts.ts';
import { limitKeysOf } from '../features/users.ts';
import { describe } from './job-rules.ts';
import type { Rule, Violate } from './rule.ts';

const CLAIMS = new Set<JobVerb>(['claim', 'claimInOrder', 'enqueueClaimed']);

/** The oldest knowledge on which a claim is sent, by a clock that drifts. */
const OLDEST_KNOWLEDGE_MS = 2_000 * 1.01;

/** Starts of a rate that are not used by then are void, by a clock that drifts. */
const STARTS_LAST_MS = 1_000 * 1.01;

/**
 * No claim of a living instance is one more than the limit allowed when it was sent, and in no window of time are there
 * more than the rate allows. What was claimed before a limit was lowered runs on.
 */
export function limitRule(facts: Facts, violate: Violate): Rule {
  const running = new Map<string, Set<string>>();
  const starts = new Map<string, { readonly ofMs: number; readonly times: number[] }>();
  const judgeRate = (key: string, limit: LimitFacts, sentMs: number, told: string): void => {
    const { rate } = limit.record;
    if (rate === undefined || sentMs < limit.changedMs + OLDEST_KNOWLEDGE_MS) return;
    const known = starts.get(key);
    const times = known?.ofMs === limit.changedMs ? known.times : [];
    starts.set(key, { ofMs: limit.changedMs, times });
    times.push(sentMs);
    times.sort((a, b) => a - b);
    for (const [first, fromMs] of times.entries()) {
      const most = (rate.limit * (sentMs - fromMs + STARTS_LAST_MS)) / rate.perMs + rate.burst;
      const count = times.filter((timeMs) => timeMs <= sentMs).length - first;
      if (count > most) violate('more start than a rate allows', `${told}, ${count} of ${most}`);
    }
  };
  return {
    jobWritten({ verb, before, after }) {
      const id = (after ?? before)?._id.toHexString() ?? '';
      if (after?.status !== 'processing') {
        for (const jobs of running.values()) jobs.delete(id);
        return;
      }
      // Who is dead to the ledger runs nothing of what it claims then.
      const isDead = facts.leases.get(after.claimedBy ?? '')?.diedMs !== undefined;
      if (!CLAIMS.has(verb) || isDead) return;
      const sentMs = facts.claimsSent.get(after.claimToken ?? '') ?? facts.world.nowMs;
      for (const key of limitKeysOf(after.name, facts.profile)) {
        const limit = facts.limits.get(key);
        const jobs = running.get(key) ?? new Set();
        running.set(key, jobs.add(id));
        const told = `${key}: ${describe(after)}, ${jobs.size} at once`;
        if (limit === undefined) violate('a limit is not known', told);
        else {
          const most = mostSince(limit, sentMs - OLDEST_KNOWLEDGE_MS);
          if (jobs.size > most) violate('more run than a limit allows', `${told}, most ${most}`);
          judgeRate(key, limit, sentMs, told);
        }
      }
    },
  };
}

/** Shares never grow beyond the limit, and those of the dead come back. */
export function shareRule(facts: Facts, violate: Violate): Rule {
  return {
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
