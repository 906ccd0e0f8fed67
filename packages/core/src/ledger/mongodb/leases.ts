/**
 * The instances' proofs of life: one small document an instance, beside the jobs. Always acknowledged by the majority,
 * since a lease that could be rolled back would be no proof.
 *
 * @module
 */
import type { Collection } from 'mongodb';
import manifest from '../../../package.json' with { type: 'json' };
import type {
  DeclareDeadParams,
  LeaseRecord,
  OpenLeaseParams,
  ReadLeasesParams,
  RenewLeaseParams,
} from '../ledger-repository.ts';
import { readInfo } from './lease-info.ts';
import type { Commands } from './server/commands.ts';

/** The stored form of a lease. */
export interface LeaseDocument {
  readonly _id: string;
  readonly counter: number;
  readonly status: 'live' | 'dead';
  readonly leaseDurationMs: number;
  /** What its instance says of itself; other versions may say something else, or nothing. */
  readonly info?: unknown;
}

/** Reads and writes the lease documents. */
export class MongoLeases {
  readonly #collection: Collection<LeaseDocument>;
  readonly #commands: Commands;

  constructor(collection: Collection<LeaseDocument>, commands: Commands) {
    this.#collection = collection;
    this.#commands = commands;
  }

  /** Writes the first counter; again with the same id changes nothing. */
  async open({ instanceId, leaseDurationMs, info }: OpenLeaseParams): Promise<void> {
    await this.#collection.updateOne(
      { _id: instanceId },
      { $setOnInsert: { counter: 0, status: 'live', leaseDurationMs, ...(info && { info }) } },
      { ...this.#commands.writeOptions(), upsert: true },
    );
  }

  /** True while the lease of an instance of another version is on record as live. */
  async hasOtherVersion(): Promise<boolean> {
    const filter = { status: 'live', 'info.version': { $ne: manifest.version } } as const;
    const options = { ...this.#commands.readOptions(), projection: { _id: 1 } } as const;
    return (await this.#collection.findOne(filter, options)) !== null;
  }

  /**
   * Raises the counter of a live lease, and notes what its instance says of itself. A renewal that is sent twice
   * raises it twice, which does no harm.
   */
  async renew({ instanceId, info }: RenewLeaseParams): Promise<boolean> {
    const { matchedCount } = await this.#collection.updateOne(
      { _id: instanceId, status: 'live' },
      { $inc: { counter: 1 }, ...(info && { $set: { info } }) },
      this.#commands.writeOptions(),
    );
    return matchedCount === 1;
  }

  async readAll({ informed = false }: ReadLeasesParams = {}): Promise<LeaseRecord[]> {
    const projection = informed ? {} : { projection: { info: 0 } };
    const options = { ...this.#commands.readOptions(), ...projection };
    const documents = await this.#collection.find({}, options).toArray();
    return documents.map(({ _id, counter, status, leaseDurationMs, info }) => ({
      instanceId: _id,
      counter: Number(counter),
      status,
      leaseDurationMs: Number(leaseDurationMs),
      ...readInfo(info),
    }));
  }

  async isLive(instanceId: string): Promise<boolean> {
    const options = this.#commands.readOptions();
    return (await this.#collection.findOne({ _id: instanceId, status: 'live' }, options)) !== null;
  }

  async declareDead({ instanceId, counter }: DeclareDeadParams): Promise<boolean> {
    const { matchedCount } = await this.#collection.updateOne(
      { _id: instanceId, status: 'live', counter },
      { $set: { status: 'dead' } },
      this.#commands.writeOptions(),
    );
    return matchedCount === 1;
  }

  async end(instanceId: string): Promise<void> {
    await this.#collection.updateOne(
      { _id: instanceId },
      { $set: { status: 'dead' } },
      this.#commands.writeOptions(),
    );
  }

  async removeDead(instanceId: string): Promise<void> {
    await this.#collection.deleteOne(
      { _id: instanceId, status: 'dead' },
      this.#commands.writeOptions(),
    );
  }
}
