/** What must hold of flows, judged by the graphs that were asked for and not by the tokens of the engine. */
import { isDeepStrictEqual } from 'node:util';
import type { Job } from '../../../src/index.ts';
import type { FlowEdge } from '../../../src/job/flow-graph.ts';
import type { JobVerb } from '../../../src/job/job-lifecycle.ts';
import { type Facts, type JobWrite, taskOf } from '../facts.ts';
import { type FlowCall, placeOf, resultInFlow } from '../features/flow-work.ts';
import { describe } from './job-rules.ts';
import type { Rule, Violate } from './rule.ts';

const FINISHED = new Set(['completed', 'failed', 'cancelled']);
const CLAIMS = new Set<JobVerb>(['claim', 'claimInOrder', 'enqueueClaimed']);
const LEAVES = new Set<JobVerb>(['remove', 'removeParent', 'prune']);

/** A job of a flow as it is seen from outside. Times are numbers of writes. */
interface Step {
  job: Job;
  /** Since when it waits, or waited last. */
  waitsSince: number;
  /** Until when it was finished, or failed; for ever while it is. */
  finishedUntil: number;
  failedUntil: number;
  isGone: boolean;
  readonly added?: {
    readonly by: Step;
    /** Since when those who wait for the other wait for it too. */
    countsSince: number;
    /** Until when the other had been finished then. */
    otherFinishedUntil: number;
  };
}

/** The jobs of flows, by what they are called there. */
class Steps {
  readonly #facts: Facts;
  readonly #flows = new Map<number, Map<string, Step>>();
  #now = 0;

  constructor(facts: Facts) {
    this.#facts = facts;
  }

  callOf(job: Job): FlowCall | undefined {
    const place = placeOf(taskOf(job));
    return place && this.#facts.flowCalls.get(place.flow);
  }

  ofFlow(job: Job): ReadonlyMap<string, Step> {
    return this.#flows.get(placeOf(taskOf(job))?.flow ?? -1) ?? new Map();
  }

  /** A job that never left the ledger; nothing tells a second life from the first. */
  find(job: Job): Step | undefined {
    const step = this.ofFlow(job).get(placeOf(taskOf(job))?.ref ?? '');
    return step?.isGone ? undefined : step;
  }

  /** Its parents as they were asked for, with the jobs that those added. */
  parentsOf(step: Step): { readonly edge: FlowEdge; readonly parent: Step | undefined }[] {
    const of = this.ofFlow(step.job);
    const edges = this.callOf(step.job)?.edges.get(placeOf(taskOf(step.job))?.ref ?? '') ?? [];
    return edges.flatMap((edge) => {
      const parent = of.get(edge.ref);
      const added = [...of.values()].filter((other) => other.added?.by === parent && parent);
      return [{ edge, parent }, ...added.map((other) => ({ edge, parent: other }))];
    });
  }

  childrenOf(job: Job): Step[] {
    const ref = placeOf(taskOf(job))?.ref;
    const edges = this.callOf(job)?.edges ?? new Map<string, readonly FlowEdge[]>();
    const refs = [...edges].filter(([, parents]) => parents.some((edge) => edge.ref === ref));
    return refs.flatMap(([child]) => this.ofFlow(job).get(child) ?? []);
  }

