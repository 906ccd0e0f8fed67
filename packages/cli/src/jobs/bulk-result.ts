/**
 * What became of the jobs of a verb that the library does to many, told to people and scripts.
 *
 * @module
 */
import type { BulkResult } from '@monque/core';
import type { Session } from '../context/context.ts';
import { ExitCode } from '../context/exit-codes.ts';
import { plain } from '../context/json.ts';
import { counted } from '../context/words.ts';

/** How it is said. */
export interface ResultWords {
  /** What each is, such as `job`. */
  readonly noun: string;
  /** What was done, in the past, such as `redriven`. */
  readonly done: string;
  /** True when Ctrl-C ended it. */
  readonly isInterrupted: boolean;
}

/** Prints a result, and gives the exit code that says whether something was left. */
export async function reportResult(
  { output }: Session,
  result: BulkResult,
  { noun, done, isInterrupted }: ResultWords,
): Promise<ExitCode> {
  if (output.isJson) await output.line(JSON.stringify(plain(result)));
  output.note(`${counted(result.changed, noun)} ${done}.`);
  for (const { reason, count } of result.left)
    output.note(`${counted(count, noun)} left: ${reason}`);
  if (isInterrupted) return ExitCode.INTERRUPTED;
  return result.left.length > 0 ? ExitCode.PARTLY : ExitCode.DONE;
}
