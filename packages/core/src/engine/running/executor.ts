/**
 * Runs jobs: job -> handler -> outcome -> settler.
 *
 * What always holds: a job that was accepted is buffered, running or with the settler until the ledger has answered
 * its end; no handler starts while the lease is not held, or while its name is paused; neither a worker nor the
 * process runs more handlers than its concurrency; no name keeps the slots of the process from another; and the event
 * loop gets its turn between one round of starts and the next, so that busy handlers cannot starve the lease.
 *
 * @module
 */
import { sleep, type Timer } from '../../foundation/clock.ts';
import { assert, MonqueError } from '../../foundation/errors.ts';
import { undecodableReason } from '../../job/codec.ts';
import { type ClaimedJob, NEWEST_VERSION } from '../../job/job.ts';
import { isMissed, unreadablePlan } from '../../job/next-run.ts';
import { unfitReason } from '../../job/unfit-reason.ts';
import { BatchPlan } from '../../workers/batches.ts';
import type { Outcome } from '../../workers/handler-outcome.ts';
import type { Worker } from '../../workers/worker.ts';
import { type Gathering, gatheringOf, isSuspect, takeBatch } from './batch-choice.ts';
import { bareEnd, CANCELLED, type EndedRun, sureRetry } from './ended-run.ts';
import type { PauseState } from './pauses.ts';
import type { AddToFlow } from './run.ts';
import { Runs, type RunsContext } from './runs.ts';
import { claimKey, type Settler } from './settler.ts';

/** Jobs that were claimed ahead and could not start within this time are given back, in milliseconds. */
const LONGEST_BUFFERING_MS = 1_000;

/** How long a job that only other processes can run is left alone, in milliseconds. */
const LEFT_TO_OTHERS_MS = 60_000;

/** What the executor asks of its neighbours. */
export interface ExecutorHooks {
  /** True while a job or its next stage may start: under the lease it was claimed with, and only while that is held. */
  readonly mayStart: (job: ClaimedJob) => boolean;
  /** Whether a name is paused; asked again where that is not known well enough, and then `pump` is called. */
  readonly pauseState: (name: string) => PauseState;
  /** Called when more jobs may be wanted. */
  readonly onDemand: () => void;
  /** A handler asked that nothing under a limit starts before a time. */
  readonly onBackOff: (key: string, until: Date) => void;
  /** Adds jobs to the flow of a job that runs. */
  readonly addToFlow: AddToFlow;
}

/** Starts handlers as slots allow and hands their outcomes on. */
export class Executor {
  readonly #context: RunsContext;
  readonly #settler: Settler;
  readonly #hooks: ExecutorHooks;
  readonly #workers: ReadonlyMap<string, Worker>;
  readonly #runs: Runs;
  readonly #gathering = new Map<Worker, Timer>();
  readonly #held = new Set<string>();
  readonly #reserved = new Map<string, number>();
  #reservedCount = 0;
  #firstToPump = 0;
  #pumpScheduled = false;
  #bufferTimer: Timer | undefined;
  #idleWaiters: (() => void)[] = [];

