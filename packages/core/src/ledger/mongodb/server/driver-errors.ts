/**
 * What an error of the driver means for a call.
 *
 * Neither the error's class nor its labels decide alone: a broken socket may surface as a plain `Error` with a system
 * code, and `RetryableWriteError` is set on errors of writes that the driver never retries.
 *
 * @module
 */
import { BSON, type Document } from 'mongodb';
import {
  ConnectionError,
  MonqueError,
  toError,
  UnknownOutcomeError,
} from '../../../foundation/errors.ts';

/** Server error codes after which the same request may succeed on this or another node. */
const TRANSIENT_CODES: ReadonlySet<unknown> = new Set([
  6, // HostUnreachable
  7, // HostNotFound
  43, // CursorNotFound
  50, // MaxTimeMSExpired
  64, // WriteConcernFailed
  89, // NetworkTimeout
  91, // ShutdownInProgress
  112, // WriteConflict
  133, // FailedToSatisfyReadPreference
  134, // ReadConcernMajorityNotAvailableYet
  175, // QueryPlanKilled
  189, // PrimarySteppedDown
  202, // NetworkInterfaceExceededTimeLimit
  234, // RetryChangeStream
  237, // CursorKilled
  262, // ExceededTimeLimit
  290, // TransactionExceededLifetimeLimitSeconds
  9001, // SocketException
  10107, // NotWritablePrimary
  11600, // InterruptedAtShutdown
  11601, // Interrupted
  11602, // InterruptedDueToReplStateChange
  13388, // StaleConfig
  13435, // NotPrimaryNoSecondaryOk
  13436, // NotPrimaryOrSecondary
]);

/** Those of a request that took longer than it may. */
const TIME_IS_UP_CODES: ReadonlySet<unknown> = new Set([
  50, // MaxTimeMSExpired
  262, // ExceededTimeLimit
]);
const TIME_IS_UP_NAMES: ReadonlySet<string> = new Set([
  'MongoNetworkTimeoutError',
  'MongoOperationTimeoutError',
]);

/** Codes of broken connections, as Node.js names them. */
const SOCKET_CODES: ReadonlySet<unknown> = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/** Errors of the driver that come from the connection, whatever became of the request. */
const TRANSIENT_NAMES: ReadonlySet<string> = new Set([
  'MongoNetworkError',
  'MongoNetworkTimeoutError',
  'MongoServerSelectionError',
  'MongoServerClosedError',
  'MongoStalePrimaryError',
  'MongoPoolClosedError',
  'MongoPoolClearedError',
  'PoolClearedOnNetworkError',
  'MongoWaitQueueTimeoutError',
  'MongoOperationTimeoutError',
  'MongoExpiredSessionError',
  'MongoWriteConcernError',
  // A request that was under way when the client was closed.
  'MongoClientClosedError',
]);

/** Errors of a request that was not sent, and that end only when the application opens its client again. */
const CLOSED_NAMES: ReadonlySet<string> = new Set([
  'MongoNotConnectedError',
  'MongoTopologyClosedError',
]);

/** The codes the server gives for a command that it cannot take as it is, since a part of it is too large or too deep. */
const TOO_LARGE_CODES: ReadonlySet<unknown> = new Set([
  15, // Overflow
  22, // InvalidBSON
  10_334, // BSONObjectTooLarge
]);

/** What the planner says to a hint; its codes also stand for much else. */
const NO_SUCH_INDEX = /hint provided does not correspond to an existing index|bad hint/;

/** The code the server gives for a key that exists already. */
export const DUPLICATE_KEY_CODE = 11_000;

/** True when the command was larger, or deeper, than MongoDB takes, and so was not executed. */
export function isTooLarge(error: unknown): error is Error {
  // The driver runs out of the buffer that it writes a command into.
  if (error instanceof RangeError) return true;
  return error instanceof Error && TOO_LARGE_CODES.has(codeOf(error));
}

/** True for a document that cannot be written down as BSON, whoever would send it. */
export function isUnwritable(document: Document): boolean {
  try {
    BSON.calculateObjectSize(document, { ignoreUndefined: true });
    BSON.serialize(document, { ignoreUndefined: true });
    return false;
  } catch {
    return true;
  }
}

/** True for the error of a call that asked for an index which the collection does not have. */
export function isIndexMissing(error: unknown): boolean {
  const { cause } = Object(error);
  return cause instanceof Error && NO_SUCH_INDEX.test(cause.message);
}

/** True when the same request may succeed later. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = codeOf(error);
  return TRANSIENT_NAMES.has(error.name) || TRANSIENT_CODES.has(code) || SOCKET_CODES.has(code);
}

/** True when the request took too long, so that a smaller one may succeed. */
export function isTimeUp(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return TIME_IS_UP_NAMES.has(error.name) || TIME_IS_UP_CODES.has(codeOf(error));
}

function codeOf(error: Error): unknown {
  return 'code' in error ? error.code : undefined;
}

/** The error of a read. */
export function readError(verb: string, thrown: unknown): Error {
  return translate(verb, thrown, (error) => {
    return new ConnectionError(`MongoDB did not answer ${verb}: ${error.message}`, {
      cause: error,
    });
  });
}

/** The error of a write: a transient one says nothing about whether the write happened. */
export function writeError(verb: string, thrown: unknown): Error {
  return translate(verb, thrown, (error) => {
    return new UnknownOutcomeError(`MongoDB did not confirm ${verb}: ${error.message}`, {
      cause: error,
    });
  });
}

/** Runs what only reads, with its error as that of a call. */
export async function reading<T>(verb: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw readError(verb, error);
  }
}

/** Runs what may write, with its error as that of a call. */
export async function writing<T>(verb: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    throw writeError(verb, error);
  }
}

function translate(verb: string, thrown: unknown, transient: (error: Error) => Error): Error {
  const error = toError(thrown);
  if (error instanceof MonqueError) return error;
  if (isTransient(error)) return transient(error);
  if (CLOSED_NAMES.has(error.name)) {
    const advice = 'close it after `stop()`, or open it again with `connect()`';
    const message = `The MongoDB client is closed, so it cannot ${verb}; ${advice}`;
    return new ConnectionError(message, { cause: error });
  }
  return new MonqueError('LEDGER_REFUSED', `MongoDB refused ${verb}: ${error.message}`, {
    cause: error,
  });
}
