/**
 * One run of a job: the call of its handler, what the handler is given, and how it ended.
 *
 * What always holds: a run ends once, with one outcome; a run that is told to abort keeps its slot until its handler
 * ends, except one that took too long: that is given up a short time after its signal was aborted.
 *
 * @module
 */

import type { EngineContext } from '../../context/scheduler-context.ts';
import { apart } from '../../foundation/async-context.ts';
import { sleep, type Timer } from '../../foundation/clock.ts';
import { InvalidArgumentError, MonqueError, toError } from '../../foundation/errors.ts';
import { checkData, type StandardSchema } from '../../foundation/standard-schema.ts';
import { storableText } from '../../foundation/texts.ts';
import type { ClaimedJob, Job } from '../../job/job.ts';
import type { JobMetadata, MetadataChanges } from '../../job/metadata.ts';
import { copyPayload } from '../../job/payload.ts';
import type { ParentsOptions } from '../../options/flow-options.ts';
import { BatchPlan } from '../../workers/batches.ts';
import type { JobContext, JobHandler, ParentsPage } from '../../workers/handler.ts';
import { isHandlerOutcome, type Outcome, type StagedEnd } from '../../workers/handler-outcome.ts';
import { StagePlan } from '../../workers/stages.ts';
import type { Worker } from '../../workers/worker.ts';
import { backOffLimit } from './back-off.ts';
import type { BatchSeat } from './batch.ts';
import { bareEnd, type EndedRun, sureRetry } from './ended-run.ts';
import { handlerContext } from './handler-context.ts';
import { parentsOfRun, resultsOfRun } from './parents.ts';
import { setMetadataOfRun } from './run-metadata.ts';
import { Notes, type OpenNotes } from './run-notes.ts';
import { completeInSession } from './session-completion.ts';
import { StagedRun } from './staged-run.ts';

/** How long a handler that took too long has to end after its signal was aborted, in milliseconds. */
const TIMEOUT_GRACE_MS = 1_000;

const MOST_PROGRESS_BYTES = 16_384;
const LONGEST_LINE = 1_000;

interface CheckedJob {
  readonly job: Job;
  readonly error?: Error;
}

type AbortReason = 'cancel' | 'stop' | 'lease' | 'timeout';

type RunContext = Pick<
  EngineContext,
  'clock' | 'random' | 'ledger' | 'ledgerTime' | 'options' | 'emit' | 'report' | 'metrics'
>;

/** Adds jobs to the flow of a job. */
export type AddToFlow = (
  job: Job,
  jobs: Parameters<JobContext['addToFlow']>[0],
) => ReturnType<JobContext['addToFlow']>;

/** What a run asks of its surroundings. */
export interface RunHooks {
  /** Asked before each stage but the first: true while the lease of the claim is held. */
  readonly mayGoOn: () => boolean;
  /** The handler asked that nothing under a limit starts before a time. */
  readonly onBackOff: (key: string, until: Date) => void;
  /** Its place, where several jobs are run together. */
  readonly seat?: BatchSeat;
  /** Adds jobs to the flow of a job that runs. */
  readonly addToFlow: AddToFlow;
}

/** One claimed job in its handler. */
export class Run {
  readonly job: ClaimedJob;
  readonly #context: RunContext;
  readonly #worker: Worker;
  readonly #hooks: RunHooks;
  #controller: AbortController | undefined;
  readonly #startedMs: number;
  #abortedFor: AbortReason | undefined;
  #endsAfterStage = false;
  #staged: StagedRun | undefined;
  #notes: Notes | undefined;
  #ifCommitted: Outcome | undefined;
  #metadata: JobMetadata | undefined;

  constructor(context: RunContext, worker: Worker, job: ClaimedJob, hooks: RunHooks) {
    this.#context = context;
    this.#worker = worker;
    this.#hooks = hooks;
    this.job = job;
    this.#startedMs = context.clock.monotonic();
  }

  /** How long it has taken so far, in milliseconds. */
  get durationMs(): number {
    return this.#context.clock.monotonic() - this.#startedMs;
  }

