/**
 * Waits for jobs to be finished, wherever they run: what ends in this process is known at once, for others the ledger
 * is asked at growing intervals.
 *
 * What always holds: jobs whose turn it is are read together, not one by one, and turns fall on multiples of their
 * interval; so the number of reads does not grow with the number of those who wait.
 *
 * @module
 */

import type { EngineContext } from '../context/scheduler-context.ts';
import type { Timer } from '../foundation/clock.ts';
import type { Session } from '../foundation/driver-shapes.ts';
import { toError } from '../foundation/errors.ts';
import { UndecodableError } from '../job/codec.ts';
import type { Job } from '../job/job.ts';
import { WaitError } from '../job/job-errors.ts';
import { JOB_LIFECYCLE } from '../job/job-lifecycle.ts';

const FIRST_INTERVAL_MS = 50;
const LONGEST_INTERVAL_MS = 1_000;
const MOST_JOBS_A_READ = 200;

/** How a job is waited for. */
export interface WaitForOptions {
  /** Milliseconds to wait at most, from 0 to a day. @default 30000 */
  readonly timeout?: number;
}

interface Wait {
  readonly jobId: Job['_id'];
  readonly untilMs: number;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
  /** True while the job may be in a transaction that is open, where nobody else sees it. */
  readonly isUnseen: () => boolean;
  intervalMs: number;
  /** When the ledger is asked next; infinite while it is being asked. */
  dueMs: number;
}

/** What the ledger said: the job, null when there is none, or why it did not answer. */
type Answer = Job | null | Error;

type WaiterContext = Pick<EngineContext, 'ledger' | 'clock'>;

/** How many jobs of open transactions are remembered. */
const MOST_UNSEEN = 10_000;

/** Everybody in this process who waits for a job. */
export class Waiter {
  readonly #context: WaiterContext;
  readonly #waits = new Map<string, Set<Wait>>();
  /** The transactions of jobs that this process stored in one. */
  readonly #sessions = new Map<string, Session>();
  #timer: Timer | undefined;
  #isGathering = false;

  constructor(context: WaiterContext) {
    this.#context = context;
  }

