/**
 * What is wrong with the file of a ledger, as a command shows it.
 *
 * @module
 */
import type { MarkdownRecordStore } from '@monque/ledgers';
import type { Session } from '../context/context.ts';

/** Shows what is wrong with a file; gives how much that is. */
export async function showProblems(
  { output }: Session,
  file: MarkdownRecordStore | undefined,
): Promise<number> {
  const { problems } = file === undefined ? { problems: [] } : await file.read();
  for (const problem of problems) {
    const { line, severity, message, found, expected } = problem;
    const says =
      found === undefined
        ? ''
        : ` (it says '${found}'${expected === undefined ? '' : `, and it is '${expected}'`})`;
    await output.record(problem, () => `${file?.path}:${line}: ${severity}: ${message}${says}`);
  }
  return problems.length;
}
