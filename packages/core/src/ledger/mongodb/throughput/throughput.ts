/**
 * What happened by minute, in `<collection>.throughput`: one small document a minute and name, which the server removes
 * when its time is over.
 *
 * @module
 */
import type { Collection, Document } from 'mongodb';
import { MonqueError } from '../../../foundation/errors.ts';
import type {
  AddThroughputParams,
  NamedCounts,
  ReadThroughputParams,
  ThroughputPoint,
  ThroughputVerbs,
} from '../../ledger-repository.ts';
import { LARGEST_COUNTS, type NO_COUNTS, SUMMED_COUNTS } from '../../throughput-sums.ts';
import { ID_INDEX } from '../lifecycle-statements.ts';
import type { Commands } from '../server/commands.ts';
import { IndexOnUse } from '../server/index-on-use.ts';
import type { NamedIndex } from '../server/indexes.ts';

/** Takes minutes away whose time is over. */
const THROUGHPUT_INDEX: NamedIndex = {
  name: 'monque_throughput',
  key: { expiresAt: 1 },
  expireAfterSeconds: 0,
};

/** The stored form of a minute of a name; of the counts those that are not zero. */
export interface ThroughputDocument {
  readonly _id: Pick<NamedCounts, 'at' | 'name'>;
  readonly expiresAt: Date;
  readonly [count: string]: unknown;
}

/** What the minutes are kept with. */
export interface ThroughputParts {
  readonly collection: Collection<ThroughputDocument>;
  readonly commands: Commands;
  /** False where somebody else makes indexes. */
  readonly mayMake: boolean;
}

/** Adds to minutes, and sums them. */
export class MongoThroughput implements ThroughputVerbs {
  readonly #parts: ThroughputParts;
  readonly #index: IndexOnUse<ThroughputDocument>;

  constructor(parts: ThroughputParts) {
    this.#parts = parts;
    this.#index = new IndexOnUse({ ...parts, index: THROUGHPUT_INDEX });
  }

  /** In one command, which is sent once. What is wrong with one minute does not keep the others back. */
  async addThroughput({ rows, keptMs }: AddThroughputParams): Promise<void> {
    if (rows.length === 0) return;
    await this.#index.ready();
    const statements = rows.map((row) => ({ q: { _id: idOf(row) }, u: addingTo(row, keptMs) }));
    const [refused] = await this.#parts.commands.upsert(statements);
    if (refused === undefined) return;
    const message = `MongoDB refused to add to a minute: ${refused.errmsg}`;
    throw new MonqueError('LEDGER_REFUSED', message);
  }

  async readThroughput(params: ReadThroughputParams): Promise<ThroughputPoint[]> {
    const { collection, commands } = this.#parts;
    const { deadlineMs } = params;
    const documents = await collection
      .aggregate<Document>(sumPipeline(params), {
        ...commands.aggregateOptions(),
        hint: ID_INDEX,
        ...(deadlineMs !== undefined && { maxTimeMS: deadlineMs }),
      })
      .toArray();
    return documents.map(({ _id, ...sums }) => {
      const counts = Object.entries(sums).map(([field, value]) => [field, Number(value)]);
      return { ..._id, ...Object.fromEntries(counts) };
    });
  }
}

/** The fields of an id have an order. */
function idOf({ at, name }: NamedCounts): ThroughputDocument['_id'] {
  return { at, name };
}

function addingTo(row: NamedCounts, keptMs: number): Document {
  const of = (fields: readonly (keyof typeof NO_COUNTS)[]): Document =>
    Object.fromEntries(
      fields.filter((field) => row[field] > 0).map((field) => [field, row[field]]),
    );
  const expiresAt = new Date(row.at.getTime() + keptMs);
  return { $inc: of(SUMMED_COUNTS), $max: { expiresAt, ...of(LARGEST_COUNTS) } };
}

function sumPipeline(params: ReadThroughputParams): Document[] {
  const { from, before, stepMs, names, perName = false, limit } = params;
  const atMs = { $toLong: '$_id.at' };
  const at = { $toDate: { $subtract: [atMs, { $mod: [atMs, stepMs] }] } };
  return [
    {
      $match: {
        // An id with a time alone comes before all ids of that minute.
        _id: { $gte: { at: from }, $lt: { at: before } },
        ...(names && { '_id.name': { $in: names } }),
      },
    },
    {
      $group: {
        _id: { at, ...(perName && { name: '$_id.name' }) },
        ...Object.fromEntries(SUMMED_COUNTS.map((field) => [field, { $sum: `$${field}` }])),
        ...Object.fromEntries(
          LARGEST_COUNTS.map((field) => [field, { $max: { $ifNull: [`$${field}`, 0] } }]),
        ),
      },
    },
    { $sort: { _id: 1 } },
    { $limit: limit },
  ];
}
