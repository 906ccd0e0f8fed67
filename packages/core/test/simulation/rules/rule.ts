/** What a rule is: it is told of everything, judges it, and takes no part. */
import type { Job, MonqueEventMap } from '../../../src/index.ts';
import type { ClaimParams, SetGroupParams } from '../../../src/ledger/ledger-repository.ts';
import type { PublishedMessage } from '../../../src/options/outbox-options.ts';
import type { EnqueueCall, Facts, JobWrite, LeaseFacts, LimitFacts, Run, Task } from '../facts.ts';
import type { MessageCall } from '../features/outbox-work.ts';
import type { Machine } from '../machine.ts';

/** An event of an engine that says how a run ended. */
export type Report = {
  [Name in 'job:complete' | 'job:fail' | 'job:cancelled' | 'job:lost']: {
    readonly name: Name;
    readonly payload: MonqueEventMap[Name][0];
  };
}['job:complete' | 'job:fail' | 'job:cancelled' | 'job:lost'];

/** How a stop in order went. */
export interface StopFacts {
  readonly machine: Machine;
  readonly tookMs: number;
  /** The engine told that it no longer waits for these. */
  readonly givenUp: ReadonlySet<string>;
  /** Calls of the user's that were under way on the machine. */
  readonly callsInFlight: number;
}

/** Says that a rule is broken. */
export type Violate = (rule: string, detail: string) => void;

/** One or a few statements that must hold. What is known is up to date when a rule is told, but for the news itself. */
export interface Rule {
  /** Before the write is noted. */
  jobWritten?(write: JobWrite): void;
  /** A claim of jobs without an order or a group is sent, and maybe lost. */
  claimSent?(params: ClaimParams): void;
  /** Before the ledger looks for what such a claim may take. */
  claimBegins?(token: string): void;
  /** After all that it won was told of. */
  claimEnds?(token: string): void;
  /** `declared`: by another instance, not by its own end. */
  leaseDied?(leaseId: string, lease: LeaseFacts, declared: boolean): void;
  /** Before the run is noted. */
  runStarted?(run: Run): void;
  /** Before it is noted; with what was known. */
  limitWritten?(key: string, limit: LimitFacts, before: LimitFacts | undefined): void;
  /** What a group may do is changed from now on. */
  groupSet?(params: SetGroupParams): void;
  /** After the run is noted; with the signal that its handler was given. */
  runEnded?(run: Run, signal: AbortSignal): void;
  reported?(report: Report): void;
  enqueueAnswered?(call: EnqueueCall, job: Job | undefined): void;
  /** A handler was told that jobs with these numbers were added to its flow. */
  flowAdded?(numbers: readonly number[]): void;
  /** A handler read its parents, of which these had completed before. */
  parentsRead?(
    job: Job,
    completed: readonly Job[],
    results: Readonly<Record<string, unknown>>,
  ): void;
  /** A handler is called for several jobs; their runs are told of one by one. */
  batchStarted?(jobs: readonly Job[]): void;
  /** Messages are received, maybe once more. */
  published?(messages: readonly PublishedMessage<Task>[]): void;
  messagesAnswered?(call: MessageCall): void;
  stopped?(stop: StopFacts): void;
  /** Now and then, after an event. */
  passed?(nowMs: number): void;
  /** After the faults, when all jobs have ended, before the instances are stopped. */
  drained?(): void;
  /** After that, when all instances have stopped. */
  ended?(): void;
}

/** Makes a rule; a feature of the engine brings its rules along. */
export type MakeRule = (facts: Facts, violate: Violate) => Rule;