  /** Lets the handler know that its result is not wanted any more; only the first reason counts. */
  abort(reason: AbortReason): void {
    if (this.#abortedFor !== undefined) return;
    this.#abortedFor = reason;
    if (this.#controller) abortFor(reason, this.#controller);
  }

  /** Lets no further stage begin: the job is given back behind the one that runs. */
  endAfterStage(): void {
    this.#endsAfterStage = true;
  }

  /** Calls the handler and says how the run ended. Never rejects. */
  async execute(): Promise<Outcome> {
    const timeoutMs = this.job.timeout ?? this.#worker.timeoutMs;
    const outcome =
      timeoutMs === undefined ? await this.#call() : await this.#callWithin(timeoutMs);
    return this.#ifCommitted === undefined ? outcome : this.#confirm(this.#ifCommitted, outcome);
  }

  /** True when the handler reported something. */
  get hasNotes(): boolean {
    return this.#notes !== undefined;
  }

  /** What the handler reported and is not stored yet. */
  endNotes(): Promise<OpenNotes> {
    return this.#ownNotes().end();
  }

  /** All that is to be known of the run now that it has ended. */
  ended({
    outcome,
    durationMs,
    notes,
  }: Pick<EndedRun, 'outcome' | 'durationMs' | 'notes'>): EndedRun {
    const { random, report } = this.#context;
    return {
      job: this.#endedJob(),
      outcome,
      retry: sureRetry(this.#worker.retry, report),
      fraction: random.fraction(),
      durationMs,
      notes,
      ...(this.#ifCommitted && { ifCommitted: this.#ifCommitted }),
    };
  }

  /** The job with the stages that this run recorded, and with the metadata that its handler left. */
  #endedJob(): ClaimedJob {
    const job = this.#staged?.job ?? this.job;
    return this.#metadata === undefined ? job : { ...job, metadata: this.#metadata };
  }

  async #callWithin(timeoutMs: number): Promise<Outcome> {
    const { clock } = this.#context;
    const ended = new AbortController();
    let timer: Timer | undefined;
    const tooLate = new Promise<Outcome>((resolve) => {
      timer = clock.setTimer(
        () => {
          this.abort('timeout');
          const outcome: Outcome = {
            kind: 'failed',
            error: tookTooLong(timeoutMs),
            isFinal: false,
          };
          const grace = sleep(clock, TIMEOUT_GRACE_MS, ended.signal, 'timeout');
          void grace.then(() => resolve(outcome));
        },
        timeoutMs,
        'timeout',
      );
    });
    const called = this.#call();
    void called.then(() => ended.abort());
    const outcome = await Promise.race([called, tooLate]);
    timer?.cancel();
    if (this.#abortedFor !== 'timeout') return outcome;
    return { kind: 'failed', error: tookTooLong(timeoutMs), isFinal: false };
  }

  async #call(): Promise<Outcome> {
    try {
      const { schema } = this.#worker;
      const checked: CheckedJob =
        schema === undefined ? { job: this.job } : await this.#checked(schema);
      if (checked.error) return failureOfData(checked.error);
      const { handler } = this.#worker;
      if (handler instanceof StagePlan) return await this.#runStages(handler, checked.job);
      const returned = await apart(() => this.#runOne(handler, { ...checked.job }));
      if (isHandlerOutcome(returned)) return returned.outcome;
      return { kind: 'completed', ...this.#resultOf(returned) };
    } catch (thrown) {
      const failed: Outcome = { kind: 'failed', error: toError(thrown), isFinal: false };
      return (this.#abortedFor !== 'timeout' && this.#interruption()) || failed;
    }
  }

  #runOne(handler: JobHandler | BatchPlan, job: Job): unknown {
    const context = this.#jobContext();
    return handler instanceof BatchPlan
      ? this.#hooks.seat?.join(job, context)
      : handler(job, context);
  }

  /** How the run ends that was told to; undefined while it may go on. */
  #interruption(): Outcome | undefined {
    if (this.#abortedFor === undefined) return undefined;
    if (this.#abortedFor === 'cancel') return { kind: 'cancelled', by: 'request' };
    return { kind: 'released', hadStarted: true };
  }

  #runStages(plan: StagePlan, job: Job): Promise<Outcome> {
    this.#staged = new StagedRun(this.#context, {
      plan,
      job: this.job,
      signal: this.#signal(),
      interruption: () => this.#interruption() ?? (this.#endsAfterStage ? GIVEN_BACK : undefined),
      mayGoOn: this.#hooks.mayGoOn,
      jobContext: (end) => this.#jobContext(end),
      resultOf: (returned) => this.#resultOf(returned),
    });
    const staged = this.#staged;
    return apart(() => staged.execute({ ...job }));
  }

  async #checked(schema: StandardSchema): Promise<CheckedJob> {
    try {
      return { job: { ...this.job, data: await checkData(schema, 'data', this.job.data) } };
    } catch (error) {
      return { job: this.job, error: toError(error) };
    }
  }

  /** Most handlers never look at the signal, and one for each run would be a large part of what a run costs. */
  #signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#abortedFor !== undefined) abortFor(this.#abortedFor, this.#controller);
    }
    return this.#controller.signal;
  }

  #jobContext(staged?: StagedEnd): JobContext {
    return handlerContext(() => this.#signal(), {
      fence: this.job.fence,
      progress: (value: unknown) => this.#progress(value),
      log: (line: string) => this.#ownNotes().log(storableText(String(line), LONGEST_LINE)),
      setMetadata: (changes: MetadataChanges) => this.#setMetadata(changes),
      backOff: (limit: string, ms: number) =>
        backOffLimit(this.#context, limit, ms, this.#hooks.onBackOff),
      parentResults: <R extends object>() =>
        resultsOfRun(this.#context, this.job) as Promise<Readonly<Partial<R>>>,
      parents: <R>(options?: ParentsOptions) =>
        parentsOfRun(this.#context, this.job, options) as Promise<ParentsPage<R>>,
      addToFlow: (jobs: Parameters<JobContext['addToFlow']>[0]) =>
        this.#hooks.addToFlow(this.job, jobs),
      complete: (options: Parameters<JobContext['complete']>[0]) => this.#complete(options, staged),
    });
  }

  async #setMetadata(changes: MetadataChanges): Promise<void> {
    this.#metadata = await setMetadataOfRun(this.#context, this.job, changes);
  }

  #progress(value: unknown): void {
    const progress = copyPayload('progress', value, MOST_PROGRESS_BYTES, '');
    if (progress === undefined) {
      throw new InvalidArgumentError('progress', 'a value that can be stored', value);
    }
    this.#ownNotes().progress(progress);
    this.#context.emit('job:progress', { job: this.job, progress });
  }

  #ownNotes(): Notes {
    this.#notes ??= new Notes(this.#context, this.job);
    return this.#notes;
  }

  /** The work is done: a result that cannot be stored is left out, and said, rather than done again. */
  #resultOf(returned: unknown): { readonly result?: unknown } {
    try {
      const result = copyPayload('result', returned, this.#context.options.maxGivenBytes);
      return result === undefined ? {} : { result };
    } catch (error) {
      this.#context.emit('job:error', { error: toError(error), job: this.job });
      return {};
    }
  }

  async #complete(
    { session, result }: Parameters<JobContext['complete']>[0],
    staged: StagedEnd | undefined,
  ): Promise<void> {
    const { options } = this.#context;
    if (typeof session?.inTransaction !== 'function' || !session.inTransaction()) {
      throw new InvalidArgumentError('session', 'a session with a started transaction', session);
    }
    const stored = copyPayload('result', result, options.maxGivenBytes);
    const outcome: Outcome = {
      kind: 'completed',
      ...(stored !== undefined && { result: stored }),
      ...(staged && { staged }),
    };
    this.#ifCommitted = outcome;
    await completeInSession(this.#context, bareEnd(this.job, outcome, this.#worker.retry), session);
  }

  /** No other write may complete the run once its transaction was asked to; so the ledger is asked what it says. */
  async #confirm(done: Outcome, outcome: Outcome): Promise<Outcome> {
    const { ledger, clock, report } = this.#context;
    for (let delayMs = CONFIRM_BASE_MS; ; delayMs = Math.min(delayMs * 2, CONFIRM_LONGEST_MS)) {
      try {
        const job = await ledger.getJob({ jobId: this.job._id });
        const { claimToken } = this.job;
        // A later run of the same job may have ended already, so that the ledger does not show this one any more. While
        // the lease is held nobody but this run can have ended its claim.
        const wentOn = job?.claimToken !== claimToken && this.#abortedFor === undefined;
        if (job?.lastToken === claimToken || wentOn) return { kind: 'confirmed', of: done };
        return { kind: 'failed', error: notCommitted(outcome), isFinal: false };
      } catch (error) {
        report(error);
        if (this.#abortedFor !== undefined) return { kind: 'released', hadStarted: true };
        await sleep(clock, delayMs, this.#signal());
      }
    }
  }
}

const GIVEN_BACK: Outcome = Object.freeze({ kind: 'released', hadStarted: true });

/** Wrong data stays wrong; that a schema could not look may be over soon. */
function failureOfData(error: Error): Outcome {
  return { kind: 'failed', error, isFinal: error instanceof InvalidArgumentError };
}

function notCommitted(outcome: Outcome): Error {
  if (outcome.kind === 'failed') return outcome.error;
  return new MonqueError('NOT_COMMITTED', 'The transaction of the handler was not committed');
}

const CONFIRM_BASE_MS = 50;
const CONFIRM_LONGEST_MS = 5_000;

function abortFor(reason: AbortReason, controller: AbortController): void {
  const name = reason === 'timeout' ? 'TimeoutError' : 'AbortError';
  controller.abort(new DOMException(ABORT_MESSAGES[reason], name));
}

function tookTooLong(timeoutMs: number): Error {
  return new DOMException(
    `The run took longer than its timeout of ${timeoutMs} ms`,
    'TimeoutError',
  );
}

const ABORT_MESSAGES = Object.freeze({
  cancel: 'The job was cancelled',
  stop: 'The instance stops and waited for shutdownTimeout',
  lease: 'The claim was lost: this instance had been declared dead',
  timeout: 'The run took longer than its timeout',
});
