/**
 * The verification ledger: steps that are done in one run and verified in later ones, by the checks of their
 * invariants.
 *
 * @module
 */
import { EventEmitter } from 'node:events';
import { type Clock, InvalidArgumentError, systemClock } from '@monque/core';
import { type Check, nameOfCheck } from '../checks/check.ts';
import type { CheckRunner } from '../checks/check-runner.ts';
import type { Redactor } from '../checks/redactor.ts';
import { type CheckResult, withResults } from '../checks/test-run.ts';
import { wholeSeconds } from '../foundation/dates.ts';
import { LedgerRuleError, RecordNotFoundError, RecordStateError } from '../foundation/errors.ts';
import type { ChangedBy } from '../record/record.ts';
import { RecordLedger } from '../record/record-ledger.ts';
import type { RecordQuery, RecordStore } from '../store/record-store.ts';
import { STEP_FIELDS, type Step, type StepFields, type Verification } from './step.ts';
import { STEP_LIFECYCLE, type StepStatus, type StepVerb } from './step-lifecycle.ts';
import { type CommandFor, LATER_RUN_RULE, LEDGER_COMMANDS, stepRules } from './step-rules.ts';

/** What {@link VerificationLedger} is made from. */
export interface VerificationLedgerOptions {
  readonly store: RecordStore;
  /** Runs the checks. Without one, steps are only kept. */
  readonly runner?: CheckRunner;
  /** Keeps secrets out of all that is written. @default nothing is taken out */
  readonly redactor?: Redactor;
  /** The commands that errors name. @default those of `monque` */
  readonly commandFor?: CommandFor;
  readonly clock?: Clock;
}

/** Who works on a step, and in which run. */
export interface RunBy extends ChangedBy {
  readonly run: string;
}

/** What a verification did with one step. */
export interface StepOutcome {
  readonly id: string;
  readonly title: string;
  /**
   * - `verified`: every check passed
   * - `drift`: a check failed
   * - `too early`: every check passed, but in the run that completed the step
   * - `unchecked`: an invariant has no check, there is none, or the step names no run that completed it
   * - `changed`: somebody worked on the step meanwhile
   */
  readonly outcome: 'verified' | 'drift' | 'too early' | 'unchecked' | 'changed';
  readonly results: readonly CheckResult[];
}

/** An invariant with what its check is called and found last. */
export interface InvariantResult {
  /** What must be so. */
  readonly text: string;
  /** The command with its options, or the function; absent when nobody said how to check it. */
  readonly check?: string;
  /** Absent as long as the check was not run. */
  readonly result?: CheckResult;
}

/** What a verification found. */
export interface VerificationReport {
  readonly run: string;
  readonly at: Date;
  readonly steps: readonly StepOutcome[];
  /** True when no step drifted, and none is left that could not be checked. */
  readonly ok: boolean;
}

/** What a verification ledger emits. Listeners are called after the write. */
export interface VerificationEventMap {
  /** A step was verified. */
  'step:verified': [{ readonly step: Step; readonly results: readonly CheckResult[] }];
  /** A check of a step failed. */
  'step:drifted': [{ readonly step: Step; readonly results: readonly CheckResult[] }];
  /** A verification ended. */
  'verification:finished': [VerificationReport];
}

/** Which steps are verified. */
export interface ReverifyOptions extends RunBy {
  /** These steps. @default all that were completed */
  readonly ids?: readonly string[];
  /** Only steps that are pending or have drifted, not those that are verified. @default false */
  readonly dueOnly?: boolean;
}

const COMPLETED: readonly StepStatus[] = [
  'completed_pending_verification',
  'verified',
  'drift_detected',
];

/** A ledger of steps. */
export class VerificationLedger extends EventEmitter<VerificationEventMap> {
  /** The records below it. */
  readonly records: RecordLedger<StepStatus, StepVerb>;
  readonly #runner: CheckRunner | undefined;
  readonly #redactor: Redactor | undefined;
  readonly #clock: Clock;

