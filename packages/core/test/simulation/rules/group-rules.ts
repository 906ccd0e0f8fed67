/** What must hold of jobs that take turns in groups. */
import { claimKey, type Facts } from '../facts.ts';
import { describe } from './job-rules.ts';
import type { Rule, Violate } from './rule.ts';

/**
 * No more jobs of a group are processing than it may run. A limit that was lowered stops nothing that was named before,
 * so the highest one that the group ever had is the bound. What was claimed while there was no limit, or by a claim that may
 * have looked then, does not count beside the others.
 */
export function groupRule(facts: Facts, violate: Violate): Rule {
  /** The claims that no limit bound, by job and token. */
  const free = new Set<string>();

  return {
    jobWritten({ verb, before, after }) {
      if (after?.group === undefined || after.status !== 'processing') return;
      if (verb === 'claim')
        violate('a job with a group is claimed as one without', describe(after));
      if (before?.status === 'processing') return;
      const sentMs = facts.claimsSent.get(after.claimToken ?? '') ?? facts.world.nowMs;
      if (facts.wasFree(after.name, after.group, sentMs)) {
        free.add(claimKey(after, after.claimToken));
        return;
      }
      const most = facts.mostOfGroup(after.name, after.group);
      const others = [...facts.jobs.values()].filter((job) => {
        const isOther = !job._id.equals(after._id) && job.status === 'processing';
        const isBound = !free.has(claimKey(job, job.claimToken));
        return isOther && isBound && job.name === after.name && job.group === after.group;
      });
      if (others.length < most) return;
      const detail = `${verb} ${describe(after)} of ${after.group} beside ${others.length}, of ${most}`;
      violate('a group runs too many', detail);
    },
  };
}
