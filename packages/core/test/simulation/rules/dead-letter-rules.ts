/** What must hold of dead letters. */
import type { JobVerb } from '../../../src/job/job-lifecycle.ts';
import type { Facts } from '../facts.ts';
import { STAGED_NAME } from '../features/staged-work.ts';
import { describe } from './job-rules.ts';
import type { Rule, Violate } from './rule.ts';

const BURIES = new Set<JobVerb>(['bury', 'rescueToDeadLetter']);

/** The verbs that end a job where its worker has a place for dead letters, unless it is one or of a series. */
const FAILS = new Set<JobVerb>(['fail', 'discard', 'rescueToFailed']);

/** A job changes its name only when it is buried or redriven, once each in turn; and it is claimed as what it is. */
export function deadLetterRule({ profile, leases }: Facts, violate: Violate): Rule {
  /** Claimed by a message that came when its instance was dead: who rescues it can no longer know its worker. */
  const late = new Set<string>();
  return {
    jobWritten({ verb, before, after, params }) {
      if (before === undefined) return;
      const id = before._id.toHexString();
      if (after?.status === 'processing' && after.fence !== before.fence) {
        if (leases.get(after.claimedBy ?? '')?.diedMs === undefined) late.delete(id);
        else late.add(id);
      }
      const change = `${verb} ${describe(before)}: ${before.name} -> ${after?.name}`;
      if (verb === 'claim') {
        const demand = (params.demand ?? []) as readonly { readonly name: string }[];
        const isWanted = demand.some(({ name }) => name === before.name);
        if (!isWanted) violate('a job is claimed under another name', change);
      }
      const isBuried = BURIES.has(verb);
      const mayBeBuried = before.seriesVersion === undefined && before.source === undefined;
      if (isBuried && !mayBeBuried) violate('a dead letter is buried again', change);
      // One with stages, an order or a group has a worker without a place for them.
      const hasPlace =
        before.name !== STAGED_NAME && before.lane === undefined && before.flow === undefined;
      const isUnknown = verb === 'rescueToFailed' && late.has(id);
      const mustBeBuried = profile.deadLetters > 0 && mayBeBuried && hasPlace && !isUnknown;
      if (FAILS.has(verb) && mustBeBuried) violate('a job fails that should be buried', change);
      if (after === undefined) return;
      const name = nameAfter(verb, before.name, before.source?.name);
      if (isBuried ? after.source?.name !== before.name : after.name !== name)
        violate('a job changes its name', change);
      const isLetter = isBuried || (before.source !== undefined && verb !== 'redriveDeadLetter');
      if ((after.source !== undefined) !== isLetter) violate('a job changes its name', change);
    },
  };
}

function nameAfter(verb: JobVerb, name: string, source: string | undefined): string {
  return verb === 'redriveDeadLetter' ? (source ?? '') : name;
}
