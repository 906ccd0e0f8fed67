/**
 * Takes values out of everything that leaves the server.
 *
 * What always holds: one door, {@link Redaction}, through which every stored value of a job goes, in lists, on its page,
 * raw, in explanations, in streams; what the function of the user's throws takes the value out.
 *
 * @module
 */
import type { Actor } from '@monque/core';
import type { Ejson } from '../api/types.ts';
import { REDACTED, type SeeField, toEjson } from './ejson.ts';
import { masked, withoutPasswords } from './masking.ts';

/** What a stored value belongs to. */
export type RedactedField =
  | 'data'
  | 'result'
  | 'metadata'
  | 'progress'
  | 'stages'
  | 'gates'
  | 'logs'
  | 'failReason'
  | 'reason'
  | 'uniqueKey'
  /** What a job of a flow is called there. */
  | 'ref'
  | 'group'
  | 'order'
  /** A text of a record of a work ledger. */
  | 'ledger';

/** Which value it is. */
export interface RedactionContext {
  readonly field: RedactedField;
  /** The name of the job; of a text of a ledger `verification` or `coordination`. */
  readonly name: string;
  /** The id of the job, 24 hexadecimal characters; of a text of a ledger the id of its record. */
  readonly jobId: string;
  readonly actor: Actor;
}

/** Gives what is shown in place of a value, or the value; `undefined` takes it out. It is never given a copy to change. */
export type Redactor = (value: unknown, context: RedactionContext) => unknown;

/** The keys whose values are taken out when nothing else is said. */
export const DEFAULT_REDACTED_KEYS: readonly string[] = Object.freeze([
  ...['password', 'passwd', 'passphrase', 'secret', 'token', 'authorization', 'cookie'],
  ...['apiKey', 'accessToken', 'refreshToken', 'idToken', 'clientSecret', 'privateKey'],
  ...['setCookie', 'credentials', 'connectionString', 'mongodbUri'],
]);

const TEXT_FIELDS: ReadonlySet<RedactedField> = new Set<RedactedField>([
  ...(['logs', 'failReason', 'reason', 'uniqueKey', 'ledger'] as const),
  ...(['ref', 'group', 'order'] as const),
]);

/** What stored values are seen with. */
export interface Eyes {
  readonly redaction: Redaction;
  readonly actor: Actor;
}

/** What a value belongs to. */
interface Owner {
  /** An id whose text is shown. */
  readonly _id: unknown;
  readonly name: string;
}

/** What is taken out, and for whom. */
export class Redaction {
  readonly #redactor: Redactor | undefined;
  readonly #see: SeeField;

  constructor(redact: readonly string[] | Redactor = DEFAULT_REDACTED_KEYS) {
    this.#redactor = typeof redact === 'function' ? redact : undefined;
    const keys = new Set((typeof redact === 'function' ? [] : redact).map(plainKey));
    this.#see = (key) => (keys.has(plainKey(key)) ? REDACTED : undefined);
  }

  /** A stored value as it may be seen. */
  value(value: unknown, field: RedactedField, job: Owner, actor: Actor): Ejson {
    const seen = this.#ask(value, field, job, actor);
    return seen === undefined ? REDACTED : maskTexts(toEjson(seen, this.#see));
  }

  /** A stored text as it may be seen. */
  text(value: unknown, field: RedactedField, job: Owner, actor: Actor): string {
    const seen = this.#ask(value, field, job, actor);
    return typeof seen === 'string' ? masked(seen) : '[redacted]';
  }

  /** What the library itself says of a job, such as a number or a time. */
  plain(value: unknown): Ejson {
    return maskTexts(toEjson(value, this.#see));
  }

  #ask(value: unknown, field: RedactedField, { _id, name }: Owner, actor: Actor): unknown {
    if (this.#redactor === undefined) return value;
    try {
      return this.#redactor(value, { field, name, jobId: String(_id), actor });
    } catch {
      return TEXT_FIELDS.has(field) ? '[redacted]' : undefined;
    }
  }
}

/** The same key, however it is written. */
function plainKey(key: string): string {
  return key.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
}

/** Addresses with a password in any text of a value. */
function maskTexts(value: Ejson): Ejson {
  if (typeof value === 'string') return withoutPasswords(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(maskTexts);
  const out: Record<string, Ejson> = Object.create(null);
  for (const [key, field] of Object.entries(value)) out[key] = maskTexts(field);
  return out;
}
