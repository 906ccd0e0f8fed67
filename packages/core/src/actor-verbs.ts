/**
 * The verbs on jobs, with what each call promises: those of a scheduler, and those of an actor.
 *
 * @module
 */

import type { ObjectId } from 'mongodb';
import type { Backlog } from './client/backlog.ts';
import type { BulkOptions, BulkResult, RedriveDeadLettersOptions } from './client/bulk-verbs.ts';
import type { TypedEntry } from './client/enqueue.ts';
import type { EnqueueEntryResult } from './client/entry-result.ts';
import type { FlowInfo, FlowNames, FlowOf, FlowSummary, TypedFlow } from './client/flows.ts';
import type { GroupInfo, GroupsOptions } from './client/groups.ts';
import type { LimitInfo } from './client/limits.ts';
import type { JobCount, JobsPage } from './client/listing.ts';
import type { GetHistoryOptions } from './client/metadata-and-history.ts';
import type { OpenGateOptions } from './client/open-gate.ts';
import type { OrderInfo, OrdersOptions } from './client/orders.ts';
import type { QueueStats } from './client/queue-stats.ts';
import type { Schedule, UnscheduleOptions } from './client/schedules.ts';
import type { Throughput } from './client/throughput.ts';
import type { WaitForOptions } from './client/wait-for.ts';
import type { AuditOptions, AuditReport } from './diagnosis/auditor.ts';
import type { Explanation } from './diagnosis/explanation.ts';
import type { Inspection } from './diagnosis/inspector.ts';
import type { ExplainManyOptions, ReasonCounts } from './diagnosis/many-explainer.ts';
import type { Interval } from './job/interval-plan.ts';
import type { Job } from './job/job.ts';
import type { MetadataChanges } from './job/metadata.ts';
import type {
  DataOf,
  JobArguments,
  JobOf,
  JobTypes,
  NamedJob,
  NameOf,
  OfNames,
  ResultOf,
  UntypedJobs,
} from './job/typed-jobs.ts';
import type { TransitionEntry } from './ledger/ledger-repository.ts';
import type { LedgerVerb } from './ledger/verbs/verb-table.ts';
import type { EnqueueOptions } from './options/enqueue-options.ts';
import type { FlowOptions, GetFlowOptions } from './options/flow-options.ts';
import type { GroupOptions } from './options/group-options.ts';
import type { LimitOptions } from './options/limit-options.ts';
import type {
  CountJobsOptions,
  GetJobsOptions,
  GetJobsWithCursorOptions,
  JobsFilter,
} from './options/list-options.ts';
import type { ManualVerbOptions } from './options/manual-verb-options.ts';
import type { ScheduleOptions } from './options/schedule-options.ts';
import type { ThroughputOptions } from './options/throughput-options.ts';
import type { EnqueueManyOptions } from './options/transaction-options.ts';

/** An id as callers may give it: an ObjectId, or its 24 hexadecimal characters. */
export type JobId = ObjectId | string;

/**
 * The verbs on jobs: a {@link Monque} has them, and {@link MonquePublicAPI.as} gives them as an actor may use them. They
 * are not those that run a scheduler.
 *
 * @typeParam Types - the names of the jobs with the types of their data and results; without it any name goes
 */
export interface MonqueManagement<Types extends JobTypes = UntypedJobs> {
  /**
   * Stores a job; resolves when it is durable. With a unique key that is taken nothing is stored, and the job that
   * holds the key is returned, after `whenTaken` was done.
   *
   * @param name - the name of the worker that is to run it, 1 to 256 characters
   * @param data - what the handler works on; copied now, at most `maxPayloadSize` bytes; checked against the schema of
   * the worker when that is registered here
   * @throws UnknownOutcomeError when storing was not confirmed within `resendLimit`, or `callTimeout`
   */
  enqueue<Data, Name extends NameOf<Types> = NameOf<Types>>(
    name: Name,
    ...data: JobArguments<Types, Name, Data, [options?: EnqueueOptions]>
  ): Promise<JobOf<Types, Name, Data>>;

  /** Stores a job that is due at once: `enqueue` without options. */
  now<Data, Name extends NameOf<Types> = NameOf<Types>>(
    name: Name,
    ...data: JobArguments<Types, Name, Data>
  ): Promise<JobOf<Types, Name, Data>>;

  /**
   * Stores many jobs with few round trips. All or nothing is not promised, and it does not reject when only some could
   * be stored: the answer says for each entry, in order, whether it is stored (`enqueued`, or `existing` with the holder
   * of its key), is not (`failed`), or whether that is unknown (`unknown`, also of all of them when `callTimeout` is over).
   * With a `session` they are stored if and when its transaction commits, and an error of the transaction is thrown.
   *
   * @throws InvalidArgumentError naming the entry; then nothing is stored
   */
  enqueueMany<Name extends NameOf<Types> = NameOf<Types>>(
    entries: readonly TypedEntry<Types, Name>[],
    options?: EnqueueManyOptions,
  ): Promise<EnqueueEntryResult<DataOf<Types, Name>>[]>;

