/**
 * Claims as they stand in the jobs collection: how they are made, found and taken from the dead.
 *
 * @module
 */
import type { Collection } from 'mongodb';
import { UnknownOutcomeError } from '../../errors.ts';
import type { Job } from '../../job.ts';
import { JOB_LIFECYCLE, type JobVerb, type TransitionParams } from '../../lifecycle.ts';
import { type Random, sample } from '../../random.ts';
import type {
  ClaimParams,
  ClaimResult,
  ReadClaimParams,
  RescueParams,
} from '../ledger-repository.ts';
import { rescueFailReason } from '../settlement.ts';
import type { Commands } from './commands.ts';
import { IndexName } from './indexes.ts';
import { fromDocument } from './job-document.ts';
import {
  CLAIM_ORDER,
  claimableFilter,
  claimantFilter,
  claimStatement,
  claimsFilter,
  guardedStatement,
} from './queries.ts';

const MOST_STRANGERS = 100;

interface Candidate {
  readonly _id: Job['_id'];
  readonly name: string;
}

/** A job that is processing, with the fields every claim has. */
export type ClaimedJob = Job & { readonly claimToken: string; readonly claimedBy: string };

/** Makes, reads and rescues claims. */
export class MongoClaims {
  readonly #collection: Collection<Job>;
  readonly #commands: Commands;
  readonly #random: Random;

  constructor(collection: Collection<Job>, commands: Commands, random: Random) {
    this.#collection = collection;
    this.#commands = commands;
    this.#random = random;
  }

  /**
   * Finds due jobs, claims those that are still pending, and reads what was won.
   *
   * @param isLate - true when the caller has given up: it may have looked for the token already, so nothing more may
   * be claimed under it
   */
  async claim(params: ClaimParams, isLate: () => boolean): Promise<ClaimResult> {
    const candidates = await this.#findCandidates(params);
    const { chosen, saturated } = choose(params, candidates, this.#random);
    const ids = chosen.map((candidate) => candidate._id);
    if (ids.length === 0) return { jobs: [], attempted: 0, saturated };
    if (isLate()) throw new UnknownOutcomeError('The claim was given up before it was made');
    const { matched, refused } = await this.#commands.update([claimStatement(ids, params)]);
    const jobs = matched + refused > 0 ? await this.#read(params, 'local') : [];
    return { jobs, attempted: ids.length, saturated };
  }

  #findCandidates({ demand, now, suspects, widening }: ClaimParams): Promise<Candidate[]> {
    const names = demand.map(({ name }) => name);
    const demanded = demand.reduce((sum, { limit }) => sum + limit, 0);
    // A suspect is claimed alone.
    const wanted = suspects ? 1 : demanded * widening;
    return this.#collection
      .find(claimableFilter(names, now, suspects), {
        ...this.#commands.readOptions(),
        projection: { _id: 1, name: 1 },
        sort: CLAIM_ORDER,
        limit: wanted,
        hint: suspects ? IndexName.SUSPECTS : IndexName.CLAIM,
      })
      .toArray();
  }

  /** What a claim won whose answer was lost: all of it, and only what can no longer be rolled back. */
  async readConfirmed(params: ReadClaimParams): Promise<Job[]> {
    await this.#commands.confirmPast();
    return this.#read(params, 'majority');
  }

  /** The jobs under one token, the most urgent first. */
  async #read(
    { instanceId, claimToken }: ReadClaimParams,
    readConcern: 'local' | 'majority',
  ): Promise<Job[]> {
    const documents = await this.#collection
      .find(claimsFilter(instanceId, claimToken), {
        ...this.#commands.readOptions(readConcern),
        hint: IndexName.CLAIMS,
      })
      .toArray();
    return documents.map(fromDocument).sort(byClaimOrder);
  }

  /** What an instance holds, without the jobs' content. */
  async standing(instanceId: string, limit: number): Promise<ClaimedJob[]> {
    const documents = await this.#collection
      .find(claimsFilter(instanceId), {
        ...this.#commands.readOptions(),
        projection: {
          status: 1,
          claimedBy: 1,
          claimToken: 1,
          fence: 1,
          rescueCount: 1,
          cancelRequestedAt: 1,
        },
        limit,
        hint: IndexName.CLAIMS,
      })
      .toArray();
    return documents.map(fromDocument) as ClaimedJob[];
  }

  /** Instances that hold claims, beyond those that are known; from one to the next within the index. */
  async claimants(except: readonly string[]): Promise<string[]> {
    const strangers: string[] = [];
    while (strangers.length < MOST_STRANGERS) {
      const next = await this.#collection.findOne(claimantFilter(except, strangers.at(-1) ?? ''), {
        ...this.#commands.readOptions(),
        projection: { _id: 0, claimedBy: 1 },
        sort: { claimedBy: 1 },
        hint: IndexName.CLAIMS,
      });
      if (next?.claimedBy === undefined) break;
      strangers.push(next.claimedBy);
    }
    return strangers;
  }

  /** Takes one verb's share of a dead instance's claims as they were read; the guards in the write decide. */
  async rescueBy(
    verb: JobVerb,
    claims: readonly ClaimedJob[],
    params: RescueParams,
  ): Promise<number> {
    const idsByToken = new Map<string, Job['_id'][]>();
    for (const claim of claims) {
      const { claimToken } = claim;
      const applies = JOB_LIFECYCLE.applies(verb, { ...claim }, rescueValues(params, claimToken));
      if (applies) idsByToken.set(claimToken, [...(idsByToken.get(claimToken) ?? []), claim._id]);
    }
    const statements = [...idsByToken].map(([claimToken, ids]) =>
      guardedStatement(verb, ids, rescueValues(params, claimToken)),
    );
    const { matched } = await this.#commands.update(statements);
    return matched;
  }
}

function choose(
  { demand, widening }: ClaimParams,
  candidates: readonly Candidate[],
  random: Random,
): { chosen: Candidate[]; saturated: string[] } {
  const chosen: Candidate[] = [];
  const saturated: string[] = [];
  for (const { name, limit } of demand) {
    const named = candidates.filter((candidate) => candidate.name === name);
    if (named.length >= limit) saturated.push(name);
    chosen.push(...(widening > 1 ? sample(random, named, limit) : named.slice(0, limit)));
  }
  return { chosen, saturated };
}

function byClaimOrder(a: Job, b: Job): number {
  return (
    a.priority - b.priority ||
    a.nextRunAt.getTime() - b.nextRunAt.getTime() ||
    (a._id.toHexString() < b._id.toHexString() ? -1 : 1)
  );
}

function rescueValues(
  { now, deadInstanceId, rescueLimit }: RescueParams,
  claimToken: string,
): TransitionParams {
  return {
    now,
    deadInstanceId,
    claimToken,
    lastRescueCount: rescueLimit - 1,
    failReason: rescueFailReason(rescueLimit),
  };
}
