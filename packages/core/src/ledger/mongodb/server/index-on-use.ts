/**
 * The index of a collection that not everybody uses: made before the first write there, so that who writes none has no
 * such collection.
 *
 * @module
 */
import type { Collection, Document } from 'mongodb';
import { SingleFlight } from '../../../foundation/single-flight.ts';
import type { Commands } from './commands.ts';
import type { NamedIndex } from './indexes.ts';
import { makeIndexes } from './server-checks.ts';

/** What an index is made in. */
export interface IndexOnUseParams<T extends Document> {
  readonly collection: Collection<T>;
  readonly commands: Commands;
  readonly index: NamedIndex;
  /** False where somebody else makes indexes. */
  readonly mayMake: boolean;
}

/** Makes one index, once. */
export class IndexOnUse<T extends Document> {
  readonly #params: IndexOnUseParams<T>;
  readonly #making = new SingleFlight(() => this.#make());
  #isMade = false;

  constructor(params: IndexOnUseParams<T>) {
    this.#params = params;
  }

  /** Resolves when it is there. */
  async ready(): Promise<void> {
    if (!this.#isMade) await this.#making.run();
  }

  async #make(): Promise<void> {
    const { collection, commands, index, mayMake } = this.#params;
    const { maxTimeMS: _, ...options } = commands.writeOptions();
    if (mayMake) await makeIndexes(collection, [index], options);
    this.#isMade = true;
  }
}
