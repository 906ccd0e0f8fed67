/** What must hold of jobs that take turns in groups. */
import type { Facts } from '../facts.ts';
import { describe } from './job-rules.ts';
import type { Rule, Violate } from './rule.ts';

/**
 * No more jobs of a group are processing than it may run. A limit that was lowered stops nothing that was named before,
 * so the highest one that the group ever had is the bound.
 */
export function groupRule(facts: Facts, violate: Violate): Rule {
  return {
    jobWritten({ verb, before, after }) {
      if (after?.group === undefined || after.status !== 'processing') return;
      if (verb === 'claim')
        violate('a job with a group is claimed as one without', describe(after));
      if (before?.status === 'processing') return;
      const most = facts.mostOfGroup(after.name, after.group);
      const others = [...facts.jobs.values()].filter(({ name, group, status, _id }) => {
        const isOther = !_id.equals(after._id) && status === 'processing';
        return isOther && name === after.name && group === after.group;
      });
      if (others.length < most) return;
      const detail = `${verb} ${describe(after)} of ${after.group} beside ${others.length}, of ${most}`;
      violate('a group runs too many', detail);
    },
  };
}
