/**
 * Flows, in the database: their records, and the jobs that wait in them.
 *
 * @module
 */
import type { ClientSession, Collection, Document, ObjectId } from 'mongodb';
import { endToken, flowOfToken } from '../../../job/flow-tokens.ts';
import type { JobStatus } from '../../../job/job.ts';
import { JOB_LIFECYCLE, UNFINISHED } from '../../../job/job-lifecycle.ts';
import type { TransitionParams } from '../../../job/lifecycle.ts';
import {
  type FlowStore,
  type ParentJob,
  releaseWaiting,
  type WaitingJob,
} from '../../flow-release.ts';
import type {
  CloseFlowParams,
  CloseFlowResult,
  FlowEnd,
  FlowReading,
  FlowRecord,
  FlowVerbs,
  OpenFlowParams,
  OpenFlowResult,
  ReadFlowParams,
  ReadFlowsParams,
  ReleaseWaitingParams,
  ReleaseWaitingResult,
  SweepFlowsParams,
  SweepFlowsResult,
} from '../../ledger-repository.ts';
import { fromDocument, KEPT_FOR } from '../job-document.ts';
import { ID_INDEX, ID_KEY } from '../lifecycle-statements.ts';
import type { MongoJobs } from '../moves.ts';
import type { Commands } from '../server/commands.ts';
import { DUPLICATE_KEY_CODE } from '../server/driver-errors.ts';
import { FLOW_KEY, IndexName } from '../server/indexes.ts';
import { driverSession } from '../server/server-checks.ts';
import {
  documentsOf,
  type FlowDocument,
  type FlowKeyDocument,
  feedingFilter,
  flowCounts,
  flowsFilter,
  fromFlowDocument,
  keyId,
  mergedSteps,
  type OpenFlowDocument,
  ofFlowFilter,
  openFlowsFilter,
  stepOfWalk,
  WAITING_FIELDS,
  waitingBehindFilter,
  waitingFilter,
  waitingStatements,
} from './flow-queries.ts';
import { LeavingFlows, type MongoFlowParts } from './leaving-flows.ts';

/** The states of jobs that have not started, or do not run. */
const WAITING: readonly JobStatus[] = ['pending', 'blocked'];

/** Keeps flows, and moves the jobs that wait in them. */
export class MongoFlows implements FlowVerbs, FlowStore {
  readonly #jobs: MongoJobs;
  readonly #flows: Collection<FlowDocument>;
  readonly #keys: Collection<FlowKeyDocument>;
  readonly #open: Collection<OpenFlowDocument>;
  readonly #commands: Commands;
  /** What becomes of flows when their jobs leave. */
  readonly leaving: LeavingFlows;

  constructor(parts: MongoFlowParts) {
    const { jobs, flows, commands } = parts;
    this.leaving = new LeavingFlows(parts);
    this.#jobs = jobs;
    this.#flows = flows;
    // In the same collection: their ids are texts.
    this.#keys = flows as unknown as Collection<FlowKeyDocument>;
    this.#open = flows as unknown as Collection<OpenFlowDocument>;
    this.#commands = commands;
  }

