/**
 * What happened to jobs, by minute and name over all processes: what the verbs are given and answer. Nothing rests on
 * these counts: an answer that is lost may mean that some are missing or stand there twice.
 *
 * @module
 */
import type { Bounded } from './call.ts';

/** What happened to jobs in some time. Times are milliseconds. */
export interface JobCounts {
  /** Jobs that were stored. */
  readonly enqueued: number;
  /** Runs that began. */
  readonly started: number;
  /** Runs that ended, whose time was taken. */
  readonly ended: number;
  /** Runs after which the job was completed; of a series also those with a next run. */
  readonly completed: number;
  /** Runs after which the job has failed for good. */
  readonly failed: number;
  /** Runs that failed and are tried again. */
  readonly retried: number;
  /** Runs after which the job was cancelled. */
  readonly cancelled: number;
  /** Runs that ended in another way: snoozed, at a closed gate, given back, too late for their series. */
  readonly others: number;
  /** From when jobs were due until they started, of all runs that began. */
  readonly waitMs: number;
  /** The longest of these waits. */
  readonly longestWaitMs: number;
  /** How long the runs that ended took together. */
  readonly runMs: number;
  /** The longest of these runs. */
  readonly longestRunMs: number;
}

/** What happened to the jobs of one name in one minute. */
export interface NamedCounts extends JobCounts {
  readonly name: string;
  /** The beginning of the minute, by the ledger's clock. */
  readonly at: Date;
}

/** What happened in one step of time, to the jobs of one name or of all that were asked for. */
export interface ThroughputPoint extends JobCounts {
  /** The beginning of the step. */
  readonly at: Date;
  /** Absent where names are counted together. */
  readonly name?: string;
}

/** What {@link ThroughputVerbs.addThroughput} is given. */
export interface AddThroughputParams extends Bounded {
  readonly rows: readonly NamedCounts[];
  /** How long they are kept at least, in milliseconds. */
  readonly keptMs: number;
}

/** What {@link ThroughputVerbs.readThroughput} is given. */
export interface ReadThroughputParams extends Bounded {
  /** The first minute. */
  readonly from: Date;
  /** The first minute that is not wanted any more. */
  readonly before: Date;
  /** How long a step is, in milliseconds: whole minutes. Steps are counted from the beginning of 1970. */
  readonly stepMs: number;
  /** Only these names. */
  readonly names?: readonly string[];
  /** A point for each name instead of one for all. @default false */
  readonly perName?: boolean;
  /** How many points at most; those of the earliest steps. */
  readonly limit: number;
}

/** What happened by minute. */
export interface ThroughputVerbs {
  /** Adds to what is counted already. It is never sent twice. */
  addThroughput(params: AddThroughputParams): Promise<void>;

  /** What was counted, by step and, where asked for, by name, in this order; steps without anything are left out. */
  readThroughput(params: ReadThroughputParams): Promise<readonly ThroughputPoint[]>;
}
