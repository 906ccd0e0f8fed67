/** What is known of a run from outside: every write of the ledger, every run of a handler, every answer to a caller. */
import type { Job } from '../../src/index.ts';
import type { JobVerb } from '../../src/job/job-lifecycle.ts';
import type { TransitionParams } from '../../src/job/lifecycle.ts';
import type { LimitRecord } from '../../src/ledger/verbs/limits.ts';
import type { SettleVerb } from '../../src/ledger/verbs/settle.ts';
import type { FlowCall } from './features/flow-work.ts';
import {
  type Committed,
  type MessageCall,
  messageOf,
  OUTBOX_NAME,
} from './features/outbox-work.ts';
import type { Machine } from './machine.ts';
import type { Profile } from './profile.ts';
import type { World } from './world.ts';

/** The verbs with which the holder of a claim ends it. */
export const SETTLE_VERBS: ReadonlySet<JobVerb> = new Set<SettleVerb>([
  'complete',
  'repeat',
  'repeatAfterFailure',
  'retry',
  'snooze',
  'block',
  'release',
  'fail',
  'discard',
  'bury',
  'cancelled',
  'cancelByHandler',
]);

/** Two timers for about the same time may fire in either order. */
const TIMER_MARGIN_MS = 0.5;

/** What a simulated job's data says its handler does. */
export interface Task {
  /** The number of the enqueue that made it: one job a number. A series has one for all its jobs. */
  readonly number: number;
  readonly kind:
    | 'quick'
    | 'working'
    | 'long'
    | 'flaky'
    | 'doomed'
    | 'poison'
    /** Puts one of three runs off. */
    | 'snoozing'
    | 'cancelling'
    | 'discarding';
  readonly runMs: number;
  /** How many runs of a flaky one fail. */
  readonly failures: number;
  /** Whether the handler ends when its signal aborts. */
  readonly heedsSignal: boolean;
  /** Of a flow: how many jobs it adds, and whether it reads what its parents returned. */
  readonly adds?: number;
  readonly readsParents?: boolean;
  /** Of a series: tells one asked for from another. */
  readonly variant?: number;
}

/**
 * How a handler ended. `late`: it returned at a time at which its run may have been given up for taking too long.
 */
export type Ended =
  | 'returned'
  /** A stage returned that others follow. */
  | 'staged'
  | 'threw'
  | 'late'
  | 'snoozed'
  | 'cancelled'
  | 'discarded';

/** One write to one job. */
export interface JobWrite {
  readonly verb: JobVerb;
  readonly before: Job | undefined;
  /** Undefined once it is gone. */
  readonly after: Job | undefined;
  readonly params: TransitionParams;
}

/** One run of a handler, or of one stage. */
export interface Run {
  readonly job: Job;
  readonly stage?: StageOfRun;
  readonly token: string;
  readonly leaseId: string;
  readonly machine: Machine;
  /** By the monotonic clock of its machine. */
  readonly startedMs: number;
  /** By the same clock; left out where the engine had told it to end, for another reason than its time. */
  endedMs?: number;
  ended: Ended | undefined;
  /** A stop in order had no more time to record it, and said so. */
  isGivenUp: boolean;
}

/** Which stage runs, and what it is given of those before it. */
export interface StageOfRun {
  readonly name: string;
  readonly results: Readonly<Record<string, unknown>>;
}

/** Evidence of which a caller was told that it was recorded. */
export interface AcceptedEvidence {
  readonly jobId: string;
  readonly gate: string;
  readonly evidence: unknown;
}

/** One lease as the ledger knows it. */
export interface LeaseFacts {
  readonly machine: Machine;
  renewedMs: number;
  /** When it was dead to the ledger. */
  diedMs: number | undefined;
}

/** One limit as the ledger has it. */
export interface LimitFacts {
  readonly record: LimitRecord;
  /** When what it allows was set last. */
  readonly changedMs: number;
  /** What it allowed at once until when, the last one for ever. */
  readonly allowed: readonly { readonly concurrency: number; readonly untilMs: number }[];
}

/** One enqueue of one job. */
export interface EnqueueCall {
  readonly task: Task;
  /** It may be stored again under another id, when the job that held its key had started before it could be changed. */
  readonly isMovable: boolean;
  readonly machine: Machine;
  readonly calledMs: number;
  answer?: 'enqueued' | 'existing' | 'failed' | 'unknown';
}

