/**
 * The audit of stored jobs by the rules of the ledger.
 *
 * @module
 */
import type { AuditReport } from '@monque/core';
import type { AuditFinding } from '@monque/core/types';
import type { Session } from '../context/context.ts';
import { ExitCode } from '../context/exit-codes.ts';
import { plain } from '../context/json.ts';
import { counted } from '../context/words.ts';

/** Options of `audit`. */
export interface AuditCommandOptions {
  readonly repair?: boolean;
  readonly batch: number;
}

/** `monque audit` */
export async function audit(
  session: Session,
  { repair = false, batch: batchSize }: AuditCommandOptions,
): Promise<ExitCode> {
  const { output } = session;
  const { jobs, documents } = await session.open();
  const progress = output.progress('Audited', await documents.estimatedDocumentCount());
  const report = await jobs.audit({
    ...{ repair, batchSize, signal: session.watchInterrupt() },
    onProgress: ({ audited }) => progress.update(audited),
  });
  progress.end();
  for (const finding of report.findings) {
    await output.record(plain(finding) as object, () => lineOf(finding));
  }
  return summary(session, report);
}

function lineOf(finding: AuditFinding): string {
  const { rule, jobId, name, status, message, advice, isRepaired } = finding;
  const end = isRepaired ? '(repaired)' : advice;
  const parts = [rule, jobId.toHexString(), status, name, message, end];
  return parts.filter((part) => part !== undefined).join('  ');
}

function summary({ output }: Session, report: AuditReport): ExitCode {
  const { audited, violations, repaired, findings, isComplete } = report;
  const broken = Object.values(violations).reduce((sum, count) => sum + count, 0);
  output.note(
    `${counted(audited, 'job')} audited, ${counted(broken, 'broken rule')} found, ${repaired} repaired.`,
  );
  for (const [rule, count] of Object.entries(violations)) output.note(`  ${rule}: ${count}`);
  if (broken > findings.length) output.note(`The first ${findings.length} were shown.`);
  if (!isComplete) {
    output.note('It was ended before all jobs were looked at.');
    return ExitCode.INTERRUPTED;
  }
  return broken > repaired ? ExitCode.FOUND : ExitCode.DONE;
}
