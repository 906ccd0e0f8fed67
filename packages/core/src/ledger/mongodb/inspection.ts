/**
 * What is claimed and what is due in the jobs collection, by bounded reads within the indexes of the engine.
 *
 * @module
 */
import type { Document } from 'mongodb';
import { countClaims } from '../claim-counts.ts';
import type {
  ClaimCounts,
  CountClaimsParams,
  CountDueParams,
  CountDueResult,
  DueCount,
} from '../ledger-repository.ts';
import {
  CLAIM_ORDER,
  claimsFilter,
  dueOfNameFilter,
  leaselessFilter,
  nextNameFilter,
} from './engine-queries.ts';
import { fromDocument } from './job-document.ts';
import type { MongoJobs } from './moves.ts';
import { isIndexMissing } from './server/driver-errors.ts';
import { IndexName } from './server/indexes.ts';

/** What is read of one due job. */
interface Due {
  readonly nextRunAt: Date;
  readonly priority: number;
}

/** Counts for people; nothing rests on them. */
export class MongoInspection {
  readonly #jobs: MongoJobs;

  constructor(jobs: MongoJobs) {
    this.#jobs = jobs;
  }

  /** The claims of an instance, or of the tools that keep no lease. */
  async countClaims({ instanceId, limit }: CountClaimsParams): Promise<ClaimCounts> {
    const { collection, commands } = this.#jobs;
    const documents = await collection
      .find(instanceId === undefined ? leaselessFilter() : claimsFilter(instanceId), {
        ...commands.readOptions(),
        projection: { name: 1, lockedAt: 1 },
        limit,
        hint: IndexName.CLAIMS,
      })
      .toArray();
    return countClaims(documents.map(fromDocument), documents.length >= limit);
  }

  /** The due jobs of each name that has pending ones, from one name to the next; or of the names that are asked for. */
  async countDue(params: CountDueParams): Promise<CountDueResult> {
    const { mostNames, mostFailed } = params;
    const asked = params.names && [...new Set(params.names)].sort().values();
    const after = async (name: string): Promise<string | undefined> =>
      asked === undefined ? this.#nextName(name) : asked.next().value;
    const names: DueCount[] = [];
    let most = mostFailed;
    let name = await after('');
    while (name !== undefined && names.length < mostNames) {
      const failed = most === undefined ? undefined : await this.#countFailed(name, most);
      // Without the index it is missing for every name.
      if (failed === undefined) most = undefined;
      const row = await this.#countName(name, params);
      names.push({ ...row, ...(failed !== undefined && { failed }) });
      name = await after(name);
    }
    return { names, isCut: name !== undefined };
  }

  /** Undefined without the index for lists by name: nothing else finds failed jobs without reading all. */
  async #countFailed(name: string, most: number): Promise<number | undefined> {
    const { collection, commands } = this.#jobs;
    const bounds = { limit: most, projection: { _id: 0, name: 1 }, hint: IndexName.LIST_BY_NAME };
    const options = { ...commands.readOptions(), ...bounds };
    try {
      return (await collection.find({ name, status: 'failed' }, options).toArray()).length;
    } catch (cause) {
      if (isIndexMissing({ cause })) return undefined;
      throw cause;
    }
  }

  async #nextName(beyond: string): Promise<string | undefined> {
    const next = await this.#jobs.collection.findOne(nextNameFilter(beyond), {
      ...this.#jobs.commands.readOptions(),
      projection: { _id: 0, name: 1 },
      sort: { name: 1 },
      hint: IndexName.CLAIM,
    });
    return next?.name;
  }

  async #countName(name: string, { now, mostJobs }: CountDueParams): Promise<DueCount> {
    const due = await this.#findDue(dueOfNameFilter(name, now), mostJobs);
    const isCut = due.length >= mostJobs;
    const least = isCut ? await this.#firstOfEachPriority(name, now, due.at(-1)) : [];
    const waitsMs = [...due, ...least].map(({ nextRunAt }) => now.getTime() - nextRunAt.getTime());
    return { name, due: due.length, isCut, queueLagMs: Math.max(0, ...waitsMs) };
  }

  /** Beyond the bound, the job that waits longest is the first of some less urgent priority. */
  async #firstOfEachPriority(name: string, now: Date, last: Due | undefined): Promise<Due[]> {
    const found: Due[] = [];
    for (let next = last; next !== undefined; ) {
      const filter = dueOfNameFilter(name, now, next.priority);
      [next] = await this.#findDue(filter, 1);
      if (next !== undefined) found.push(next);
    }
    return found;
  }

  async #findDue(filter: Document, limit: number): Promise<Due[]> {
    const { collection, commands } = this.#jobs;
    const documents = await collection
      .find(filter, {
        ...commands.readOptions(),
        projection: { _id: 0, nextRunAt: 1, priority: 1 },
        sort: CLAIM_ORDER,
        limit,
        hint: IndexName.CLAIM,
      })
      .toArray();
    return documents.map((document) => fromDocument(document));
  }
}
