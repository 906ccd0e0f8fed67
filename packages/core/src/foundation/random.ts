/**
 * The only door to chance and to new ids, so that a simulation can replay both from a seed.
 *
 * @module
 */
import { createHash, randomBytes } from 'node:crypto';
import { ObjectId } from 'mongodb';

/** A source of chance and of new ids. {@link systemRandom} is the real one. */
export interface Random {
  /** A number from 0 (included) to 1 (excluded). */
  fraction(): number;
  /** An unguessable string, for claim tokens and instance ids. */
  token(): string;
  /** A new job id that carries `nowMs`, the ledger's time in milliseconds, as its creation time. */
  objectId(nowMs: number): ObjectId;
}

/** Chance and ids as the operating system and the driver give them. */
export const systemRandom: Random = Object.freeze({
  fraction: () => Math.random(),
  token: () => randomBytes(12).toString('base64url'),
  objectId: (nowMs: number) => new ObjectId(ObjectId.generate(Math.floor(nowMs / 1000))),
});

/** The same id for the same text each time, beside another id, whose creation time it carries. */
export function derivedId(beside: ObjectId, text: string): ObjectId {
  const base = beside.toHexString();
  const hash = createHash('sha256').update(`${base} ${text}`).digest('hex');
  return ObjectId.createFromHexString(base.slice(0, 8) + hash.slice(0, 16));
}

/** Takes `count` items of `items` at random, in their old order; all of them when there are no more than that. */
export function sample<T>(random: Random, items: readonly T[], count: number): T[] {
  const chosen: T[] = [];
  for (const [index, item] of items.entries()) {
    const stillNeeded = count - chosen.length;
    if (random.fraction() * (items.length - index) < stillNeeded) chosen.push(item);
  }
  return chosen;
}
