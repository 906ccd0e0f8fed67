/**
 * A codec of the user's for data, results and evidence: what is stored is what it makes of them, such as encrypted bytes.
 *
 * What always holds: what a codec made is marked, so that jobs from before, and of processes without a codec, are
 * still read as they are; a value that cannot be decoded stands as an {@link UndecodableError} in its place and harms
 * no other job; and nothing of these fields is stored as it was given while there is a codec.
 *
 * @module
 */
import { InvalidArgumentError, MonqueError, messageOf, toError } from '../foundation/errors.ts';
import { isPromiseAside } from '../foundation/promises.ts';
import { enqueuedName } from './dead-letters.ts';
import type { Job } from './job.ts';
import { copyPayload } from './payload.ts';

/** The fields of a job that a codec is asked for: of `stages` each result, of `gates` each evidence. */
export type CodecField = 'data' | 'result' | 'stages' | 'gates';

/** Which value is encoded or decoded. */
export interface CodecContext {
  /** The name that the job was enqueued under. */
  readonly name: string;
  readonly field: CodecField;
}

/**
 * Turns values into what is stored, and back. Both methods are synchronous; a key that has to be fetched is fetched
 * before the scheduler starts. What `encode` gives must be a value that BSON can hold, and is what `maxPayloadSize`
 * bounds. Neither is called for a value that is absent.
 */
export interface Codec {
  encode(value: unknown, context: CodecContext): unknown;
  decode(encoded: unknown, context: CodecContext): unknown;
}

/** A stored value cannot be decoded. It stands in the place of the value, and is why a job with such data fails. */
export class UndecodableError extends MonqueError {
  override readonly name = 'UndecodableError';
  /** The field that holds the value. */
  readonly field: CodecField;

  constructor(field: CodecField, why: string, options?: ErrorOptions) {
    super('UNDECODABLE', `Expected \`${field}\` to be decoded, got an error: ${why}`, options);
    this.field = field;
  }
}

const MARK = '__monqueEncoded';

/** The marked form of a value. */
interface Encoded {
  readonly [MARK]: 1;
  readonly value: unknown;
}

/**
 * The stored form of a value.
 *
 * @throws InvalidArgumentError when the codec fails, or what it gives cannot be stored or takes too much
 */
export function encodeValue(
  codec: Codec,
  value: unknown,
  context: CodecContext,
  maxBytes: number,
): Encoded {
  const { field } = context;
  let encoded: unknown;
  try {
    encoded = codec.encode(value, context);
    if (isPromiseAside(encoded)) {
      throw new Error('`encode` gave a promise; it must be synchronous');
    }
  } catch (thrown) {
    const error = toError(thrown);
    throw new InvalidArgumentError(
      field,
      'a value that the codec can encode',
      value,
      messageOf(error),
    );
  }
  return { [MARK]: 1, value: copyPayload(`codec.encode(${field})`, encoded ?? null, maxBytes) };
}

/** The job with its data, its results and its evidence decoded. Never throws. */
export function decodeJob<T extends Job>(codec: Codec, job: T): T {
  const decode = (stored: unknown, field: CodecField): unknown =>
    decodeValue(codec, stored, { name: enqueuedName(job), field });
  const data = decode(job.data, 'data');
  const result = decode(job.result, 'result');
  const stages = decodeRecords(job.stages, 'result', (stored) => decode(stored, 'stages'));
  const gates = decodeRecords(job.gates, 'evidence', (stored) => decode(stored, 'gates'));
  const isPlain = data === job.data && result === job.result;
  if (isPlain && stages === job.stages && gates === job.gates) return job;
  return {
    ...job,
    data,
    ...(result !== undefined && { result }),
    ...(stages && { stages }),
    ...(gates && { gates }),
  };
}

/** The same list where nothing in it is encoded. What was written manually may be no list. */
function decodeRecords<Key extends string, T extends { readonly [K in Key]?: unknown }>(
  records: readonly T[] | undefined,
  key: Key,
  decode: (stored: unknown) => unknown,
): readonly T[] | undefined {
  const isAnyEncoded = Array.isArray(records) && records.some((one) => isEncoded(one?.[key]));
  if (!isAnyEncoded) return records;
  return records?.map((one) => (isEncoded(one?.[key]) ? { ...one, [key]: decode(one[key]) } : one));
}

function decodeValue(codec: Codec, stored: unknown, context: CodecContext): unknown {
  if (!isEncoded(stored)) return stored;
  const { field } = context;
  try {
    const value = codec.decode(stored.value, context);
    if (!isPromiseAside(value)) return value;
    return new UndecodableError(field, '`decode` gave a promise; it must be synchronous');
  } catch (thrown) {
    const error = toError(thrown);
    return new UndecodableError(field, messageOf(error), { cause: error });
  }
}

/** Why the data of a claimed job, or what its stages returned, cannot be given to a handler; undefined when it can. */
export function undecodableReason({ data, stages }: Job): string | undefined {
  // What was written manually may be no list of records.
  const records: readonly unknown[] = Array.isArray(stages) ? stages : [];
  const reasons = records.map((record) => whyUndecoded(Object(record).result, 'stages'));
  return [whyUndecoded(data, 'data'), ...reasons].find((reason) => reason !== undefined);
}

function whyUndecoded(value: unknown, field: CodecField): string | undefined {
  if (value instanceof UndecodableError) return value.message;
  if (!isEncoded(value)) return undefined;
  return `Expected \`${field}\` as it was given, got what a codec made of it: give this scheduler the option \`codec\``;
}

function isEncoded(value: unknown): value is Encoded {
  return typeof value === 'object' && value !== null && MARK in value;
}