  /**
   * Stores jobs that wait for one another: any graph without a circle, all of it or nothing that starts. A job is called
   * by a name of its own in the flow; `after` names its parents, and what happens when one of them fails. It starts when
   * all of them have come to an end that lets it; its handler reads what they returned by `context.parentResults()`.
   *
   * @throws InvalidArgumentError naming the job and the field, also for a circle; then nothing is stored
   * @throws FlowAbandonedError when storing took longer than twice `resendLimit`; then none of its jobs starts
   * @throws UnknownOutcomeError when storing was not confirmed within `resendLimit`, or `callTimeout`; in the first case
   * most likely none starts, in the second all may be stored later
   */
  enqueueFlow<const Jobs extends FlowNames>(
    graph: TypedFlow<Types, Jobs>,
    options?: FlowOptions,
  ): Promise<FlowOf<Types, Jobs>>;

  /** A flow as it stands, with a page of its jobs, parents before their children; null when there is none. */
  getFlow(id: JobId, options?: GetFlowOptions): Promise<FlowInfo | null>;

  /**
   * A page of the flows, the newest first; `after` is the id of the last one of the page before. How the jobs of one
   * stand is what `getFlow` answers.
   *
   * @throws InvalidArgumentError when an option is wrong
   */
  getFlows(options?: GetFlowOptions): Promise<FlowSummary[]>;

  /** `cancelJob` for every job of a flow that is not finished. */
  cancelFlow(id: JobId, options?: BulkOptions): Promise<BulkResult>;

  /**
   * `retryJob` for every job of a flow that has failed or was cancelled; each waits for its parents again, as far as those
   * have not completed.
   */
  redriveFlow(id: JobId, options?: BulkOptions): Promise<BulkResult>;

  /**
   * Makes a series: a job that runs again and again, by a cron expression or after an interval. There is one series for
   * a name and key, however many processes ask for it; asking with another plan, zone or data changes it, also while a
   * run is on.
   *
   * @param cron - 5 fields; 6 with seconds; or `@daily` and its like; or an interval, `{ every: '5 minutes' }`, which is
   * counted from `startAt`, and without it from when the series was made
   * @returns the job of the series, which stays the same from run to run; also after `endAt`, until its last run ended
   * @throws InvalidCronError with the position of the fault and a valid example
   * @throws InvalidArgumentError also when there is no such series and `endAt` leaves it no run
   * @throws UnknownOutcomeError when storing was not confirmed within `resendLimit`, or `callTimeout`
   */
  schedule<Data, Name extends NameOf<Types> = NameOf<Types>>(
    cron: string | Interval,
    name: Name,
    ...data: JobArguments<Types, Name, Data, [options?: ScheduleOptions]>
  ): Promise<JobOf<Types, Name, Data>>;

  /**
   * Ends series: their waiting runs are cancelled; a run that is on ends as it will and is the last.
   *
   * @param options.uniqueKey - the key of one series: what it was made with, or its plan: the expression as `schedule` was
   * given it, or `every 5 minutes`; without it all series of the name are ended
   * @returns how many series were ended
   */
  unschedule(name: NameOf<Types>, options?: UnscheduleOptions): Promise<number>;

  /** The series there are, of one name or of all. */
  getSchedules(filter?: { readonly name?: NameOf<Types> }): Promise<Schedule[]>;

  /**
   * Opens a gate of a job that is not finished. A job that waits there goes on at once; one that has not come to it
   * will not wait. The evidence is kept in the job's `gates`; opening again with the same evidence changes nothing.
   *
   * @returns the job after the call; null when there is none
   * @throws JobStateError when the job is finished, or the gate was opened before on other evidence
   * @throws InvalidArgumentError also when the worker of the job is registered here and has no such gate, or the
   * gate's schema refuses the evidence
   */
  openGate(id: JobId, gate: string, options: OpenGateOptions): Promise<Job | null>;

  /** The job with this id, also from the archive; null when there is none. */
  getJob<T = unknown>(id: JobId): Promise<Job<T> | null>;

  /** Jobs by their due times, the earliest first, at most 100 unless `limit` says otherwise. */
  getJobs<Name extends NameOf<Types> = NameOf<Types>>(
    options?: OfNames<GetJobsOptions, Name>,
  ): Promise<Job<DataOf<Types, Name>>[]>;

