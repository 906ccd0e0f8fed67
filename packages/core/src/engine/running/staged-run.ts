/**
 * One run of a job with stages: from behind the last recorded stage to a closed gate or to the end.
 *
 * What always holds: a stage starts when the ledger has confirmed the record of the one before it under the claim of
 * this run, and never once the run was told to end or while its lease is not held; so a recorded stage is not run
 * again, and a claim that was taken away starts no more stages. A stage whose record was not confirmed may run again.
 *
 * @module
 */

import type { EngineContext } from '../../context/scheduler-context.ts';
import {
  ConnectionError,
  InvalidArgumentError,
  MonqueError,
  UnknownOutcomeError,
  UnsupportedError,
} from '../../foundation/errors.ts';
import { retrying } from '../../foundation/retrying.ts';
import { enqueuedName } from '../../job/dead-letters.ts';
import type { ClaimedJob, Job, StageRecord } from '../../job/job.ts';
import { copyPayload } from '../../job/payload.ts';
import type { CheckpointResult } from '../../ledger/ledger-repository.ts';
import type { JobContext } from '../../workers/handler.ts';
import { isHandlerOutcome, type Outcome, type StagedEnd } from '../../workers/handler-outcome.ts';
import type { NextStep, StageContext, StagePlan } from '../../workers/stages.ts';

type StagedRunContext = Pick<
  EngineContext,
  'clock' | 'random' | 'ledger' | 'ledgerTime' | 'options' | 'emit' | 'report'
>;

type StageStep = Extract<NextStep, { readonly kind: 'stage' }>;

/** What a run with stages is given by the run it is a part of. */
export interface StagedRunParams {
  readonly plan: StagePlan;
  /** The claimed job. */
  readonly job: ClaimedJob;
  readonly signal: AbortSignal;
  /** How the run ends that was told to; undefined while it may go on. */
  readonly interruption: () => Outcome | undefined;
  /** True while the lease of the claim is held, so that another stage may start. */
  readonly mayGoOn: () => boolean;
  /** What a handler is given; `complete` ends the run so. */
  readonly jobContext: (staged: StagedEnd) => JobContext;
  /** The result of the job, as far as it can be stored. */
  readonly resultOf: (returned: unknown) => { readonly result?: unknown };
}

/** Runs stages, and records each. */
export class StagedRun {
  readonly #context: StagedRunContext;
  readonly #params: StagedRunParams;
  readonly #records: StageRecord[];
  #openGates: readonly string[];

  constructor(context: StagedRunContext, params: StagedRunParams) {
    this.#context = context;
    this.#params = params;
    const { stages = [], gates = [] } = params.job;
    this.#records = [...stages];
    this.#openGates = gates.map(({ name }) => name);
  }

  /** The job with the stages that are recorded by now. */
  get job(): ClaimedJob {
    const { job } = this.#params;
    return this.#records.length === 0 ? job : { ...job, stages: [...this.#records] };
  }

