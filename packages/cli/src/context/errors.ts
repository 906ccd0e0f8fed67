/**
 * What went wrong, in a line for people and an exit code for scripts.
 *
 * What always holds: no stack is shown unless `MONQUE_DEBUG` asks for it, and no user or password of an address.
 *
 * @module
 */
import { ExitCode } from './exit-codes.ts';

/** A command cannot go on; the message says why, and what to do. */
export class CliError extends Error {
  override readonly name = 'CliError';
  /** What the process ends with. */
  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode = ExitCode.FOUND, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** What was given cannot be used. */
export function usageError(message: string): CliError {
  return new CliError(message, ExitCode.USAGE);
}

/** There is no such thing. */
export function missingError(message: string): CliError {
  return new CliError(message, ExitCode.MISSING);
}

/** What an error means for the user. */
export interface Fault {
  readonly exitCode: ExitCode;
  /** One line, or more, for people. */
  readonly message: string;
}

/** Errors of the library, by their codes. */
const OF_CODES: Readonly<Record<string, ExitCode>> = {
  INVALID_ARGUMENT: ExitCode.USAGE,
  INVALID_CRON: ExitCode.USAGE,
  CONNECTION: ExitCode.UNREACHABLE,
  UNKNOWN_OUTCOME: ExitCode.UNKNOWN,
  ACCESS_DENIED: ExitCode.REFUSED,
  JOB_STATE: ExitCode.REFUSED,
  UNIQUE_KEY_TAKEN: ExitCode.REFUSED,
  INVARIANT_VIOLATION: ExitCode.REFUSED,
  LEDGER_RULE: ExitCode.REFUSED,
  RECORD_EXISTS: ExitCode.REFUSED,
  RECORD_NOT_FOUND: ExitCode.MISSING,
  RECORD_STATE: ExitCode.REFUSED,
};

/** Errors of the driver, by their names. */
const OF_NAMES: Readonly<Record<string, ExitCode>> = {
  MongoParseError: ExitCode.USAGE,
  MongoInvalidArgumentError: ExitCode.USAGE,
  MongoAPIError: ExitCode.USAGE,
  MongoServerSelectionError: ExitCode.UNREACHABLE,
  MongoNetworkError: ExitCode.UNREACHABLE,
  MongoNetworkTimeoutError: ExitCode.UNREACHABLE,
};

/** Refusals of the server, by their codes. */
const OF_SERVER_CODES: Readonly<Record<number, ExitCode>> = {
  13: ExitCode.REFUSED, // Unauthorized
  18: ExitCode.UNREACHABLE, // AuthenticationFailed
};

/** Says what an error means. */
export function faultOf(thrown: unknown): Fault {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  return { exitCode: exitCodeOf(error), message: masked(error.message) };
}

function exitCodeOf(error: Error): ExitCode {
  if (error instanceof CliError) return error.exitCode;
  const { code } = error as { code?: unknown };
  // A reply that was read without promoting values has its code as an object of the driver's.
  const known = typeof code === 'string' ? OF_CODES[code] : OF_SERVER_CODES[Number(code)];
  return known ?? OF_NAMES[error.name] ?? ExitCode.FOUND;
}

const CREDENTIALS = /(\bmongodb(?:\+srv)?:\/\/)[^\s/@]*@/g;

/** The text without the user and the password of any address in it. */
function masked(text: string): string {
  return text.replace(CREDENTIALS, '$1***@');
}
