/**
 * How flows leave, with the last of their jobs; and which of their jobs may not leave yet.
 *
 * A process may die after it deleted jobs and before their flow is forgotten. What it leaves is found by a walk through
 * the records, a page each time the ends of flows are looked at.
 *
 * @module
 */
import type { Collection, Document, ObjectId } from 'mongodb';
import { endToken, isEndToken } from '../../../job/flow-tokens.ts';
import type { Job } from '../../../job/job.ts';
import { JOB_LIFECYCLE } from '../../../job/job-lifecycle.ts';
import { type DeleteStatement, pruneWalkFilter } from '../engine-queries.ts';
import { ID_INDEX, ID_KEY } from '../lifecycle-statements.ts';
import type { MongoJobs } from '../moves.ts';
import type { Commands } from '../server/commands.ts';
import { IndexName } from '../server/indexes.ts';
import { childrenFilter, type FlowDocument, keyId } from './flow-queries.ts';

const MOST_RECORDS_A_STEP = 1_000;

/** So many tokens go in one command, whatever they are of. */
const MOST_TOKENS_A_LOOK = 10_000;

const MOST_CHILDREN_A_LOOK = 1_000;

/** What flows are made from. */
export interface MongoFlowParts {
  readonly jobs: MongoJobs;
  readonly flows: Collection<FlowDocument>;
  readonly commands: Commands;
}

type Parent = Pick<Job, '_id' | 'feeds'>;

/** Forgets flows, and holds parents. */
export class LeavingFlows {
  readonly #jobs: MongoJobs;
  readonly #flows: Collection<FlowDocument>;
  readonly #commands: Commands;
  /** Where the walk through the records goes on. */
  #position: ObjectId | undefined;

  constructor({ jobs, flows, commands }: MongoFlowParts) {
    this.#jobs = jobs;
    this.#flows = flows;
    this.#commands = commands;
  }

  /** Of these jobs, which feed tokens, those that others, which are still there, have as parents. */
  async awaited(jobs: readonly Parent[]): Promise<readonly ObjectId[]> {
    const awaited: ObjectId[] = [];
    let left = jobs.filter((job) => waitedFor(job).length > 0);
    while (left.length > 0) {
      const looked = firstOf(left);
      const children = await this.#findChildren(looked.flatMap(waitedFor));
      const found = new Set(children.flatMap(({ waitsFor = [] }) => waitsFor));
      const isAwaited = (job: Parent): boolean => waitedFor(job).some((token) => found.has(token));
      awaited.push(...left.filter(isAwaited).map(({ _id }) => _id));
      // Where the look was cut there may be children of others too.
      const isCut = children.length === MOST_CHILDREN_A_LOOK;
      left = (isCut ? left : left.slice(looked.length)).filter((job) => !isAwaited(job));
    }
    return awaited;
  }

  /** Forgets the flows of these of which no job is there. */
  async forget(flows: readonly ObjectId[]): Promise<void> {
    const gone = await this.#withoutJobs(flows);
    if (gone.length === 0) return;
    const records = await this.#flows
      .find(
        { _id: { $in: gone } },
        { ...this.#commands.readOptions(), projection: { uniqueKey: 1 }, hint: ID_INDEX },
      )
      .toArray();
    if (records.length === 0) return;
    const ids = records.map(({ _id }) => _id);
    const keys = records.flatMap(({ _id, uniqueKey }) =>
      uniqueKey === undefined ? [] : [remove({ _id: keyId(uniqueKey), flow: _id })],
    );
    // By the records the walk finds what was left, so they leave last.
    await this.#commands.remove([...keys, remove(idIn(ids.map(endToken))), remove(idIn(ids))]);
  }

  /**
   * One step of the walk through the records of flows that have ended and are older than a time. One that has not may be
   * stored still, and its end is to be told.
   */
  async forgetLeft(createdBefore: Date): Promise<void> {
    const page = await this.#flows
      .find(
        { ...pruneWalkFilter(this.#position, createdBefore), endedAt: { $exists: true } },
        {
          ...this.#commands.readOptions(),
          projection: { _id: 1 },
          sort: ID_KEY,
          limit: MOST_RECORDS_A_STEP,
          hint: ID_INDEX,
        },
      )
      .toArray();
    const ids = page.map(({ _id }) => _id);
    this.#position = ids.length === MOST_RECORDS_A_STEP ? ids.at(-1) : undefined;
    await this.forget(ids);
  }

  /** One key is read of each flow, whatever the number of its jobs. */
  async #withoutJobs(flows: readonly ObjectId[]): Promise<ObjectId[]> {
    if (flows.length === 0) return [];
    const { collection, commands } = this.#jobs;
    const gone = new Map(flows.map((flow) => [flow.toHexString(), flow]));
    const rows = await collection
      .aggregate(
        [{ $match: { flow: { $in: [...gone.values()] } } }, { $group: { _id: '$flow' } }],
        {
          ...commands.aggregateOptions(),
          hint: IndexName.FLOW,
        },
      )
      .toArray();
    for (const { _id } of rows) gone.delete(String(_id));
    return [...gone.values()];
  }

  #findChildren(tokens: readonly string[]): Promise<Pick<Job, 'waitsFor'>[]> {
    const { collection, commands } = this.#jobs;
    return collection
      .find(childrenFilter(tokens, JOB_LIFECYCLE.states), {
        ...commands.readOptions(),
        projection: { _id: 0, waitsFor: 1 },
        limit: MOST_CHILDREN_A_LOOK,
        hint: IndexName.WAITING,
      })
      .toArray();
  }
}

/** The tokens of a job that others may wait for. */
function waitedFor({ feeds = [] }: Parent): readonly string[] {
  return feeds.filter((token) => !isEndToken(token));
}

/** As many from the front as one command takes the tokens of. */
function firstOf(parents: readonly Parent[]): readonly Parent[] {
  let tokens = 0;
  const end = parents.findIndex((parent, index) => {
    tokens += waitedFor(parent).length;
    return index > 0 && tokens > MOST_TOKENS_A_LOOK;
  });
  return end < 0 ? parents : parents.slice(0, end);
}

function idIn(ids: readonly unknown[]): Document {
  return { _id: { $in: ids } };
}

function remove(q: Document): DeleteStatement {
  return { q, limit: 0, hint: ID_INDEX };
}