  /** One page of jobs. Jobs that are added meanwhile neither hide nor repeat others. */
  getJobsWithCursor<Name extends NameOf<Types> = NameOf<Types>>(
    options?: OfNames<GetJobsWithCursorOptions, Name>,
  ): Promise<JobsPage<DataOf<Types, Name>>>;

  /**
   * What happened to a job, the oldest first. With the option `transitionLog` every transition since the option was
   * set, also of a job that is gone; without it the newest 20 entries that the job keeps: what failed, and what was
   * done manually. An empty list for a job that is not known.
   */
  getHistory(id: JobId, options?: GetHistoryOptions): Promise<TransitionEntry[]>;

  /**
   * Changes keys of the metadata of a job, whatever state it is in; `null` removes a key, other keys stay.
   *
   * @returns the job after the call; null when there is none
   * @throws InvalidArgumentError also when the metadata would take more than 4 KiB; then nothing is changed
   */
  setMetadata(
    id: JobId,
    changes: MetadataChanges,
    options?: ManualVerbOptions,
  ): Promise<Job | null>;

  /**
   * Cancels a pending job, or one that waits at a gate, at once; of a series the waiting run, the series goes on. For a
   * job that is processing it is
   * asked for: its handler's signal aborts, wherever it runs, and the job ends as cancelled unless the handler
   * succeeds all the same.
   *
   * @returns the job after the call; null when there is none
   * @throws JobStateError when the job is finished
   */
  cancelJob(id: JobId, options?: ManualVerbOptions): Promise<Job | null>;

  /**
   * Makes a failed or cancelled job pending again, due at once, with no failure counted and with its unique key.
   *
   * @returns the job after the call; null when there is none
   * @throws JobStateError when the job is neither failed nor cancelled
   * @throws UniqueKeyTakenError when another job holds its unique key by now
   */
  retryJob(id: JobId, options?: ManualVerbOptions): Promise<Job | null>;

  /**
   * Moves a pending job to another time; of a series the waiting run alone.
   *
   * @returns the job after the call; null when there is none
   * @throws JobStateError when the job is not pending
   */
  rescheduleJob(id: JobId, runAt: Date, options?: ManualVerbOptions): Promise<Job | null>;

  /**
   * Deletes a job that is not processing; a series ends with its job.
   *
   * @returns true when it was deleted, false when there is none
   * @throws JobStateError when the job is processing
   */
  deleteJob(id: JobId, options?: ManualVerbOptions): Promise<boolean>;

  /**
   * `cancelJob` for every job that matches; `{}` means all, a filter that is left out is refused. Goes on page by page, with
   * progress, until a limit or a signal ends it.
   */
  cancelJobs(filter: JobsFilter, options?: BulkOptions): Promise<BulkResult>;

  /** `retryJob` for every job that matches, all for `{}`; jobs of one unique key: the first of them. */
  retryJobs(filter: JobsFilter, options?: BulkOptions): Promise<BulkResult>;

  /**
   * Gives a dead letter the name back under which it failed: it is pending there and due at once, with no failure
   * counted and with its unique key, whether it waited, failed or was cancelled since.
   *
   * @returns the job after the call; null when there is none
   * @throws JobStateError when the job is no dead letter, runs, or completed
   * @throws UniqueKeyTakenError when another job holds its unique key by now
   */
  redriveDeadLetter(id: JobId, options?: ManualVerbOptions): Promise<Job | null>;

  /**
   * `redriveDeadLetter` for every dead letter that matches, the oldest first; `{}` means all. With `perSecond` they
   * become due one after the other; with `preview` they are counted, and nothing is changed.
   */
  redriveDeadLetters(filter: JobsFilter, options?: RedriveDeadLettersOptions): Promise<BulkResult>;

  /** `deleteJob` for every job that matches; `{}` means all, a filter that is left out is refused. */
  deleteJobs(filter: JobsFilter, options?: BulkOptions): Promise<BulkResult>;

  /** Counts jobs, with how long they wait and run. Reads all jobs of the name, or of the collection. */
  getQueueStats(filter?: { readonly name?: NameOf<Types> }): Promise<QueueStats>;

  /** How many jobs a filter has, counted up to a limit, 1000 unless another is given. `{}` means all jobs. */
  countJobs(filter: JobsFilter, options?: CountJobsOptions): Promise<JobCount>;

  /**
   * What happened to jobs in all processes, by minute or in longer steps, also by name: jobs that were stored, runs that
   * began and how they ended, how long they waited and ran. It is counted by the processes that have the option
   * `throughputHistory`, and is up to a minute late.
   */
  getThroughput(options?: ThroughputOptions): Promise<Throughput>;

