/** What must hold of the runs of handlers and of what is told of them. */
import { SUSPECT_RESCUE_COUNT } from '../../../src/ledger/ledger-repository.ts';
import { claimKey, type Facts, type Run } from '../facts.ts';
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
        if (other.ended === undefined) violate('a job runs twice at once', detail);
        if (other.ended === 'returned') violate('finished work is run again', detail);
      }
    },
    drained() {
      for (const run of [...facts.runs.values()].flat()) {
        if (run.ended !== 'returned' || !facts.isStanding(run)) continue;
        const verb = facts.settles.get(claimKey(run.job, run.token));
        if (verb === 'complete') continue;
        violate('finished work is not recorded', `${describe(run.job)} by ${run.token}: ${verb}`);
      }
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
      if (isSuspect(run) && runs.some((other) => isSuspect(other) && facts.isStanding(other))) {
        violate('two suspects run in one process', describe(run.job));
      }
    },
  };
}

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
    if (name === 'job:complete') return verb === 'complete';
    if (name === 'job:fail') return verb === (payload.willRetry ? 'retry' : 'fail');
    return verb === 'cancelled' || cancelled.has(job._id.toHexString());
  };
  return {
    jobWritten({ verb, before }) {
      if (verb === 'cancel' && before !== undefined) cancelled.add(before._id.toHexString());
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
