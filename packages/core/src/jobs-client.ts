/**
 * The verbs on jobs, over a ledger: of the scheduler's own, or as an actor sees it. What each verb promises is said in
 * `actor-verbs.ts`.
 *
 * What always holds: an actor's verbs go through the ledger as the actor sees it, inserts included; and whoever waits
 * for a job, as an actor or not, waits at one place, where it hears of what ends in this process.
 *
 * @module
 */

import type { JobId, ManagementVerb } from './actor-verbs.ts';
import { type Backlog, type BacklogFilter, readBacklog } from './client/backlog.ts';
import {
  type BulkOptions,
  type BulkResult,
  BulkVerbs,
  type RedriveDeadLettersOptions,
} from './client/bulk-verbs.ts';
import { type CallInTime, withinCallTimeout } from './client/call-timeout.ts';
import type { Definitions } from './client/definitions.ts';
import { type EnqueueEntry, Producer } from './client/enqueue.ts';
import { type EnqueueEntryResult, unknownEach } from './client/entry-result.ts';
import { type Flow, type FlowInfo, type FlowSummary, Flows } from './client/flows.ts';
import { type GroupInfo, type GroupsOptions, readGroups, setGroup } from './client/groups.ts';
import { type LimitInfo, readLimits, setLimit } from './client/limits.ts';
import { type JobCount, type JobsPage, Listing } from './client/listing.ts';
import { ManualVerbs } from './client/manual-verbs.ts';
import { type GetHistoryOptions, MetadataAndHistory } from './client/metadata-and-history.ts';
import { Gates, type OpenGateOptions } from './client/open-gate.ts';
import { type OrderInfo, type OrdersOptions, readOrders } from './client/orders.ts';
import { type QueueStats, readQueueStats } from './client/queue-stats.ts';
import { type Schedule, Schedules, type UnscheduleOptions } from './client/schedules.ts';
import { cancelOne, cancelSuperseded } from './client/supersede.ts';
import { readThroughput, type Throughput } from './client/throughput.ts';
import type { Waiter, WaitForOptions } from './client/wait-for.ts';
import { accessOf, type EngineContext } from './context/scheduler-context.ts';
import { type AuditOptions, Auditor, type AuditReport } from './diagnosis/auditor.ts';
import { Explainer } from './diagnosis/explainer.ts';
import type { Explanation } from './diagnosis/explanation.ts';
import { type Inspection, Inspector } from './diagnosis/inspector.ts';
import {
  type ExplainManyOptions,
  ManyExplainer,
  type ReasonCounts,
} from './diagnosis/many-explainer.ts';
import type { Instance } from './engine/instance.ts';
import {
  checkFields,
  checkJobName,
  DAY_MS,
  integer,
  text,
  toObjectId,
} from './foundation/argument-checks.ts';
import type { Session } from './foundation/driver-shapes.ts';
import type { Interval } from './job/interval-plan.ts';
import type { Job } from './job/job.ts';
import type { MetadataChanges } from './job/metadata.ts';
import type { Actor, SupersededJob, TransitionEntry } from './ledger/ledger-repository.ts';
import type { LedgerVerb } from './ledger/verbs/verb-table.ts';
import { isAllowed } from './ledger/views/actor-view.ts';
import type { EnqueueOptions } from './options/enqueue-options.ts';
import type { FlowGraph, FlowOptions, GetFlowOptions } from './options/flow-options.ts';
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
import type { Worker } from './workers/worker.ts';

const DEFAULT_WAIT_TIMEOUT = 30_000;
const LONGEST_VERB = 256;

/** What the verbs of a scheduler and those of its actors share. */
export interface SharedParts {
  readonly workers: ReadonlyMap<string, Worker>;
  readonly waiter: Waiter;
  readonly definitions: Definitions;
  /** Lets those go on who wait for tokens, as far as that works now. */
  readonly release: (tokens: readonly string[]) => Promise<void>;
  /** The instance of this process, while it runs. */
  readonly instance: () => Instance | undefined;
}

