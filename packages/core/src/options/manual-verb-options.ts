/**
 * What every verb that people call may be given: why it is done.
 *
 * @module
 */
import { checkFields, text } from '../foundation/argument-checks.ts';

const LONGEST_REASON = 1_000;

/** Options of what is done by people. */
export interface ManualVerbOptions {
  /**
   * Why it is done, 1 to 1000 characters: the hook `access.may` gets it, and it stands in the history of each job where
   * the verb is noted there.
   */
  readonly reason?: string;
}

/** The reason as the verbs of a ledger take it. */
export function whyOf(options: ManualVerbOptions): { readonly reason?: string } {
  checkFields('options', options, { reason: checkReason });
  return options.reason === undefined ? {} : { reason: options.reason };
}

/** Refuses a reason that is no text of 1 to 1000 characters. */
export const checkReason: (field: string, value: unknown) => void = text(LONGEST_REASON);
