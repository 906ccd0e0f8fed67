/**
 * What a write to stages or gates that did not match says, from the job as it was read afterwards.
 *
 * @module
 */
import type { GateRecord, Job } from '../job/job.ts';
import { JOB_LIFECYCLE, type JobVerb } from '../job/job-lifecycle.ts';
import type { TransitionParams } from '../job/lifecycle.ts';
import { storedRecords } from '../job/stored-lists.ts';
import { historyEntries } from './settle-answers.ts';
import type {
  CheckpointParams,
  CheckpointResult,
  OpenGateParams,
  OpenGateResult,
} from './verbs/stages.ts';

/** What a job must show so that {@link answerCheckpoint} can judge it. */
export type CheckpointFields = Pick<Job, 'claimToken' | 'cancelRequestedAt'> & {
  readonly stages?: readonly { readonly name: string; readonly at: Date }[];
  readonly gates?: readonly Pick<GateRecord, 'name'>[];
};

/** The parameters of the row for a finished stage. */
export function checkpointParams(params: CheckpointParams): TransitionParams {
  const { claimToken, record, stagesBefore, gatesBefore, now } = params;
  return { claimToken, stagesBefore, gatesBefore, now, stageRecords: [record] };
}

/** The answer that stands for a record. */
export function recordedCheckpoint({
  cancelRequestedAt,
  gates,
}: CheckpointFields): CheckpointResult {
  return answer('recorded', cancelRequestedAt !== undefined, storedRecords(gates));
}

/** The answer when nothing was written: an earlier try of the same left the same record under the same claim. */
export function answerCheckpoint(
  { claimToken, record }: CheckpointParams,
  stored: CheckpointFields | null,
): CheckpointResult {
  if (stored?.claimToken !== claimToken) return answer('lost', false, []);
  const last = storedRecords(stored.stages).at(-1);
  const isResend = last?.name === record.name && Number(last.at) === record.at.getTime();
  if (isResend) return recordedCheckpoint(stored);
  return answer('refused', stored.cancelRequestedAt !== undefined, storedRecords(stored.gates));
}

function answer(
  outcome: CheckpointResult['outcome'],
  isCancelRequested: boolean,
  gates: readonly Pick<GateRecord, 'name'>[],
): CheckpointResult {
  return { outcome, isCancelRequested, openGates: gates.map(({ name }) => name) };
}

/** The two verbs that open a gate, in the order in which they are tried, with their answers. */
export const GATE_VERBS: readonly {
  readonly verb: Extract<JobVerb, 'unblock' | 'openGate'>;
  readonly outcome: Extract<OpenGateResult['outcome'], 'unblocked' | 'opened'>;
}[] = Object.freeze([
  { verb: 'unblock', outcome: 'unblocked' },
  { verb: 'openGate', outcome: 'opened' },
]);

/** The parameters of the rows that open a gate. */
export function openGateParams(
  verb: (typeof GATE_VERBS)[number]['verb'],
  { record, now, by = record.by, reason }: OpenGateParams,
): TransitionParams {
  const { name } = record;
  const why = reason === undefined ? '' : `: ${reason}`;
  const entry = { reason: `Gate '${name}'${why}`, ...(by !== undefined && { by }) };
  return {
    now,
    gate: name,
    gateRecords: [{ ...record, ...(by !== undefined && { by }) }],
    historyEntries: historyEntries(verb, now, entry),
  };
}

/** The answer when neither verb applied; undefined when one would apply to the job as it was read. */
export function answerUnopened(
  { record }: OpenGateParams,
  job: Job | null,
): OpenGateResult | undefined {
  if (job === null) return { outcome: 'missing', job };
  if (storedRecords(job.gates).some(({ name }) => name === record.name))
    return { outcome: 'open', job };
  return JOB_LIFECYCLE.allowsFrom('openGate', job.status) ? undefined : { outcome: 'refused', job };
}
