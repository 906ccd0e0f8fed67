/**
 * Steps of a verification ledger as one actor sees them.
 *
 * @module
 */
import type {
  InvariantOfStep,
  StepDetails,
  StepState,
  StepSummary,
  StepsAnswer,
  StepsQuery,
  VerificationOfStep,
} from '../api/types.ts';
import { timeOf } from '../clock.ts';
import type { AnyInvariantResult, AnyStep, AnyVerificationLedger } from '../options-of-ledgers.ts';
import { MOST_RECORDS } from '../options-of-ledgers.ts';
import type { Eyes } from '../server/redaction.ts';
import { RecordEyes, times } from './ledger-eyes.ts';

/** A step with what its checks found. */
export interface SeenStep {
  readonly step: AnyStep;
  readonly results: readonly AnyInvariantResult[];
}

const DEFAULT_LIMIT = 100;

/** Reads a verification ledger. */
export async function lookAtSteps(ledger: AnyVerificationLedger): Promise<readonly SeenStep[]> {
  const steps = await ledger.list({ limit: MOST_RECORDS });
  return steps.map((step) => ({ step, results: ledger.resultsOf(step) }));
}

/** A page of steps. */
export function stepsOf(
  seen: readonly SeenStep[],
  { status, after = '', limit = DEFAULT_LIMIT }: StepsQuery,
  eyes: Eyes,
): Omit<StepsAnswer, 'at'> {
  const fitting = seen.filter(
    ({ step }) => (status === undefined || step.status === status) && step.id > after,
  );
  const page = fitting.slice(0, limit);
  const last = fitting.length > page.length ? page.at(-1) : undefined;
  return {
    counts: countsOf(seen),
    steps: page.map((one) => stepSummary(one, eyes)),
    nextAfter: last === undefined ? null : last.step.id,
    isCut: seen.length >= MOST_RECORDS,
  };
}

function countsOf(seen: readonly SeenStep[]): Record<StepState, number> {
  const counts = {
    ...{ not_started: 0, in_progress: 0, completed_pending_verification: 0, verified: 0 },
    drift_detected: 0,
  };
  for (const { step } of seen) counts[step.status] += 1;
  return counts;
}

/** A step in a list. */
function stepSummary({ step, results }: SeenStep, eyes: Eyes): StepSummary {
  const { id, status, runId, completedAt, updatedAt, title, verifications } = step;
  const record = new RecordEyes(eyes, 'verification', id);
  const newest = verifications.at(-1);
  return {
    ...{ id, status, title: record.text(title) },
    ...(runId !== undefined && { run: runId }),
    ...times({ completedAt, updatedAt }),
    checks: {
      passed: results.filter(({ result }) => result?.passed === true).length,
      failed: results.filter(({ result }) => result?.passed === false).length,
      notRun: results.filter(({ check, result }) => check !== undefined && !result).length,
      without: results.filter(({ check }) => check === undefined).length,
    },
    ...(newest && { verification: verificationOf(newest, record) }),
  };
}

/** A step on its page. */
export function stepDetails(seen: SeenStep, eyes: Eyes): StepDetails {
  const { step, results } = seen;
  const { scope, summary, edgeCases, concerns, stillNeeded, verifications } = step;
  const record = new RecordEyes(eyes, 'verification', step.id);
  return {
    ...stepSummary(seen, eyes),
    invariants: results.map((result) => invariantOf(result, record)),
    scope: scope.map(({ name, items }) => ({ name, items: record.texts(items) })),
    summary: record.texts(summary),
    edgeCases: record.texts(edgeCases),
    concerns: record.texts(concerns),
    stillNeeded: record.texts(stillNeeded),
    verifications: verifications.map((one) => verificationOf(one, record)),
    history: record.history(step),
  };
}

function verificationOf(
  { outcome, at, run, notes }: AnyStep['verifications'][number],
  record: RecordEyes,
): VerificationOfStep {
  return { outcome, at: timeOf(at), run, ...record.given({ notes }) };
}

function invariantOf(
  { text, check, result }: AnyInvariantResult,
  record: RecordEyes,
): InvariantOfStep {
  return {
    text: record.text(text),
    ...record.given({ check }),
    ...(result && { result: resultOf(result, record) }),
  };
}

function resultOf(
  {
    passed,
    at,
    run,
    exitCode,
    durationMs,
    fault,
    output,
  }: NonNullable<AnyInvariantResult['result']>,
  record: RecordEyes,
): NonNullable<InvariantOfStep['result']> {
  return {
    ...{ passed, at: timeOf(at), run, durationMs },
    ...(exitCode !== undefined && { exitCode }),
    ...record.given({ fault, output }),
  };
}
