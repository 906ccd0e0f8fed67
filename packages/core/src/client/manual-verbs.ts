/**
 * What people do to single jobs and names: cancel, retry, move and delete a job, pause and resume a name.
 *
 * What always holds: every change is one verb of the lifecycle table on one job; a job that it does not apply to is left
 * as it is, and the error names the verb that was called.
 *
 * @module
 */
import type { EngineContext } from '../context/scheduler-context.ts';
import { checkDate, checkJobName, toObjectId } from '../foundation/argument-checks.ts';
import { endToken } from '../job/flow-tokens.ts';
import type { Job } from '../job/job.ts';
import { JobStateError, UniqueKeyTakenError } from '../job/job-errors.ts';
import { JOB_LIFECYCLE, type JobVerb } from '../job/job-lifecycle.ts';
import { type ManualVerbOptions, whyOf } from '../options/manual-verb-options.ts';

/** How a job is put back to work. */
interface Redrive {
  /** What the user called. */
  readonly verb: string;
  readonly row: JobVerb;
  /** What could not be done where it could not. */
  readonly action: string;
  readonly isDeadLetter: boolean;
  readonly delayMs: number;
}

const RETRY: Redrive = {
  verb: 'retryJob',
  row: 'redrive',
  action: 'retry job',
  isDeadLetter: false,
  delayMs: 0,
};

const REDRIVE: Redrive = {
  verb: 'redriveDeadLetter',
  row: 'redriveDeadLetter',
  action: 'redrive dead letter',
  isDeadLetter: true,
  delayMs: 0,
};

/** Lets those go on who wait for these tokens. */
export type OnTokens = (tokens: readonly string[]) => Promise<void>;

/** What the verbs notify their surroundings of. */
export interface ManualVerbHooks {
  /** A job became pending, or is due at another time. */
  readonly onPending: (job: Job) => void;
  /** A job that is processing was asked to cancel. */
  readonly onCancelRequested: (jobId: string) => void;
  /** A job was finished or deleted manually. */
  readonly onEnded: (job: Job) => void;
  /** A job that others may wait for has come to an end, or waits for others again: who waits for these tokens may go on. */
  readonly onTokens: OnTokens;
  /** A name was paused or resumed. */
  readonly onPausesChanged: (name: string, isPaused: boolean) => void;
}

type ManualContext = Pick<EngineContext, 'ledger' | 'ledgerTime' | 'ready' | 'emit'>;

/** The verbs on one job or name. */
export class ManualVerbs {
  readonly #context: ManualContext;
  readonly #hooks: ManualVerbHooks;

  constructor(context: ManualContext, hooks: ManualVerbHooks) {
    this.#context = context;
    this.#hooks = hooks;
  }

  /** Cancels a job, or asks for it while it runs; null when there is none. */
  async cancelJob(
    id: unknown,
    options: ManualVerbOptions,
    onTokens: OnTokens = this.#hooks.onTokens,
  ): Promise<Job | null> {
    const jobId = toObjectId('id', id);
    const why = whyOf(options);
    await this.#context.ready();
    const { ledger, ledgerTime, emit } = this.#context;
    const now = ledgerTime.now();
    const { outcome, job } = await ledger.cancel({ jobId, now, ...why });
    if (job === null) return null;
    if (outcome === 'refused') {
      if (job.status === 'cancelled') return job;
      throw stateError(job, 'cancelJob', ['cancel', 'requestCancel']);
    }
    if (outcome === 'requested') {
      this.#hooks.onCancelRequested(jobId.toHexString());
      return job;
    }
    emit('job:cancelled', { job });
    if (job.feeds !== undefined) await onTokens(job.feeds);
    if (outcome === 'skipped') this.#hooks.onPending(job);
    else this.#hooks.onEnded(job);
    return job;
  }

  /**
   * Makes a failed or cancelled job pending again; null when there is none.
   *
   * @param onTokens - lets those go on who wait, in place of the hook; the job is then given as it was redriven
   */
  retryJob(id: unknown, options: ManualVerbOptions, onTokens?: OnTokens): Promise<Job | null> {
    return this.#redrive(id, options, RETRY, onTokens);
  }

  /**
   * Gives a dead letter the name back under which it failed; null when there is none.
   *
   * @param delayMs - from when it is due, in milliseconds
   */
  redriveDeadLetter(id: unknown, options: ManualVerbOptions, delayMs = 0): Promise<Job | null> {
    return this.#redrive(id, options, { ...REDRIVE, delayMs });
  }

