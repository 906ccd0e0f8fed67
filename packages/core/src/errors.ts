/**
 * Every error that Monque makes. They fall in three groups: misuse, found before any I/O; state, when a verb does not
 * apply to a job; and ledger, when the database did not answer or answered with a fault.
 *
 * @module
 */
import type { ObjectId } from 'mongodb';
import type { JobStatus } from './job.ts';

/** What every error of Monque has: a `code` to switch on, and the `cause` where another error lies behind it. */
export class MonqueError extends Error {
  override readonly name: string = 'MonqueError';
  /** A stable word for the kind of error, such as `INVALID_ARGUMENT`. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** A value that the caller gave is not usable. Nothing was sent or changed. */
export class InvalidArgumentError extends MonqueError {
  override readonly name = 'InvalidArgumentError';
  /** The path of the value, such as `options.priority` or `data.items[2].price`. */
  readonly field: string;

  constructor(field: string, expected: string, got: unknown, hint?: string) {
    const advice = hint === undefined ? '' : `; ${hint}`;
    super('INVALID_ARGUMENT', `Expected \`${field}\` to be ${expected}, got ${show(got)}${advice}`);
    this.field = field;
  }
}

/** A verb does not apply to the job in the state it is in. Nothing was changed. */
export class JobStateError extends MonqueError {
  override readonly name = 'JobStateError';
  readonly jobId: ObjectId;
  readonly status: JobStatus;
  readonly verb: string;

  constructor(jobId: ObjectId, status: JobStatus, verb: string, allowedFrom: readonly string[]) {
    super(
      'JOB_STATE',
      `Cannot ${verb} job ${jobId.toHexString()}: it is ${status}, and ${verb} is allowed from: ${allowedFrom.join(', ')}`,
    );
    this.jobId = jobId;
    this.status = status;
    this.verb = verb;
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

/** `stop()` waited for `shutdownTimeout` and some handlers still ran. They were told to abort and are named here. */
export class ShutdownTimeoutError extends MonqueError {
  override readonly name = 'ShutdownTimeoutError';
  /** Ids of the jobs whose handlers had not ended. */
  readonly incompleteJobs: readonly ObjectId[];

  constructor(timeoutMs: number, incompleteJobs: readonly ObjectId[]) {
    super(
      'SHUTDOWN_TIMEOUT',
      `${incompleteJobs.length} handlers still ran after the shutdownTimeout of ${timeoutMs} ms; their signals were aborted`,
    );
    this.incompleteJobs = incompleteJobs;
  }
}

/** Turns whatever was thrown into an Error, keeping an Error as it is. Never throws itself. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(textOf(thrown), { cause: thrown });
}

/** The message of an error as a text, whatever somebody made of it. Never throws. */
export function messageOf(error: Error): string {
  try {
    return textOf(error.message);
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
export function invariant(condition: boolean, message: string): asserts condition {
  if (!condition) throw new MonqueError('INVARIANT', `This is a fault in Monque: ${message}`);
}

/** Shows a value in a message: short, with its type, and never throwing. */
function show(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'function') return `a function (${value.name || 'anonymous'})`;
  if (typeof value === 'string') {
    return `'${value.length > 40 ? `${value.slice(0, 40)}…` : value}' (string)`;
  }
  if (typeof value !== 'object') return `${String(value)} (${typeof value})`;
  if (value instanceof Date && Number.isNaN(value.getTime())) return 'an invalid Date';
  const prototype: object | null = Object.getPrototypeOf(value);
  return `an object (${prototype?.constructor?.name ?? 'without prototype'})`;
}
