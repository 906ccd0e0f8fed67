/**
 * What is set for groups, and groups as people see them, by bounded reads within the indexes of the engine.
 *
 * @module
 */
import type { Document, ObjectId } from 'mongodb';
import {
  groupHashStart,
  hashOfGroupLane,
  isGroupLane,
  keyOfLane,
  LANE_HASHES,
  laneOfGroup,
} from '../../../job/lanes.ts';
import { groupSettings, nextStartOf } from '../../group-choice.ts';
import type { GroupRecord, ReadGroupsParams, SetGroupParams } from '../../ledger-repository.ts';
import { fromDocument } from '../job-document.ts';
import { ID_INDEX, ID_KEY } from '../lifecycle-statements.ts';
import { laneId, laneIdPrefix, ofLaneFilter } from '../orders/lane-queries.ts';
import { IndexName } from '../server/indexes.ts';
import {
  allGroupsId,
  type GroupDocument,
  lanesWithJobs,
  processingInLanes,
  settingGroup,
} from './group-queries.ts';
import type { MongoLanes } from './lanes.ts';

const MOST_COUNTED = 1_000;
const MOST_HOLDERS = 20;

/** The most jobs that are processing which are looked at for who holds places. */
const MOST_PROCESSING = 10_000;

/** The part of all hashes that is read first, and how much the next one grows while there are few lanes. */
const FIRST_WIDTH = LANE_HASHES / 256;
const WIDENING = 4;

/** Sets and reads groups. */
export class MongoGroupListing {
  readonly #lanes: MongoLanes;

  constructor(lanes: MongoLanes) {
    this.#lanes = lanes;
  }

  /** Every change gives the lane another token, so that nobody writes or forgets it by what was before. */
  async setGroup(params: SetGroupParams): Promise<void> {
    const { lanes, laneCommands, bounds } = this.#lanes.parts;
    const { name, group } = params;
    const _id = group === undefined ? allGroupsId(name) : laneId(name, laneOfGroup(group));
    const change = settingGroup(params, bounds.random.token());
    await lanes.updateOne({ _id }, change, { ...laneCommands.writeOptions(), upsert: true });
  }

  async readGroups(params: ReadGroupsParams): Promise<readonly GroupRecord[]> {
    const { name, group } = params;
    const lanes = group === undefined ? await this.#page(params) : [laneOfGroup(group)];
    if (lanes.length === 0) return [];
    const ids = lanes.map((lane) => laneId(name, lane));
    const documents = await this.#lanes.read([allGroupsId(name), ...ids]);
    const holders = await this.#holders(name, lanes);
    const ofAll = documents.get(allGroupsId(name)) ?? {};
    const records: GroupRecord[] = [];
    for (const [index, lane] of lanes.entries()) {
      const document = documents.get(ids[index] as string);
      const held = holders.get(lane) ?? [];
      const settings = groupSettings(document ?? {}, ofAll);
      const startAt = nextStartOf(settings, document?.usedUpMs, params.now.getTime());
      records.push({
        group: keyOfLane(lane),
        ...(await this.#waiting(name, lane)),
        ...{ running: held.length, holders: held.slice(0, MOST_HOLDERS) },
        ...settings,
        paused: document?.pausedAt !== undefined,
        ...(startAt && { nextStartAt: startAt }),
      });
    }
    return records;
  }

  /** Lanes with pending jobs, and lanes that are written down, a part of the hashes at a time. */
  async #page({ name, after, limit }: ReadGroupsParams): Promise<string[]> {
    const lanes: string[] = [];
    const first = after === undefined ? groupHashStart(0) : laneOfGroup(after);
    let from: Document = after === undefined ? { $gte: first } : { $gt: first };
    let hash = hashOfGroupLane(first);
    let width = FIRST_WIDTH;
    while (hash < LANE_HASHES && lanes.length < limit) {
      const end = Math.min(hash + width, LANE_HASHES);
      const range = { ...from, $lt: groupHashStart(end) };
      const [pending, written] = await Promise.all([
        this.#lanes.aggregate(lanesWithJobs(name, range)),
        this.#written(name, range),
      ]);
      const all = new Set([...pending.map(({ _id }) => String(_id)), ...written]);
      lanes.push(...[...all].sort());
      if (all.size < limit) width *= WIDENING;
      from = { $gte: groupHashStart(end) };
      hash = end;
    }
    return lanes.slice(0, limit);
  }

  /** The lanes of a range that have a document. */
  async #written(name: string, range: Document): Promise<string[]> {
    const { lanes, laneCommands } = this.#lanes.parts;
    const ids = Object.entries(range).map(([operator, lane]) => [operator, laneId(name, lane)]);
    const found = await lanes
      .find(
        { _id: Object.fromEntries(ids) },
        { ...laneCommands.readOptions(), projection: ID_KEY, sort: ID_KEY, hint: ID_INDEX },
      )
      .toArray();
    return found
      .map(({ _id }: Pick<GroupDocument, '_id'>) => _id.slice(laneIdPrefix(name).length))
      .filter(isGroupLane);
  }

  /** The jobs of these lanes that are processing. */
  async #holders(name: string, lanes: readonly string[]): Promise<Map<string, ObjectId[]>> {
    const { collection, commands } = this.#lanes.parts.jobs;
    const jobs = await collection
      .find(processingInLanes(name, lanes), {
        ...commands.readOptions(),
        projection: { lane: 1 },
        limit: MOST_PROCESSING,
        hint: IndexName.CLAIMS,
      })
      .toArray();
    const holders = new Map<string, ObjectId[]>();
    for (const { _id, lane = '' } of jobs) holders.set(lane, [...(holders.get(lane) ?? []), _id]);
    return holders;
  }

  async #waiting(
    name: string,
    lane: string,
  ): Promise<Pick<GroupRecord, 'waiting' | 'oldestDueAt'>> {
    const { collection, commands } = this.#lanes.parts.jobs;
    const pending = await collection
      .find(ofLaneFilter(name, lane), {
        ...commands.readOptions(),
        projection: { _id: 0, nextRunAt: 1 },
        limit: MOST_COUNTED,
        hint: IndexName.LANES,
      })
      .toArray();
    const times = pending.map((job) => fromDocument(job).nextRunAt.getTime());
    const waiting = times.length;
    return waiting === 0 ? { waiting } : { waiting, oldestDueAt: new Date(Math.min(...times)) };
  }
}
