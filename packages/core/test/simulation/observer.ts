/** Sees everything that happens, notes it, and has the rules judge it. */
import type { Job } from '../../src/index.ts';
import type { JobVerb } from '../../src/job/job-lifecycle.ts';
import type { ClaimParams, SetGroupParams } from '../../src/ledger/ledger-repository.ts';
import type { LimitRecord } from '../../src/ledger/verbs/limits.ts';
import type { SettleVerb } from '../../src/ledger/verbs/settle.ts';
import type { PublishedMessage } from '../../src/options/outbox-options.ts';
import { describeLimit, describeShares, describeWrite, short } from './descriptions.ts';
import {
  type AcceptedEvidence,
  type Counts,
  claimKey,
  type Ended,
  type EnqueueCall,
  Facts,
  type JobWrite,
  type LeaseFacts,
  type LimitFacts,
  type Run,
  SETTLE_VERBS,
  type SeriesCall,
  type StageOfRun,
  type Task,
  taskOf,
} from './facts.ts';
import { type FlowCall, placeOf } from './features/flow-work.ts';
import type { Committed, MessageCall } from './features/outbox-work.ts';
import type { Machine } from './machine.ts';
import type { Profile } from './profile.ts';
import { describe } from './rules/job-rules.ts';
import type { MakeRule, Report, Rule, StopFacts } from './rules/rule.ts';
import type { Trace } from './trace.ts';
import type { World } from './world.ts';

const CHECK_EVERY_MS = 100;

/** A rule that was broken. */
export interface Violation {
  readonly atMs: number;
  readonly rule: string;
  readonly detail: string;
}

/** The one that all news goes to. */
export class Observer {
  readonly facts: Facts;
  readonly trace: Trace;
  readonly violations: Violation[] = [];
  readonly #world: World;
  readonly #rules: readonly Rule[];
  #nextCheckMs = 0;

  constructor(world: World, profile: Profile, trace: Trace, makeRules: readonly MakeRule[]) {
    this.#world = world;
    this.trace = trace;
    this.facts = new Facts(world, profile);
    this.#rules = makeRules.map((make) => make(this.facts, (...broken) => this.violate(...broken)));
  }

