/**
 * What the commands on a verification ledger do.
 *
 * @module
 */
import type { Invariant, Step, StepOutcome, StepStatus, VerificationReport } from '@monque/ledgers';
import type { Session } from '../context/context.ts';
import { missingError, usageError } from '../context/errors.ts';
import { ExitCode } from '../context/exit-codes.ts';
import { changedBy, fileOf, type LedgerOptions, openSteps, runBy } from './open.ts';
import { showProblems } from './problems.ts';

/** What a step says, from options. */
export interface StepOptions extends LedgerOptions {
  readonly title?: string;
  /** `text :: command`, each. */
  readonly invariant?: readonly string[];
}

const UNSETTLED: readonly StepStatus[] = ['completed_pending_verification', 'drift_detected'];

/** `monque ledger init` */
export async function initSteps(session: Session, options: LedgerOptions): Promise<ExitCode> {
  const file = fileOf(await openSteps(session, options));
  const isNew = await file.init();
  session.output.note(
    isNew ? `Made ${file.path}.` : `${file.path} is there already, and stays as it is.`,
  );
  return ExitCode.DONE;
}

/** `monque ledger list` */
export async function listSteps(
  session: Session,
  options: LedgerOptions & { readonly status?: string; readonly limit: number },
): Promise<ExitCode> {
  const { ledger } = await openSteps(session, options);
  const { status, limit } = options;
  await showSteps(
    session,
    await ledger.list({ limit, ...(status !== undefined && { status: [status] }) }),
  );
  return ExitCode.DONE;
}

async function showSteps({ output }: Session, steps: readonly Step[]): Promise<void> {
  await output.table(steps, [
    { title: 'STEP', text: ({ id }) => id },
    { title: 'STATUS', text: ({ status }) => status },
    { title: 'RUN', text: ({ runId = '' }) => runId },
    {
      title: 'CHECKS',
      text: ({ invariants }) =>
        String(invariants.filter(({ check }) => check !== undefined).length),
    },
    { title: 'TITLE', text: ({ title }) => title },
  ]);
}

/** `monque ledger show` */
export async function showStep(
  session: Session,
  id: string,
  options: LedgerOptions,
): Promise<ExitCode> {
  const { ledger, format } = await openSteps(session, options);
  const step = await ledger.get(id);
  if (step === null) throw missingError(`There is no step '${id}'`);
  await session.output.record(step, () => format.format.newRecord(step).join('\n'));
  return ExitCode.DONE;
}

/** `monque ledger add` */
export async function addStep(
  session: Session,
  id: string,
  title: string,
  options: StepOptions,
): Promise<ExitCode> {
  const { ledger } = await openSteps(session, options);
  const invariants = invariantsOf(options);
  await shown(
    session,
    await ledger.add(id, { title, invariants }, await changedBy(session, options)),
  );
  return ExitCode.DONE;
}

/** `monque ledger amend`: invariants are added to those that are there; one of the same text gets the new check. */
export async function amendStep(
  session: Session,
  id: string,
  options: StepOptions,
): Promise<ExitCode> {
  const { ledger } = await openSteps(session, options);
  const step = await ledger.get(id);
  if (step === null) throw missingError(`There is no step '${id}'`);
  const added = invariantsOf(options);
  const kept = step.invariants.filter(({ text }) => !added.some((other) => other.text === text));
  const { title } = options;
  const changes = {
    ...(added.length > 0 && { invariants: [...kept, ...added] }),
    ...(title !== undefined && { title }),
  };
  await shown(session, await ledger.amend(id, changes, await changedBy(session, options)));
  return ExitCode.DONE;
}

function invariantsOf({ invariant = [] }: StepOptions): Invariant[] {
  return invariant.map((given) => {
    const [text = '', command] = given.split(/ :: (.*)/s);
    if (command === undefined)
      throw usageError(`Expected an invariant as 'text :: command', got '${given}'`);
    return { text, check: { command } };
  });
}

/** `monque ledger start`, `complete`, `fix`, `reopen` */
export async function moveStep(
  session: Session,
  verb: 'start' | 'complete' | 'fix' | 'reopen',
  id: string,
  options: LedgerOptions,
): Promise<ExitCode> {
  const { ledger } = await openSteps(session, options);
  await shown(session, await ledger[verb](id, await runBy(session, options)));
  return ExitCode.DONE;
}

async function shown({ output }: Session, step: Step): Promise<void> {
  await output.record(step, () => `${step.id} is ${step.status}`);
}

/** `monque ledger verify` */
export async function verifySteps(
  session: Session,
  ids: readonly string[],
  options: LedgerOptions,
): Promise<ExitCode> {
  const { ledger, scheduler } = await openSteps(session, options);
  const by = await runBy(session, options);
  const signal = session.watchInterrupt();
  // Commands that run are ended with it, and what they would have found is not recorded.
  signal.addEventListener('abort', () => void scheduler.stop(), { once: true });
  await scheduler.start();
  try {
    const report = await ledger.reverify({ ...by, ...(ids.length > 0 && { ids }) });
    return await showReport(session, report);
  } catch (error) {
    if (!signal.aborted) throw error;
    session.output.note('Ended before all checks were through; nothing is recorded of this run.');
    return ExitCode.INTERRUPTED;
  } finally {
    await scheduler.stop();
  }
}

async function showReport(
  { output }: Session,
  { run, steps, ok }: VerificationReport,
): Promise<ExitCode> {
  for (const step of steps) await output.record({ run, ...step }, () => outcomeText(step));
  const early = steps.filter(({ outcome }) => outcome === 'too early').length;
  const waits = early === 0 ? '' : `; ${stepsOf(early)} waiting for a later run`;
  output.note(
    `${stepsOf(steps.length)} in ${run}: ${ok ? 'all is well' : 'not all is well'}${waits}.`,
  );
  return ok ? ExitCode.DONE : ExitCode.FOUND;
}

function stepsOf(count: number): string {
  return `${count} ${count === 1 ? 'step' : 'steps'}`;
}

function outcomeText({ id, outcome, title, results }: StepOutcome): string {
  const failed = results.filter(({ passed }) => !passed);
  const lines = failed.map(
    ({ check, fault, exitCode }) => `  FAIL ${check}: ${fault ?? `exit ${exitCode}`}`,
  );
  return [`${id} ${outcome}: ${title}`, ...lines].join('\n');
}

/** `monque ledger drift` */
export async function showDrift(session: Session, options: LedgerOptions): Promise<ExitCode> {
  const { ledger } = await openSteps(session, options);
  const steps = await ledger.list({ status: UNSETTLED, limit: 10_000 });
  await showSteps(session, steps);
  if (steps.length === 0)
    session.output.note('No step waits to be verified, and none has drifted.');
  return steps.length === 0 ? ExitCode.DONE : ExitCode.FOUND;
}

/** `monque ledger render` */
export async function renderSteps(session: Session, options: LedgerOptions): Promise<ExitCode> {
  const { ledger, format } = await openSteps(session, options);
  await session.output.line(format.render(await ledger.records.all()).trimEnd());
  return ExitCode.DONE;
}

/** `monque ledger check` */
export async function checkSteps(session: Session, options: LedgerOptions): Promise<ExitCode> {
  const { file } = await openSteps(session, options);
  const problems = await showProblems(session, file);
  const drift = await showDrift(session, options);
  return problems === 0 ? drift : ExitCode.FOUND;
}