  async #redrive(
    id: unknown,
    options: ManualVerbOptions,
    { verb, row, action, isDeadLetter, delayMs }: Redrive,
    onTokens?: OnTokens,
  ): Promise<Job | null> {
    const { ledger, ledgerTime, emit } = this.#context;
    const jobId = toObjectId('id', id);
    const why = whyOf(options);
    await this.#context.ready();
    const now = ledgerTime.now();
    const { outcome, job, holder } = await ledger.redrive({
      jobId,
      now,
      nextRunAt: new Date(now.getTime() + delayMs),
      ...(isDeadLetter && { isDeadLetter }),
      ...why,
    });
    if (job === null) return null;
    if (outcome === 'taken') {
      const wanted = `${action} ${jobId.toHexString()}`;
      throw new UniqueKeyTakenError(wanted, job.uniqueKey, holder?._id, jobId);
    }
    if (outcome === 'refused') {
      if (isDeadLetter && job.source === undefined) throw noDeadLetter(job);
      throw stateError(job, verb, [row]);
    }
    emit('job:retried', { job });
    if (job.waitsFor !== undefined) {
      await (onTokens ?? this.#hooks.onTokens)(job.waitsFor);
      return onTokens === undefined ? ledger.getJob({ jobId }) : job;
    }
    this.#hooks.onPending(job);
    return job;
  }

  /** Moves a pending job to another time; null when there is none. */
  async rescheduleJob(id: unknown, runAt: Date, options: ManualVerbOptions): Promise<Job | null> {
    const { ledger, ledgerTime } = this.#context;
    const jobId = toObjectId('id', id);
    checkDate('runAt', runAt);
    const why = whyOf(options);
    await this.#context.ready();
    const changes = { nextRunAt: new Date(runAt) };
    const { outcome, job } = await ledger.amend({
      jobId,
      changes,
      now: ledgerTime.now(),
      ...why,
    });
    if (job === null) return null;
    if (outcome === 'refused') throw stateError(job, 'rescheduleJob', ['amend']);
    this.#hooks.onPending(job);
    return job;
  }

  /** Deletes a job that is not processing; false when there is none. */
  async deleteJob(id: unknown, options: ManualVerbOptions): Promise<boolean> {
    const { ledger, ledgerTime, emit } = this.#context;
    const jobId = toObjectId('id', id);
    const why = whyOf(options);
    await this.#context.ready();
    const { outcome, job } = await ledger.remove({ jobId, now: ledgerTime.now(), ...why });
    if (job === null) return false;
    if (outcome === 'refused') throw notDeletable(job);
    emit('job:deleted', { job });
    // A flow may end with the last of its jobs that was unfinished.
    if (job.flow !== undefined) await this.#hooks.onTokens([endToken(job.flow)]);
    this.#hooks.onEnded(job);
    return true;
  }

  /** Pauses a name for the whole cluster, or lets it go on. */
  async setPaused(name: unknown, paused: boolean, options: ManualVerbOptions): Promise<void> {
    checkJobName('name', name);
    const why = whyOf(options);
    await this.#context.ready();
    const { ledger, ledgerTime } = this.#context;
    const now = ledgerTime.now();
    await ledger.setPaused({ name: name as string, paused, now, ...why });
    this.#hooks.onPausesChanged(name as string, paused);
  }
}

/** Names the verb that the user called, and the states from which any verb of the table does it. */
function stateError(job: Job, verb: string, rows: readonly JobVerb[]): JobStateError {
  const from = new Set(rows.flatMap((row) => [...JOB_LIFECYCLE.transitions[row].from]));
  return new JobStateError(job, verb, [...from]);
}

/** A parent in a flow stays while its children are there. */
function notDeletable(job: Job): JobStateError {
  if (job.status === 'processing') return stateError(job, 'deleteJob', ['remove']);
  const why = 'it is a parent in a flow; deleteJob is allowed once its children are deleted';
  return new JobStateError(job, 'deleteJob', [], why);
}

function noDeadLetter(job: Job): JobStateError {
  const why = 'it is no dead letter: it never failed for good under another name';
  return new JobStateError(job, 'redriveDeadLetter', [], why);
}
