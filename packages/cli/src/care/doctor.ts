/**
 * Looks for everything that is wrong with a database and its cluster, and says what to do.
 *
 * @module
 */
import type { Inspection } from '@monque/core';
import { DEFAULT_MAX_QUEUE_LAG_MS, type Finding, problemsOf } from '../cluster/problems.ts';
import type { Connection } from '../context/connection.ts';
import type { Session } from '../context/context.ts';
import { ExitCode } from '../context/exit-codes.ts';
import { counted } from '../context/words.ts';
import { documentFindings, seriesFindings } from './document-checks.ts';
import { indexFindings } from './index-checks.ts';
import { rightFindings } from './right-checks.ts';
import { instanceClockFindings, serverFindings } from './server-checks.ts';

/** What was found; `fact` is what is so and well. */
export type Diagnosis = Omit<Finding, 'weight'> & { readonly weight: Finding['weight'] | 'fact' };

/** One part of the diagnosis. */
type Check = (connection: Connection, session: Session) => Promise<readonly Diagnosis[]>;

const CHECKS: readonly Check[] = [
  serverFindings,
  rightFindings,
  indexFindings,
  clusterFindings,
  documentFindings,
];

/** `monque doctor` */
export async function doctor(session: Session): Promise<ExitCode> {
  const { output } = session;
  const connection = await session.open();
  const progress = output.progress('Checked', CHECKS.length);
  const found: Diagnosis[] = [];
  for (const [index, check] of CHECKS.entries()) {
    progress.update(index);
    found.push(...(await tried(check, connection, session)));
  }
  progress.end();
  for (const finding of found) await show(session, finding);
  const count = found.filter(({ weight }) => weight === 'act').length;
  output.note(count === 0 ? 'Nothing must be done.' : `${counted(count, 'thing')} must be done.`);
  return count === 0 ? ExitCode.DONE : ExitCode.FOUND;
}

/** What the server refuses to one part keeps no other back. */
async function tried(
  check: Check,
  connection: Connection,
  session: Session,
): Promise<readonly Diagnosis[]> {
  try {
    return await check(connection, session);
  } catch (error) {
    const { message } = error as Error;
    if (!isRefusal(error as Error)) throw error;
    return [
      {
        ...{ kind: 'notLookedAt', weight: 'act' },
        message: `A part could not be looked at: ${message}`,
        advice: 'do what is said of rights and indexes, and ask again',
      },
    ];
  }
}

/** The server answered, and said no: for want of rights, or of an index that a read insists on. */
function isRefusal(error: Error): boolean {
  const answers = [error, error.cause].map((one) => (one as Error | undefined)?.name);
  return ['MongoServerError', 'UnsupportedError'].some((name) => answers.includes(name));
}

async function clusterFindings({ jobs }: Connection): Promise<readonly Diagnosis[]> {
  const inspection: Inspection = await jobs.inspect();
  const series = await jobs.getSchedules();
  return [
    ...problemsOf(inspection, { maxQueueLagMs: DEFAULT_MAX_QUEUE_LAG_MS }),
    ...instanceClockFindings(inspection.instances),
    ...seriesFindings(series, inspection),
  ];
}

async function show({ output }: Session, finding: Diagnosis): Promise<void> {
  const { green, red, yellow, dim } = output.colours;
  const { weight, message, advice } = finding;
  const marks = { act: red('!'), know: yellow('-'), fact: green('+') };
  const end = advice === '' ? '' : `\n${dim(`    ${advice}`)}`;
  await output.record(finding, () => `${marks[weight]} ${message}${end}`);
}
