/**
 * What every verb that people call may be given: why it is done.
 *
 * @module
 */
import {
  type Check,
  checkFields,
  checkFunction,
  integer,
  text,
} from '../foundation/argument-checks.ts';
import { InvalidArgumentError } from '../foundation/errors.ts';

const LONGEST_REASON = 1_000;

/** Refuses a reason that is no text of 1 to 1000 characters. */
export const checkReason: Check = text(LONGEST_REASON);

/** Options of what is done by people. */
export interface ManualVerbOptions {
  /**
   * Why it is done, 1 to 1000 characters: the hook `access.may` gets it, and it stands in the history of each job where
   * the verb is noted there.
   */
  readonly reason?: string;
}

/** Options of a verb on every job that matches a filter. */
export interface BulkVerbOptions<Result> extends ManualVerbOptions {
  /** Ends after so many jobs, from 1. @default none: all that match */
  readonly limit?: number;
  /** Ends it after the jobs that are under way; what was done stays done. */
  readonly signal?: AbortSignal;
  /** Called after each page of at most 500 jobs with what is known so far, and waited for. What it throws ends it. */
  readonly onProgress?: (result: Result) => void | Promise<void>;
}

/** Checks the options of a verb by a filter; gives the reason as the verbs of a ledger take it. */
export function whyOfAll(options: BulkVerbOptions<never>): { readonly reason?: string } {
  checkFields('options', options, BULK_CHECKS);
  return options.reason === undefined ? {} : { reason: options.reason };
}

/** One of another realm, or of a library, will do as well. */
export const checkSignal: Check = (field, value) => {
  if (typeof Object(value).aborted === 'boolean') return;
  throw new InvalidArgumentError(field, 'an AbortSignal', value);
};

/** What values the options of a verb by a filter take. */
export const BULK_CHECKS: Readonly<Record<keyof BulkVerbOptions<never>, Check>> = {
  reason: checkReason,
  limit: integer(1, Number.MAX_SAFE_INTEGER),
  signal: checkSignal,
  onProgress: checkFunction,
};

/** The reason as the verbs of a ledger take it. */
export function whyOf(options: ManualVerbOptions): { readonly reason?: string } {
  checkFields('options', options, { reason: checkReason });
  return options.reason === undefined ? {} : { reason: options.reason };
}