  constructor(
    context: RunsContext,
    workers: ReadonlyMap<string, Worker>,
    settler: Settler,
    hooks: ExecutorHooks,
  ) {
    this.#context = context;
    this.#workers = workers;
    this.#settler = settler;
    this.#hooks = hooks;
    this.#runs = new Runs(context, {
      ...hooks,
      onEnd: (key, ended) => this.#end(key, ended),
      onFree: () => this.#slotFreed(),
    });
  }

  /** Takes claimed jobs and starts what it can. One that somebody asked to cancel since its claim ends at once. */
  accept(jobs: readonly ClaimedJob[]): void {
    const sinceMs = this.#context.clock.monotonic();
    for (const job of jobs) {
      const key = claimKey(job._id.toHexString(), job.claimToken);
      this.#held.add(key);
      const unfit = unfitReason(job) ?? undecodableReason(job);
      const unread = unfit === undefined ? unreadReason(job) : undefined;
      if (unfit !== undefined) this.#setAside(job, unfit, job.documentVersion > NEWEST_VERSION);
      else if (unread !== undefined) this.#setAside(job, unread, true);
      else if (job.cancelRequestedAt) this.#settleUnstarted(job, CANCELLED);
      else this.#workerOf(job).buffer.push({ job, key, sinceMs });
    }
    this.pump();
  }

  /**
   * A job that a newer version wrote, or a series whose plan only others can read, is left to those for a while; a job
   * that nobody can read has failed.
   */
  #setAside(job: ClaimedJob, reason: string, isForOthers: boolean): void {
    const error = new MonqueError('UNFIT_JOB', reason);
    this.#context.emit('job:error', { error, job });
    this.#settleUnstarted(
      job,
      isForOthers
        ? { kind: 'snoozed', delayMs: LEFT_TO_OTHERS_MS }
        : // A key may come late, or a deploy; what no longer fits never will.
          { kind: 'failed', error, isFinal: undecodableReason(job) === undefined },
    );
  }

  /** Gives claimed jobs back unstarted. */
  release(jobs: readonly ClaimedJob[]): void {
    for (const job of jobs) this.#settleUnstarted(job, { kind: 'released', hadStarted: false });
  }

  /** Gives back everything that has not started. */
  releaseBuffered(): void {
    for (const worker of this.#workers.values()) this.#releaseBufferOf(worker);
  }

  /** Gives jobs with stages back behind the stage that runs. */
  endAfterStages(): void {
    for (const run of this.#runs.all) run.endAfterStage();
  }

  /** Starts buffered jobs where there are slots, one of each name in turn. */
  pump(): void {
    const workers = this.#inTurn();
    let startedOne = true;
    while (startedOne && this.#hasSlot()) {
      startedOne = false;
      for (const worker of workers) {
        if (this.#hasSlot() && this.#startNext(worker)) startedOne = true;
      }
    }
    this.#watchBuffers();
  }

  /**
   * How many more slots this process may find jobs for: each that is free, and as many more as its slots work off soon, so
   * that no job waits here which another process could start.
   *
   * @param prefetch - how many jobs could start before another claim brings new ones
   */
  roomFor(prefetch: number): number {
    return Math.max(0, this.#slotsLeft(prefetch));
  }

  /** True while all that is here has slots, as `roomFor` counts them: a batch that gathers may then grow in its own. */
  fits(prefetch: number): boolean {
    return this.#slotsLeft(prefetch) >= 0;
  }

  /**
   * Keeps a place for a job of this name that is about to be stored as claimed; false when there is none.
   *
   * @param prefetch - how many jobs of the name may wait ahead of free slots
   */
  reserve(name: string, prefetch: number): boolean {
    const worker = this.#workers.get(name);
    const reserved = this.reservedOf(name);
    if (worker === undefined || this.roomFor(prefetch) === 0) return false;
    if (worker.places(prefetch) - reserved <= 0) return false;
    this.#reserved.set(name, reserved + 1);
    this.#reservedCount += 1;
    return true;
  }

  /** Gives one such place back. */
  unreserve(name: string): void {
    this.#reserved.set(name, this.reservedOf(name) - 1);
    this.#reservedCount -= 1;
  }

  /** How many places are kept for jobs of this name. */
  reservedOf(name: string): number {
    return this.#reserved.get(name) ?? 0;
  }

  /** True while this claim of this job is here: buffered, running, or its end not yet recorded. */
  holds(jobId: string, claimToken: string): boolean {
    return this.#held.has(claimKey(jobId, claimToken)) || this.#settler.holds(jobId, claimToken);
  }

  /** True while this job is here and not yet settled. */
  has(jobId: string): boolean {
    const jobs = [...this.#runs.all, ...this.#buffered()].map(({ job }) => job);
    return jobs.some(({ _id }) => _id.toHexString() === jobId);
  }

  /** The batch that this job gathers in, while it does. */
  gatheringOf(jobId: string): Gathering | undefined {
    const nowMs = this.#context.clock.monotonic();
    return gatheringOf(jobId, this.#workers.values(), nowMs, this.#hooks.mayStart);
  }

  /** True while a suspect is here. */
  hasSuspect(): boolean {
    return [...this.#runs.all, ...this.#buffered()].some(({ job }) => isSuspect(job));
  }

  /** Aborts the handler of a job that somebody asked to cancel; a job that has not started ends at once. */
  cancel(jobId: string): void {
    for (const run of this.#runs.all) {
      if (run.job._id.toHexString() === jobId) run.abort('cancel');
    }
    for (const { buffer } of this.#workers.values()) {
      const index = buffer.findIndex(({ job }) => job._id.toHexString() === jobId);
      for (const { job } of index < 0 ? [] : buffer.splice(index, 1)) {
        this.#settleUnstarted(job, CANCELLED);
      }
    }
  }

  /** Aborts every running handler. */
  abortAll(reason: 'stop' | 'lease'): void {
    for (const run of this.#runs.all) run.abort(reason);
  }

  /** The jobs whose handlers run. */
  running(): readonly ClaimedJob[] {
    return [...this.#runs.all].map(({ job }) => job);
  }

  /** How many claimed jobs wait for a slot. */
  bufferedCount(): number {
    return [...this.#workers.values()].reduce((sum, { buffer }) => sum + buffer.length, 0);
  }

  /** Names whose jobs cannot start, since all slots they may use are taken. */
  busyNames(): string[] {
    const workers = [...this.#workers.values()];
    const busy = this.#hasSlot() ? workers.filter(({ freeSlots }) => freeSlots <= 0) : workers;
    return busy.map(({ name }) => name);
  }

  /** Resolves when no handler runs, or after a time. True when none runs. */
  async idle(timeoutMs: number): Promise<boolean> {
    if (this.#runs.all.size > 0 && timeoutMs > 0) {
      const ended = new AbortController();
      this.#idleWaiters.push(() => ended.abort());
      await sleep(this.#context.clock, timeoutMs, ended.signal);
    }
    return this.#runs.all.size === 0;
  }

  /** Ends the executor's own timers. */
  close(): void {
    for (const timer of [this.#bufferTimer, ...this.#gathering.values()]) timer?.cancel();
  }

  #hasSlot(): boolean {
    return this.#runs.takenSlots < this.#context.options.instanceConcurrency;
  }

  #slotsLeft(prefetch: number): number {
    const { instanceConcurrency } = this.#context.options;
    const most = Math.min(instanceConcurrency + prefetch, 2 * instanceConcurrency);
    return most - this.#runs.takenSlots - this.#bufferedSlots() - this.#reservedCount;
  }

  #bufferedSlots(): number {
    return [...this.#workers.values()].reduce((sum, worker) => sum + worker.bufferedSlots, 0);
  }

  /** Whoever came first in the last round comes last in this one. */
  #inTurn(): readonly Worker[] {
    const workers = [...this.#workers.values()];
    this.#firstToPump = (this.#firstToPump + 1) % Math.max(workers.length, 1);
    return [...workers.slice(this.#firstToPump), ...workers.slice(0, this.#firstToPump)];
  }

  /** True when a job left the buffer. */
  #startNext(worker: Worker): boolean {
    const [next] = worker.buffer;
    if (next === undefined || worker.freeSlots <= 0 || !this.#hooks.mayStart(next.job)) {
      return false;
    }
    const state = this.#hooks.pauseState(worker.name);
    if (state === 'paused') this.#releaseBufferOf(worker);
    if (state !== 'running') return false;
    const { handler } = worker;
    if (handler instanceof BatchPlan) return this.#startBatch(worker, handler);
    worker.buffer.shift();
    if (this.#hasPassed(next.job)) this.#settleUnstarted(next.job, { kind: 'missed' });
    else void this.#runs.alone(worker, next);
    return true;
  }

  /** True when jobs left the buffer. */
  #startBatch(worker: Worker, plan: BatchPlan): boolean {
    const nowMs = this.#context.clock.monotonic();
    const taken = takeBatch(worker.buffer, plan, nowMs, this.#hooks.mayStart);
    if (typeof taken === 'number') {
      this.#gather(worker, taken);
      return false;
    }
    const starting = taken.filter(({ job }) => !this.#hasPassed(job));
    for (const buffered of taken) {
      if (!starting.includes(buffered)) this.#settleUnstarted(buffered.job, { kind: 'missed' });
    }
    if (starting.length > 0) void this.#runs.together(worker, plan, starting);
    return true;
  }

  /** Looks again when the first job has waited long enough. */
  #gather(worker: Worker, leftMs: number): void {
    if (this.#gathering.has(worker)) return;
    const timer = this.#context.clock.setTimer(() => {
      this.#gathering.delete(worker);
      this.pump();
    }, leftMs);
    this.#gathering.set(worker, timer);
  }

  /** A run of a series whose time has passed, where the series wants such runs passed over. */
  #hasPassed(job: ClaimedJob): boolean {
    const { repeatInterval, scheduledFor } = job;
    if (repeatInterval === undefined || scheduledFor === undefined) return false;
    return isMissed({ ...job, repeatInterval }, scheduledFor, this.#context.ledgerTime.now());
  }

  #settleUnstarted(job: ClaimedJob, outcome: Outcome): void {
    const retry = sureRetry(this.#workerOf(job).retry, this.#context.report);
    this.#end(claimKey(job._id.toHexString(), job.claimToken), bareEnd(job, outcome, retry));
  }

  /** From here on the settler holds the job. */
  #end(key: string, ended: EndedRun): void {
    this.#settler.submit(key, ended);
    this.#held.delete(key);
  }

  /** The next round of starts waits for the event loop's turn. */
  #slotFreed(): void {
    this.#notifyIdle();
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
    const nowMs = this.#context.clock.monotonic();
    for (const worker of this.#workers.values()) {
      const { handler, buffer } = worker;
      const gathersMs = handler instanceof BatchPlan ? handler.waitMs : 0;
      const overdueMs = nowMs - LONGEST_BUFFERING_MS - gathersMs;
      const firstFresh = buffer.findIndex(({ sinceMs }) => sinceMs > overdueMs);
      const overdue = buffer.splice(0, firstFresh < 0 ? buffer.length : firstFresh);
      if (overdue.length > 0) worker.distrustRate();
      this.release(overdue.map(({ job }) => job));
    }
  }

  #releaseBufferOf(worker: Worker): void {
    this.release(worker.buffer.splice(0).map(({ job }) => job));
  }

  #buffered(): { readonly job: ClaimedJob }[] {
    return [...this.#workers.values()].flatMap(({ buffer }) => buffer);
  }

  #workerOf(job: ClaimedJob): Worker {
    const worker = this.#workers.get(job.name);
    assert(worker !== undefined, `job ${job._id.toHexString()} was claimed without a worker`);
    return worker;
  }

  #notifyIdle(): void {
    if (this.#runs.all.size > 0) return;
    const waiters = this.#idleWaiters;
    this.#idleWaiters = [];
    for (const resolve of waiters) resolve();
  }
}

/** Why this process leaves a series to others; another version of Node.js may know a zone or pattern that this does not. */
function unreadReason(job: ClaimedJob): string | undefined {
  const unread = unreadablePlan(job);
  return (
    unread &&
    `This process cannot read the plan of the series: ${unread.message}; it is left to a process that can`
  );
}
