/**
 * What every system under measurement can be asked to do. An adapter does nothing that a careful user of the system
 * would not write; what is compared is the systems, so each does the same work in the same order.
 *
 * @module
 */

/** What each job carries, about a hundred bytes. */
export interface JobData {
  /** The number of the job in its measurement. */
  readonly index: number;
  readonly to: string;
  readonly subject: string;
}

/** The settings that a peer's own documentation recommends for speed, or none at all. */
export type Tuning = 'best' | 'defaults';

/** Who confirms a write to MongoDB. */
export type Acknowledgement = 'majority' | 1;

/** Where and how a system is opened. */
export interface Place {
  /** The connection string; empty for a system that needs no server. */
  readonly url: string;
  /** A database of this measurement's own. */
  readonly database: string;
  readonly tuning: Tuning;
  readonly writeConcern: Acknowledgement;
  /** Job names, shared evenly among the jobs. */
  readonly names: readonly string[];
  /** Jobs that may run at once in this process, at the best settings. */
  readonly concurrency: number;
  /** True to count what is sent to MongoDB, which costs a little time. */
  readonly isCounted: boolean;
  /** True to check each write against every rule, in this library. */
  readonly hasRules: boolean;
}

/** What a process sent to MongoDB. */
export interface Counts {
  /** Commands, each one round trip. */
  readonly commands: number;
  /** Ids of jobs that were sent in order to claim them. */
  readonly claimAttempts: number;
}

/** What a system reports while it works. */
export interface Listener {
  /** A handler was called. It ends when what is given back does. */
  started(data: JobData): void | Promise<void>;
  /** The ends of so many runs are recorded; called only by systems that report them. */
  recorded(count: number): void;
}

/** A system, opened by one process. */
export interface System {
  /** True when the system reports when the end of a run is recorded. Of others it is found by counting. */
  readonly reportsEnds: boolean;
  /** Stores one job; resolves when the system says that it is stored. */
  enqueue(data: JobData): Promise<void>;
  /** Stores jobs by the quickest documented way. */
  enqueueMany(jobs: readonly JobData[]): Promise<void>;
  /** Stores jobs by any way at all, for a backlog; by default as `enqueueMany`. */
  fill?(jobs: readonly JobData[]): Promise<void>;
  /** Runs jobs that do nothing, until closed. */
  work(listener: Listener): Promise<void>;
  /** Jobs that are not recorded as completed. */
  countUnfinished(): Promise<number>;
  /** What was sent so far, when that is counted. */
  counts?(): Counts;
  close(): Promise<void>;
}

/** Opens a system. */
export type Open = (place: Place) => Promise<System>;

/** The data of consecutive jobs. */
export function jobsFrom(first: number, count: number): JobData[] {
  return Array.from({ length: count }, (_, offset) => jobData(first + offset));
}

/** The data of one job. */
export function jobData(index: number): JobData {
  return {
    index,
    to: 'somebody@example.com',
    subject: 'The report of this month is ready to be read',
  };
}

/** The name of a job: names take turns. */
export function nameOf({ index }: JobData, names: readonly string[]): string {
  return String(names[index % names.length]);
}

/** What each name may run at once, so that all together run as many as one name alone would. */
export function concurrencyOfEach({ concurrency, names }: Place): number {
  return Math.max(1, Math.floor(concurrency / names.length));
}