/** One call that makes, changes or ends a series. */
export interface SeriesCall {
  readonly kind: 'schedule' | 'end';
  readonly series: string;
  readonly machine: Machine;
  readonly calledMs: number;
  /** What a schedule asks for. */
  readonly plan?: string;
  answeredMs?: number;
  /** `unknown`: it may still happen. */
  answer?: 'done' | 'refused' | 'unknown';
}

/** How often what happened. */
export interface Counts {
  /** Jobs that were stored as claimed. */
  births: number;
  burials: number;
  claims: number;
  settles: number;
  rescues: number;
  crashes: number;
  pauses: number;
  suspends: number;
  outages: number;
  stops: number;
  runs: number;
  faults: number;
  /** Jobs stored although their callers were told of another holder: a late insert, which is allowed. */
  unannounced: number;
  /** Removed jobs that came back by a late insert, which is allowed. */
  revived: number;
  /** Runs of series that made way for the next. */
  repeats: number;
  /** Plans of series that were changed. */
  replans: number;
  /** Jobs that were changed or made pending manually, or by an enqueue whose key was taken. */
  amends: number;
  /** Times that a name was paused. */
  pausedNames: number;
  /** Jobs that left by their age. */
  pruned: number;
  /** Stages that were recorded while others follow. */
  stages: number;
  /** Times that a job came to a closed gate. */
  blocks: number;
  /** Gates that were opened, by a job that waited there or before it came. */
  gates: number;
  /** Waits at gates that took too long. */
  expiries: number;
  /** Claims of jobs with an order. */
  orderedClaims: number;
  /** Times that a limit was set. */
  limitsSet: number;
  /** Changes of shares. */
  shares: number;
  /** Calls of handlers that were given several jobs. */
  batches: number;
  /** Transactions that were committed, and tries that met another one. */
  transactions: number;
  conflicts: number;
  /** Messages of an outbox that were received, each once. */
  messages: number;
  /** Jobs that were claimed before more urgent ones, since their worker has patience. */
  overdue: number;
  /** Jobs of flows that became pending, and that failed with a parent. */
  releases: number;
  failedChildren: number;
}

/** Everything known, for the rules to judge. */
export class Facts {
  readonly world: World;
  readonly profile: Profile;
  readonly jobs: Map<string, Job> = new Map();
  readonly removed: Set<string> = new Set();
  /** Removed jobs that a late insert brought back. Nothing tells their second life from their first. */
  readonly revived: Set<string> = new Set();
  readonly leases: Map<string, LeaseFacts> = new Map();
  /** The highest limit that was ever set for a group, or for all of a name, by name and group. */
  readonly groupLimits: Map<string, number> = new Map();
  /** Until when a group had no limit of its own, by name and group; not there for one that never had any. */
  readonly groupsFreeUntilMs: Map<string, number> = new Map();
  readonly runs: Map<string, Run[]> = new Map();
  /** Runs that returned and of whose end nothing was told yet, by job id and token. */
  readonly unreported: Map<string, Run> = new Map();
  /** By job id and token. */
  readonly settles: Map<string, SettleVerb> = new Map();
  readonly enqueues: Map<number, EnqueueCall> = new Map();
  /** Machines that run workers, and are neither stopping nor crashed. */
  readonly workers: Set<Machine> = new Set();
  readonly counts: Counts = {
    births: 0,
    burials: 0,
    claims: 0,
    settles: 0,
    rescues: 0,
    crashes: 0,
    pauses: 0,
    suspends: 0,
    outages: 0,
    stops: 0,
    runs: 0,
    faults: 0,
    unannounced: 0,
    revived: 0,
    repeats: 0,
    replans: 0,
    amends: 0,
    pausedNames: 0,
    pruned: 0,
    stages: 0,
    blocks: 0,
    gates: 0,
    expiries: 0,
    orderedClaims: 0,
    limitsSet: 0,
    shares: 0,
    batches: 0,
    transactions: 0,
    conflicts: 0,
    messages: 0,
    overdue: 0,
    releases: 0,
    failedChildren: 0,
  };
  /** Jobs that left by their age. */
  readonly pruned: Set<string> = new Set();
  /** Jobs that were given the data of an enqueue whose key they held, by job id and number. */
  readonly amended: Set<string> = new Set();
  readonly seriesCalls: SeriesCall[] = [];
  readonly evidence: AcceptedEvidence[] = [];
  readonly flowCalls: Map<number, FlowCall> = new Map();
  /** Flows whose records say that they have not ended; the ledger in memory tells of none. */
  readonly openFlows: Set<string> = new Set();
  /** Who is told that the end of a flow was recorded, or that its event fired. */
  readonly flowEndListeners: ((flow: string, isTold: boolean) => void)[] = [];
  readonly messageCalls: MessageCall[] = [];
  /** The transaction that stored a job, by the id of the job. */
  readonly committed: Map<string, Committed> = new Map();
  /** By key. */
  readonly limits: Map<string, LimitFacts> = new Map();
  /** When a claim was sent, by its token. */
  readonly claimsSent: Map<string, number> = new Map();
  /** Since when names are paused, by the ledger. */
  readonly pausedSinceMs: Map<string, number> = new Map();
  /** Until then something went wrong that concerned everybody. */
  troubledUntilMs = 0;

