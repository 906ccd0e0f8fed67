/** What must hold of jobs with an order. */
import type { Job } from '../../../src/index.ts';
import { type Facts, taskOf } from '../facts.ts';
import { ORDERED_NAME } from '../features/users.ts';
import { describe } from './job-rules.ts';
import type { Rule, Violate } from './rule.ts';

const OPEN = new Set(['pending', 'processing', 'blocked']);

/** A job of an order as it is seen from outside. */
interface Placed {
  job: Job;
  /** Since when those who are enqueued later stand behind it: since its enqueue was answered, or it was redriven. */
  knownMs: number;
  hasStarted: boolean;
}

/**
 * Never two jobs of a key run; none starts for the first time while one waits or runs whose enqueue was answered before
 * its own began; and where a failed one holds its order up, none passes it.
 */
export function orderRule(facts: Facts, violate: Violate): Rule {
  const places = new Map<string, Map<string, Placed>>();
  const halts = ({ name }: Job): boolean => facts.profile.orderHalts && name === ORDERED_NAME;
  const judge = (own: Placed, others: readonly Placed[]): void => {
    const calledMs = facts.enqueues.get(taskOf(own.job).number)?.calledMs ?? 0;
    for (const { job, knownMs } of others) {
      const told = `${describe(own.job)} and ${describe(job)} of ${job.order}`;
      if (job.status === 'processing') violate('two of an order run at once', told);
      const isAhead = OPEN.has(job.status) && knownMs < calledMs;
      if (isAhead && !own.hasStarted) violate('an order is not kept', told);
      if (job.status === 'failed' && halts(job)) {
        violate('a failed job of an order is passed', told);
      }
    }
  };
  return {
    jobWritten({ verb, before, after }) {
      const job = after ?? before;
      if (job?.order === undefined) return;
      const id = job._id.toHexString();
      const key = `${job.name} ${job.order}`;
      const jobs = places.get(key) ?? new Map<string, Placed>();
      places.set(key, jobs);
      const isKept = verb !== 'prune' || !halts(job) || before?.status !== 'failed';
      if (!isKept) violate('a failed job of an order is passed', `${describe(job)} is pruned`);
      if (after === undefined) {
        jobs.delete(id);
        return;
      }
      const known = jobs.get(id);
      const placed = known ?? { job, knownMs: Number.POSITIVE_INFINITY, hasStarted: false };
      // One that comes back by a late insert has its place at the end.
      if (before === undefined && facts.removed.has(id)) placed.hasStarted = true;
      placed.job = after;
      if (verb === 'redrive') placed.knownMs = facts.world.nowMs;
      jobs.set(id, placed);
      if (verb !== 'claimInOrder') return;
      judge(
        placed,
        [...jobs.values()].filter((other) => other !== placed),
      );
      placed.hasStarted = true;
    },
    enqueueAnswered({ answer }, job) {
      if (answer !== 'enqueued' || job?.order === undefined) return;
      const placed = places.get(`${job.name} ${job.order}`)?.get(job._id.toHexString());
      if (placed !== undefined) placed.knownMs = Math.min(placed.knownMs, facts.world.nowMs);
    },
  };
}
