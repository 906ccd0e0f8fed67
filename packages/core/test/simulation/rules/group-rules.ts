/** What must hold of jobs that take turns in groups. */
import { claimKey, type Facts } from '../facts.ts';
import { LEASE_MS } from '../profile.ts';
import { describe } from './job-rules.ts';
import { RateWindow } from './rate-window.ts';
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

/**
 * No claim that is sent while its group is paused takes a job of it, however late it arrives and whoever sent it. What was
 * claimed before starts: the ledger is not asked again.
 */
export function groupPauseRule(facts: Facts, violate: Violate): Rule {
  /** By name and group. */
  const pausedSinceMs = new Map<string, number>();
  return {
    groupSet({ name, group, paused }) {
      const key = `${name}/${group}`;
      if (paused === false) pausedSinceMs.delete(key);
      if (paused && !pausedSinceMs.has(key)) pausedSinceMs.set(key, facts.world.nowMs);
    },
    jobWritten({ verb, after }) {
      if (verb !== 'claimInOrder' || after === undefined) return;
      const sinceMs = pausedSinceMs.get(`${after.name}/${after.group}`) ?? Number.POSITIVE_INFINITY;
      const sentMs = facts.claimsSent.get(after.claimToken ?? '') ?? facts.world.nowMs;
      if (sentMs <= sinceMs) return;
      const detail = `${describe(after)} of ${after.group}, ${(sentMs - sinceMs).toFixed(0)} ms after it`;
      violate('a paused group is claimed', detail);
    },
  };
}

/** A claim comes one step after the lane has named its jobs, and those are starts: a quick step or a slow one. */
const LONGEST_STEP_MS = 2;

/** A start of a group that is missing by less counts as allowed: the times are sums of fractions. */
const ROUNDING = 0.01;

/**
 * In no window more jobs of a group are claimed than its rate allows. One that is named and put off then starts later without
 * another start, so as many as may be named come besides.
 */
export function groupRateRule(facts: Facts, violate: Violate): Rule {
  const { slowStepRate } = facts.profile;
  const laterMs = slowStepRate > 0 ? LEASE_MS : LONGEST_STEP_MS;
  /** By name and group. */
  const windows = new Map<string, { readonly window: RateWindow; readonly setMs: number }>();
  return {
    groupSet({ name, group, rate }) {
      if (rate === undefined) return;
      const key = `${name}/${group}`;
      if (rate === null) windows.delete(key);
      else windows.set(key, { window: new RateWindow(rate, laterMs), setMs: facts.world.nowMs });
    },
    jobWritten({ verb, after }) {
      const known = windows.get(`${after?.name}/${after?.group}`);
      if (verb !== 'claimInOrder' || after?.group === undefined || known === undefined) return;
      const { nowMs } = facts.world;
      // Before that it may have been named under another rate.
      if (nowMs <= known.setMs + laterMs) return;
      const named = facts.mostOfGroup(after.name, after.group);
      const besides = (Number.isFinite(named) ? named : 0) + ROUNDING;
      for (const { count, most } of known.window.start(nowMs, besides)) {
        const detail = `${describe(after)} of ${after.group}, ${count} of ${most}`;
        violate('more of a group start than its rate allows', detail);
      }
    },
  };
}
