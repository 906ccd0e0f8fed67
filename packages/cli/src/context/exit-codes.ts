/**
 * The exit codes of `monque`, which scripts may rely on.
 *
 * @module
 */

/** The exit codes, by what they mean. */
export const ExitCode = {
  /** It was done, and nothing is wrong. */
  DONE: 0,
  /** It did not come to its end, or found something that somebody has to act on. */
  FOUND: 1,
  /** The command was not understood. Nothing was done. */
  USAGE: 2,
  /** There is no such job, series or gate. */
  MISSING: 3,
  /** It was refused: the state of the job, its unique key, a rule, or the rights of the actor do not allow it. */
  REFUSED: 4,
  /** The database does not answer, or does not let us in. */
  UNREACHABLE: 5,
  /** It was sent and not confirmed: it may have happened. Look before you repeat it. */
  UNKNOWN: 6,
  /** Some was done, and some was left for the reasons that were shown. */
  PARTLY: 7,
  /** The time to wait was over. */
  TIMEOUT: 8,
  /** The job failed, or was cancelled. */
  ENDED_BADLY: 9,
  /** The job waits as planned: for its time, its next try, or its turn. */
  WAITS: 10,
  /** The job waits until somebody does something: a worker, a gate, a pause, a document that cannot be read. */
  STUCK: 11,
  /** Ctrl-C, or SIGTERM. What was done until then was shown. */
  INTERRUPTED: 130,
} as const;

/** An exit code. */
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** What each exit code means, in a sentence for help and documentation. */
export const EXIT_MEANINGS: Readonly<Record<ExitCode, string>> = {
  0: 'done, and nothing is wrong',
  1: 'it did not come to its end, or found something that somebody has to act on',
  2: 'the command was not understood; nothing was done',
  3: 'there is no such job, series, gate, flow, step or task',
  4: 'refused: the state of the job, its unique key, a rule, or the rights of the actor do not allow it',
  5: 'the database does not answer, or does not let us in',
  6: 'sent and not confirmed: it may have happened, so look before you repeat it',
  7: 'some was done, and some was left for the reasons that were shown',
  8: 'the time to wait was over',
  9: 'the job failed, or was cancelled',
  10: 'the job waits as planned: for its time, its next try, or its turn',
  11: 'the job waits until somebody does something: a worker, a gate, a pause, a document that cannot be read',
  130: 'ended by Ctrl-C or SIGTERM; what was done until then was shown',
};
