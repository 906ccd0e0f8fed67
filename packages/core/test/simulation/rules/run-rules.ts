/** What must hold of the runs of handlers and of what is told of them. */
import type { JobVerb } from '../../../src/job/job-lifecycle.ts';
import { SUSPECT_RESCUE_COUNT } from '../../../src/ledger/ledger-repository.ts';
import type { SettleVerb } from '../../../src/ledger/verbs/settle.ts';
import { claimKey, type Ended, type Facts, type Run, SETTLE_VERBS } from '../facts.ts';
import { OUTBOX_NAME } from '../features/outbox-work.ts';
import type { Machine } from '../machine.ts';
import { describe } from './job-rules.ts';
import type { Report, Rule, Violate } from './rule.ts';

/** No job runs twice at once, and none again whose work was finished, unless its instance died in between. */
export function repeatRule(facts: Facts, violate: Violate): Rule {
  return {
    runStarted({ job, token }: Run) {
      for (const other of facts.runs.get(job._id.toHexString()) ?? []) {
        if (!facts.isStanding(other)) continue;
        const detail = `${describe(job)} by ${token}, before by ${other.token}`;
        if (other.ended === undefined && !facts.isOverdue(other)) {
          violate('a job runs twice at once', detail);
        }
        if (other.ended !== 'returned') continue;
        const verb = facts.settles.get(claimKey(other.job, other.token));
        if (verb !== 'repeat') violate('finished work is run again', detail);
      }
    },
    drained() {
      for (const run of [...facts.runs.values()].flat()) {
        if (run.ended !== 'returned' || !facts.isStanding(run)) continue;
        const verb = facts.settles.get(claimKey(run.job, run.token));
        if (verb === 'complete' || verb === 'repeat') continue;
        violate('finished work is not recorded', `${describe(run.job)} by ${run.token}: ${verb}`);
      }
    },
  };
}

/** What a run may be recorded as, by how its handler ended. One of a series that failed may make way for the next. */
const RECORDED_AS: Readonly<Record<Ended, readonly JobVerb[]>> = {
  returned: ['complete', 'repeat'],
  staged: ['block', 'release', 'cancelled'],
  threw: ['retry', 'fail', 'bury', 'cancelled', 'release', 'repeatAfterFailure'],
  late: [...SETTLE_VERBS],
  snoozed: ['snooze', 'cancelled', 'repeatAfterFailure'],
  cancelled: ['cancelByHandler', 'repeatAfterFailure'],
  discarded: ['discard', 'bury', 'cancelled', 'repeatAfterFailure'],
};

/** How a handler is told that its job was cancelled. */
const CANCELLED = 'The job was cancelled';

/** What is recorded of a run whose handler was never called. */
const UNSTARTED: readonly JobVerb[] = [
  'release',
  'cancelled',
  'cancelByHandler',
  'repeatAfterFailure',
  'block',
];

/** What is recorded of a run that was given up while its handler went on. */
const GIVEN_UP: readonly JobVerb[] = ['retry', 'fail', 'bury', 'cancelled', 'repeatAfterFailure'];

/** What is recorded of a run is what its handler said, and a run that took too long has failed. */
export function outcomeRule(facts: Facts, violate: Violate): Rule {
  return {
    runEnded({ job, token }, { aborted, reason }) {
      if (!aborted || !String(reason).includes(CANCELLED)) return;
      const stored = facts.jobs.get(job._id.toHexString());
      if (stored?.claimToken !== token || stored.cancelRequestedAt !== undefined) return;
      violate('a run is cancelled that nobody wants to cancel', `${describe(job)} by ${token}`);
    },
    jobWritten({ verb, before, params }) {
      if (before === undefined || !SETTLE_VERBS.has(verb)) return;
      // Its handler is the outbox itself, which nobody sees run.
      if (before.name === OUTBOX_NAME) return;
      const token = params.claimToken as string;
      const runs = facts.runs.get(before._id.toHexString()) ?? [];
      const run = runs.findLast((other) => other.token === token);
      const detail = `${verb} ${describe(before)} by ${token}: ${run?.ended}`;
      if (run === undefined) {
        if (!UNSTARTED.includes(verb)) violate('a run is recorded wrongly', detail);
        return;
      }
      // A stop had no more time to record it, and what is left of the instance gives it back.
      if (run.isGivenUp && UNSTARTED.includes(verb)) return;
      const isGivenUp = run.ended === undefined && facts.isOverdue(run);
      const allowed = run.ended === undefined ? [] : RECORDED_AS[run.ended];
      if (!(isGivenUp ? GIVEN_UP : allowed).includes(verb)) {
        violate('a run is recorded wrongly', detail);
      }
      const hasFailed = verb === 'release' || GIVEN_UP.includes(verb);
      if (!hasFailed && facts.tookTooLong(run)) violate('a late run counts as done', detail);
    },
  };
}

