/**
 * A codec of the user's for `data` and `result`: what is stored is what it makes of them, such as encrypted bytes.
 *
 * What always holds: what a codec made is marked, so that jobs from before, and of processes without a codec, are
 * still read as they are; a value that cannot be decoded stands as an {@link UndecodableError} in its place and harms
 * no other job; and nothing of either field is stored as it was given while there is a codec.
 *
 * @module
 */
import { InvalidArgumentError, MonqueError, messageOf, toError } from './errors.ts';
import type { Job } from './job.ts';
import { copyPayload } from './payload.ts';

/** The fields of a job that a codec is asked for. */
export type CodecField = 'data' | 'result';

/** Which value is encoded or decoded. */
export interface CodecContext {
  /** The name of the job. */
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

/** The job with its data and result decoded. Never throws. */
export function decodeJob<T extends Job>(codec: Codec, job: T): T {
  const data = decodeValue(codec, job, 'data');
  const result = decodeValue(codec, job, 'result');
  if (data === job.data && result === job.result) return job;
  return { ...job, data, ...(result !== undefined && { result }) };
}

function decodeValue(codec: Codec, { name, ...job }: Job, field: CodecField): unknown {
  const stored: unknown = job[field];
  if (!isEncoded(stored)) return stored;
  try {
    const value = codec.decode(stored.value, { name, field });
    if (!(value instanceof Promise)) return value;
    value.catch(() => undefined);
    return new UndecodableError(field, '`decode` gave a promise; it must be synchronous');
  } catch (thrown) {
    const error = toError(thrown);
    return new UndecodableError(field, messageOf(error), { cause: error });
  }
}

/** Why the data of a claimed job cannot be given to a handler; undefined when it can. */
export function undecodableReason({ data }: Job): string | undefined {
  if (data instanceof UndecodableError) return data.message;
  if (!isEncoded(data)) return undefined;
  return 'Expected `data` as it was given, got what a codec made of it: give this scheduler the option `codec`';
}

function isEncoded(value: unknown): value is Encoded {
  return typeof value === 'object' && value !== null && MARK in value;
}
