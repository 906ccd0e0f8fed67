/**
 * The first job of each lane, as far as nobody runs one of the lane whom the lane does not name.
 *
 * A process of an earlier version knows of no lanes. It claims the first job of one as any other, finds that it cannot
 * run it, and sets it aside; in between the job is not pending, and the one behind it would be taken for the first. So
 * the command that reads the first jobs reads the claims of strangers too: of all instances but those whose leases say
 * that they know lanes, which is learned once of each. Where there are strangers each look is made twice, since one may
 * set its job aside between the two reads of one look.
 *
 * @module
 */
import type { Collection, Document } from 'mongodb';
import { type Job, ORDERED_VERSION } from '../../../job/job.ts';
import type { ClaimBounds } from '../claims.ts';
import { claimantFilter } from '../engine-queries.ts';
import type { LeaseDocument } from '../leases.ts';
import { ID_INDEX } from '../lifecycle-statements.ts';
import type { MongoJobs } from '../moves.ts';
import { IndexName } from '../server/indexes.ts';
import { type LaneRange, laneHeads, strangersIn } from './lane-queries.ts';

/** How long each look is made twice after a stranger was seen, and how often leases of such are looked for. */
const WARY_MS = 600_000;

/** So many instances are remembered at most. */
const MOST_KNOWN = 1_000;

/** So many lanes one look reads at most. */
export const MOST_HEADS = 2_000;

/** What a look at the lanes of a range has found. */
export interface LaneLook {
  readonly heads: readonly Document[];
  /** The last lane that was read, when there may be more behind it. */
  readonly last: string | undefined;
}

/** What the first jobs of lanes are read with. */
export interface LaneHeadsParts {
  readonly jobs: MongoJobs;
  readonly leases: Collection<LeaseDocument>;
  readonly bounds: ClaimBounds;
}

/** Reads the first jobs of lanes. */
export class LaneHeads {
  readonly #parts: LaneHeadsParts;
  readonly #knowing = new Set<string>();
  #waryUntilMs = Number.NEGATIVE_INFINITY;
  #lookedForLeasesMs = Number.NEGATIVE_INFINITY;

  constructor(parts: LaneHeadsParts) {
    this.#parts = parts;
  }

  /**
   * The first pending job of each lane of a range in which no stranger holds one; of a range with many lanes, of the
   * first of them.
   *
   * @param instanceId - who asks; it knows lanes
   */
  async read(range: LaneRange, instanceId: string): Promise<LaneLook> {
    await this.#lookForLeases();
    const first = await this.#look(range, instanceId);
    if (this.#parts.bounds.clock.monotonic() >= this.#waryUntilMs) return first;
    const before = new Map(first.heads.map(({ _id, jobId }) => [_id, jobId]));
    const again = await this.#look(range, instanceId);
    const heads = again.heads.filter(({ _id, jobId }) => before.get(_id)?.equals(jobId));
    // Lanes have come or gone between them: what both have read ends where the first of them ended.
    const [last] = [first.last, again.last].filter((lane) => lane !== undefined).sort();
    return { heads, last };
  }

  /** A process of an earlier version may be there that has claimed nothing yet. */
  async #lookForLeases(): Promise<void> {
    const { leases, jobs, bounds } = this.#parts;
    const nowMs = bounds.clock.monotonic();
    if (nowMs < this.#lookedForLeasesMs + WARY_MS) return;
    const stranger = await leases.findOne(
      { status: 'live', documentVersion: { $not: { $gte: ORDERED_VERSION } } },
      { ...jobs.commands.readOptions(), projection: { _id: 1 } },
    );
    this.#lookedForLeasesMs = nowMs;
    if (stranger !== null) this.#beWary();
  }

  #beWary(): void {
    this.#waryUntilMs = this.#parts.bounds.clock.monotonic() + WARY_MS;
  }

  async #look(range: LaneRange, instanceId: string): Promise<LaneLook> {
    const { collection, commands } = this.#parts.jobs;
    const except = [instanceId, ...this.#knowing];
    const pipeline = [
      ...laneHeads(range, MOST_HEADS),
      strangersIn(collection.collectionName, range, except),
    ];
    const found = await collection
      .aggregate(pipeline, { ...commands.aggregateOptions(), hint: IndexName.LANES })
      .toArray();
    const heads = found.filter(({ lanes }) => lanes === undefined);
    const claimants = found.filter(({ lanes }) => lanes !== undefined);
    const last: string | undefined = heads[MOST_HEADS - 1]?._id;
    if (claimants.length === 0) return { heads, last };
    await this.#meet(claimants.map(({ _id }) => _id));
    const taken = new Set(claimants.flatMap(({ lanes }) => lanes));
    return { heads: heads.filter(({ _id }) => !taken.has(_id)), last };
  }

  /** The job of a lane that a stranger has claimed, whom the lane does not name; one key for each instance that knows lanes. */
  async heldByStranger(name: string, lane: string): Promise<Pick<Job, '_id' | 'status'> | null> {
    const { collection, commands } = this.#parts.jobs;
    const { _id: _, ...claims } = claimantFilter([...this.#knowing], '');
    const claimants = await collection
      .aggregate([{ $match: claims }, { $group: { _id: '$claimedBy' } }], {
        ...commands.aggregateOptions(),
        hint: IndexName.CLAIMS,
      })
      .toArray();
    if (claimants.length === 0) return null;
    await this.#meet(claimants.map(({ _id }) => _id));
    const strangers = claimants.map(({ _id }) => _id).filter((id) => !this.#knowing.has(id));
    if (strangers.length === 0) return null;
    return collection.findOne(
      {
        status: 'processing',
        claimedBy: { $in: strangers },
        name: { $eq: name },
        lane: { $eq: lane },
      },
      { ...commands.readOptions(), projection: { status: 1 }, hint: IndexName.CLAIMS },
    );
  }

  /** Learns which of these know lanes. */
  async #meet(ids: readonly string[]): Promise<void> {
    const { leases, jobs } = this.#parts;
    const knowing = await leases
      .find(
        { _id: { $in: [...ids] }, documentVersion: { $gte: ORDERED_VERSION } },
        { ...jobs.commands.readOptions(), projection: { _id: 1 }, hint: ID_INDEX },
      )
      .toArray();
    if (this.#knowing.size > MOST_KNOWN) this.#knowing.clear();
    for (const { _id } of knowing) this.#knowing.add(_id);
    if (knowing.length < ids.length) this.#beWary();
  }
}
