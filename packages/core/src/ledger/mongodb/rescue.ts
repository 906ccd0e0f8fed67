/**
 * How jobs come back that nobody runs any more: from a dead instance of ours, or from a tool that keeps no lease.
 *
 * @module
 */
import type { ClaimedJob, Job } from '../../job/job.ts';
import type { JobVerb } from '../../job/job-lifecycle.ts';
import type {
  Informed,
  LeaseRecord,
  RecoverParams,
  RecoverResult,
  RescueParams,
  RescueResult,
} from '../ledger-repository.ts';
import { chooseRescue, type RescueChoice, type RescuedWorkers } from '../rescue-choice.ts';
import { historyEntries } from '../settle-answers.ts';
import { staleFilter } from './engine-queries.ts';
import { fromDocument } from './job-document.ts';
import { guardedStatement, type UpdateStatement } from './lifecycle-statements.ts';
import type { MongoJobs } from './moves.ts';
import type { MongoOrders } from './orders/orders.ts';
import { IndexName } from './server/indexes.ts';
import { movedFilter } from './transition-log.ts';

/** Where each verb of a rescue leads. */
const LEADS_TO: Readonly<Record<RescueChoice['verb'], 'pending' | 'failed' | 'cancelled'>> = {
  rescue: 'pending',
  rescueToNextRun: 'pending',
  rescueToDeadLetter: 'pending',
  rescueToFailed: 'failed',
  rescueToCancelled: 'cancelled',
};

/** What a rescue asks before it writes. */
export interface RescueParts {
  /** The lease of an instance with what it says of itself; undefined when there is none. */
  readonly leaseOf: (
    instanceId: string,
  ) => Promise<(Pick<LeaseRecord, 'status'> & Informed) | undefined>;
  /** The claims of an instance, up to a limit. */
  readonly claimsOf: (instanceId: string, limit: number) => Promise<readonly ClaimedJob[]>;
  readonly orders: Pick<MongoOrders, 'haltedBy'>;
}

/** Gives jobs back. */
export class MongoRescue {
  readonly #jobs: MongoJobs;
  readonly #parts: RescueParts;

  constructor(jobs: MongoJobs, parts: RescueParts) {
    this.#jobs = jobs;
    this.#parts = parts;
  }

  /** Takes claims of a dead instance as they were read; the guards in the writes decide. */
  async rescue(params: RescueParams): Promise<RescueResult> {
    const { deadInstanceId, limit } = params;
    const counts = { pending: 0, failed: 0, cancelled: 0 };
    const lease = await this.#parts.leaseOf(deadInstanceId);
    if (lease?.status === 'live') return { ...counts, more: false, refused: true };
    const claims = await this.#parts.claimsOf(deadInstanceId, limit);
    const moved = await this.#move(claims, params, lease?.info?.workers);
    return { ...moved, more: claims.length === limit, refused: false };
  }

