/**
 * From an `Idempotency-Key` to the id of the job that it stores: the same key of the same actor for the same name is
 * the same id, in every process and for ever.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { badRequest } from './problems.ts';

const LONGEST = 256;
const HEX_OF_ID = 24;
const HEX_OF_TIME = 8;

/** A UUID of the seventh version begins with its time, in milliseconds. */
const TIMED = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;

/** The key of a request; undefined when it has none. @throws a 400 for one that is too long, or empty */
export function keyOf({ headers }: Request): string | undefined {
  const key = headers.get('idempotency-key');
  if (key === null) return undefined;
  if (key.length > 0 && key.length <= LONGEST) return key;
  const detail = `\`Idempotency-Key\` has 1 to ${LONGEST} characters`;
  throw badRequest('Idempotency-Key', detail);
}

/** The id. That of a key with a time bears it, so that the job is listed where it belongs. */
export function jobIdOf(key: string, name: string, actorId: string): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([actorId, name, key]))
    .digest('hex');
  const [, high, low] = TIMED.exec(key) ?? [];
  if (high === undefined || low === undefined) return hash.slice(0, HEX_OF_ID);
  const seconds = Math.floor(Number.parseInt(`${high}${low}`, 16) / 1_000) % 2 ** 32;
  const time = seconds.toString(16).padStart(HEX_OF_TIME, '0');
  return `${time}${hash.slice(HEX_OF_TIME, HEX_OF_ID)}`;
}
