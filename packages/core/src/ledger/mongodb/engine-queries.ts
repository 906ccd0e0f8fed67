/**
 * The filters, statements and stages of the engine's own work, as pure functions; `indexes.ts` names the index that
 * serves each, and `listing-queries.ts` holds what people ask for.
 *
 * A job's id is an ObjectId. A document with another id is none, whatever its fields say: it is never claimed,
 * recovered or removed.
 *
 * @module
 */
import { type Document, ObjectId } from 'mongodb';
import { type Job, type JobStatus, ORDERED_PRIORITY } from '../../job/job.ts';
import type { PlanOfRun } from '../../job/next-run.ts';
import { type LOCK_FIELDS, lockOf, type UniqueLock } from '../../job/unique-locks.ts';
import { type ClaimParams, SUSPECT_RESCUE_COUNT } from '../ledger-repository.ts';
import { settlementParams } from '../settle-answers.ts';
import type { Settlement } from '../verbs/settle.ts';
import {
  coercingUpdate,
  guardedStatement,
  ID_INDEX,
  transitionFilter,
  transitionUpdate,
  type UpdateStatement,
} from './lifecycle-statements.ts';

/** One statement of a delete command. */
export interface DeleteStatement {
  readonly q: Document;
  /** Zero: all that match. */
  readonly limit: 0 | 1;
  readonly hint: string;
}

/** What the id of a job is, and that of no control document. */
export const JOB_ID: Readonly<Document> = Object.freeze({ $type: 'objectId' });

/** Pending jobs of these names that are due, without suspects or nothing but suspects. */
export function claimableFilter(names: readonly string[], now: Date, suspects: boolean): Document {
  return {
    ...dueFilter(now),
    name: { $in: names },
    priority: WITH_PRIORITY,
    _id: JOB_ID,
    rescueCount: suspectFilter(suspects),
  };
}

/**
 * Passes by the jobs with an order within the index, which does not know lanes. What another program left out, or is no
 * number, counts as a priority.
 */
const WITH_PRIORITY: Readonly<Document> = Object.freeze({ $not: { $gte: ORDERED_PRIORITY } });

/** Pending jobs that are due, those with an order too. */
function dueFilter(now: Date): Document {
  const { lane: _, ...filter } = transitionFilter('claim', { now });
  return filter;
}

/** `$exists` lets the suspects' query use its partial index. */
function suspectFilter(suspects: boolean): Document {
  return suspects
    ? { $exists: true, $gte: SUSPECT_RESCUE_COUNT }
    : { $not: { $gte: SUSPECT_RESCUE_COUNT } };
}

/** The order in which jobs are claimed. */
export const CLAIM_ORDER: Readonly<Record<string, 1>> = Object.freeze({
  priority: 1,
  nextRunAt: 1,
  _id: 1,
});

/** Claims those of the candidates that nobody else took since they were found. */
export function claimStatement(
  ids: readonly ObjectId[],
  params: Pick<ClaimParams, 'claimToken' | 'instanceId' | 'now' | 'suspects' | 'demand'>,
): UpdateStatement {
  const names = params.demand.map(({ name }) => name);
  return {
    q: {
      _id: { $in: ids },
      ...transitionFilter('claim', { ...params }),
      // Since they were found, one may have become a dead letter or been redriven, and have another name.
      name: { $in: names },
      rescueCount: suspectFilter(params.suspects),
    },
    u: transitionUpdate('claim', { ...params }),
    multi: true,
    hint: ID_INDEX,
    coerced: () => coercingUpdate('claim', { ...params }),
  };
}

/** The claims of one instance, or only those under one token. */
export function claimsFilter(instanceId: string, claimToken?: string): Document {
  return {
    status: 'processing',
    claimedBy: instanceId,
    ...(claimToken !== undefined && { claimToken }),
    _id: JOB_ID,
  };
}

/** The next instance that holds a claim, in the order of ids, beyond those that are known. */
export function claimantFilter(except: readonly string[], beyond: string): Document {
  return { status: 'processing', claimedBy: { $gt: beyond, $nin: except }, _id: JOB_ID };
}

/** Jobs that are processing for a tool that keeps no lease. */
export function leaselessFilter(): Document {
  return { status: 'processing', claimedBy: null, _id: JOB_ID };
}

/** A pending job of the next name, in the order of names, beyond one. */
export function nextNameFilter(beyond: string): Document {
  return { status: 'pending', name: { $gt: beyond }, _id: JOB_ID };
}

/** Due jobs of one name, suspects too; of those priorities that are less urgent than one, if one is given. */
export function dueOfNameFilter(name: string, now: Date, beyondPriority?: number): Document {
  return {
    ...dueFilter(now),
    name: { $eq: name },
    ...(beyondPriority !== undefined && { priority: { $gt: beyondPriority } }),
    _id: JOB_ID,
  };
}