/** A worker runs no more handlers than its concurrency, and a process one suspect at most. */
export function crowdRule(facts: Facts, violate: Violate): Rule {
  const isRunning = ({ ended }: Run): boolean => ended === undefined;
  const here = new Map<Machine, Run[]>();
  return {
    runStarted(run: Run) {
      const runs = (here.get(run.machine) ?? []).filter(isRunning);
      here.set(run.machine, [...runs, run]);
      const isSuspect = ({ job }: Run): boolean => (job.rescueCount ?? 0) >= SUSPECT_RESCUE_COUNT;
      const isHere = (other: Run): boolean =>
        isSuspect(other) && facts.isStanding(other) && !facts.isOverdue(other);
      if (isSuspect(run) && runs.some(isHere)) {
        violate('two suspects run in one process', describe(run.job));
      }
    },
  };
}

/** What is told of a run, by what was recorded of it. */
const TOLD_AS: Readonly<Record<Exclude<Report['name'], 'job:lost'>, readonly SettleVerb[]>> = {
  'job:complete': ['complete', 'repeat'],
  'job:fail': ['retry', 'fail', 'discard', 'bury', 'repeatAfterFailure'],
  'job:cancelled': ['cancelled', 'cancelByHandler', 'repeatAfterFailure'],
};

/** The verbs by which somebody else cancels a pending job, or one run of a series. */
const CANCELS = new Set<JobVerb>(['cancel', 'skipRun', 'endSeries']);

/** What an instance tells of a run is what the ledger says. */
export function reportRule(facts: Facts, violate: Violate): Rule {
  const cancelled = new Set<string>();
  const told = new Set<string>();
  const written = ({ name, payload }: Report): boolean => {
    const { job } = payload;
    if (facts.revived.has(job._id.toHexString())) return true;
    if (name === 'job:lost') {
      const isSettled = facts.settles.has(claimKey(job, job.claimToken));
      return payload.reason === 'unknown' || !isSettled;
    }
    const verb = facts.settles.get(claimKey(job, job.lastToken));
    if (verb !== undefined && TOLD_AS[name].includes(verb)) {
      return name !== 'job:fail' || payload.willRetry === (verb === 'retry');
    }
    return name === 'job:cancelled' && cancelled.has(job._id.toHexString());
  };
  return {
    jobWritten({ verb, before }) {
      if (CANCELS.has(verb) && before !== undefined) cancelled.add(before._id.toHexString());
    },
    reported(report) {
      const { name, payload } = report;
      if (!written(report))
        violate('a run is reported wrongly', `${name} ${describe(payload.job)}`);
      if (name !== 'job:complete' && name !== 'job:lost') return;
      const { job } = payload;
      const key = claimKey(job, name === 'job:lost' ? job.claimToken : job.lastToken);
      if (told.has(key)) violate('a run is reported twice', `${name} ${describe(payload.job)}`);
      told.add(key);
    },
    drained() {
      for (const run of facts.unreported.values()) {
        if (!facts.isStanding(run)) continue;
        violate('a finished run is not reported', `${describe(run.job)} by ${run.token}`);
      }
    },
  };
}
