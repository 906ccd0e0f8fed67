/**
 * The option `--reason` of every verb that changes something.
 *
 * @module
 */
import type { CliCommand } from './command.ts';

/** Why something is done, for the history. */
export interface ReasonOption {
  readonly reason?: string;
}

/** Adds the option. */
export function addReasonOption(command: CliCommand): CliCommand {
  return command.option('--reason <text>', 'why; it stands in the history');
}

/** The option as the library takes it. */
export function why({ reason }: ReasonOption): { readonly reason?: string } {
  return reason === undefined ? {} : { reason };
}