  constructor({
    store,
    runner,
    redactor,
    commandFor = LEDGER_COMMANDS,
    clock = systemClock,
  }: VerificationLedgerOptions) {
    super();
    this.#runner = runner;
    this.#redactor = redactor;
    this.#clock = clock;
    this.records = new RecordLedger({
      ...{ lifecycle: STEP_LIFECYCLE, fields: STEP_FIELDS, store, clock, required: ['title'] },
      rules: stepRules(commandFor),
      ...(redactor !== undefined && { redact: (text: string) => redactor.redact(text) }),
    });
  }

  /** Adds a step that is not started. */
  async add(id: string, fields: StepFields, by: ChangedBy): Promise<Step> {
    this.#refuseSecrets(fields);
    return (await this.records.add(id, { ...fields }, by)) as Step;
  }

  /** The step with this id, or null. */
  async get(id: string): Promise<Step | null> {
    return (await this.records.get(id)) as Step | null;
  }

  /** Steps in the order of their ids, at most 100 unless `limit` says otherwise. */
  async list(query: RecordQuery = {}): Promise<readonly Step[]> {
    return (await this.records.list(query)) as readonly Step[];
  }

  /** The invariants of a step, each with what its check found last. */
  resultsOf({ invariants, tests }: Step): readonly InvariantResult[] {
    const results = new Map(tests.flatMap((run) => ('check' in run ? [[run.check, run]] : [])));
    return invariants.map(({ text, check }) => {
      if (check === undefined) return { text };
      const name = nameOfCheck(check);
      const result = results.get(name);
      return { text, check: name, ...(result !== undefined && { result }) };
    });
  }

  /** Begins the work on a step. Refused while another step waits to be verified or has drifted. */
  start(id: string, by: RunBy): Promise<Step> {
    return this.#move('start', id, {}, by);
  }

  /** Changes what a step says while it is worked on, or before. */
  async amend(id: string, changes: Partial<StepFields>, by: ChangedBy): Promise<Step> {
    this.#refuseSecrets(changes);
    return this.#move('amend', id, { ...changes }, by);
  }

  /** Changes the remarks on a step, in any state. */
  note(
    id: string,
    changes: Pick<Partial<StepFields>, 'edgeCases' | 'concerns' | 'stillNeeded'>,
    by: ChangedBy,
  ): Promise<Step> {
    return this.#move('note', id, { ...changes }, by);
  }

  /** Adds a line to the history of a step. */
  log(id: string, line: string, by: ChangedBy): Promise<Step> {
    return this.#move('log', id, {}, { ...by, reason: line });
  }

  /** Ends the work on a step. Every invariant must have a check by then. */
  complete(id: string, by: RunBy): Promise<Step> {
    return this.#move('complete', id, {}, by);
  }

  /** Goes back to work on a step that has drifted, or is not verified yet. */
  fix(id: string, by: RunBy): Promise<Step> {
    return this.#move('fix', id, {}, by);
  }

  /** Goes back to work on a step that is verified. Refused while another step waits to be verified or has drifted. */
  reopen(id: string, by: RunBy): Promise<Step> {
    return this.#move('reopen', id, {}, by);
  }

  /** Runs the checks of a step that is worked on, and records their results with it. */
  async runChecks(id: string, by: RunBy): Promise<readonly CheckResult[]> {
    const step = await this.get(id);
    if (step === null) throw new RecordNotFoundError(id);
    const results = await this.#runnerOf().run(checksOf(step), by.run);
    await this.#move('record', id, (now) => ({ tests: withResults(now.tests, results) }), by);
    return results;
  }

