/**
 * The verbs on jobs that a scheduler hands on as they are, with the types of its jobs.
 *
 * @module
 */

import type { JobId, MonqueManagement } from './actor-verbs.ts';
import type { Backlog } from './client/backlog.ts';
import type { BulkOptions, BulkResult, RedriveDeadLettersOptions } from './client/bulk-verbs.ts';
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
import { MonqueEmitter } from './context/events.ts';
import type { AuditOptions, AuditReport } from './diagnosis/auditor.ts';
import type { Explanation } from './diagnosis/explanation.ts';
import type { Inspection } from './diagnosis/inspector.ts';
import type { ExplainManyOptions, ReasonCounts } from './diagnosis/many-explainer.ts';
import type { Job } from './job/job.ts';
import type { MetadataChanges } from './job/metadata.ts';
import type { DataOf, JobTypes, NamedJob, NameOf, OfNames, ResultOf } from './job/typed-jobs.ts';
import type { JobsClient } from './jobs-client.ts';
import type { TransitionEntry } from './ledger/ledger-repository.ts';
import type { LedgerVerb } from './ledger/verbs/verb-table.ts';
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
import type { ThroughputOptions } from './options/throughput-options.ts';

/** What `Monque` does through its client of jobs and nothing else. */
export abstract class TypedVerbs<Types extends JobTypes>
  extends MonqueEmitter<Types>
  implements Omit<MonqueManagement<Types>, 'enqueue' | 'now' | 'enqueueMany' | 'schedule'>
{
  /** The verbs on jobs, whatever the types of their data are. */
  protected abstract readonly jobs: JobsClient;

  async unschedule(name: NameOf<Types>, options: UnscheduleOptions = {}): Promise<number> {
    return this.jobs.unschedule(name, options);
  }

  async getSchedules(filter: { readonly name?: NameOf<Types> } = {}): Promise<Schedule[]> {
    return this.jobs.getSchedules(filter);
  }

  async getJob<T = unknown>(id: JobId): Promise<Job<T> | null> {
    return this.jobs.getJob<T>(id);
  }

  async getJobs<Name extends NameOf<Types> = NameOf<Types>>(
    options: OfNames<GetJobsOptions, Name> = {},
  ): Promise<Job<DataOf<Types, Name>>[]> {
    return (await this.jobs.getJobs(options)) as Job<DataOf<Types, Name>>[];
  }

  async getJobsWithCursor<Name extends NameOf<Types> = NameOf<Types>>(
    options: OfNames<GetJobsWithCursorOptions, Name> = {},
  ): Promise<JobsPage<DataOf<Types, Name>>> {
    return (await this.jobs.getJobsWithCursor(options)) as JobsPage<DataOf<Types, Name>>;
  }

  async getHistory(id: JobId, options: GetHistoryOptions = {}): Promise<TransitionEntry[]> {
    return this.jobs.getHistory(id, options);
  }

  async setMetadata(
    id: JobId,
    changes: MetadataChanges,
    options: ManualVerbOptions = {},
  ): Promise<Job | null> {
    return this.jobs.setMetadata(id, changes, options);
  }

  async cancelJob(id: JobId, options: ManualVerbOptions = {}): Promise<Job | null> {
    return this.jobs.cancelJob(id, options);
  }

  async retryJob(id: JobId, options: ManualVerbOptions = {}): Promise<Job | null> {
    return this.jobs.retryJob(id, options);
  }

  async rescheduleJob(
    id: JobId,
    runAt: Date,
    options: ManualVerbOptions = {},
  ): Promise<Job | null> {
    return this.jobs.rescheduleJob(id, runAt, options);
  }

  async openGate(id: JobId, gate: string, options: OpenGateOptions): Promise<Job | null> {
    return this.jobs.openGate(id, gate, options);
  }

  async deleteJob(id: JobId, options: ManualVerbOptions = {}): Promise<boolean> {
    return this.jobs.deleteJob(id, options);
  }

  async cancelJobs(filter: JobsFilter, options: BulkOptions = {}): Promise<BulkResult> {
    return this.jobs.cancelJobs(filter, options);
  }

  async retryJobs(filter: JobsFilter, options: BulkOptions = {}): Promise<BulkResult> {
    return this.jobs.retryJobs(filter, options);
  }

  async redriveDeadLetter(id: JobId, options: ManualVerbOptions = {}): Promise<Job | null> {
    return this.jobs.redriveDeadLetter(id, options);
  }

  async redriveDeadLetters(
    filter: JobsFilter,
    options: RedriveDeadLettersOptions = {},
  ): Promise<BulkResult> {
    return this.jobs.redriveDeadLetters(filter, options);
  }

  async deleteJobs(filter: JobsFilter, options: BulkOptions = {}): Promise<BulkResult> {
    return this.jobs.deleteJobs(filter, options);
  }

  async getBacklog(filter: { readonly names?: readonly NameOf<Types>[] } = {}): Promise<Backlog> {
    return this.jobs.getBacklog(filter);
  }

  async getQueueStats(filter: { readonly name?: NameOf<Types> } = {}): Promise<QueueStats> {
    return this.jobs.getQueueStats(filter);
  }

  async countJobs(filter: JobsFilter, options: CountJobsOptions = {}): Promise<JobCount> {
    return this.jobs.countJobs(filter, options);
  }

  async getThroughput(options: ThroughputOptions = {}): Promise<Throughput> {
    return this.jobs.getThroughput(options);
  }

  async enqueueFlow<const Jobs extends FlowNames>(
    graph: TypedFlow<Types, Jobs>,
    options: FlowOptions = {},
  ): Promise<FlowOf<Types, Jobs>> {
    return (await this.jobs.enqueueFlow(graph as FlowGraph, options)) as FlowOf<Types, Jobs>;
  }

  async getFlow(id: JobId, options: GetFlowOptions = {}): Promise<FlowInfo | null> {
    return this.jobs.getFlow(id, options);
  }

  async getFlows(options: GetFlowOptions = {}): Promise<FlowSummary[]> {
    return this.jobs.getFlows(options);
  }

  async cancelFlow(id: JobId, options: BulkOptions = {}): Promise<BulkResult> {
    return this.jobs.cancelFlow(id, options);
  }

  async redriveFlow(id: JobId, options: BulkOptions = {}): Promise<BulkResult> {
    return this.jobs.redriveFlow(id, options);
  }

  async orders(name: NameOf<Types>, options: OrdersOptions = {}): Promise<OrderInfo[]> {
    return this.jobs.orders(name, options);
  }

  async pause(name: NameOf<Types>, options: ManualVerbOptions = {}): Promise<void> {
    return this.jobs.pause(name, options);
  }

  async resume(name: NameOf<Types>, options: ManualVerbOptions = {}): Promise<void> {
    return this.jobs.resume(name, options);
  }

  async setLimit(key: string, limit: LimitOptions, options?: ManualVerbOptions): Promise<void> {
    return this.jobs.setLimit(key, limit, options);
  }

  async setGroup(
    name: NameOf<Types>,
    group: string,
    settings: GroupOptions,
    options?: ManualVerbOptions,
  ): Promise<void> {
    return this.jobs.setGroup(name, group, settings, options);
  }

  async groups(name: NameOf<Types>, options: GroupsOptions = {}): Promise<GroupInfo[]> {
    return this.jobs.groups(name, options);
  }

  async limits(): Promise<LimitInfo[]> {
    return this.jobs.limits();
  }

  async waitFor<Name extends NameOf<Types> = NameOf<Types>>(
    id: JobId | NamedJob<Name> | Job,
    options: WaitForOptions = {},
  ): Promise<ResultOf<Types, Name>> {
    return (await this.jobs.waitFor(id as JobId | Job, options)) as ResultOf<Types, Name>;
  }

  can(verb: LedgerVerb, name?: NameOf<Types>): Promise<boolean> {
    return this.jobs.can(verb, name);
  }

  explain(id: JobId): Promise<Explanation> {
    return this.jobs.explain(id);
  }

  explainMany(filter: JobsFilter, options: ExplainManyOptions = {}): Promise<ReasonCounts> {
    return this.jobs.explainMany(filter, options);
  }

  inspect(): Promise<Inspection> {
    return this.jobs.inspect();
  }

  async audit(options: AuditOptions = {}): Promise<AuditReport> {
    return this.jobs.audit(options);
  }
}