  /** Makes the record first, so that whoever finds its key taken finds the flow that took it. */
  async openFlow(params: OpenFlowParams): Promise<OpenFlowResult> {
    const { flow } = params;
    const session = params.session && driverSession(params.session);
    if (session !== undefined) return this.#openInSession(params, session);
    // The id was made for this flow, so who has it is an earlier try of the same.
    await this.#insertOnce(documentsOf(flow));
    if (flow.uniqueKey === undefined) return { outcome: 'opened', flow };
    // Again only when another has taken the key, or given it up, meanwhile.
    for (;;) {
      const taken = await this.#takeKey(flow, flow.uniqueKey);
      if (taken?.equals(flow.flowId)) return { outcome: 'opened', flow };
      if (taken === undefined) continue;
      const holder = await this.#find(taken);
      if (holder !== undefined && (await this.#isUnfinished(holder, params.createdBefore))) {
        await this.#withdraw(flow);
        return { outcome: 'existing', flow: holder };
      }
      const { modifiedCount } = await this.#keys.updateOne(
        { _id: keyId(flow.uniqueKey), flow: taken },
        { $set: { flow: flow.flowId } },
        { ...this.#commands.writeOptions(), hint: ID_KEY },
      );
      if (modifiedCount === 1) return { outcome: 'opened', flow };
    }
  }

  /** Two transactions that want one key conflict, and the driver has one of them try again. */
  async #openInSession(
    { flow, createdBefore }: OpenFlowParams,
    session: ClientSession,
  ): Promise<OpenFlowResult> {
    const options = this.#commands.writeOptions(session);
    if (flow.uniqueKey !== undefined) {
      const before = await this.#keys.findOneAndUpdate(
        { _id: keyId(flow.uniqueKey) },
        { $setOnInsert: { flow: flow.flowId } },
        { ...options, upsert: true, returnDocument: 'before' },
      );
      const holder = before && (await this.#find(before.flow, session));
      if (holder && (await this.#isUnfinished(holder, createdBefore, session))) {
        await this.#keepHolder(holder, flow, session);
        return { outcome: 'existing', flow: holder };
      }
      if (before !== null) {
        const filter = { _id: keyId(flow.uniqueKey) };
        await this.#keys.updateOne(filter, { $set: { flow: flow.flowId } }, options);
      }
    }
    await this.#flows.insertMany(documentsOf(flow) as FlowDocument[], options);
    return { outcome: 'opened', flow };
  }

  /**
   * So that the flow which is the answer is not finished before the transaction is over: its last job that waits is
   * written to, or its record while that is what its jobs wait for. Whoever lets it go on waits, or conflicts.
   */
  async #keepHolder(
    { flowId, state }: FlowRecord,
    refused: FlowRecord,
    session: ClientSession,
  ): Promise<void> {
    if (!session.inTransaction()) return;
    const options = this.#commands.writeOptions(session);
    const kept = { $set: { [KEPT_FOR]: refused.flowId } };
    if (state === 'storing') {
      await this.#flows.updateOne({ _id: flowId }, kept, { ...options, hint: ID_KEY });
      return;
    }
    const last = { sort: { _id: -1 }, projection: { _id: 1 }, hint: FLOW_KEY } as const;
    const filter = ofFlowFilter(flowId, WAITING);
    await this.#jobs.collection.findOneAndUpdate(filter, kept, { ...options, ...last });
  }

  /** An earlier try may come late: once another has stored the flow it stays. */
  async #withdraw({ flowId }: FlowRecord): Promise<void> {
    const unstored = { _id: flowId, state: 'storing' } as const;
    const options = { ...this.#commands.writeOptions(), hint: ID_KEY };
    const { deletedCount } = await this.#flows.deleteOne(unstored, options);
    if (deletedCount === 1) await this.#remove({ _id: endToken(flowId) });
  }

