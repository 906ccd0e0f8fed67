/**
 * Jobs that wait at gates, and opening these.
 *
 * @module
 */
import type { Job } from '@monque/core';
import type { Session } from '../context/context.ts';
import { readData } from '../context/data-argument.ts';
import { missingError } from '../context/errors.ts';
import { ExitCode } from '../context/exit-codes.ts';
import { plain } from '../context/json.ts';
import type { Column } from '../context/table.ts';
import { beside } from '../context/words.ts';

/** Options of `gates list`. */
export interface GateListOptions {
  readonly name?: readonly string[];
  readonly gate?: string;
  readonly limit: number;
}

/** `monque gates list` */
export async function listGates(
  { output, open }: Session,
  { name, gate, limit }: GateListOptions,
): Promise<ExitCode> {
  const { jobs, ledger } = await open();
  const now = await ledger.readTime();
  const found = await jobs.getJobs({ status: 'blocked', limit, ...(name && { name }) });
  // A job of a flow that waits for its parents is blocked too, and by no gate.
  const waiting = found.filter(
    ({ blockedBy }) => blockedBy !== undefined && (gate === undefined || blockedBy === gate),
  );
  if (output.isJson) {
    const records = waiting.map(({ _id: id, name, blockedBy, blockedAt, blockedUntil }) =>
      plain({ id, name, gate: blockedBy, since: blockedAt, until: blockedUntil }),
    );
    for (const record of records) await output.line(JSON.stringify(record));
  } else await output.table(waiting, columnsOf(now));
  const isCut = found.length === limit;
  if (waiting.length === 0)
    output.note(isCut ? 'None of the jobs looked at waits at a gate.' : 'No job waits at a gate.');
  if (isCut) output.note('There may be more; raise --limit.');
  return ExitCode.DONE;
}

function columnsOf(now: Date): Column<Job>[] {
  return [
    { title: 'ID', text: ({ _id }) => _id.toHexString() },
    { title: 'NAME', text: ({ name }) => name },
    { title: 'GATE', text: ({ blockedBy = '' }) => blockedBy },
    { title: 'SINCE', text: ({ blockedAt }) => beside(blockedAt, now) },
    { title: 'FAILS', text: ({ blockedUntil }) => beside(blockedUntil, now) },
  ];
}

/** `monque gates open` */
export async function openGate(
  session: Session,
  id: string,
  gate: string,
  options: { readonly evidence: string },
): Promise<ExitCode> {
  const evidence = await readData(session.io, '--evidence', options.evidence);
  const { jobs } = await session.open();
  const job = await jobs.openGate(id, gate, { evidence });
  if (job === null) throw missingError(`There is no job ${id}`);
  session.output.note(`The gate '${gate}' is open; the job is ${job.status}.`);
  return ExitCode.DONE;
}
