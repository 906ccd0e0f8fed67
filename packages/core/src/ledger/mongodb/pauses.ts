/**
 * Which names are paused, in the database.
 *
 * @module
 */
import type { Collection } from 'mongodb';
import type { PauseRecord, PauseVerbs, SetPausedParams } from '../ledger-repository.ts';
import { ID_INDEX } from './lifecycle-statements.ts';
import { type PauseDocument, pauseId, pausesFilter } from './pause-documents.ts';
import type { Commands } from './server/commands.ts';

/** Reads and writes the documents of pauses. */
export class MongoPauses implements PauseVerbs {
  readonly #collection: Collection<PauseDocument>;
  readonly #commands: Commands;

  constructor(collection: Collection<PauseDocument>, commands: Commands) {
    this.#collection = collection;
    this.#commands = commands;
  }

  /** Pauses or resumes a name; again changes nothing. */
  async setPaused({ name, paused, now, by, reason }: SetPausedParams): Promise<void> {
    const filter = { _id: pauseId(name) };
    const options = this.#commands.writeOptions();
    if (paused) {
      const $setOnInsert = {
        pausedName: name,
        pausedAt: now,
        ...(by && { pausedBy: by }),
        ...(reason && { pausedReason: reason }),
      };
      await this.#collection.updateOne(filter, { $setOnInsert }, { ...options, upsert: true });
    } else {
      await this.#collection.deleteOne(filter, options);
    }
  }

  /** The names that are paused. */
  async readPaused(): Promise<PauseRecord[]> {
    const documents = await this.#collection
      .find(pausesFilter(), { ...this.#commands.readOptions(), hint: ID_INDEX })
      .toArray();
    return documents.map(({ pausedName, pausedAt, pausedBy, pausedReason }) => ({
      name: pausedName,
      at: pausedAt,
      ...(pausedBy && { by: pausedBy }),
      ...(pausedReason && { reason: pausedReason }),
    }));
  }
}
