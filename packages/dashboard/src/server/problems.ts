/**
 * What went wrong, as answers: problem documents with the library's code and advice. No stack leaves the server, and
 * of an error that is not known nothing but that there was one.
 *
 * @module
 */
import {
  InvalidArgumentError,
  InvalidCronError,
  InvariantViolationError,
  JobStateError,
  MonqueError,
  UniqueKeyTakenError,
} from '@monque/core';
import type { Problem } from '../api/types.ts';
import { masked } from './masking.ts';

/** What a problem says beside its type and title. */
export type ProblemFields = Omit<Problem, 'type' | 'title'>;

/** An answer that is thrown. */
export class ProblemError extends Error {
  readonly problem: Problem;
  /** Seconds after which it may be tried again. */
  readonly retryAfter: number | undefined;

  constructor(fields: ProblemFields, retryAfter?: number) {
    super(fields.detail);
    this.problem = problemOf(fields);
    this.retryAfter = retryAfter;
  }
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'The request is not usable',
  401: 'Nobody is signed in',
  403: 'This is not allowed',
  404: 'There is no such thing',
  405: 'This cannot be done with it',
  409: 'Its state does not allow it',
  413: 'The request is too large',
  415: 'The request is not in JSON',
  422: 'A rule of the ledger does not hold',
  500: 'Something went wrong',
  501: 'The ledger cannot do this',
  503: 'The database does not answer in time',
};

/** A problem document. */
function problemOf(fields: ProblemFields): Problem {
  return { type: 'about:blank', title: String(TITLES[fields.status]), ...fields };
}

/** A request that is not usable, by one of its fields. */
export function badRequest(field: string, detail: string, advice?: string): ProblemError {
  const more = advice === undefined ? {} : { advice };
  return new ProblemError({ status: 400, code: 'INVALID_ARGUMENT', field, detail, ...more });
}

/** There is none. */
export function notFound(detail: string): ProblemError {
  return new ProblemError({ status: 404, code: 'NOT_FOUND', detail });
}

/** It is refused. */
export function forbidden(code: string, detail: string, advice?: string): ProblemError {
  const more = advice === undefined ? {} : { advice };
  return new ProblemError({ status: 403, code, detail, ...more });
}

const READ_AGAIN = 'Read it again before you repeat it: it may have been done.';

/** The own time limit of the server passed. */
export function tookTooLong(ms: number, changes: boolean): ProblemError {
  const detail = `It took longer than ${ms} ms`;
  if (!changes) {
    const advice = 'Narrow it by a name and a state, or try it again.';
    return new ProblemError({ status: 503, code: 'DEADLINE', detail, advice }, 5);
  }
  return new ProblemError({ status: 500, code: 'UNKNOWN_OUTCOME', detail, advice: READ_AGAIN });
}

/** The statuses of the library's errors; the others are the fault of the server. */
const STATUSES: Readonly<Record<string, number>> = {
  INVALID_ARGUMENT: 400,
  INVALID_CRON: 400,
  ACCESS_DENIED: 403,
  JOB_STATE: 409,
  UNIQUE_KEY_TAKEN: 409,
  BUSY: 409,
  INVARIANT_VIOLATION: 422,
  LEDGER_REFUSED: 422,
  UNSUPPORTED: 501,
  CONNECTION: 503,
  LEDGER_FULL: 503,
  UNKNOWN_OUTCOME: 500,
};

const ADVICE: Readonly<Record<string, string>> = {
  JOB_STATE: 'Read the job again: it may have changed since it was shown.',
  BUSY: 'Try it again.',
  LEDGER_FILE: 'Repair the file where it says.',
  CONNECTION: 'Nothing was changed. Try it again when the database answers.',
  UNKNOWN_OUTCOME: READ_AGAIN,
};

/** Any error as an answer. */
export function toProblem(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  if (!(error instanceof MonqueError)) return unexpected();
  const { code } = error;
  const status = STATUSES[code] ?? 500;
  const advice = error instanceof InvariantViolationError ? error.advice : ADVICE[code];
  const fields: ProblemFields = {
    ...{ status, code, detail: masked(error.message) },
    ...(advice !== undefined && { advice: masked(advice) }),
    ...detailsOf(error),
  };
  return new ProblemError(fields, status === 503 ? 5 : undefined);
}

function unexpected(): ProblemError {
  const detail = 'The server met an error that it does not know; its log has more';
  return new ProblemError({ status: 500, code: 'INTERNAL', detail });
}

function detailsOf(error: MonqueError): Partial<ProblemFields> {
  if (error instanceof InvalidArgumentError) return { field: error.field };
  if (error instanceof InvalidCronError) return { field: 'cron', position: error.position };
  if (error instanceof JobStateError) {
    return { jobId: error.jobId.toHexString(), jobStatus: error.status };
  }
  if (error instanceof UniqueKeyTakenError) {
    const { jobId, holderId } = error;
    return {
      ...(jobId && { jobId: jobId.toHexString() }),
      ...(holderId && { holderId: holderId.toHexString() }),
    };
  }
  if (error instanceof InvariantViolationError) {
    return { rule: error.rule, jobId: error.jobId.toHexString() };
  }
  return {};
}