  /**
   * Counts the due and the failed jobs of each name, up to 1000 each: of these names, or of every name that has pending
   * jobs, at most 200. Unlike `getQueueStats` it reads no more than that, whatever there is.
   */
  getBacklog(filter?: { readonly names?: readonly NameOf<Types>[] }): Promise<Backlog>;

  /**
   * Lets no more jobs of a name start, in any process; runs that are on go on. Kept in the database until `resume`.
   * Takes hold everywhere within two seconds. Idempotent.
   */
  pause(name: NameOf<Types>, options?: ManualVerbOptions): Promise<void>;

  /** Lets jobs of a name start again. Idempotent. */
  resume(name: NameOf<Types>, options?: ManualVerbOptions): Promise<void>;

  /**
   * Sets what jobs under a limit may do, of all processes together, while they run. It holds for the workers that name
   * the key in their option `limits`. What is left out is not bounded; a limit that is lowered stops nothing that runs.
   *
   * @param key - 1 to 256 characters, and not the beginning `worker:`
   */
  setLimit(key: string, limit: LimitOptions, options?: ManualVerbOptions): Promise<void>;

  /**
   * Sets what a group of a name may do, of all processes together, while they run: how many of its jobs run at once and
   * start in a time, how many are claimed at each of its turns, and whether it is paused. What is left out stays as it
   * is, and null takes it back. What runs, runs on. Each claim goes by what is set when it looks.
   *
   * @throws InvalidArgumentError naming the field
   */
  setGroup(
    name: NameOf<Types>,
    group: string,
    settings: GroupOptions,
    options?: ManualVerbOptions,
  ): Promise<void>;

  /**
   * The groups of a name that have pending jobs, settings of their own, or claims under a `concurrency` or `rate` in the
   * last ten minutes: what waits and runs, and what holds for them. By page, in an order that stays the same.
   *
   * @throws InvalidArgumentError naming the field
   */
  groups(name: NameOf<Types>, options?: GroupsOptions): Promise<GroupInfo[]>;

  /** Every limit by key, with who holds and who wants what of it. */
  limits(): Promise<LimitInfo[]>;

  /**
   * The orders of a name of which a job was started and is not finished, with that job and how many are pending; with
   * `halted` those that a failed job holds up. `retryJob` or `deleteJob` of that one goes on.
   *
   * @throws InvalidArgumentError naming the field
   */
  orders(name: NameOf<Types>, options?: OrdersOptions): Promise<OrderInfo[]>;

  /**
   * Waits until a job is finished, wherever it runs, and gives what its handler returned. A job of a series is
   * finished when the series is over.
   *
   * @throws WaitError whose `reason` tells apart `failed`, `cancelled`, `gone`, `timeout`, `unknown` and
   * `stopped`, when this scheduler was stopped meanwhile
   */
  waitFor<Name extends NameOf<Types> = NameOf<Types>>(
    id: JobId | NamedJob<Name> | Job,
    options?: WaitForOptions,
  ): Promise<ResultOf<Types, Name>>;

  /**
   * Why a job runs or does not, in words and as data: the decisive reason, and the others. A ledger that does not answer
   * is a reason too, not an error. Takes a few reads by id and of the leases; works without `start`.
   */
  explain(id: JobId): Promise<Explanation>;

  /**
   * Why the jobs of a filter run or do not, counted by the decisive reason; `{}` means all, of which the first 1000 are
   * looked at. Takes one bounded read of jobs, and one of the leases and the pauses; so of a due job with an order or a
   * group it says `turnUnknown`, and `explain` says more.
   *
   * @throws InvalidArgumentError when the filter or an option is wrong
   */
  explainMany(filter: JobsFilter, options?: ExplainManyOptions): Promise<ReasonCounts>;

  /**
   * The instances with what they say of themselves and hold, and the names with what waits, in every process. Takes
   * bounded reads within the indexes, some for each instance and name; for people, not for a hot path.
   */
  inspect(): Promise<Inspection>;

  /**
   * Looks at every stored job with the rules of the ledger, in bounded batches, and with `repair` repairs what can be
   * repaired; the state of a job is never changed. For people and for jobs of their own, not for a hot path.
   *
   * @throws InvalidArgumentError when an option is wrong
   */
  audit(options?: AuditOptions): Promise<AuditReport>;

  /**
   * Whether the hook `access.may` allows this verb of the ledger, on jobs of this name where one is given, without doing
   * it: to show what can be done. A scheduler that is no actor's may do everything. The verb itself is asked for again.
   *
   * @param verb - the verb as the hook gets it, such as `cancel`, `redrive` or `findJobs`
   * @throws what the hook throws
   */
  can(verb: LedgerVerb, name?: NameOf<Types>): Promise<boolean>;
}

/** The verbs that an actor has. */
export type ManagementVerb = keyof MonqueManagement;