/** All verbs, whatever the names of the jobs are: `Monque` gives them their types. */
type UntypedVerbs = Readonly<Record<ManagementVerb, (...given: never[]) => Promise<unknown>>>;

/** The verbs on jobs. */
export class JobsClient implements UntypedVerbs {
  readonly #context: EngineContext;
  readonly #shared: SharedParts;
  readonly #producer: Producer;
  readonly #schedules: Schedules;
  readonly #listing: Listing;
  readonly #manual: ManualVerbs;
  readonly #bulk: BulkVerbs;
  readonly #gates: Gates;
  readonly #records: MetadataAndHistory;
  readonly #explainer: Explainer;
  readonly #manyExplainer: ManyExplainer;
  readonly #inspector: Inspector;
  readonly #auditor: Auditor;
  readonly #actor: Actor | undefined;
  /** Also for the handlers of jobs, which add to the flows that they are in. */
  readonly flows: Flows;

  /** @param actor - whose view of the ledger the context has; the scheduler itself without */
  constructor(context: EngineContext, shared: SharedParts, actor?: Actor) {
    const { workers, waiter, definitions, instance, release } = shared;
    this.#context = context;
    this.#shared = shared;
    this.#actor = actor;
    const onPending = (jobs: readonly Job[]): void => instance()?.jobsStored(jobs);
    const knownOf = (name: string) => definitions.knownOf(name, workers.get(name));
    this.#producer = new Producer(context, knownOf, {
      bear: (jobs) => instance()?.bear(jobs),
      onStored: onPending,
    });
    this.#schedules = new Schedules(context, this.#producer, (job) => onPending([job]));
    this.#gates = new Gates(context, workers, (job) => onPending([job]));
    this.#records = new MetadataAndHistory(context);
    this.#explainer = new Explainer(context, instance);
    this.#manyExplainer = new ManyExplainer(context, instance);
    this.#inspector = new Inspector(context, instance);
    this.#auditor = new Auditor(context);
    this.#listing = new Listing(context);
    this.#manual = new ManualVerbs(context, {
      onPending: (job) => onPending([job]),
      onCancelRequested: (jobId) => instance()?.cancelRequested(jobId),
      onEnded: (job) => {
        waiter.ended(job);
        if (job.lane !== undefined) instance()?.lanesChanged(job.name);
      },
      onTokens: release,
      onPausesChanged: (name, isPaused) => instance()?.pausesChanged(name, isPaused),
    });
    this.#bulk = new BulkVerbs(context, this.#manual);
    this.flows = new Flows(context, { producer: this.#producer, bulk: this.#bulk, release });
  }

  async orders(name: string, options: OrdersOptions = {}): Promise<OrderInfo[]> {
    return readOrders(this.#context, name, options);
  }

  async can(verb: LedgerVerb, name?: string): Promise<boolean> {
    text(LONGEST_VERB)('verb', verb);
    if (name !== undefined) checkJobName('name', name);
    if (this.#actor === undefined) return true;
    const question = { actor: this.#actor, verb, ...(name !== undefined && { name }) };
    return isAllowed(accessOf(this.#context), question);
  }

  async enqueue<T>(name: string, data?: T, options: EnqueueOptions = {}): Promise<Job<T>> {
    const job = await this.#within(options, this.#enqueue(name, data, options));
    this.#storedIn(options.session, job);
    return job as Job<T>;
  }

  /** Asks a job to cancel that a waiting one supersedes. */
  cancelSuperseded(job: SupersededJob): Promise<void> {
    return cancelOne(this.#context, this.#manual, job);
  }

  async now<T>(name: string, data?: T): Promise<Job<T>> {
    return (await this.#producer.enqueue(name, data, {})) as Job<T>;
  }

  async enqueueMany(
    entries: readonly EnqueueEntry[],
    options: EnqueueManyOptions = {},
  ): Promise<EnqueueEntryResult[]> {
    const stored = this.#producer.enqueueMany(entries, options);
    const results = await this.#within(options, stored, unknownEach(entries, options));
    for (const result of results) {
      if ('job' in result) this.#storedIn(options.session, result.job);
    }
    return results;
  }

  async enqueueFlow(graph: FlowGraph, options: FlowOptions = {}): Promise<Flow> {
    return this.#within(options, this.flows.enqueue(graph, options));
  }

  async getFlow(id: JobId, options: GetFlowOptions = {}): Promise<FlowInfo | null> {
    return this.flows.get(id, options);
  }

  async getFlows(options: GetFlowOptions = {}): Promise<FlowSummary[]> {
    return this.flows.list(options);
  }

  async cancelFlow(id: JobId, options: BulkOptions = {}): Promise<BulkResult> {
    return this.flows.cancel(id, options);
  }

  async redriveFlow(id: JobId, options: BulkOptions = {}): Promise<BulkResult> {
    return this.flows.redrive(id, options);
  }

  async schedule<T>(
    cron: string | Interval,
    name: string,
    data?: T,
    options: ScheduleOptions = {},
  ): Promise<Job<T>> {
    const made = this.#schedules.schedule(cron, name, data, options);
    const job = await this.#within(options, made);
    this.#storedIn(options.session, job);
    return job as Job<T>;
  }

  async unschedule(name: string, options: UnscheduleOptions = {}): Promise<number> {
    return this.#schedules.unschedule(name, options);
  }

  async getSchedules(filter: { readonly name?: string } = {}): Promise<Schedule[]> {
    checkFields('filter', filter, { name: checkJobName });
    return this.#schedules.list(filter.name);
  }

  async getJob<T = unknown>(id: JobId): Promise<Job<T> | null> {
    return (await this.#listing.getJob(id)) as Job<T> | null;
  }

  async getJobs(options: GetJobsOptions = {}): Promise<Job[]> {
    return this.#listing.getJobs(options);
  }

  async getJobsWithCursor(options: GetJobsWithCursorOptions = {}): Promise<JobsPage> {
    return this.#listing.getJobsWithCursor(options);
  }

  async getHistory(id: JobId, options: GetHistoryOptions = {}): Promise<TransitionEntry[]> {
    return this.#records.getHistory(id, options);
  }

  async setMetadata(
    id: JobId,
    changes: MetadataChanges,
    options: ManualVerbOptions = {},
  ): Promise<Job | null> {
    return this.#records.setMetadata(id, changes, options);
  }

  async cancelJob(id: JobId, options: ManualVerbOptions = {}): Promise<Job | null> {
    return this.#manual.cancelJob(id, options);
  }

  async retryJob(id: JobId, options: ManualVerbOptions = {}): Promise<Job | null> {
    return this.#manual.retryJob(id, options);
  }

  async rescheduleJob(
    id: JobId,
    runAt: Date,
    options: ManualVerbOptions = {},
  ): Promise<Job | null> {
    return this.#manual.rescheduleJob(id, runAt, options);
  }

  async openGate(id: JobId, gate: string, options: OpenGateOptions): Promise<Job | null> {
    return this.#gates.open(id, gate, options);
  }

  async deleteJob(id: JobId, options: ManualVerbOptions = {}): Promise<boolean> {
    return this.#manual.deleteJob(id, options);
  }

  async cancelJobs(filter: JobsFilter, options: BulkOptions = {}): Promise<BulkResult> {
    return this.#bulk.cancelJobs(filter, options);
  }

  async retryJobs(filter: JobsFilter, options: BulkOptions = {}): Promise<BulkResult> {
    return this.#bulk.retryJobs(filter, options);
  }

  async redriveDeadLetter(id: JobId, options: ManualVerbOptions = {}): Promise<Job | null> {
    return this.#manual.redriveDeadLetter(id, options);
  }

  async redriveDeadLetters(
    filter: JobsFilter,
    options: RedriveDeadLettersOptions = {},
  ): Promise<BulkResult> {
    return this.#bulk.redriveDeadLetters(filter, options);
  }

  async deleteJobs(filter: JobsFilter, options: BulkOptions = {}): Promise<BulkResult> {
    return this.#bulk.deleteJobs(filter, options);
  }

  async getQueueStats(filter: { readonly name?: string } = {}): Promise<QueueStats> {
    return readQueueStats(this.#context, filter);
  }

  async countJobs(filter: JobsFilter, options: CountJobsOptions = {}): Promise<JobCount> {
    return this.#listing.countJobs(filter, options);
  }

  async getThroughput(options: ThroughputOptions = {}): Promise<Throughput> {
    return readThroughput(this.#context, options);
  }

  async getBacklog(filter: BacklogFilter = {}): Promise<Backlog> {
    return readBacklog(this.#context, filter);
  }

  async pause(name: string, options: ManualVerbOptions = {}): Promise<void> {
    return this.#manual.setPaused(name, true, options);
  }

  async resume(name: string, options: ManualVerbOptions = {}): Promise<void> {
    return this.#manual.setPaused(name, false, options);
  }

  async setLimit(key: string, limit: LimitOptions, options: ManualVerbOptions = {}): Promise<void> {
    await setLimit(this.#context, key, limit, options);
    this.#shared.instance()?.limitsChanged();
  }

  async setGroup(
    name: string,
    group: string,
    settings: GroupOptions,
    options: ManualVerbOptions = {},
  ): Promise<void> {
    const onSet = (): void => this.#shared.instance()?.lanesChanged(name);
    return setGroup(this.#context, { name, group, settings }, options, onSet);
  }

  async groups(name: string, options: GroupsOptions = {}): Promise<GroupInfo[]> {
    return readGroups(this.#context, name, options);
  }

  async limits(): Promise<LimitInfo[]> {
    return readLimits(this.#context);
  }

  async waitFor(id: JobId | Job, options: WaitForOptions = {}): Promise<unknown> {
    const given = typeof id === 'object' && id !== null && '_id' in id ? id._id : id;
    const jobId = toObjectId('id', given);
    checkFields('options', options, { timeout: integer(0, DAY_MS) });
    const { timeout = DEFAULT_WAIT_TIMEOUT } = options;
    // The waiter reads for all; whether an actor may see the job is asked by a read of its own.
    if (this.#actor !== undefined) await this.#listing.getJob(jobId);
    try {
      return await this.#shared.waiter.wait(jobId, timeout);
    } catch (error) {
      // To explain takes verbs that an actor did not call, and may not be allowed.
      throw this.#actor === undefined ? await this.#explainer.explained(error) : error;
    }
  }

  explain(id: JobId): Promise<Explanation> {
    return this.#explainer.explain(id);
  }

  explainMany(filter: JobsFilter, options: ExplainManyOptions = {}): Promise<ReasonCounts> {
    return this.#manyExplainer.explainMany(filter, options);
  }

  inspect(): Promise<Inspection> {
    return this.#inspector.inspect();
  }

  async audit(options: AuditOptions = {}): Promise<AuditReport> {
    return this.#auditor.audit(options);
  }

  async #enqueue(name: string, data: unknown, options: EnqueueOptions): Promise<Job> {
    const job = await this.#producer.enqueue(name, data, options);
    const { supersede } = options;
    if (supersede) await cancelSuperseded(this.#context, this.#manual, job, supersede);
    return job;
  }

  #within<T>(...given: CallInTime<T>): Promise<T> {
    return withinCallTimeout(this.#context.clock, ...given);
  }

  #storedIn(session: Session | undefined, { _id }: Job): void {
    if (session) this.#shared.waiter.storedIn(session, _id);
  }
}