  /**
   * Runs what is left to run. What a handler throws is passed on.
   *
   * @param job - what the handlers are given
   */
  async execute(job: Job): Promise<Outcome> {
    const { plan, resultOf } = this.#params;
    if (!plan.fits(this.#recordedNames())) return this.#misfit();
    for (;;) {
      const step = plan.next(this.#records.length, this.#openGates);
      if (step.kind !== 'stage') return this.#rest(step);
      const { name: lastStage } = step.stage;
      const staged = { ...this.#end(), lastStage };
      const returned = await step.stage.handler(job, this.#contextOf(step, staged));
      if (isHandlerOutcome(returned)) return returned.outcome;
      if (step.isLast) return { kind: 'completed', ...resultOf(returned), staged };
      const end = await this.#record(step.stage.name, returned);
      if (end !== undefined) return end;
    }
  }

  #recordedNames(): readonly string[] {
    return this.#records.map(({ name }) => name);
  }

  /** Another version of the program may know the stages: the run counts as failed, and others may try it. */
  #misfit(): Outcome {
    const recorded = this.#recordedNames().join(', ');
    const declared = this.#params.plan.stageNames.join(', ');
    const message = `Expected the recorded stages to be the first of the declared ones, got recorded: ${recorded}; declared: ${declared}; let a process that declares them run the job, or enqueue it again`;
    return { kind: 'failed', error: new MonqueError('STAGES_CHANGED', message), isFinal: false };
  }

  /** At a closed gate, or with nothing left to run, as after a change of the list. */
  #rest(step: Exclude<NextStep, StageStep>): Outcome {
    const stagesBefore = this.#recordedNames();
    if (step.kind === 'gate') {
      const { name, timeoutMs } = step.gate;
      return {
        kind: 'blocked',
        gate: name,
        stagesBefore,
        ...(timeoutMs !== undefined && { timeoutMs }),
      };
    }
    const result = this.#records.at(-1)?.result;
    return { kind: 'completed', staged: this.#end(), ...(result !== undefined && { result }) };
  }

  /** What must be recorded when the run ends. */
  #end(): StagedEnd {
    const gates = this.#params.plan.gatesBefore(this.#records.length);
    return { stagesBefore: this.#recordedNames(), gatesBefore: gates.map(({ name }) => name) };
  }

  #contextOf({ stage: { name }, isLast }: StageStep, staged: StagedEnd): StageContext {
    const results = Object.fromEntries(this.#records.map((record) => [record.name, record.result]));
    const base = this.#params.jobContext(staged);
    const complete = isLast ? base.complete : refuseToComplete;
    return Object.freeze({ ...base, complete, results: Object.freeze(results), stage: name });
  }

  /** Records a stage until the ledger answers; gives the end of the run if it may not go on. */
  async #record(name: string, returned: unknown): Promise<Outcome | undefined> {
    const { options, ledgerTime, emit } = this.#context;
    const { job } = this.#params;
    let record: StageRecord;
    let answer: CheckpointResult | undefined;
    try {
      const result = copyPayload(`the result of stage '${name}'`, returned, options.maxGivenBytes);
      record = { name, at: ledgerTime.now(), ...(result !== undefined && { result }) };
      answer = await this.#checkpoint(record);
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error;
      // The stages behind it are owed the result, and running it again would make the same.
      return { kind: 'failed', error, isFinal: true };
    }
    if (answer === undefined || answer.outcome === 'lost')
      return this.#params.interruption() ?? GIVEN_BACK;
    if (answer.outcome === 'refused') return refused(job, name);
    this.#records.push(record);
    this.#openGates = answer.openGates;
    emit('job:stage', { job: this.job, stage: name });
    if (answer.isCancelRequested) return { kind: 'cancelled', by: 'request' };
    const interruption = this.#params.interruption();
    if (interruption !== undefined) return interruption;
    // A machine that stood still may get the answer of the ledger before its timers say that its lease is over.
    return this.#params.mayGoOn() ? undefined : GIVEN_BACK;
  }

  /** Undefined when the run was told to end before there was an answer. */
  async #checkpoint(record: StageRecord): Promise<CheckpointResult | undefined> {
    const { ledger, ledgerTime, clock, random, report } = this.#context;
    const { job, signal, interruption } = this.#params;
    const { _id: jobId, claimToken } = job;
    const params = { jobId, name: enqueuedName(job), claimToken, record, ...this.#end() };
    const answered = await retrying({
      ...{ clock, random, signal },
      call: () => ledger.checkpoint({ ...params, now: ledgerTime.now() }),
      onFailed: (error) => {
        const mayPass = error instanceof ConnectionError || error instanceof UnknownOutcomeError;
        if (!mayPass) throw error;
        report(error);
      },
      mayGoOn: () => interruption() === undefined,
    });
    return answered?.value;
  }
}

const GIVEN_BACK: Outcome = Object.freeze({ kind: 'released', hadStarted: true });

function refused({ _id }: Job, name: string): Outcome {
  const message = `The ledger refused to record stage '${name}' of job ${_id.toHexString()}: other stages are recorded by now than this run found, or a gate before it is closed`;
  return { kind: 'failed', error: new MonqueError('STAGE_REFUSED', message), isFinal: false };
}

async function refuseToComplete(): Promise<never> {
  throw new UnsupportedError('Only the last stage of a job can complete it in a transaction');
}
