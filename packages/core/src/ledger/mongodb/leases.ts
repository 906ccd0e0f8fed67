/**
 * The instances' proofs of life: one small document an instance, beside the jobs. Always acknowledged by the majority,
 * since a lease that could be rolled back would be no proof.
 *
 * @module
 */
import type { Collection } from 'mongodb';
import manifest from '../../../package.json' with { type: 'json' };
import { NEWEST_VERSION } from '../../job/job.ts';
import type {
  DeclareDeadParams,
  Informed,
  InstanceParams,
  LeaseRecord,
  LeaseVerbs,
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
  /** The newest version of documents that its instance runs; those that know of no lanes do not say. */
  readonly documentVersion?: number;
  /** What its instance says of itself; other versions may say something else, or nothing. */
  readonly info?: unknown;
}

/** Reads and writes the lease documents. */
export class MongoLeases implements LeaseVerbs {
  readonly #collection: Collection<LeaseDocument>;
  readonly #commands: Commands;
  readonly #hasClaims: (instanceId: string) => Promise<boolean>;

  /** @param hasClaims - whether claims stand under an instance's id */
  constructor(
    collection: Collection<LeaseDocument>,
    commands: Commands,
    hasClaims: (instanceId: string) => Promise<boolean>,
  ) {
    this.#collection = collection;
    this.#commands = commands;
    this.#hasClaims = hasClaims;
  }

  /** Writes the first counter; again with the same id changes nothing. */
  async openLease({ instanceId, leaseDurationMs, info }: OpenLeaseParams): Promise<void> {
    const documentVersion = NEWEST_VERSION;
    const lease = { counter: 0, status: 'live', leaseDurationMs, documentVersion } as const;
    await this.#collection.updateOne(
      { _id: instanceId },
      { $setOnInsert: { ...lease, ...(info && { info }) } },
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
  async renewLease({ instanceId, info }: RenewLeaseParams): Promise<boolean> {
    const { matchedCount } = await this.#collection.updateOne(
      { _id: instanceId, status: 'live' },
      { $inc: { counter: 1 }, ...(info && { $set: { info } }) },
      this.#commands.writeOptions(),
    );
    return matchedCount === 1;
  }

  async readLeases({ informed = false }: ReadLeasesParams = {}): Promise<LeaseRecord[]> {
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

  /** The state of one lease, with the workers of its instance; undefined when there is none. */
  async leaseOf(instanceId: string): Promise<(Pick<LeaseRecord, 'status'> & Informed) | undefined> {
    const lease = await this.#collection.findOne({ _id: instanceId }, this.#commands.readOptions());
    return lease === null ? undefined : { status: lease.status, ...readInfo(lease.info) };
  }

  async declareDead({ instanceId, counter }: DeclareDeadParams): Promise<boolean> {
    const { matchedCount } = await this.#collection.updateOne(
      { _id: instanceId, status: 'live', counter },
      { $set: { status: 'dead' } },
      this.#commands.writeOptions(),
    );
    return matchedCount === 1;
  }

  /** Ends the instance's own lease: dead, and off the record once it owns nothing. */
  async endLease({ instanceId }: InstanceParams): Promise<void> {
    await this.#collection.updateOne(
      { _id: instanceId },
      { $set: { status: 'dead' } },
      this.#commands.writeOptions(),
    );
    if (!(await this.#hasClaims(instanceId))) await this.removeLease({ instanceId });
  }

  async removeLease({ instanceId }: InstanceParams): Promise<void> {
    await this.#collection.deleteOne(
      { _id: instanceId, status: 'dead' },
      this.#commands.writeOptions(),
    );
  }
}