  /** Notes a write after it was judged. */
  note({ before, after }: JobWrite): void {
    const job = after ?? before;
    const place = job && placeOf(taskOf(job));
    if (job === undefined || place === undefined) return;
    this.#now += 1;
    const flow = this.#flows.get(place.flow) ?? new Map<string, Step>();
    this.#flows.set(place.flow, flow);
    const known = flow.get(place.ref);
    if (known !== undefined) this.#change(known, before, after);
    else if (after !== undefined) flow.set(place.ref, this.#enter(after, flow, place.addedBy));
  }

  #enter(job: Job, flow: ReadonlyMap<string, Step>, addedBy: string | undefined): Step {
    const by = flow.get(addedBy ?? '');
    const added = by && { by, countsSince: Number.POSITIVE_INFINITY, otherFinishedUntil: -1 };
    const step: Step = {
      ...{ job, waitsSince: this.#now, finishedUntil: -1, failedUntil: -1, isGone: false },
      ...(added && { added }),
    };
    this.count(step);
    return step;
  }

  /** From now on who waits for the job that added this one waits for it, unless that has come to its end. */
  count({ added }: Step): void {
    if (added === undefined || added.countsSince < this.#now) return;
    if (FINISHED.has(added.by.job.status) || added.by.isGone) return;
    added.countsSince = this.#now;
    added.otherFinishedUntil = added.by.finishedUntil;
  }

  #change(step: Step, before: Job | undefined, after: Job | undefined): void {
    if (after === undefined || before === undefined) step.isGone = true;
    if (after === undefined) return;
    step.job = after;
    if (after.status === 'blocked' && before?.status !== 'blocked') step.waitsSince = this.#now;
    const hasFailed = after.status === 'failed' || after.status === 'cancelled';
    if (FINISHED.has(after.status)) step.finishedUntil = Number.POSITIVE_INFINITY;
    else if (step.finishedUntil > this.#now) step.finishedUntil = this.#now;
    if (hasFailed) step.failedUntil = Number.POSITIVE_INFINITY;
    else if (step.failedUntil > this.#now) step.failedUntil = this.#now;
  }
}

/** True when a parent came to an end, since the job began to wait, that lets it start. */
function lets({ onFailure }: FlowEdge, parent: Step, { waitsSince }: Step): boolean {
  if (parent.job.status === 'completed') return true;
  return onFailure === 'continue' && parent.finishedUntil >= waitsSince;
}

/** One that was added when the other had already let the job start does not hold it up. */
function cameTooLate({ onFailure }: FlowEdge, { added }: Step, { waitsSince }: Step): boolean {
  if (added === undefined) return false;
  const isUnknown = added.countsSince === Number.POSITIVE_INFINITY;
  return isUnknown || (onFailure === 'continue' && added.otherFinishedUntil >= waitsSince);
}

/** No job starts before its parents have come to an end that lets it, nor before its flow is stored; none fails without one. */
export function releaseRule(facts: Facts, violate: Violate): Rule {
  const steps = new Steps(facts);
  const judgeStart = (verb: JobVerb, step: Step): void => {
    for (const { edge, parent } of steps.parentsOf(step)) {
      const told = `${verb} ${describe(step.job)}, ${edge.onFailure} ${parent?.job.ref ?? edge.ref}: ${parent?.job.status}`;
      if (parent === undefined) violate('a job of a flow starts without a parent', told);
      else if (!lets(edge, parent, step) && !cameTooLate(edge, parent, step)) {
        violate('a job of a flow starts before a parent', told);
      }
    }
  };
  const judgeFailure = (step: Step): void => {
    const isRight = steps
      .parentsOf(step)
      .some(
        ({ edge, parent }) =>
          edge.onFailure === 'fail' && (parent?.failedUntil ?? -1) >= step.waitsSince,
      );
    if (!isRight) violate('a job of a flow fails without a parent', describe(step.job));
  };
  return {
    jobWritten(write) {
      const { verb, before, after } = write;
      const step = before && after && steps.find(before);
      if (step !== undefined && verb === 'releaseChild') judgeStart(verb, step);
      if (step !== undefined && verb === 'failByParent') judgeFailure(step);
      if (
        after !== undefined &&
        CLAIMS.has(verb) &&
        placeOf(taskOf(after))?.addedBy === undefined
      ) {
        const refs = [...(steps.callOf(after)?.edges.keys() ?? [])];
        const missing = refs.find((ref) => !steps.ofFlow(after).has(ref));
        const told = `${describe(after)}: ${missing}`;
        if (missing !== undefined) violate('a job starts before its flow is stored', told);
      }
      if (before !== undefined && LEAVES.has(verb)) {
        const child = steps.childrenOf(before).find(({ isGone }) => !isGone);
        const told = `${verb} ${describe(before)} before ${describe(child?.job)}`;
        if (child !== undefined) violate('a parent leaves before its children', told);
      }
      steps.note(write);
    },
    flowAdded(numbers) {
      for (const number of numbers) {
        const added = [...facts.jobs.values()].find((job) => taskOf(job).number === number);
        const step = added && steps.find(added);
        if (step !== undefined) steps.count(step);
      }
    },
  };
}

/** A handler is given what its parents returned: of all that completed before it asked, and of no other. */
export function parentRule(_facts: Facts, violate: Violate): Rule {
  return {
    parentsRead(job, completed, results) {
      for (const parent of completed) {
        const given = results[parent.ref ?? ''];
        if (isDeepStrictEqual(given, resultInFlow(parent))) continue;
        const told = `${describe(job)} of ${describe(parent)}: ${JSON.stringify(given)}`;
        violate('the result of a parent is missing', told);
      }
    },
  };
}

/** A flow whose storing was acknowledged is there as a whole, each job once; of one that was refused no job ever starts. */
export function placeRule(facts: Facts, violate: Violate): Rule {
  const stored = new Map<string, string>();
  const started = new Set<number>();
  return {
    jobWritten({ verb, before, after }) {
      const place = after && placeOf(taskOf(after));
      if (after === undefined || place === undefined) return;
      if (CLAIMS.has(verb)) started.add(place.flow);
      if (before !== undefined) return;
      const key = `${place.flow} ${place.ref}`;
      const id = after._id.toHexString();
      if ((stored.get(key) ?? id) !== id)
        violate('a job of a flow is stored twice', describe(after));
      stored.set(key, id);
    },
    drained() {
      for (const [flow, { edges, answer, machine }] of facts.flowCalls) {
        const missing = [...edges.keys()].filter((ref) => !stored.has(`${flow} ${ref}`));
        const told = `flow ${flow}: ${answer}`;
        if (answer === 'enqueued' && missing.length > 0) {
          violate('a flow is not stored as a whole', `${told}, without ${missing}`);
        }
        const jobs = [...facts.jobs.values()].filter((job) => placeOf(taskOf(job))?.flow === flow);
        const isGivenUp = jobs.some(({ failReason, history = [] }) => {
          const reasons = [failReason, ...history.map(({ reason }) => reason)];
          return reasons.some((reason) => reason?.startsWith('The flow was not stored'));
        });
        if (answer === 'enqueued' && isGivenUp) {
          violate('a flow that was given up is acknowledged', told);
        }
        const isRefused = answer === 'failed' || answer === 'existing';
        if (isRefused && started.has(flow)) violate('a flow that was refused starts', told);
        if (answer === undefined && !machine.isCrashed) violate('a flow is never answered', told);
      }
    },
  };
}

/**
 * A flow ends once none of its jobs may run any more, none starts while it has ended, and each end is told at most once. A job that was redriven may wait
 * then, since it goes on only when the flow is open again; and a run that was given up may add jobs late.
 */
export function endRule(facts: Facts, violate: Violate): Rule {
  const untold = new Map<string, number>();
  const judgeJobs = (flow: string): void => {
    for (const job of facts.jobs.values()) {
      if (job.flow?.toHexString() !== flow || FINISHED.has(job.status)) continue;
      const isRedriven = job.status === 'blocked' && job.fence > 0;
      if (isRedriven || placeOf(taskOf(job))?.addedBy !== undefined) continue;
      violate('a flow ends before its jobs', describe(job));
    }
  };
  facts.flowEndListeners.push((flow, isTold) => {
    if (facts.profile.ledger === 'memory') return;
    const count = untold.get(flow) ?? 0;
    untold.set(flow, isTold ? count - 1 : count + 1);
    if (!isTold) judgeJobs(flow);
    else if (count === 0) violate('the end of a flow is told twice', flow);
  });
  return {
    jobWritten({ verb, after }) {
      const isAdded = after === undefined || placeOf(taskOf(after))?.addedBy !== undefined;
      if (facts.profile.ledger === 'memory' || isAdded || !CLAIMS.has(verb)) return;
      const flow = after.flow?.toHexString();
      if (flow === undefined || facts.openFlows.has(flow)) return;
      // An insert that comes late stores a job again that was deleted; the flow may have ended without it.
      if (facts.revived.has(after._id.toHexString())) return;
      violate('a job of a flow goes on after its end', describe(after));
    },
    drained() {
      for (const flow of facts.openFlows) violate('a flow never ends', flow);
    },
  };
}
