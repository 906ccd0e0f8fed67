/** What must hold of jobs that supersede others. */
import type { Job } from '../../../src/index.ts';
import type { Facts } from '../facts.ts';
import { LAST_WORDS_MS } from '../features/users.ts';
import { describe } from './job-rules.ts';
import type { Rule, Violate } from './rule.ts';

/** Some polls, with and without hints; the calls of a sweep, and a claim round that was in its way. */
const ASKED_WITHIN_MS = 6_000;
const ASKED_WITHIN_WITH_HINTS_MS = 36_000;

/**
 * At most one job of a key waits for its first start and at most one runs; and when nothing goes wrong any more, one
 * that runs is asked to cancel soon where the one that waits wants that, whoever died before it asked.
 */
export function supersedeRule(facts: Facts, violate: Violate): Rule {
  const jobs = new Map<string, Job>();
  const told = new Set<string>();
  const boundMs = facts.profile.hints === 'none' ? ASKED_WITHIN_MS : ASKED_WITHIN_WITH_HINTS_MS;
  const sinceMs = new Map<string, number>();
  const ofKey = ({ order }: Job): Job[] => [...jobs.values()].filter((job) => job.order === order);
  const judgeCrowd = (job: Job): void => {
    const others = ofKey(job).filter(({ _id }) => !_id.equals(job._id));
    const waits = ({ status, startLock }: Job): boolean =>
      status === 'pending' && startLock !== undefined;
    const crowd = others.find(
      (other) =>
        (waits(job) && waits(other)) ||
        (job.status === 'processing' && other.status === 'processing'),
    );
    if (crowd !== undefined) {
      violate('two of a superseded key are there', `${describe(job)} and ${describe(crowd)}`);
    }
  };
  return {
    jobWritten({ before, after }) {
      const id = (after ?? before)?._id.toHexString() ?? '';
      if (after === undefined) jobs.delete(id);
      if (after?.supersedes === undefined) return;
      jobs.set(id, after);
      judgeCrowd(after);
    },
    passed(nowMs) {
      const isCalm = nowMs > facts.profile.faultyMs + LAST_WORDS_MS;
      for (const waiting of jobs.values()) {
        if (waiting.supersedes !== 'cancel' || waiting.status !== 'pending') continue;
        if (waiting.startLock === undefined) continue;
        const runs = ofKey(waiting).find((job) => isUnasked(job, waiting));
        const key = `${waiting._id} ${runs?._id} ${runs?.fence}`;
        if (runs === undefined) continue;
        const fromMs = sinceMs.get(key) ?? nowMs;
        sinceMs.set(key, isCalm ? fromMs : nowMs);
        if (nowMs - fromMs <= boundMs || told.has(key)) continue;
        told.add(key);
        violate(
          'a superseded job is not asked to cancel',
          `${describe(runs)} for ${describe(waiting)}`,
        );
      }
    },
  };
}

/** It runs, and was stored before the one that waits. */
function isUnasked({ status, cancelRequestedAt, rank }: Job, waiting: Job): boolean {
  const isBefore = Number(rank) < Number(waiting.rank);
  return status === 'processing' && cancelRequestedAt === undefined && isBefore;
}
