/** What must hold of names that are paused. */
import type { Facts, Run } from '../facts.ts';
import { describe } from './job-rules.ts';
import type { Rule, Violate } from './rule.ts';

/** The oldest knowledge on which a handler starts, by a clock that drifts. */
const LATEST_START_MS = 2_000 * 1.01;

/** Two seconds after the ledger knows of a pause no handler of that name starts any more, until it is resumed. */
export function pauseRule(facts: Facts, violate: Violate): Rule {
  return {
    runStarted({ job, machine }: Run) {
      const sinceMs = facts.pausedSinceMs.get(job.name);
      if (sinceMs === undefined) return;
      const pausedMs = facts.world.nowMs - sinceMs;
      if (pausedMs <= LATEST_START_MS) return;
      const detail = `${machine.name} starts ${describe(job)} ${pausedMs.toFixed(0)} ms after it`;
      violate('a paused name runs', detail);
    },
  };
}