  async #move(
    claims: readonly ClaimedJob[],
    params: RescueParams,
    workers: RescuedWorkers | undefined,
  ): Promise<Pick<RescueResult, 'pending' | 'failed' | 'cancelled' | 'halted'>> {
    const groups = groupAlike(claims, params, workers);
    const counts = { pending: 0, failed: 0, cancelled: 0 };
    for (const state of ['pending', 'failed', 'cancelled'] as const) {
      const statements = groups
        .filter(({ choice }) => LEADS_TO[choice.verb] === state)
        .map(({ choice, ids }) => guardedStatement(choice.verb, ids, choice.params));
      counts[state] = (await this.#jobs.commands.update(statements)).matched;
      await this.#logRescued(
        groups.filter(({ choice }) => LEADS_TO[choice.verb] === state),
        claims,
      );
    }
    const failed = groups.filter(({ choice }) => LEADS_TO[choice.verb] === 'failed');
    const ids = new Set(failed.flatMap((group) => group.ids));
    const halted = await this.#parts.orders.haltedBy(
      'rescueToFailed',
      claims.filter(({ _id }) => ids.has(_id)),
      params.now,
    );
    return { ...counts, ...(halted.length > 0 && { halted }) };
  }

  /** Takes jobs of tools that keep no lease and locked them too long ago. */
  async recover({ staleBefore, now, limit }: RecoverParams): Promise<RecoverResult> {
    const { collection, commands } = this.#jobs;
    const stale = await collection
      .find(staleFilter(staleBefore), {
        ...commands.readOptions(),
        projection: { cancelRequestedAt: 1 },
        limit,
        hint: IndexName.CLAIMS,
      })
      .toArray();
    const jobs = stale.map(fromDocument);
    const isAsked = ({ cancelRequestedAt }: Job): boolean => cancelRequestedAt !== undefined;
    const recoverBy = async (verb: JobVerb, chosen: readonly Job[]): Promise<number> => {
      const params = { staleBefore, now, historyEntries: historyEntries(verb, now, {}) };
      const { matched } = await commands.update(statementsFor(verb, chosen, params));
      await this.#logMoved(verb, chosen, params);
      return matched;
    };
    return {
      pending: await recoverBy(
        'recover',
        jobs.filter((job) => !isAsked(job)),
      ),
      cancelled: await recoverBy('recoverToCancelled', jobs.filter(isAsked)),
    };
  }

  async #logRescued(groups: readonly RescueGroup[], claims: readonly ClaimedJob[]): Promise<void> {
    if (this.#jobs.log === undefined) return;
    for (const { choice, ids } of groups) {
      const rescued = claims.filter(({ _id }) => ids.some((id) => id.equals(_id)));
      await this.#logMoved(choice.verb, rescued, choice.params);
    }
  }

  /** Others may have been faster with some of the jobs: those that were moved show it. */
  async #logMoved(
    verb: JobVerb,
    jobs: readonly Job[],
    params: Parameters<typeof guardedStatement>[2],
  ): Promise<void> {
    const { log, collection, commands } = this.#jobs;
    if (log === undefined || jobs.length === 0) return;
    const filter = movedFilter(
      jobs.map(({ _id }) => _id),
      verb,
      params.now,
    );
    const moved = await collection
      .find(filter, { ...commands.readOptions(), projection: { fence: 1 } })
      .toArray();
    const tokens = new Map(jobs.map(({ _id, claimToken }) => [_id.toHexString(), claimToken]));
    const known = moved.map(fromDocument).map(({ _id, fence }) => {
      const claimToken = tokens.get(_id.toHexString());
      return { _id, fence, ...(claimToken !== undefined && { claimToken }) };
    });
    await log.movedTogether(verb, known, params);
  }
}

interface RescueGroup {
  readonly choice: RescueChoice;
  readonly ids: Job['_id'][];
}

/** Claims for which the same is written become one group; a job of a series, or a dead letter, is one of its own. */
function groupAlike(
  claims: readonly ClaimedJob[],
  params: RescueParams,
  workers: RescuedWorkers | undefined,
): RescueGroup[] {
  const groups = new Map<string, RescueGroup>();
  for (const claim of claims) {
    const choice = chooseRescue(claim, params, workers);
    const isOfSeries = claim.seriesVersion !== undefined || claim.scheduledFor !== undefined;
    const hasOwn = isOfSeries || choice.verb === 'rescueToDeadLetter';
    const own = hasOwn ? claim._id.toHexString() : '';
    const key = `${choice.verb} ${claim.claimToken} ${own}`;
    const group = groups.get(key);
    if (group) group.ids.push(claim._id);
    else groups.set(key, { choice, ids: [claim._id] });
  }
  return [...groups.values()];
}

function statementsFor(
  verb: JobVerb,
  jobs: readonly Job[],
  params: Parameters<typeof guardedStatement>[2],
): UpdateStatement[] {
  const ids = jobs.map(({ _id }) => _id);
  return ids.length === 0 ? [] : [guardedStatement(verb, ids, params)];
}
