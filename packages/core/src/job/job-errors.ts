/**
 * The errors that speak of jobs.
 *
 * @module
 */
import type { ObjectId } from 'mongodb';
import { MonqueError } from '../foundation/errors.ts';
import type { Job, JobStatus } from './job.ts';

/** A verb does not apply to the job in the state it is in. Nothing was changed. */
export class JobStateError extends MonqueError {
  override readonly name = 'JobStateError';
  readonly jobId: ObjectId;
  /** The state it was in; `gone` for a job that is not in the ledger any more. */
  readonly status: JobStatus | 'gone';
  /** What was called, such as `retryJob`. */
  readonly verb: string;

  constructor(
    { _id: jobId, status }: Pick<Job, '_id'> & Pick<JobStateError, 'status'>,
    verb: string,
    allowedFrom: readonly string[],
    why = `${verb} is allowed from: ${allowedFrom.join(', ')}`,
  ) {
    const wanted = verb.replace(/Job$/, '');
    super('JOB_STATE', `Cannot ${wanted} job ${jobId.toHexString()}: it is ${status}, and ${why}`);
    this.jobId = jobId;
    this.status = status;
    this.verb = verb;
  }
}

/**
 * A job cannot be made pending again, or was not stored with `whenTaken: 'throw'`: another job holds its unique key.
 * Nothing was changed.
 */
export class UniqueKeyTakenError extends MonqueError {
  override readonly name = 'UniqueKeyTakenError';
  /** The job that was to be made pending; absent where a new one was refused. */
  readonly jobId?: ObjectId;
  /** Who holds the key, unless it was gone again when it was looked for. */
  readonly holderId?: ObjectId;

  constructor(
    wanted: string,
    uniqueKey: string | undefined,
    holderId: ObjectId | undefined,
    jobId?: ObjectId,
  ) {
    const holder = holderId === undefined ? 'another job' : `job ${holderId.toHexString()}`;
    super(
      'UNIQUE_KEY_TAKEN',
      `Cannot ${wanted}: its unique key '${uniqueKey}' is held by ${holder}`,
    );
    if (jobId !== undefined) this.jobId = jobId;
    if (holderId !== undefined) this.holderId = holderId;
  }
}

/** Why a wait for a job ended without its result. */
export type WaitReason = 'failed' | 'cancelled' | 'gone' | 'timeout' | 'unknown' | 'stopped';

/** What is known when a wait ends. */
interface WaitFacts {
  readonly job?: Job;
  readonly cause?: Error;
  readonly explanation?: string;
}

/** `waitFor` has no result: the job failed, was cancelled, is gone, took too long, or the ledger did not answer. */
export class WaitError extends MonqueError {
  override readonly name = 'WaitError';
  readonly jobId: ObjectId;
  /** `unknown`: the ledger did not answer until the time was over; `stopped`: the scheduler was stopped meanwhile. */
  readonly reason: WaitReason;
  /** The job as it was seen last. */
  readonly job?: Job;
  /**
   * With `timeout`, why the job was not finished, in the words of `explain`; absent when that was not known within two
   * seconds, when more than ten waits of this scheduler end at once, and for
   * an actor, who may call `explain`.
   */
  readonly explanation?: string;

  constructor(reason: WaitReason, jobId: ObjectId, facts: WaitFacts = {}) {
    const { job, cause, explanation } = facts;
    const id = jobId.toHexString();
    const why = explanation ?? job?.failReason;
    super(
      'WAIT',
      `${WAIT_MESSAGES[reason](id)}${why === undefined ? '' : `: ${why}`}`,
      cause && { cause },
    );
    this.jobId = jobId;
    this.reason = reason;
    if (job !== undefined) this.job = job;
    if (explanation !== undefined) this.explanation = explanation;
  }
}

const WAIT_MESSAGES: Readonly<Record<WaitReason, (id: string) => string>> = {
  failed: (id) => `Job ${id} failed`,
  cancelled: (id) => `Job ${id} was cancelled`,
  gone: (id) => `Job ${id} does not exist, or not any more`,
  timeout: (id) => `Job ${id} was not finished within the timeout`,
  stopped: (id) => `The scheduler was stopped before it was known whether job ${id} is finished`,
  unknown: (id) => `Whether job ${id} is finished is not known: the ledger did not answer`,
};

/** `stop()` waited for `shutdownTimeout` and some handlers still ran. They were told to abort; their jobs are here. */
export class ShutdownTimeoutError extends MonqueError {
  override readonly name = 'ShutdownTimeoutError';
  /** The jobs whose handlers had not ended, as they were when they were claimed. */
  readonly incompleteJobs: readonly Job[];

  constructor(timeoutMs: number, incompleteJobs: readonly Job[]) {
    super(
      'SHUTDOWN_TIMEOUT',
      `${incompleteJobs.length} handlers still ran after the shutdownTimeout of ${timeoutMs} ms; their signals were aborted`,
    );
    this.incompleteJobs = incompleteJobs;
  }
}

/**
 * A flow took longer to be stored than twice `resendLimit`, and was abandoned meanwhile: none of its jobs starts, and
 * those that were stored are cancelled. Store it again.
 */
export class FlowAbandonedError extends MonqueError {
  override readonly name = 'FlowAbandonedError';
  readonly flowId: ObjectId;

  constructor(flowId: ObjectId) {
    const id = flowId.toHexString();
    super(
      'FLOW_ABANDONED',
      `Flow ${id} took too long to be stored and was abandoned; none of its jobs starts. Store it again`,
    );
    this.flowId = flowId;
  }
}