  /** False when there are documents with these ids. */
  async #insertOnce(documents: readonly Document[]): Promise<boolean> {
    const errors = await this.#commands.insert(documents);
    const other = errors.find(({ code }) => code !== DUPLICATE_KEY_CODE);
    if (other !== undefined) throw new Error(other.errmsg);
    return errors.length === 0;
  }

  async #remove(...filters: readonly Document[]): Promise<void> {
    await this.#commands.remove(filters.map((q) => ({ q, limit: 1, hint: ID_INDEX })));
  }

  /** The flow that has the key, this one if nobody had it; undefined when who had it gave it up meanwhile. */
  async #takeKey({ flowId }: FlowRecord, uniqueKey: string): Promise<ObjectId | undefined> {
    const _id = keyId(uniqueKey);
    if (await this.#insertOnce([{ _id, flow: flowId }])) return flowId;
    const key = await this.#keys.findOne({ _id }, this.#commands.readOptions());
    return key?.flow;
  }

  async #find(flowId: ObjectId, session?: ClientSession): Promise<FlowRecord | undefined> {
    const flow = await this.#flows.findOne({ _id: flowId }, this.#commands.readOptionsIn(session));
    return flow === null ? undefined : fromFlowDocument(flow);
  }

  /** One that was given up is not: what is left of its jobs never ran, and never will. */
  async #isUnfinished(
    { flowId, state, createdAt }: FlowRecord,
    createdBefore: Date,
    session?: ClientSession,
  ): Promise<boolean> {
    let known: FlowRecord['state'] | undefined = state;
    if (state === 'storing') {
      if (!(createdAt < createdBefore)) return true;
      await this.#abandon([flowId], createdBefore, session);
      known = (await this.#find(flowId, session))?.state;
    }
    if (known !== 'stored') return false;
    const { collection, commands } = this.#jobs;
    const options = { ...commands.readOptionsIn(session), projection: { _id: 1 } };
    const filter = ofFlowFilter(flowId, UNFINISHED);
    return (await collection.findOne(filter, { ...options, hint: IndexName.FLOW })) !== null;
  }

  async #abandon(
    ids: readonly ObjectId[],
    createdBefore: Date,
    session?: ClientSession,
  ): Promise<void> {
    await this.#flows.updateMany(
      { _id: { $in: [...ids] }, state: 'storing', createdAt: { $lt: createdBefore } },
      { $set: { state: 'abandoned' } },
      { ...this.#commands.writeOptions(session), hint: ID_KEY },
    );
  }

  /** Closes a flow; the first word counts. */
  async closeFlow({ flowId, state }: CloseFlowParams): Promise<CloseFlowResult> {
    const { matchedCount } = await this.#flows.updateOne(
      { _id: flowId, state: 'storing' },
      { $set: { state } },
      { ...this.#commands.writeOptions(), hint: ID_KEY },
    );
    return matchedCount === 1
      ? { state }
      : { state: (await this.#find(flowId))?.state ?? 'missing' };
  }

  /** A flow with the number of its jobs in each state. */
  async readFlow({ flowId }: ReadFlowParams): Promise<FlowReading | null> {
    const flow = await this.#find(flowId);
    if (flow === undefined) return null;
    const { collection, commands } = this.#jobs;
    const rows = await collection
      .aggregate(flowCounts(flowId), { ...commands.aggregateOptions(), hint: IndexName.FLOW })
      .toArray();
    return { flow, counts: Object.fromEntries(rows.map(({ _id, count }) => [_id, count])) };
  }

  /** A page of the flows, the newest ids first. */
  async readFlows({ after, limit }: ReadFlowsParams): Promise<FlowRecord[]> {
    const options = { ...this.#commands.readOptions(), hint: ID_INDEX };
    const flows = await this.#flows
      .find(flowsFilter(after), options)
      .sort({ _id: -1 })
      .limit(limit)
      .toArray();
    return flows.map(fromFlowDocument);
  }

  /** Moves those whose time has come. */
  releaseWaiting(params: ReleaseWaitingParams): Promise<ReleaseWaitingResult> {
    return releaseWaiting(this, params);
  }

  /**
   * Some of those who wait, in the order of their tokens, show which tokens there are. Each walk through the ends of flows
   * looks at a page of the records too.
   */
  async sweepFlows(params: SweepFlowsParams): Promise<SweepFlowsResult> {
    const { after = '', limit, createdBefore, waitingOnly = false } = params;
    const { collection, commands } = this.#jobs;
    const found = await collection
      .find(waitingBehindFilter(after), {
        ...commands.readOptions(),
        projection: { waitsFor: 1 },
        limit,
        hint: IndexName.WAITING,
      })
      .toArray();
    const waiting = stepOfWalk(found.map(fromDocument), params);
    const open = waitingOnly ? [] : [await this.#findOpen(after, limit)];
    const step = mergedSteps([waiting, ...open]);
    // Of a flow that was not stored to its end, those without parents may be missing.
    const flows = new Map(
      step.tokens.map((token) => [String(flowOfToken(token)), flowOfToken(token)]),
    );
    if (flows.size > 0) await this.#abandon([...flows.values()], createdBefore);
    if (!waitingOnly && after === '') await this.leaving.forgetLeft(createdBefore);
    return step;
  }

  async #findOpen(after: string, limit: number): Promise<SweepFlowsResult> {
    const filter = openFlowsFilter(after);
    if (filter === undefined) return { tokens: [] };
    const open = await this.#open
      .find(filter, { ...this.#commands.readOptions(), sort: ID_KEY, limit, hint: ID_INDEX })
      .toArray();
    const tokens = open.map(({ _id }) => _id);
    const last = open.length === limit ? tokens.at(-1) : undefined;
    return { tokens, ...(last !== undefined && { position: last }) };
  }

  forget(flows: readonly ObjectId[]): Promise<void> {
    return this.leaving.forget(flows);
  }

  async findFeeding(token: string, statuses: readonly JobStatus[]): Promise<ParentJob | undefined> {
    const { collection, commands } = this.#jobs;
    const parent = await collection.findOne(feedingFilter(token, statuses), {
      ...commands.readOptions(),
      projection: { status: 1, ref: 1 },
      hint: IndexName.FEEDS,
    });
    return parent === null ? undefined : fromDocument(parent);
  }

  async findWaiting(
    token: string,
    after: ObjectId | undefined,
    limit: number,
  ): Promise<readonly WaitingJob[]> {
    const { collection, commands } = this.#jobs;
    const documents = await collection
      .find(waitingFilter(token, after), {
        ...commands.readOptions(),
        projection: WAITING_FIELDS,
        sort: ID_KEY,
        limit,
        hint: IndexName.WAITING,
      })
      .toArray();
    return documents.map(fromDocument);
  }

  recordOf(flow: ObjectId): Promise<FlowRecord | undefined> {
    return this.#find(flow);
  }

  /** One that is opened again is in the list of the open ones before. */
  async changeFlow(
    { flowId, version = 0 }: FlowRecord,
    end: FlowEnd | undefined,
  ): Promise<boolean> {
    const next = { version: version + 1 };
    const options = { ...this.#commands.writeOptions(), hint: ID_KEY };
    if (end === undefined) {
      const filter = { _id: endToken(flowId) };
      await this.#open.updateOne(filter, { $max: next }, { ...options, upsert: true });
    }
    const change =
      end === undefined
        ? { $set: next, $unset: { endedAt: 1 as const, outcome: 1 as const } }
        : { $set: { ...next, ...end } };
    const { matchedCount } = await this.#flows.updateOne({ _id: flowId, version }, change, options);
    return matchedCount === 1;
  }

  /** Takes it from the list, unless it was opened again. */
  async noteEnded({ flowId, version }: Pick<FlowRecord, 'flowId' | 'version'>): Promise<void> {
    const isEarlier = version !== undefined && { version: { $lt: version } };
    await this.#remove({ _id: endToken(flowId), ...isEarlier });
  }

  async moveWaiting(
    verb: 'releaseChild' | 'failByParent' | 'cancel',
    jobs: readonly WaitingJob[],
    params: TransitionParams,
  ): Promise<number> {
    const { commands, log } = this.#jobs;
    const { matched } = await commands.update(waitingStatements(verb, jobs, params));
    if (log !== undefined) await this.#logMoved(verb, jobs, params);
    return matched;
  }

  /** Others may have been faster with some of the jobs: those that were moved by this show its time. */
  async #logMoved(
    verb: 'releaseChild' | 'failByParent' | 'cancel',
    jobs: readonly WaitingJob[],
    params: TransitionParams,
  ): Promise<void> {
    const { log, collection, commands } = this.#jobs;
    const filter = {
      _id: { $in: jobs.map(({ _id }) => _id) },
      status: JOB_LIFECYCLE.transitions[verb].to as JobStatus,
      updatedAt: params.now as Date,
    };
    const moved = await collection
      .find(filter, { ...commands.readOptions(), projection: { fence: 1 }, hint: ID_INDEX })
      .toArray();
    const known = moved.map(fromDocument).map(({ _id, fence }) => ({ _id, fence }));
    await log?.movedTogether(verb, known, params);
  }
}