  /**
   * Resolves with the result of the job; for a job of a series when the series is over.
   *
   * @throws WaitError when there is no result, or not in time
   */
  wait(jobId: Job['_id'], timeoutMs: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const dueMs = this.#context.clock.monotonic();
      const untilMs = dueMs + timeoutMs;
      const id = idOf(jobId);
      const isUnseen = (): boolean => this.#sessions.get(id)?.inTransaction() === true;
      const intervalMs = FIRST_INTERVAL_MS;
      const wait = { jobId, untilMs, resolve, reject, isUnseen, intervalMs, dueMs };
      this.#waits.set(id, (this.#waits.get(id) ?? new Set<Wait>()).add(wait));
      void this.#askSoon();
    });
  }

  /** A job was stored in a transaction of the user's: until that is over, nobody else sees it. */
  storedIn(session: Session, jobId: Job['_id']): void {
    this.#sessions.set(idOf(jobId), session);
    const [oldest = ''] = this.#sessions.keys();
    if (this.#sessions.size > MOST_UNSEEN) this.#sessions.delete(oldest);
  }

  /** Ends every wait, since the scheduler was stopped: nobody is kept waiting, and no timer keeps the process. */
  stop(): void {
    for (const wait of this.#all()) this.#end(wait, new WaitError('stopped', wait.jobId));
    this.#setTimer();
  }

  /** A job was finished or deleted by this process. */
  ended(job: Job): void {
    const waits = this.#waits.get(idOf(job._id));
    if (waits === undefined) return;
    for (const wait of waits) {
      if (isFinished(job)) this.#end(wait, job);
      else wait.dueMs = this.#context.clock.monotonic();
    }
    void this.#askSoon();
  }

  /** Whoever begins to wait in the same turn of the process is asked for in one read. */
  async #askSoon(): Promise<void> {
    if (this.#isGathering) return;
    this.#isGathering = true;
    await Promise.resolve();
    this.#isGathering = false;
    this.#askDue();
  }

  #askDue(): void {
    const nowMs = this.#context.clock.monotonic();
    const due = this.#all().filter(({ dueMs }) => dueMs <= nowMs);
    for (const wait of due) wait.dueMs = Number.POSITIVE_INFINITY;
    for (let start = 0; start < due.length; start += MOST_JOBS_A_READ) {
      void this.#ask(due.slice(start, start + MOST_JOBS_A_READ));
    }
    this.#setTimer();
  }

  async #ask(waits: readonly Wait[]): Promise<void> {
    // Asked now, not with the answer: what commits while the ledger reads is not in what it read.
    const unseen = new Set(waits.filter(({ isUnseen }) => isUnseen()));
    const answers = await this.#read(new Map(waits.map(({ jobId }) => [idOf(jobId), jobId])));
    for (const wait of waits) {
      this.#answer(wait, answers.get(idOf(wait.jobId)) ?? null, unseen.has(wait));
    }
    this.#setTimer();
  }

  /** What is not among the jobs is asked for by itself: it may be in the archive, or in a state of a later version. */
  async #read(jobIds: ReadonlyMap<string, Job['_id']>): Promise<ReadonlyMap<string, Answer>> {
    const { ledger } = this.#context;
    const answers = new Map<string, Answer>();
    try {
      const filter = { jobIds: [...jobIds.values()] };
      const limit = jobIds.size;
      const jobs = await ledger.findJobs({ filter, orderBy: '_id', direction: 'ascending', limit });
      for (const job of jobs) answers.set(idOf(job._id), job);
      const missing = [...jobIds].filter(([id]) => !answers.has(id));
      await Promise.all(
        missing.map(async ([id, jobId]) => {
          answers.set(id, await ledger.getJob({ jobId, archived: true }));
        }),
      );
    } catch (thrown) {
      const error = toError(thrown);
      const unknown = [...jobIds.keys()].map((id) => [id, error] as const);
      return new Map<string, Answer>([...unknown, ...answers]);
    }
    return answers;
  }

  #answer(wait: Wait, answer: Answer, wasUnseen: boolean): void {
    const id = idOf(wait.jobId);
    // It may have ended since it was asked for.
    if (this.#waits.get(id)?.has(wait) !== true) return;
    const nowMs = this.#context.clock.monotonic();
    const isJob = answer !== null && !(answer instanceof Error);
    if (isJob) this.#sessions.delete(id);
    if (answer === null && !wasUnseen) this.#end(wait, new WaitError('gone', wait.jobId));
    else if (isJob && isFinished(answer)) this.#end(wait, answer);
    else if (nowMs < wait.untilMs) this.#putOff(wait, nowMs);
    else if (answer instanceof Error) {
      this.#end(wait, new WaitError('unknown', wait.jobId, { cause: answer }));
    } else this.#end(wait, new WaitError('timeout', wait.jobId, answer ? { job: answer } : {}));
  }

  #putOff(wait: Wait, nowMs: number): void {
    const { intervalMs } = wait;
    const nextMs = (Math.floor(nowMs / intervalMs) + 1) * intervalMs;
    // Somebody may have wanted it to be asked for at once meanwhile.
    wait.dueMs = Math.min(nextMs, wait.untilMs, wait.dueMs);
    wait.intervalMs = Math.min(intervalMs * 2, LONGEST_INTERVAL_MS);
  }

  #end(wait: Wait, end: Job | WaitError): void {
    const id = idOf(wait.jobId);
    const waits = this.#waits.get(id);
    waits?.delete(wait);
    if (waits?.size === 0) this.#waits.delete(id);
    if (end instanceof WaitError) wait.reject(end);
    else if (end.result instanceof UndecodableError) wait.reject(end.result);
    else if (end.status === 'completed' && end.source === undefined) wait.resolve(end.result);
    else {
      const isCancelled = end.status === 'cancelled' && end.source === undefined;
      const reason = isCancelled ? 'cancelled' : 'failed';
      wait.reject(new WaitError(reason, wait.jobId, { job: end }));
    }
  }

  #setTimer(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const dueMs = this.#all().reduce((least, wait) => Math.min(least, wait.dueMs), Infinity);
    if (dueMs === Infinity) return;
    const { clock } = this.#context;
    this.#timer = clock.setTimer(() => this.#askDue(), dueMs - clock.monotonic());
  }

  #all(): Wait[] {
    return [...this.#waits.values()].flatMap((waits) => [...waits]);
  }
}

function idOf(jobId: Job['_id']): string {
  return jobId.toHexString();
}

/** A dead letter has failed, whatever becomes of it under its other name. */
function isFinished(job: Job): boolean {
  return job.source !== undefined || JOB_LIFECYCLE.terminal.includes(job.status);
}