/** Jobs that are processing for a tool that keeps no lease, and were locked too long ago. */
export function staleFilter(staleBefore: Date): Document {
  // The guards of both verbs, but for what tells them apart.
  const { cancelRequestedAt: _, ...filter } = transitionFilter('recover', { staleBefore });
  return { ...filter, _id: JOB_ID };
}

/** Jobs that wait at a gate which should have been opened by now. */
export function overdueGateFilter(now: Date): Document {
  // The guards of both verbs, but for the version, which is read first.
  const { seriesVersion: _, ...filter } = transitionFilter('expireGate', { now });
  return { ...filter, _id: JOB_ID };
}

/** Pending jobs of these names that become due within a window. */
export function dueWindowFilter(names: readonly string[], after: Date, until: Date): Document {
  return {
    status: 'pending',
    name: { $in: names },
    nextRunAt: { $gt: after, $lte: until },
    _id: JOB_ID,
  };
}

/** The jobs that hold the locks these want: by name and field, so that each is one scan of a unique index. */
export function holdersFilter(
  jobs: readonly Pick<Job, 'name' | (typeof LOCK_FIELDS)[number]>[],
): Document {
  const wanted = new Map<string, { name: string; field: string; values: string[] }>();
  for (const job of jobs) {
    // Only jobs that want a lock have holders.
    const { field, value } = lockOf(job) as UniqueLock;
    const key = `${field} ${job.name}`;
    const known = wanted.get(key);
    if (known) known.values.push(value);
    else wanted.set(key, { name: job.name, field, values: [value] });
  }
  const filters = [...wanted.values()].map(({ name, field, values }) => ({
    name,
    [field]: { $in: values },
  }));
  return filters.length === 1 ? { ...filters[0] } : { $or: filters };
}

/** Ends of runs that write the same for every job of a claim, unless they carry something of their own. */
const ALIKE: ReadonlySet<string> = new Set(['complete', 'release', 'cancelled']);

/** What a projection must show where the next run of a series is computed. */
export const PLAN_FIELDS: Readonly<Record<keyof PlanOfRun | 'seriesVersion', 1>> = {
  repeatInterval: 1,
  timezone: 1,
  startAt: 1,
  endAt: 1,
  missed: 1,
  seriesVersion: 1,
  scheduledFor: 1,
  startedAt: 1,
  history: 1,
};

/** Jobs with this fence. A document that was written manually may lack it, which counts as zero. */
export function fenceFilter(fence: number): Document {
  return { $in: fence === 0 ? [0, null] : [fence] };
}

/** What a settlement may carry of its own. */
const OWN = [
  ...(['seriesVersion', 'result', 'progress', 'logLines', 'record'] as const),
  ...(['startLock', 'stagesBefore'] as const),
];

/**
 * The statements of a group of settlements. Those that write the same values under the same claim become one; a
 * statement for a single job is `multi` all the same, which spares the server a retry record for each.
 */
export function settleStatements(settlements: readonly Settlement[], now: Date): UpdateStatement[] {
  const groups = new Map<string, { first: Settlement; ids: ObjectId[] }>();
  for (const settlement of settlements) {
    const own = isPlain(settlement) ? '' : settlement.jobId.toHexString();
    const key = `${settlement.verb} ${settlement.claimToken} ${own}`;
    const group = groups.get(key);
    if (group) group.ids.push(settlement.jobId);
    else groups.set(key, { first: settlement, ids: [settlement.jobId] });
  }
  return [...groups.values()].map(({ first, ids }) =>
    guardedStatement(first.verb, ids, settlementParams(first, now)),
  );
}

function isPlain(settlement: Settlement): boolean {
  return ALIKE.has(settlement.verb) && OWN.every((field) => settlement[field] === undefined);
}

/** One step of the walk through old jobs, in the order of their ids. */
export function pruneWalkFilter(after: ObjectId | undefined, createdBefore: Date): Document {
  return { _id: { $gt: after ?? firstIdAt(0), $lt: firstIdAt(createdBefore.getTime()) } };
}

/** The smallest id of a job that was created at this time or later; ids carry whole seconds. */
export function firstIdAt(ms: number): ObjectId {
  return ObjectId.createFromTime(Math.max(0, Math.ceil(ms / 1000)));
}

/** Jobs of one state, of those that were looked at, that finished at this time or before. */
export function prunableFilter(
  ids: readonly ObjectId[],
  status: JobStatus,
  params: { readonly finishedBefore: Date; readonly now: Date },
): Document {
  return { _id: { $in: ids }, ...transitionFilter('prune', params), status };
}

/** A copy in the archive, unless it is newer than the job. */
export function staleCopyStatement({
  _id,
  updatedAt,
}: Pick<Job, '_id' | 'updatedAt'>): DeleteStatement {
  return { q: { _id, updatedAt: { $not: { $gt: updatedAt } } }, limit: 1, hint: ID_INDEX };
}
