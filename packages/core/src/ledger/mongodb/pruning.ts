/**
 * How finished jobs leave: deleted, or moved to the archive.
 *
 * What always holds: a job leaves under the guards of its row, in the delete itself; it is in the archive before it is
 * deleted; and the copy of a job that was changed in between, as by a redrive, is withdrawn.
 *
 * @module
 */
import type { Job, JobStatus } from '../../job/job.ts';
import { JOB_LIFECYCLE } from '../../job/job-lifecycle.ts';
import type { PruneParams, PruneResult } from '../ledger-repository.ts';
import { prunableFilter, pruneWalkFilter, staleCopyStatement } from './engine-queries.ts';
import type { LeavingFlows } from './flows/leaving-flows.ts';
import { fromDocument } from './job-document.ts';
import { ID_INDEX } from './lifecycle-statements.ts';
import type { MongoJobs } from './moves.ts';
import type { MongoOrders } from './orders/orders.ts';

/** What is read of each job of the walk. */
const LOOKED_AT = {
  ...{ status: 1, createdAt: 1, finishedAt: 1, windowUntil: 1, name: 1, lane: 1 },
  ...{ flow: 1, feeds: 1 },
} as const;

/** The jobs of one state that are to leave. */
interface Leaving {
  readonly status: JobStatus;
  readonly finishedBefore: Date;
  readonly ids: readonly Job['_id'][];
}

/** Walks through old jobs. */
export class MongoPruning {
  readonly #jobs: MongoJobs;
  readonly #archive: MongoJobs;

  readonly #orders: MongoOrders;
  readonly #flows: LeavingFlows;

  constructor(jobs: MongoJobs, archive: MongoJobs, orders: MongoOrders, flows: LeavingFlows) {
    this.#jobs = jobs;
    this.#archive = archive;
    this.#orders = orders;
    this.#flows = flows;
  }

  /** One step of the walk. */
  async prune(params: PruneParams): Promise<PruneResult> {
    const seen = await this.#look(params);
    const mayLeave = await this.#withoutParents(await this.#withoutHalting(seen), params);
    let pruned = 0;
    for (const leaving of choose(mayLeave, params)) pruned += await this.#remove(leaving, params);
    const flows = mayLeave.flatMap(({ flow }) => flow ?? []);
    if (pruned > 0 && flows.length > 0) await this.#flows.forget(flows);
    const last = seen.length === params.limit ? seen.at(-1) : undefined;
    return { pruned, ...(last && { position: last._id }) };
  }

  /** A failed job that holds up its order stays: without it the next would start. */
  async #withoutHalting(seen: readonly Job[]): Promise<readonly Job[]> {
    const mayHalt = seen.filter(({ status, lane }) => status === 'failed' && lane !== undefined);
    if (mayHalt.length === 0) return seen;
    const halting = await this.#orders.halting(mayHalt);
    return seen.filter(({ _id }) => !halting.some((id) => id.equals(_id)));
  }

  /** A job that others have as a parent stays while they are there: without it they would start. */
  async #withoutParents(seen: readonly Job[], params: PruneParams): Promise<readonly Job[]> {
    const parents = seen.filter((job) => job.feeds !== undefined && isToLeave(job, params));
    if (parents.length === 0) return seen;
    const awaited = new Set((await this.#flows.awaited(parents)).map(String));
    return seen.filter(({ _id }) => !awaited.has(String(_id)));
  }

  async #look({ after, createdBefore, limit }: PruneParams): Promise<Job[]> {
    const { collection, commands } = this.#jobs;
    const documents = await collection
      .find(pruneWalkFilter(after, createdBefore), {
        ...commands.readOptions(),
        projection: LOOKED_AT,
        sort: { _id: 1 },
        limit,
        hint: ID_INDEX,
      })
      .toArray();
    return documents.map(fromDocument);
  }

  async #remove({ ids, status, finishedBefore }: Leaving, params: PruneParams): Promise<number> {
    const q = prunableFilter(ids, status, { finishedBefore, now: params.now });
    if (params.archive) await this.#copy(q);
    const removed = await this.#jobs.commands.remove([{ q, limit: 0, hint: ID_INDEX }]);
    await this.#logPruned(ids, removed, { status, now: params.now });
    if (params.archive && removed < ids.length) await this.#withdraw(ids);
    return removed;
  }

  /** On the server, so that no job has to travel. An older copy is replaced. */
  async #copy(filter: ReturnType<typeof prunableFilter>): Promise<void> {
    const { collection, commands } = this.#jobs;
    const into = this.#archive.collection.collectionName;
    await collection
      .aggregate(
        [
          { $match: filter },
          { $merge: { into, on: '_id', whenMatched: 'replace', whenNotMatched: 'insert' } },
        ],
        { ...commands.aggregateOptions(), ...commands.writeOptions(), hint: ID_INDEX },
      )
      .toArray();
  }

  /** What is still there was changed in between; what is gone may have been removed by another process meanwhile. */
  async #logPruned(
    ids: Leaving['ids'],
    removed: number,
    { status, now }: Pick<Leaving, 'status'> & Pick<PruneParams, 'now'>,
  ): Promise<void> {
    const { log, collection, commands } = this.#jobs;
    if (log === undefined) return;
    const kept = new Set<string>();
    if (removed < ids.length) {
      const options = { ...commands.readOptions(), projection: { _id: 1 } };
      const left = await collection.find({ _id: { $in: ids } }, options).toArray();
      for (const { _id } of left) kept.add(_id.toHexString());
    }
    const pruned = ids.filter((id) => !kept.has(id.toHexString()));
    await log.pruned(
      pruned.map((_id) => ({ _id, status })),
      now,
    );
  }

  /** The copies of jobs that are still among the jobs. */
  async #withdraw(ids: Leaving['ids']): Promise<void> {
    const { collection, commands } = this.#jobs;
    const kept = await collection
      .find(
        { _id: { $in: ids } },
        { ...commands.readOptions(), projection: { createdAt: 1, updatedAt: 1 } },
      )
      .toArray();
    await this.#archive.commands.remove(kept.map(fromDocument).map(staleCopyStatement));
  }
}

function isToLeave(job: Job, { finishedBefore, createdBefore, now }: PruneParams): boolean {
  const before = finishedBefore[job.status];
  // The id of one that was added to a flow is as old as that of the job that added it.
  if (job.createdAt >= createdBefore) return false;
  if (before === undefined || job.finishedAt === undefined) return false;
  return JOB_LIFECYCLE.applies('prune', { ...job }, { finishedBefore: before, now });
}

function choose(seen: readonly Job[], params: PruneParams): Leaving[] {
  return JOB_LIFECYCLE.terminal.flatMap((status) => {
    const finishedBefore = params.finishedBefore[status];
    if (finishedBefore === undefined) return [];
    const ids = seen
      .filter((job) => job.status === status && isToLeave(job, params))
      .map(({ _id }) => _id);
    return ids.length === 0 ? [] : [{ status, finishedBefore, ids }];
  });
}
