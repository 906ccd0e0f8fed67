/** What must hold of jobs that leave by their age. */
import { type Facts, taskOf } from '../facts.ts';
import { placeOf } from '../features/flow-work.ts';
import { RETENTION_MS } from '../profile.ts';
import { describe } from './job-rules.ts';
import type { Rule, Violate } from './rule.ts';

/** Ids carry whole seconds. */
const ID_STEP_MS = 1_000;

/** A job leaves when it was kept for as long as it should be, and does not come back. */
export function pruneRule(facts: Facts, violate: Violate): Rule {
  return {
    jobWritten({ verb, before, after, params }) {
      const isBack = before === undefined && facts.pruned.has(after?._id.toHexString() ?? '');
      // A later run of the job that added it may add it again.
      if (isBack && after !== undefined && placeOf(taskOf(after))?.addedBy === undefined) {
        violate('a job that left comes back', describe(after));
      }
      if (verb !== 'prune' || before === undefined) return;
      const nowMs = (params.now as Date).getTime();
      const { finishedAt, windowUntil, createdAt } = before;
      const keptMs = nowMs - (finishedAt?.getTime() ?? Number.POSITIVE_INFINITY);
      if (keptMs < RETENTION_MS) violate('a job leaves too soon', `${describe(before)}: ${keptMs}`);
      if (windowUntil !== undefined && windowUntil.getTime() >= nowMs) {
        violate('a window ends with its job', describe(before));
      }
      const oldMs = nowMs - createdAt.getTime();
      if (oldMs < 2 * facts.profile.resendLimitMs - ID_STEP_MS) {
        violate('a job leaves before all resends of it', `${describe(before)}: ${oldMs} ms old`);
      }
    },
  };
}
