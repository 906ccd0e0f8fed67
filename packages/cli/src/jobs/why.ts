/**
 * Why a job runs or does not, in words, with an exit code by the kind of reason.
 *
 * @module
 */
import type { Explanation, ExplanationReason, JobStatus } from '@monque/core';
import type { ExplanationDetails, LostClaimDetails, Reason } from '@monque/core/types';
import type { Session } from '../context/context.ts';
import { ExitCode } from '../context/exit-codes.ts';
import { plain } from '../context/json.ts';

/** The kind of each reason. */
export const REASON_CODES: Readonly<Record<ExplanationReason, ExitCode>> = {
  unreachable: ExitCode.UNREACHABLE,
  missing: ExitCode.MISSING,
  // How it finished is among the others.
  archived: ExitCode.DONE,
  completed: ExitCode.DONE,
  failed: ExitCode.ENDED_BADLY,
  cancelled: ExitCode.ENDED_BADLY,
  unfit: ExitCode.STUCK,
  notDue: ExitCode.WAITS,
  retryWaits: ExitCode.WAITS,
  failedBefore: ExitCode.WAITS,
  gateClosed: ExitCode.STUCK,
  paused: ExitCode.STUCK,
  noInstance: ExitCode.STUCK,
  noWorker: ExitCode.STUCK,
  workersUnknown: ExitCode.WAITS,
  atLimit: ExitCode.WAITS,
  parentsOpen: ExitCode.WAITS,
  behindInOrder: ExitCode.WAITS,
  groupFull: ExitCode.WAITS,
  groupRate: ExitCode.WAITS,
  groupPaused: ExitCode.STUCK,
  limitFull: ExitCode.WAITS,
  limitRate: ExitCode.WAITS,
  limitBackedOff: ExitCode.WAITS,
  limitShare: ExitCode.WAITS,
  deadLetter: ExitCode.WAITS,
  suspect: ExitCode.WAITS,
  turnUnknown: ExitCode.WAITS,
  due: ExitCode.WAITS,
  cancelRequested: ExitCode.DONE,
  running: ExitCode.DONE,
  starting: ExitCode.DONE,
  gathering: ExitCode.DONE,
  ending: ExitCode.DONE,
  strayClaim: ExitCode.WAITS,
  instanceSilent: ExitCode.WAITS,
  instanceDead: ExitCode.WAITS,
  instanceUnknown: ExitCode.WAITS,
  lockedByTool: ExitCode.WAITS,
};

/** `monque why` */
export async function why({ output, open }: Session, id: string): Promise<ExitCode> {
  const { jobs } = await open();
  const explanation = await jobs.explain(id);
  const { message, others, state } = explanation;
  const { bold, dim } = output.colours;
  await output.record(plain(explanation) as object, () =>
    [`${bold(state)}  ${message}`, ...others.map((other) => dim(`  also: ${other.message}`))].join(
      '\n',
    ),
  );
  return codeOf(explanation);
}

/** A job in whose way more than its time stands waits for somebody. */
function codeOf(explanation: Explanation): ExitCode {
  const reasons: readonly Reason[] = [explanation, ...explanation.others];
  const codes = reasons.map(({ reason }) => REASON_CODES[reason]);
  if (explanation.reason === 'archived') return Math.max(...codes) as ExitCode;
  const code = REASON_CODES[explanation.reason];
  if (code !== ExitCode.WAITS) return code;
  if (codes.includes(ExitCode.STUCK) || reasons.some(needsSomebody)) return ExitCode.STUCK;
  return code;
}

type Questions = {
  readonly [Word in ExplanationReason]?: (details: ExplanationDetails[Word]) => boolean;
};

const isKept = ({ givenBackWithinMs }: LostClaimDetails): boolean =>
  givenBackWithinMs === undefined;

/** Reasons that are a matter of time in most cases, and when they need somebody. */
const NEEDS_SOMEBODY: Questions = {
  // A failed job holds its order up, and a parent that may not fail its child, until it is retried.
  behindInOrder: ({ status }) => isOver(status),
  parentsOpen: ({ open }) => open.some(({ status }) => isOver(status)),
  groupFull: ({ concurrency }) => concurrency === 0,
  limitFull: ({ concurrency }) => concurrency === 0,
  // A claim of one that is gone, and no instance that gives it back.
  instanceSilent: isKept,
  instanceDead: isKept,
  instanceUnknown: isKept,
  lockedByTool: ({ givenBackAt }) => givenBackAt === undefined,
};

function needsSomebody({ reason, details }: Reason): boolean {
  const asked = NEEDS_SOMEBODY[reason] as ((details: unknown) => boolean) | undefined;
  return asked?.(details) === true;
}

function isOver(status: JobStatus): boolean {
  return status === 'failed' || status === 'cancelled';
}
