/**
 * Every error that Monque makes. They fall in three groups: misuse, found before any I/O; state, when a verb does not
 * apply to a job; and ledger, when the database did not answer or answered with a fault.
 *
 * @module
 */
import { types } from 'node:util';
import type { ObjectId } from 'mongodb';
import { isDate, isError } from './kinds.ts';
import { masked } from './masking.ts';
import { storableText } from './texts.ts';

/**
 * The kinds of errors there are, as a word to switch on; `docs/errors.md` says when each comes and what to do. Those of
 * all packages stand here, so that a switch over them can be complete.
 */
export type MonqueErrorCode =
  | 'ACCESS_DENIED'
  | 'BUSY'
  | 'CONNECTION'
  | 'FLOW_ABANDONED'
  | 'IDLE'
  | 'INTERNAL'
  | 'INVALID_ARGUMENT'
  | 'INVALID_CRON'
  | 'INVALID_JOB'
  | 'INVALID_LIFECYCLE'
  | 'INVARIANT_VIOLATION'
  | 'JOB_STATE'
  | 'LEDGER_BUSY'
  | 'LEDGER_FILE'
  | 'LEDGER_FULL'
  | 'LEDGER_REFUSED'
  | 'LEDGER_RULE'
  | 'MISSING_PACKAGE'
  | 'NOT_COMMITTED'
  | 'NOT_RUN'
  | 'RECORD_EXISTS'
  | 'RECORD_NOT_FOUND'
  | 'RECORD_STATE'
  | 'SHUTDOWN_TIMEOUT'
  | 'STAGES_CHANGED'
  | 'STAGE_REFUSED'
  | 'STUCK'
  | 'UNDECODABLE'
  | 'UNFIT_JOB'
  | 'UNHEALTHY'
  | 'UNIQUE_KEY_TAKEN'
  | 'UNKNOWN_OUTCOME'
  | 'UNSUPPORTED'
  | 'WAIT'
  | 'WEBHOOK';

/**
 * What every error of Monque has: a `code` to switch on, and the `cause` where another error lies behind it. A message
 * never shows the user or the password of an address.
 */
export class MonqueError extends Error {
  override readonly name: string = 'MonqueError';
  /** A stable word for the kind of error, such as `INVALID_ARGUMENT`. */
  readonly code: MonqueErrorCode;

  constructor(code: MonqueErrorCode, message: string, options?: ErrorOptions) {
    super(masked(message), options);
    this.code = code;
  }
}

/** What mostly comes from a request: ids, cursors, data, evidence. */
const OF_REQUESTS = /^(ids?|data|evidence|options\.(id|cursor|evidence))(?![a-zA-Z])/;

/** A value that the caller gave is not usable. Nothing was sent or changed. */
export class InvalidArgumentError extends MonqueError {
  override readonly name = 'InvalidArgumentError';
  /** The path of the value, such as `options.priority` or `data.items[2].price`. */
  readonly field: string;
  /** 400 where the value mostly comes from a request, an id or data: web frameworks answer with it. Else absent. */
  declare readonly status?: 400;

  constructor(field: string, expected: string, got: unknown, hint?: string) {
    const advice = hint === undefined ? '' : `; ${hint}`;
    super('INVALID_ARGUMENT', `Expected \`${field}\` to be ${expected}, got ${show(got)}${advice}`);
    this.field = field;
    if (OF_REQUESTS.test(field)) this.status = 400;
  }
}

/** A cron expression cannot be read, or never comes true. Nothing was sent or changed. */
export class InvalidCronError extends MonqueError {
  override readonly name = 'InvalidCronError';
  readonly expression: string;
  /** Where the fault is: the index of a character in the expression, its length where something is missing. */
  readonly position: number;

  constructor(expression: string, position: number, fault: string) {
    const example = 'a valid one is `0 9 * * 1-5` (at 9:00 from Monday to Friday)';
    super(
      'INVALID_CRON',
      `Expected a cron expression, got '${expression}' with a fault at position ${position}: ${fault}; ${example}`,
    );
    this.expression = expression;
    this.position = position;
  }
}

/** The database cannot be used: unreachable, refused, or not the connection that was expected. Nothing was changed. */
export class ConnectionError extends MonqueError {
  override readonly name = 'ConnectionError';

  constructor(message: string, options?: ErrorOptions) {
    super('CONNECTION', message, options);
  }
}

/** A write was sent and its answer was lost: it may have happened or not. */
export class UnknownOutcomeError extends MonqueError {
  override readonly name = 'UnknownOutcomeError';

  constructor(message: string, options?: ErrorOptions) {
    super('UNKNOWN_OUTCOME', message, options);
  }
}

/** The ledger has no room: an in-memory ledger reached its bound of unfinished jobs. The job was not stored. */
export class LedgerFullError extends MonqueError {
  override readonly name = 'LedgerFullError';

