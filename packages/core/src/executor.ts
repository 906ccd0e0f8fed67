/**
 * Runs jobs: job -> handler -> outcome -> settler.
 *
 * What always holds: a job that was accepted is buffered, running or with the settler until the ledger has answered
 * its end; no handler starts while the lease is not held; a worker never runs more handlers than its concurrency; and
 * the event loop gets its turn between one round of starts and the next, so that busy handlers cannot starve the
 * lease.
 *
 * @module
 */
import { sleep, type Timer } from './clock.ts';
import type { EngineContext } from './engine-context.ts';
import { invariant, toError } from './errors.ts';
import type { ClaimedJob, Job } from './job.ts';
import { SUSPECT_RESCUE_COUNT } from './ledger/ledger-repository.ts';
import { type Settlement, settlementParams } from './ledger/settlement.ts';
import { JOB_LIFECYCLE } from './lifecycle.ts';
import { type Outcome, toSettlement } from './outcome.ts';
import type { SettleResolution, Settler } from './settler.ts';
import type { JobContext, Worker } from './worker.ts';

/** Jobs that were claimed ahead and could not start within this time are given back, in milliseconds. */
const LONGEST_BUFFERING_MS = 1_000;

interface Run {
  readonly job: ClaimedJob;
  readonly controller: AbortController;
  abortedFor?: 'cancel' | 'stop' | 'lease';
}

type ExecutorContext = Pick<EngineContext, 'clock' | 'ledgerTime' | 'options' | 'emit'>;

/** What the executor asks of its neighbours. */
export interface ExecutorHooks {
  /** True while a job may start: under the lease it was claimed with, and only while that is held. */
  readonly mayStart: (job: ClaimedJob) => boolean;
  /** Called when more jobs may be wanted. */
  readonly onDemand: () => void;
  /** Called with a job that became pending again by the end of a run. */
  readonly onPending: (job: Job) => void;
}

/** Starts handlers as slots allow and hands their outcomes on. */
export class Executor {
  readonly #context: ExecutorContext;
  readonly #settler: Settler;
  readonly #hooks: ExecutorHooks;
  readonly #workers: ReadonlyMap<string, Worker>;
  readonly #runs = new Set<Run>();
  readonly #held = new Set<string>();
  #pumpScheduled = false;
  #bufferTimer: Timer | undefined;
  #idleWaiters: (() => void)[] = [];

  constructor(
    context: ExecutorContext,
    workers: ReadonlyMap<string, Worker>,
    settler: Settler,
    hooks: ExecutorHooks,
  ) {
    this.#context = context;
    this.#workers = workers;
    this.#settler = settler;
    this.#hooks = hooks;
  }

  /** Takes claimed jobs and starts what it can. */
  accept(jobs: readonly ClaimedJob[]): void {
    const sinceMs = this.#context.clock.monotonic();
    for (const job of jobs) {
      this.#held.add(keyOf(job));
      this.#workerOf(job).buffer.push({ job, sinceMs });
    }
    this.pump();
  }

  /** Gives claimed jobs back unstarted. */
  release(jobs: readonly ClaimedJob[]): void {
    for (const job of jobs) this.#settle(job, { kind: 'released' }, 0);
  }

  /** Gives back everything that has not started. */
  releaseBuffered(): void {
    for (const worker of this.#workers.values()) {
      this.release(worker.buffer.splice(0).map(({ job }) => job));
    }
  }