  /** The end of a flow was recorded, or told. */
  flowEnded(flow: string, isTold: boolean): void {
    for (const listener of this.flowEndListeners) listener(flow, isTold);
  }

  /** The highest limit that ever held for a group; infinite while it never had one. */
  mostOfGroup(name: string, group: string): number {
    const limits = ['', group].flatMap((each) => this.groupLimits.get(`${name}/${each}`) ?? []);
    return limits.length > 0 ? Math.max(...limits) : Number.POSITIVE_INFINITY;
  }

  /** True when a group had no limit at some time since then. */
  wasFree(name: string, group: string, sinceMs: number): boolean {
    if (this.groupLimits.has(`${name}/`)) return false;
    return (this.groupsFreeUntilMs.get(`${name}/${group}`) ?? Infinity) >= sinceMs;
  }

  constructor(world: World, profile: Profile) {
    this.world = world;
    this.profile = profile;
  }

  /** True while nobody may take the jobs of this run away. */
  isStanding({ machine, leaseId, isGivenUp }: Run): boolean {
    return !machine.isCrashed && !isGivenUp && this.leases.get(leaseId)?.diedMs === undefined;
  }

  /** True once the engine may have given the run up since it took too long; what its handler does then is its own. */
  isOverdue({ job, machine, startedMs }: Run): boolean {
    return (
      job.timeout !== undefined && machine.monotonic() - startedMs >= job.timeout - TIMER_MARGIN_MS
    );
  }

  /** True when the handler ended after its time, on a machine that was well all the while. */
  tookTooLong({ job, machine, startedMs, endedMs }: Run): boolean {
    if (job.timeout === undefined || endedMs === undefined) return false;
    const wasWell = machine.troubledUntilMs < this.world.nowMs - (machine.monotonic() - startedMs);
    return wasWell && endedMs - startedMs > job.timeout + TIMER_MARGIN_MS;
  }

  /** When the holder of a claim was gone: its lease was dead, or its machine crashed and its last renewal had come. */
  diedMs(leaseId: string): number | undefined {
    const lease = this.leases.get(leaseId);
    if (lease?.diedMs !== undefined) return lease.diedMs;
    const crashedMs = lease?.machine.crashedMs;
    return crashedMs === undefined ? undefined : Math.max(crashedMs, lease?.renewedMs ?? 0);
  }

  /** Notes that something went wrong for everybody that lasts until then. */
  trouble(untilMs: number): void {
    this.troubledUntilMs = Math.max(this.troubledUntilMs, untilMs);
  }
}

/** The name of one claim of one job. */
export function claimKey(job: Job, token: string | undefined): string {
  return `${job._id.toHexString()} ${token}`;
}

/** The name of a series; undefined for a job that never was part of one. */
export function seriesOf({ name, uniqueKey, seriesVersion }: Job): string | undefined {
  return seriesVersion === undefined ? undefined : `${name} ${uniqueKey}`;
}

/** What a simulated job does. */
export function taskOf(job: Job): Task {
  return job.name === OUTBOX_NAME ? messageOf(job).data : (job.data as Task);
}
