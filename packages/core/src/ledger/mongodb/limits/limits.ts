/**
 * Named limits, in the database.
 *
 * @module
 */
import type { Collection } from 'mongodb';
import type {
  BackOffParams,
  InstanceParams,
  LimitRecord,
  LimitVerbs,
  SetLimitParams,
  TakeShareParams,
  TakeShareResult,
} from '../../ledger-repository.ts';
import { ID_INDEX, ID_KEY } from '../lifecycle-statements.ts';
import type { Commands } from '../server/commands.ts';
import {
  backingOff,
  freeingShares,
  type LimitDocument,
  limitId,
  limitsFilter,
  settingLimit,
  takingShare,
  toRecord,
  unspentFilter,
} from './limit-documents.ts';

/** Reads and writes the documents of limits. */
export class MongoLimits implements LimitVerbs {
  readonly #collection: Collection<LimitDocument>;
  readonly #commands: Commands;
  readonly #isInUse: (instanceId: string) => Promise<boolean>;

  /** @param isInUse - whether an instance may still claim, or holds claims */
  constructor(
    collection: Collection<LimitDocument>,
    commands: Commands,
    isInUse: (instanceId: string) => Promise<boolean>,
  ) {
    this.#collection = collection;
    this.#commands = commands;
    this.#isInUse = isInUse;
  }

  /** Makes a limit, or changes what it allows; shares stay as they are. */
  async setLimit(params: SetLimitParams): Promise<void> {
    const options = { ...this.#commands.writeOptions(), upsert: true };
    await this.#collection.updateOne({ _id: limitId(params.key) }, settingLimit(params), options);
  }

  async readLimits(): Promise<LimitRecord[]> {
    const documents = await this.#collection
      .find(limitsFilter(), { ...this.#commands.readOptions(), hint: ID_INDEX })
      .sort({ _id: 1 })
      .toArray();
    return documents.map(toRecord);
  }

  /** Sets the share of an instance, by its newest call. */
  async takeShare(params: TakeShareParams): Promise<TakeShareResult> {
    const taken = await this.#collection.findOneAndUpdate(
      unspentFilter(params),
      takingShare(params),
      { ...this.#commands.writeOptions(), returnDocument: 'after', hint: ID_KEY },
    );
    if (taken === null) {
      const filter = { _id: limitId(params.key) };
      const limit = await this.#collection.findOne(filter, this.#commands.readOptions());
      const outcome = limit === null ? 'missing' : 'stale';
      return { outcome, count: 0, starts: 0, limit: limit && toRecord(limit) };
    }
    // What this very update has put behind the others.
    const { count, starts } = taken.shares.at(-1) as LimitDocument['shares'][number];
    return { outcome: 'taken', count, starts: Number(starts), limit: toRecord(taken) };
  }

  /** Takes the shares of an instance back that is dead and owns nothing. */
  async freeShares({ instanceId }: InstanceParams): Promise<boolean> {
    if (await this.#isInUse(instanceId)) return false;
    const filter = { ...limitsFilter(), 'shares.instanceId': instanceId };
    const options = { ...this.#commands.writeOptions(), hint: ID_KEY };
    await this.#collection.updateMany(filter, freeingShares(instanceId), options);
    return true;
  }

  /** Lets nothing start before a time. */
  async backOff({ key, until }: BackOffParams): Promise<boolean> {
    const filter = { _id: limitId(key) };
    const options = this.#commands.writeOptions();
    const { matchedCount } = await this.#collection.updateOne(filter, backingOff(until), options);
    return matchedCount === 1;
  }
}