  /** Starts buffered jobs where there are slots. */
  pump(): void {
    for (const worker of this.#workers.values()) {
      for (let [next] = worker.buffer; next && worker.freeSlots > 0; [next] = worker.buffer) {
        if (!this.#hooks.mayStart(next.job)) break;
        worker.buffer.shift();
        void this.#run(worker, next.job);
      }
    }
    this.#watchBuffers();
  }

  /** True while this claim of this job is here: buffered, running, or its end not yet recorded. */
  holds(jobId: string, claimToken: string): boolean {
    return this.#held.has(`${jobId} ${claimToken}`) || this.#settler.holds(jobId, claimToken);
  }

  /** True while a suspect is here. */
  hasSuspect(): boolean {
    const jobs = [...this.#runs, ...this.#buffered()].map(({ job }) => job);
    return jobs.some(({ rescueCount = 0 }) => rescueCount >= SUSPECT_RESCUE_COUNT);
  }

  /** Aborts the handler of a job that somebody asked to cancel; a job that has not started ends at once. */
  cancel(jobId: string): void {
    for (const run of this.#runs) {
      if (run.job._id.toHexString() === jobId) this.#abort(run, 'cancel');
    }
    for (const { buffer } of this.#workers.values()) {
      const index = buffer.findIndex(({ job }) => job._id.toHexString() === jobId);
      for (const { job } of index < 0 ? [] : buffer.splice(index, 1)) {
        this.#settle(job, { kind: 'cancelled' }, 0);
      }
    }
  }

  /** Aborts every running handler. */
  abortAll(reason: 'stop' | 'lease'): void {
    for (const run of this.#runs) this.#abort(run, reason);
  }

  /** The jobs whose handlers run. */
  running(): readonly ClaimedJob[] {
    return [...this.#runs].map(({ job }) => job);
  }

  /** How many claimed jobs wait for a slot. */
  bufferedCount(): number {
    return [...this.#workers.values()].reduce((sum, { buffer }) => sum + buffer.length, 0);
  }

  /** Resolves when no handler runs, or after a time. True when none runs. */
  async idle(timeoutMs: number): Promise<boolean> {
    if (this.#runs.size > 0 && timeoutMs > 0) {
      const ended = new AbortController();
      this.#idleWaiters.push(() => ended.abort());
      await sleep(this.#context.clock, timeoutMs, ended.signal);
    }
    return this.#runs.size === 0;
  }

  /** Ends the executor's own timer. */
  close(): void {
    this.#bufferTimer?.cancel();
  }

  async #run(worker: Worker, job: ClaimedJob): Promise<void> {
    const { clock, emit } = this.#context;
    const run: Run = { job, controller: new AbortController() };
    this.#runs.add(run);
    worker.running += 1;
    const startedMs = clock.monotonic();
    emit('job:start', { job });
    const outcome = await this.#callHandler(worker, run);
    const durationMs = clock.monotonic() - startedMs;
    worker.running -= 1;
    worker.measure(durationMs);
    this.#settle(job, outcome, durationMs);
    this.#runs.delete(run);
    this.#schedulePump();
    this.#tellIdle();
  }

  async #callHandler(worker: Worker, run: Run): Promise<Outcome> {
    const { job, controller } = run;
    const context: JobContext = Object.freeze({ signal: controller.signal, fence: job.fence });
    try {
      await worker.handler(job, context);
      return { kind: 'completed' };
    } catch (thrown) {
      if (run.abortedFor === 'cancel') return { kind: 'cancelled' };
      if (run.abortedFor !== undefined) return { kind: 'released' };
      return { kind: 'failed', error: toError(thrown) };
    }
  }

  #abort(run: Run, reason: NonNullable<Run['abortedFor']>): void {
    if (run.abortedFor !== undefined) return;
    run.abortedFor = reason;
    run.controller.abort(new DOMException(ABORT_MESSAGES[reason], 'AbortError'));
  }

  #settle(job: ClaimedJob, outcome: Outcome, durationMs: number): void {
    const now = this.#context.ledgerTime.now();
    const settlement = toSettlement(job, outcome, { now, options: this.#context.options });
    this.#settler.submit({
      settlement,
      onAnswer: (answer, verb, settledAt) => {
        if (answer !== 'settled') {
          this.#tellUnsettled(job, answer);
          return;
        }
        const params = settlementParams(settlement, settledAt);
        this.#tellSettled(JOB_LIFECYCLE.apply(verb, { ...job }, params), verb, outcome, durationMs);
      },
    });
    this.#held.delete(keyOf(job));
  }

  #tellSettled(job: Job, verb: Settlement['verb'], outcome: Outcome, duration: number): void {
    const { emit } = this.#context;
    if (verb === 'complete') emit('job:complete', { job, duration });
    if (verb === 'cancelled') emit('job:cancelled', { job });
    if (job.status === 'pending') this.#hooks.onPending(job);
    if (outcome.kind !== 'failed' || verb === 'cancelled') return;
    emit('job:fail', { job, error: outcome.error, willRetry: verb === 'retry' });
  }

  #tellUnsettled(job: ClaimedJob, answer: Exclude<SettleResolution, 'settled'>): void {
    if (answer === 'refused') return;
    this.#context.emit('job:lost', { job, reason: answer === 'lost' ? 'fenced' : 'unknown' });
  }

  /** The next round of starts waits for the event loop's turn. */
  #schedulePump(): void {
    if (this.#pumpScheduled) return;
    this.#pumpScheduled = true;
    this.#context.clock.setImmediate(() => {
      this.#pumpScheduled = false;
      this.pump();
      this.#hooks.onDemand();
    });
  }

  /** Handlers that turned slow must not keep jobs from other instances. */
  #watchBuffers(): void {
    if (this.#bufferTimer !== undefined || this.bufferedCount() === 0) return;
    this.#bufferTimer = this.#context.clock.setTimer(() => {
      this.#bufferTimer = undefined;
      this.#releaseOverdue();
      this.#watchBuffers();
    }, LONGEST_BUFFERING_MS);
  }

  #releaseOverdue(): void {
    const overdueMs = this.#context.clock.monotonic() - LONGEST_BUFFERING_MS;
    for (const worker of this.#workers.values()) {
      const firstFresh = worker.buffer.findIndex(({ sinceMs }) => sinceMs > overdueMs);
      const overdue = worker.buffer.splice(0, firstFresh < 0 ? worker.buffer.length : firstFresh);
      if (overdue.length > 0) worker.distrustRate();
      this.release(overdue.map(({ job }) => job));
    }
  }

  #buffered(): { readonly job: ClaimedJob }[] {
    return [...this.#workers.values()].flatMap(({ buffer }) => buffer);
  }

  #workerOf(job: ClaimedJob): Worker {
    const worker = this.#workers.get(job.name);
    invariant(worker !== undefined, `job ${job._id.toHexString()} was claimed without a worker`);
    return worker;
  }

  #tellIdle(): void {
    if (this.#runs.size > 0) return;
    const waiters = this.#idleWaiters;
    this.#idleWaiters = [];
    for (const resolve of waiters) resolve();
  }
}

function keyOf({ _id, claimToken }: ClaimedJob): string {
  return `${_id.toHexString()} ${claimToken}`;
}

const ABORT_MESSAGES = Object.freeze({
  cancel: 'The job was cancelled',
  stop: 'The instance stops and waited for shutdownTimeout',
  lease: 'The claim was lost: this instance had been declared dead',
});
