/** What must hold of jobs with stages and gates. */
import { isDeepStrictEqual } from 'node:util';
import type { Job } from '../../../src/index.ts';
import type { Facts, JobWrite, Run } from '../facts.ts';
import { GATES, resultOfStage, STAGED_NAME, STAGES } from '../features/staged-work.ts';
import { describe } from './job-rules.ts';
import type { Rule, Violate } from './rule.ts';

/** A redrive, a rescue and all others keep what is recorded; a stage stands there once, in the declared order. */
export function stageRule(facts: Facts, violate: Violate): Rule {
  return {
    jobWritten({ verb, before, after, params }) {
      if (after === undefined) return;
      if (verb === 'checkpoint' && before?.claimToken !== params.claimToken) {
        violate('a stage is recorded under another claim', describe(after));
      }
      const names = namesOf(after.stages);
      const change = `${verb} ${describe(after)}: ${names.join(', ')}`;
      if (new Set(names).size !== names.length) violate('a stage is recorded twice', change);
      else if (names.some((name, index) => name !== STAGES[index])) {
        violate('stages are recorded out of order', change);
      }
      if (!isKept(before?.stages, after.stages)) violate('a record of a stage is lost', change);
      const hasAll = names.length === STAGES.length;
      if (after.status === 'completed' && isStaged(after) && !hasAll) {
        violate('a job is completed without its stages', change);
      }
    },
    runStarted({ job, stage }: Run) {
      if (stage === undefined) return;
      const stored = facts.jobs.get(job._id.toHexString());
      const detail = `${stage.name} of ${describe(job)}`;
      if (namesOf(stored?.stages).includes(stage.name)) {
        violate('a recorded stage runs again', detail);
      }
      const before = STAGES.slice(0, STAGES.indexOf(stage.name));
      const results = Object.fromEntries(before.map((name) => [name, resultOfStage(job, name)]));
      if (!isDeepStrictEqual(stage.results, results)) {
        violate('a stage is given wrong results', `${detail}: ${JSON.stringify(stage.results)}`);
      }
    },
  };
}

/** No stage behind a closed gate runs or is recorded, and a job at a gate is held by nobody. */
export function gateRule(facts: Facts, violate: Violate): Rule {
  const isClosedBefore = (job: Job | undefined, stage: string): boolean =>
    Object.entries(GATES).some(
      ([gate, behind]) =>
        STAGES.indexOf(behind) <= STAGES.indexOf(stage) && !namesOf(job?.gates).includes(gate),
    );
  return {
    jobWritten({ verb, after }: JobWrite) {
      // A job of a flow is blocked by its parents, and has no gates.
      if (after === undefined || after.flow !== undefined) return;
      const change = `${verb} ${describe(after)}`;
      const last = after.stages?.at(-1)?.name;
      if (last !== undefined && isClosedBefore(after, last)) {
        violate('a stage behind a closed gate is recorded', `${change}: ${last}`);
      }
      if ((after.blockedBy !== undefined) !== (after.status === 'blocked')) {
        violate('a transition is illegal', `${change} and its gate fields disagree`);
      }
      if (after.status !== 'blocked') return;
      if (namesOf(after.gates).includes(after.blockedBy ?? '')) {
        violate('a job waits at an open gate', `${change}: ${after.blockedBy}`);
      }
      const runs = facts.runs.get(after._id.toHexString()) ?? [];
      const holder = runs.find((run) => run.ended === undefined && facts.isStanding(run));
      const claim = after.claimToken ?? after.claimedBy ?? holder?.token;
      if (claim !== undefined) violate('a job at a gate is held', `${change} by ${claim}`);
    },
    runStarted({ job, stage }: Run) {
      if (stage === undefined) return;
      const stored = facts.jobs.get(job._id.toHexString());
      const detail = `${stage.name} of ${describe(job)}`;
      if (stored?.status === 'blocked') violate('a job at a gate runs', detail);
      if (stored !== undefined && isClosedBefore(stored, stage.name)) {
        violate('a stage behind a closed gate runs', detail);
      }
    },
  };
}

/** Evidence that was accepted is in the record, for good; no gate has two. */
export function evidenceRule(facts: Facts, violate: Violate): Rule {
  return {
    jobWritten({ verb, before, after }) {
      if (after === undefined) return;
      const names = namesOf(after.gates);
      const change = `${verb} ${describe(after)}: ${names.join(', ')}`;
      if (new Set(names).size !== names.length) violate('a gate is opened twice', change);
      if (!isKept(before?.gates, after.gates)) violate('evidence is lost', change);
    },
    drained() {
      for (const { jobId, gate, evidence } of facts.evidence) {
        const job = facts.jobs.get(jobId);
        // A job that left and came back has lost what it was.
        if (job === undefined || facts.revived.has(jobId)) continue;
        const record = job.gates?.find(({ name }) => name === gate);
        if (!isDeepStrictEqual(record?.evidence, evidence)) {
          violate('accepted evidence is not recorded', `${gate} of ${describe(job)}`);
        }
      }
    },
  };
}

function isStaged({ name }: Job): boolean {
  return name === STAGED_NAME;
}

function namesOf(records: readonly { readonly name: string }[] | undefined): readonly string[] {
  return (records ?? []).map(({ name }) => name);
}

function isKept(before: readonly unknown[] = [], after: readonly unknown[] = []): boolean {
  return before.every((record, index) => isDeepStrictEqual(record, after[index]));
}
