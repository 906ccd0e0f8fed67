/**
 * Waits for jobs to be finished, wherever they run: what ends in this process is known at once, for others the ledger
 * is asked at growing intervals.
 *
 * @module
 */
import { sleep } from './clock.ts';
import { UndecodableError } from './codec.ts';
import type { EngineContext } from './engine-context.ts';
import { toError, WaitError } from './errors.ts';
import type { Job } from './job.ts';
import { JOB_LIFECYCLE } from './job-lifecycle.ts';

const FIRST_INTERVAL_MS = 50;
const LONGEST_INTERVAL_MS = 1_000;

interface Wait {
  readonly jobId: Job['_id'];
  /** Ends the pause between two questions. */
  ended: AbortController;
  job?: Job;
}

type WaiterContext = Pick<EngineContext, 'ledger' | 'clock'>;

/** Everybody in this process who waits for a job. */
export class Waiter {
  readonly #context: WaiterContext;
  readonly #waits = new Set<Wait>();

  constructor(context: WaiterContext) {
    this.#context = context;
  }

  /**
   * Resolves with the result of the job; for a job of a series when the series is over.
   *
   * @throws WaitError when there is no result, or not in time
   */
  async wait(jobId: Job['_id'], timeoutMs: number): Promise<unknown> {
    const { clock } = this.#context;
    const wait: Wait = { jobId, ended: new AbortController() };
    const untilMs = clock.monotonic() + timeoutMs;
    this.#waits.add(wait);
    try {
      for (let intervalMs = FIRST_INTERVAL_MS; ; intervalMs = longer(intervalMs)) {
        const answer = wait.job ?? (await this.#ask(jobId));
        if (answer === null) throw new WaitError('gone', jobId);
        const isJob = !(answer instanceof Error);
        if (isJob && isFinished(answer)) return resultOf(answer);
        const leftMs = untilMs - clock.monotonic();
        if (leftMs <= 0) {
          const options = isJob ? { job: answer } : { cause: answer };
          throw new WaitError(isJob ? 'timeout' : 'unknown', jobId, options);
        }
        await sleep(clock, Math.min(intervalMs, leftMs), wait.ended.signal);
        wait.ended = new AbortController();
      }
    } finally {
      this.#waits.delete(wait);
    }
  }

  /** A job was finished or deleted by this process. */
  ended(job: Job): void {
    for (const wait of this.#waits) {
      if (!wait.jobId.equals(job._id)) continue;
      if (isFinished(job)) wait.job = job;
      wait.ended.abort();
    }
  }

  async #ask(jobId: Job['_id']): Promise<Job | null | Error> {
    try {
      return await this.#context.ledger.getJob({ jobId, archived: true });
    } catch (error) {
      return toError(error);
    }
  }
}

function longer(intervalMs: number): number {
  return Math.min(intervalMs * 2, LONGEST_INTERVAL_MS);
}

function isFinished(job: Job): boolean {
  return JOB_LIFECYCLE.terminal.includes(job.status);
}

function resultOf(job: Job): unknown {
  if (job.result instanceof UndecodableError) throw job.result;
  if (job.status === 'completed') return job.result;
  throw new WaitError(job.status === 'cancelled' ? 'cancelled' : 'failed', job._id, { job });
}
