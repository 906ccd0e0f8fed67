/**
 * Reads the lanes of groups, and the jobs that they name.
 *
 * @module
 */
import type { Collection, Document } from 'mongodb';
import type { NamedHolder } from '../../group-choice.ts';
import type { LaneJob } from '../../lane-choice.ts';
import { fromDocument } from '../job-document.ts';
import { ID_INDEX } from '../lifecycle-statements.ts';
import type { MongoOrdersParts } from '../orders/orders.ts';
import { IndexName } from '../server/indexes.ts';
import type { GroupDocument } from './group-queries.ts';

/** What groups are kept with. */
export interface MongoLanesParts extends Omit<MongoOrdersParts, 'lanes' | 'leases'> {
  readonly lanes: Collection<GroupDocument>;
}

const HOLDER_FIELDS = { status: 1, fence: 1, nextRunAt: 1, rescueCount: 1 } as const;

/** The lanes of groups, and the pending jobs in them. */
export class MongoLanes {
  readonly parts: MongoLanesParts;

  constructor(parts: MongoLanesParts) {
    this.parts = parts;
  }

  /** Those of these lanes that there are, by their ids. */
  async read(ids: readonly string[]): Promise<Map<string, GroupDocument>> {
    const { lanes, laneCommands } = this.parts;
    const found = await lanes
      .find({ _id: { $in: [...ids] } }, { ...laneCommands.readOptions(), hint: ID_INDEX })
      .toArray();
    return new Map(found.map((lane) => [lane._id, lane]));
  }

  /** Those who are named, by their ids. */
  async readJobs(named: readonly NamedHolder[]): Promise<Map<string, LaneJob>> {
    if (named.length === 0) return new Map();
    const { collection, commands } = this.parts.jobs;
    const documents = await collection
      .find(
        { _id: { $in: named.map(({ job }) => job) } },
        { ...commands.readOptions(), projection: HOLDER_FIELDS, hint: ID_INDEX },
      )
      .toArray();
    const jobs = documents.map((document): LaneJob => fromDocument(document));
    return new Map(jobs.map((job) => [job._id.toHexString(), job]));
  }

  /** What a pipeline over the jobs that wait in lanes gives. */
  async aggregate(pipeline: Document[], hint: string = IndexName.LANES): Promise<Document[]> {
    const { collection, commands } = this.parts.jobs;
    return collection.aggregate(pipeline, { ...commands.aggregateOptions(), hint }).toArray();
  }
}