  /** Notes that a rule is broken. */
  violate(rule: string, detail: string): void {
    this.trace.note('RULE', () => `broken: ${rule}: ${detail}`);
    this.violations.push({ atMs: this.#world.nowMs, rule, detail });
  }

  /** A job was written. */
  jobWritten(write: JobWrite): void {
    const { verb, before, after, params } = write;
    const { facts } = this;
    this.trace.note('ledger', () => describeWrite(write));
    for (const rule of this.#rules) rule.jobWritten?.(write);
    const job = (after ?? before) as Job;
    const id = job._id.toHexString();
    if (after === undefined) {
      facts.jobs.delete(id);
      facts.removed.add(id);
      facts.runs.delete(id);
    } else facts.jobs.set(id, after);
    if (before === undefined && facts.removed.has(id)) facts.revived.add(id);
    if (verb === 'prune') facts.pruned.add(id);
    if (verb === 'amend' && params.data !== undefined) {
      facts.amended.add(`${id} ${taskOf(job).number}`);
    }
    const count = COUNTED[verb];
    if (count !== undefined) facts.counts[count] += 1;
    if (!SETTLE_VERBS.has(verb)) return;
    facts.counts.settles += 1;
    facts.settles.set(claimKey(job, params.claimToken as string), verb as SettleVerb);
  }

  /** A name is paused, or not, from now on. */
  pauseWritten(name: string, paused: boolean): void {
    const { pausedSinceMs, counts } = this.facts;
    this.trace.note('ledger', () => `${paused ? 'pauses' : 'resumes'} the name ${name}`);
    if (!paused) pausedSinceMs.delete(name);
    else if (!pausedSinceMs.has(name)) {
      pausedSinceMs.set(name, this.#world.nowMs);
      counts.pausedNames += 1;
    }
  }

  /** What a group may do is changed. */
  groupSet(params: SetGroupParams): void {
    const { name: jobName, group = '', concurrency, paused } = params;
    for (const rule of this.#rules) rule.groupSet?.(params);
    this.trace.note('ledger', () => `sets group ${group}: ${concurrency}, paused ${paused}`);
    const { groupLimits, groupsFreeUntilMs } = this.facts;
    const key = `${jobName}/${group}`;
    if (concurrency === null) groupsFreeUntilMs.set(key, Number.POSITIVE_INFINITY);
    if (typeof concurrency !== 'number') return;
    const freeUntilMs = groupsFreeUntilMs.get(key) ?? Number.POSITIVE_INFINITY;
    groupsFreeUntilMs.set(key, Math.min(freeUntilMs, this.#world.nowMs));
    groupLimits.set(key, Math.max(groupLimits.get(key) ?? 0, concurrency));
  }

  /** Limits were written: all of them as they are now, and the one that was set. */
  limitsWritten(records: readonly LimitRecord[], setKey?: string): void {
    const { limits, counts } = this.facts;
    const { nowMs } = this.#world;
    for (const record of records) {
      const before = limits.get(record.key);
      const isSet = before === undefined || record.key === setKey;
      const past = before?.allowed.map((one) => ({
        ...one,
        untilMs: Math.min(one.untilMs, nowMs),
      }));
      const concurrency = record.concurrency ?? Number.POSITIVE_INFINITY;
      const limit: LimitFacts = isSet
        ? {
            record,
            changedMs: nowMs,
            allowed: [...(past ?? []), { concurrency, untilMs: Number.POSITIVE_INFINITY }],
          }
        : { ...before, record };
      if (isSet) {
        this.trace.note('ledger', () => `sets limit ${record.key}: ${describeLimit(record)}`);
        counts.limitsSet += 1;
      } else if (describeShares(before.record) !== describeShares(record)) {
        this.trace.note('ledger', () => `shares of ${record.key}: ${describeShares(record)}`);
        counts.shares += 1;
      }
      for (const rule of this.#rules) rule.limitWritten?.(record.key, limit, before);
      limits.set(record.key, limit);
    }
  }

  /** A claim is sent. */
  claimSent(token: string): void {
    this.facts.claimsSent.set(token, this.#world.nowMs);
  }

  /** A claim of jobs without an order or a group is sent, and maybe lost. */
  plainClaimSent(params: ClaimParams): void {
    for (const rule of this.#rules) rule.claimSent?.(params);
  }

  /** The ledger looks for what such a claim may take. */
  claimBegins(token: string): void {
    for (const rule of this.#rules) rule.claimBegins?.(token);
  }

  /** The ledger has carried such a claim out. */
  claimEnds(token: string): void {
    for (const rule of this.#rules) rule.claimEnds?.(token);
  }

  /** An instance asks for a lease under this id. */
  leaseAsked(leaseId: string, machine: Machine): void {
    this.facts.leases.set(leaseId, { machine, renewedMs: this.#world.nowMs, diedMs: undefined });
  }

  /** A counter was written. */
  leaseRenewed(leaseId: string): void {
    const lease = this.facts.leases.get(leaseId);
    if (lease !== undefined) lease.renewedMs = this.#world.nowMs;
  }

  /** A lease is dead to the ledger. */
  leaseDied(leaseId: string, declared: boolean): void {
    const lease = this.facts.leases.get(leaseId);
    if (lease === undefined || lease.diedMs !== undefined) return;
    this.trace.note(
      'ledger',
      () => `${declared ? 'declares dead' : 'ends'} ${name(lease, leaseId)}`,
    );
    for (const rule of this.#rules) rule.leaseDied?.(leaseId, lease, declared);
    lease.diedMs = this.#world.nowMs;
  }

  /** A handler is called. */
  runStarted(machine: Machine, job: Job, stage?: StageOfRun): Run {
    const run: Run = {
      job,
      ...(stage && { stage }),
      token: job.claimToken ?? '',
      leaseId: job.claimedBy ?? '',
      machine,
      startedMs: machine.monotonic(),
      ended: undefined,
      isGivenUp: false,
    };
    this.trace.note(machine.name, () => `runs ${describeRun(run)}`);
    for (const rule of this.#rules) rule.runStarted?.(run);
    const { runs, counts } = this.facts;
    const id = job._id.toHexString();
    runs.set(id, [...(runs.get(id) ?? []), run]);
    counts.runs += 1;
    return run;
  }

  /** A handler ended. */
  runEnded(run: Run, ended: Ended, signal: AbortSignal): void {
    const how = ended !== 'threw' && this.facts.isOverdue(run) ? 'late' : ended;
    run.ended = how;
    const wasToldOtherwise = signal.aborted && signal.reason?.name !== 'TimeoutError';
    if (!wasToldOtherwise) run.endedMs = run.machine.monotonic();
    for (const rule of this.#rules) rule.runEnded?.(run, signal);
    if (how === 'returned') this.facts.unreported.set(claimKey(run.job, run.token), run);
    this.trace.note(run.machine.name, () => `${how} ${describeRun(run)}`);
  }

  /** An instance told of the end of a run. */
  reported(machine: Machine, report: Report): void {
    const { name, payload } = report;
    this.trace.note(machine.name, () => `tells ${name} ${describe(payload.job)}`);
    for (const rule of this.#rules) rule.reported?.(report);
    const { job } = payload;
    if (name === 'job:lost' && !this.facts.workers.has(machine)) this.#giveUp(job);
    for (const token of [job.claimToken, job.lastToken]) {
      this.facts.unreported.delete(claimKey(job, token));
    }
  }

  #giveUp(job: Job): void {
    for (const run of this.facts.runs.get(job._id.toHexString()) ?? []) {
      if (run.token === job.claimToken) run.isGivenUp = true;
    }
  }

  /** A caller learned what became of an enqueue. */
  enqueueAnswered(call: EnqueueCall, answer: EnqueueCall['answer'], job: Job | undefined): void {
    if (answer !== undefined) call.answer = answer;
    this.trace.note(call.machine.name, () => `job ${call.task.number} is ${answer}`);
    for (const rule of this.#rules) rule.enqueueAnswered?.(call, job);
  }

  /** A series is asked for, changed or ended. */
  seriesCalled(call: SeriesCall): void {
    this.facts.seriesCalls.push(call);
    this.trace.note(call.machine.name, () => `${call.kind}s series ${call.series}: ${call.plan}`);
  }

  /** A caller learned what became of that. */
  seriesAnswered(call: SeriesCall, answer: SeriesCall['answer']): void {
    call.answeredMs = this.#world.nowMs;
    if (answer !== undefined) call.answer = answer;
    this.trace.note(call.machine.name, () => `${call.kind} of series ${call.series}: ${answer}`);
  }

  /** A caller was told that its evidence is recorded. */
  evidenceAccepted(accepted: AcceptedEvidence): void {
    this.trace.note('user', () => `opened gate ${accepted.gate} of ${accepted.jobId}`);
    this.facts.evidence.push(accepted);
  }

  /** A caller learned what became of a flow. */
  flowAnswered(flow: number, answer: Exclude<FlowCall['answer'], undefined>): void {
    const call = this.facts.flowCalls.get(flow);
    if (call !== undefined) call.answer = answer;
    this.trace.note('user', () => `flow ${flow} is ${answer}`);
  }

  /** A handler was told that jobs were added to its flow. */
  flowAdded(numbers: readonly number[]): void {
    for (const rule of this.#rules) rule.flowAdded?.(numbers);
  }

  /** A handler is called for several jobs at once. */
  batchStarted(machine: Machine, jobs: readonly Job[]): void {
    this.trace.note(machine.name, () => `runs together ${jobs.map((job) => describe(job)).join()}`);
    for (const rule of this.#rules) rule.batchStarted?.(jobs);
  }

  /** A transaction was committed. */
  transactionCommitted(committed: Committed): void {
    const { counts, committed: known } = this.facts;
    counts.transactions += 1;
    this.trace.note('ledger', () => `commits ${committed.jobs.map((job) => describe(job)).join()}`);
    for (const { _id } of committed.jobs) known.set(_id.toHexString(), committed);
  }

  /** A caller learned what became of a transaction that adds messages. */
  messagesAnswered(
    call: MessageCall,
    answer: Exclude<MessageCall['answer'], undefined>,
    added: readonly boolean[] = [],
  ): void {
    Object.assign(call, { answer, added });
    this.trace.note(call.machine.name, () => `messages job ${call.numbers.join()}: ${answer}`);
    for (const rule of this.#rules) rule.messagesAnswered?.(call);
  }

  /** Messages are received. */
  published(machine: Machine, messages: readonly PublishedMessage<Task>[]): void {
    this.trace.note(
      machine.name,
      () => `sends messages ${messages.map(({ data }) => `job ${data.number}`).join()}`,
    );
    for (const rule of this.#rules) rule.published?.(messages);
  }

  /** The parents of a job that have completed. */
  completedOf({ flow, waitsFor = [] }: Job): readonly Job[] {
    return [...this.facts.jobs.values()].filter(
      (job) =>
        job.status === 'completed' &&
        flow !== undefined &&
        job.flow?.equals(flow) === true &&
        placeOf(taskOf(job))?.addedBy === undefined &&
        job.feeds?.some((token) => waitsFor.includes(token)),
    );
  }

  /** A handler was given what its parents returned. */
  parentsRead(
    job: Job,
    completed: readonly Job[],
    results: Readonly<Record<string, unknown>>,
  ): void {
    for (const rule of this.#rules) rule.parentsRead?.(job, completed, results);
  }

  /** A stop in order has ended. */
  stopped(stop: StopFacts): void {
    this.trace.note(stop.machine.name, () => `has stopped within ${stop.tookMs.toFixed(0)} ms`);
    for (const rule of this.#rules) rule.stopped?.(stop);
  }

  /** An event is over. */
  passed(): void {
    const { nowMs } = this.#world;
    if (nowMs < this.#nextCheckMs) return;
    this.#nextCheckMs = nowMs + CHECK_EVERY_MS;
    for (const rule of this.#rules) rule.passed?.(nowMs);
  }

  /** All instances have stopped, after all jobs have ended. */
  ended(): void {
    for (const rule of this.#rules) rule.ended?.();
  }

  /** All jobs have ended, or had their time. */
  drained(): void {
    for (const rule of this.#rules) rule.drained?.();
  }
}

/** Which writes are counted as what. */
const COUNTED: Readonly<Partial<Record<JobVerb, keyof Counts>>> = {
  enqueueClaimed: 'births',
  claim: 'claims',
  claimInOrder: 'orderedClaims',
  rescue: 'rescues',
  rescueToFailed: 'rescues',
  rescueToCancelled: 'rescues',
  rescueToNextRun: 'rescues',
  repeat: 'repeats',
  repeatAfterFailure: 'repeats',
  replan: 'replans',
  replanRunning: 'replans',
  amend: 'amends',
  redrive: 'amends',
  redriveDeadLetter: 'amends',
  bury: 'burials',
  rescueToDeadLetter: 'burials',
  prune: 'pruned',
  checkpoint: 'stages',
  block: 'blocks',
  unblock: 'gates',
  openGate: 'gates',
  expireGate: 'expiries',
  releaseChild: 'releases',
  failByParent: 'failedChildren',
};

function describeRun({ job, stage, token }: Run): string {
  const what = stage === undefined ? '' : `stage ${stage.name} of `;
  return `${what}${describe(job)} by ${short(token)}`;
}

function name({ machine }: LeaseFacts, leaseId: string): string {
  return `${machine.name}/${short(leaseId)}`;
}