  /**
   * Runs the checks of completed steps side by side and records what they find: a step whose checks all pass is
   * verified, one with a check that fails has drifted.
   */
  async reverify(options: ReverifyOptions): Promise<VerificationReport> {
    const runner = this.#runnerOf();
    const { ids, dueOnly = false, ...by } = options;
    const steps = (await this.#stepsToVerify(ids)).filter(
      ({ status }) => !dueOnly || status !== 'verified',
    );
    const results = await runner.run(steps.flatMap(checksOf), by.run);
    const byCheck = new Map(results.map((result) => [result.check, result]));
    const outcomes: StepOutcome[] = [];
    for (const step of steps) outcomes.push(await this.#settle(step, byCheck, by));
    const ok = outcomes.every(({ outcome }) => outcome === 'verified' || outcome === 'too early');
    const report = { run: by.run, at: wholeSeconds(this.#clock.now()), steps: outcomes, ok };
    this.emit('verification:finished', report);
    return report;
  }

  async #stepsToVerify(ids: readonly string[] | undefined): Promise<readonly Step[]> {
    const steps = (await this.records.all()) as readonly Step[];
    if (ids === undefined) return steps.filter(({ status }) => COMPLETED.includes(status));
    return ids.map((id) => {
      const step = steps.find((candidate) => candidate.id === id);
      if (step === undefined) throw new RecordNotFoundError(id);
      if (!COMPLETED.includes(step.status))
        throw new RecordStateError(id, step.status, 'verify', COMPLETED);
      return step;
    });
  }

  async #settle(
    step: Step,
    byCheck: ReadonlyMap<string, CheckResult>,
    by: RunBy,
  ): Promise<StepOutcome> {
    const { id, title } = step;
    const results = checksOf(step)
      .map((check) => byCheck.get(nameOfCheck(check)))
      .filter((result) => result !== undefined);
    const isUnchecked =
      results.length === 0 ||
      step.runId === undefined ||
      step.invariants.some(({ check }) => check === undefined);
    const failed = results.filter(({ passed }) => !passed);
    if (failed.length === 0 && isUnchecked) return { id, title, outcome: 'unchecked', results };
    const verb = failed.length === 0 ? 'verify' : 'reportDrift';
    const outcome = failed.length === 0 ? 'verified' : 'drift';
    try {
      const after = await this.#move(verb, id, this.#found(step, outcome, results, by.run), by);
      this.emit(outcome === 'drift' ? 'step:drifted' : 'step:verified', { step: after, results });
      return { id, title, outcome, results };
    } catch (error) {
      if (error instanceof LedgerRuleError && error.rule === LATER_RUN_RULE) {
        return { id, title, outcome: 'too early', results };
      }
      const isChanged = error instanceof RecordStateError || error instanceof LedgerRuleError;
      if (isChanged) return { id, title, outcome: 'changed', results };
      throw error;
    }
  }

  #found(
    { completedAt }: Step,
    outcome: Verification['outcome'],
    results: readonly CheckResult[],
    run: string,
  ): (step: Step) => Record<string, unknown> {
    const at = wholeSeconds(this.#clock.now());
    const passed = results.filter((result) => result.passed).length;
    const verification = {
      outcome,
      at,
      run,
      notes: `${passed} of ${results.length} checks passed`,
    };
    return (now) => ({
      tests: withResults(now.tests, results),
      verifications: [verification],
      ...(completedAt !== undefined && { completedAt }),
    });
  }

  async #move(
    verb: StepVerb,
    id: string,
    params: Record<string, unknown> | ((step: Step) => Record<string, unknown>),
    by: ChangedBy,
  ): Promise<Step> {
    const given =
      typeof params === 'function' ? (record: unknown) => params(record as Step) : params;
    return (await this.records.move(verb, id, given, by)) as Step;
  }

  #runnerOf(): CheckRunner {
    if (this.#runner === undefined) {
      throw new InvalidArgumentError(
        'options.runner',
        'a CheckRunner, which runs the checks',
        undefined,
      );
    }
    return this.#runner;
  }

  /** A command must stay as it is, so a secret in one cannot be taken out. */
  #refuseSecrets({ invariants = [] }: Partial<StepFields>): void {
    for (const [index, { check }] of invariants.entries()) {
      const name = check === undefined ? undefined : this.#redactor?.find(JSON.stringify(check));
      if (name !== undefined) {
        const field = `invariants[${index}].check`;
        throw new InvalidArgumentError(
          field,
          `without the value of ${name}; use the variable in the command`,
          'a secret',
        );
      }
    }
  }
}

function checksOf({ invariants }: Step): Check[] {
  return invariants.flatMap(({ check }) => check ?? []);
}