  constructor(maxJobs: number) {
    super(
      'LEDGER_FULL',
      `The in-memory ledger holds ${maxJobs} unfinished jobs, its bound; raise \`maxJobs\` or use MongoDB`,
    );
  }
}

/** The ledger, or the server behind it, cannot do what was asked. Nothing was changed. */
export class UnsupportedError extends MonqueError {
  override readonly name = 'UnsupportedError';

  constructor(message: string, options?: ErrorOptions) {
    super('UNSUPPORTED', message, options);
  }
}

/** An actor may not do what was asked for. Nothing was sent or changed. */
export class AccessDeniedError extends MonqueError {
  override readonly name = 'AccessDeniedError';
  /** The id of the actor. */
  readonly actorId: string;
  /** The verb of the ledger. */
  readonly verb: string;
  /** The name of the jobs it concerned; absent when it concerned all names, or a job that is not known. */
  readonly jobName?: string;

  constructor(actorId: string, verb: string, jobName: string | undefined) {
    const jobs = jobName === undefined ? 'jobs of any name' : `jobs named '${jobName}'`;
    super(
      'ACCESS_DENIED',
      `Actor '${actorId}' may not ${verb} ${jobs}; the hook \`access.may\` decides that`,
    );
    this.actorId = actorId;
    this.verb = verb;
    if (jobName !== undefined) this.jobName = jobName;
  }
}

/** What an {@link InvariantViolationError} is made from. */
export interface InvariantFault {
  readonly rule: string;
  readonly verb: string;
  readonly jobId: ObjectId;
  readonly jobName?: string;
  readonly message: string;
  readonly values?: Readonly<Record<string, unknown>>;
  readonly advice?: string;
}

/** A write breaks a rule of the ledger. Where the rule is enforced, nothing of that job was written. */
export class InvariantViolationError extends MonqueError {
  override readonly name = 'InvariantViolationError';
  /** The name of the rule. */
  readonly rule: string;
  /** The verb of the ledger, or of the end of a run; `audit` for a stored job. */
  readonly verb: string;
  readonly jobId: ObjectId;
  /** The name of the job, where the write says it. */
  readonly jobName?: string;
  /** The values that show what is wrong. */
  readonly values: Readonly<Record<string, unknown>>;
  /** How to repair it; absent where the rule does not say. */
  readonly advice?: string;

  constructor({ rule, verb, jobId, jobName, message, values = {}, advice }: InvariantFault) {
    const end = advice === undefined ? '' : `; ${advice}`;
    super(
      'INVARIANT_VIOLATION',
      `The rule '${rule}' does not hold for ${verb} of job ${jobId.toHexString()}: ${message}${end}`,
    );
    this.rule = rule;
    this.verb = verb;
    this.jobId = jobId;
    this.values = values;
    if (jobName !== undefined) this.jobName = jobName;
    if (advice !== undefined) this.advice = advice;
  }
}

/**
 * Turns whatever was thrown into an Error, keeping an Error as it is, also one of another realm. Never throws itself,
 * and gives nothing that does when its name and message are read.
 */
export function toError(thrown: unknown): Error {
  return isReadableError(thrown) ? thrown : new Error(textOf(thrown), { cause: thrown });
}

/** A proxy may answer now and be revoked later; a field may be a getter. */
function isReadableError(thrown: unknown): thrown is Error {
  try {
    if (types.isProxy(thrown)) return false;
    return (
      isError(thrown) && [thrown.name, thrown.message].every((text) => typeof text === 'string')
    );
  } catch {
    return false;
  }
}

/** The message of an error as a text without passwords, whatever somebody made of it. Never throws. */
export function messageOf(error: Error): string {
  try {
    return masked(textOf(error.message));
  } catch {
    return 'An error whose message cannot be read';
  }
}

function textOf(value: unknown): string {
  try {
    return String(value);
  } catch {
    return 'A value that cannot be shown as text';
  }
}

/** Stops on a fault of Monque itself; stays on in production. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new MonqueError('INTERNAL', `This is a fault in Monque: ${message}`);
}

/** Shows a value in a message: short, with its type, and never throwing. */
function show(value: unknown): string {
  try {
    return shown(value);
  } catch {
    return 'a value that cannot be read';
  }
}

function shown(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'function') return `a function (${value.name || 'anonymous'})`;
  if (typeof value === 'string') {
    const text = masked(value);
    return `'${text.length > 40 ? `${storableText(text, 40)}…` : text}' (string)`;
  }
  if (typeof value !== 'object') return `${String(value)} (${typeof value})`;
  if (isDate(value)) return showDate(value);
  const prototype: object | null = Object.getPrototypeOf(value);
  return `an object (${prototype?.constructor?.name ?? 'without prototype'})`;
}

function showDate(date: Date): string {
  try {
    return `${Date.prototype.toISOString.call(date)} (Date)`;
  } catch {
    return 'an invalid Date';
  }
}
