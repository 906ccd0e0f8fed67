/**
 * One running scheduler in one process: wires the parts of the engine, starts and stops them in order.
 *
 * What always holds: whoever calls lends his asynchronous context to nothing that goes on afterwards.
 *
 * @module
 */
import type { Birth } from '../context/births.ts';
import type { Health } from '../context/health.ts';
import type { EngineContext } from '../context/scheduler-context.ts';
import { sleep } from '../foundation/clock.ts';
import type { ServiceLoop } from '../foundation/service-loop.ts';
import type { Job } from '../job/job.ts';
import { ShutdownTimeoutError } from '../job/job-errors.ts';
import type { InstanceInfo, InstanceVitals, SupersededJob } from '../ledger/ledger-repository.ts';
import type { Worker } from '../workers/worker.ts';
import { AwaitedClaims } from './claiming/awaited-claims.ts';
import { Births } from './claiming/births.ts';
import { Claimer } from './claiming/claimer.ts';
import { writeGroups } from './claiming/group-settings.ts';
import { Permits } from './claiming/permits.ts';
import { Reconciler } from './claiming/reconciler.ts';
import { Waker } from './claiming/waker.ts';
import { makeInstanceInfo } from './instance-info.ts';
import { type ClaimProgress, claimProgressOf } from './running/claim-progress.ts';
import { Executor } from './running/executor.ts';
import { Pauses } from './running/pauses.ts';
import type { AddToFlow } from './running/run.ts';
import { RunEndings } from './running/run-endings.ts';
import { Settler } from './running/settler.ts';
import { Alerts } from './upkeep/alerts.ts';
import { FlowUpkeep } from './upkeep/flow-upkeep.ts';
import { GateTimeouts } from './upkeep/gate-timeouts.ts';
import { Lease } from './upkeep/lease.ts';
import { OrderSweep } from './upkeep/order-sweep.ts';
import { Pruner } from './upkeep/pruner.ts';
import { Rescuer } from './upkeep/rescuer.ts';

/** How long handlers that were aborted have to end, in milliseconds, so that their jobs go back at once. */
const ABORT_GRACE_MS = 500;

/** How long the last settlements may take at a stop, in milliseconds. */
const LAST_FLUSH_MS = 5_000;

/** What an instance asks of its surroundings. */
export interface InstanceHooks {
  /** Called with each job whose end is recorded. */
  readonly onSettled: (job: Job) => void;
  /** Adds jobs to the flow of a job that runs. */
  readonly addToFlow: AddToFlow;
  /** Asks a job to cancel that a waiting one supersedes. */
  readonly onSuperseded: (job: SupersededJob) => Promise<void>;
}

/** The engine, from start to stop. It is used once. */
export class Instance {
  readonly #context: EngineContext;
  readonly #lease: Lease;
  readonly #settler: Settler;
  readonly #executor: Executor;
  readonly #claimer: Claimer;
  readonly #births: Births;
  readonly #reconciler: Reconciler;
  readonly #rescuer: Rescuer;
  readonly #waker: Waker;
  readonly #pauses: Pauses;
  readonly #permits: Permits;
  readonly #pruner: Pruner;
  readonly #gateTimeouts: GateTimeouts;
  readonly #flows: FlowUpkeep;
  readonly #workers: ReadonlyMap<string, Worker>;
  readonly #startedAt: Date;
  readonly #alerts: Alerts;
  readonly #sweep: OrderSweep;
  readonly #throughput: ServiceLoop | undefined;

  constructor(
    context: EngineContext,
    workers: ReadonlyMap<string, Worker>,
    { onSettled, addToFlow, onSuperseded }: InstanceHooks,
  ) {
    this.#context = context;
    this.#workers = workers;
    this.#startedAt = context.ledgerTime.now();
    this.#pauses = new Pauses(context, (someResumed) => {
      this.#executor.pump();
      if (someResumed) wake();
    });
    this.#pruner = new Pruner(context);
    this.#throughput = context.throughput?.makeLoop();
    const wake = (): void => this.#claimer.wake('hint');
    this.#gateTimeouts = new GateTimeouts(context, workers, {
      onPending: wake,
      onFailed: () => this.#flows.beginLook(),
    });
    this.#flows = new FlowUpkeep(context, (names) => this.released(names));
    this.#lease = new Lease(context, {
      onRenewed: (hadLapsed) => this.#onLeaseRenewed(hadLapsed),
      onRefused: () => this.#onLeaseRefused(),
      describe: () => this.describe(),
      onTurn: () => this.#alerts.look(),
    });
    this.#permits = this.#makePermits();
    this.#settler = new Settler(context, this.#makeEndings(onSettled), wake);
    this.#executor = new Executor(context, workers, this.#settler, {
      mayStart: ({ claimedBy }) => this.#lease.isHeld() && claimedBy === this.#lease.instanceId,
      pauseState: (name) => this.#pauses.stateOf(name),
      onDemand: () => this.#claimer.wake('slots'),
      onBackOff: (key, until) => this.#permits.blocked(key, until),
      addToFlow,
    });
    this.#waker = this.#makeWaker();
    const awaited = new AwaitedClaims();
    const parts = {
      ...{ workers, awaited, executor: this.#executor, settler: this.#settler },
      ...{ lease: this.#lease, pauses: this.#pauses, permits: this.#permits },
    };
    this.#claimer = new Claimer(context, {
      ...parts,
      onRound: (report) => {
        this.#reconciler.jobsArrived();
        this.#waker.noteRound(report);
      },
      hintsRest: () => this.#waker.hintsRest,
      onStartsLater: (name, at) => this.#waker.due(name, at),
    });
    this.#births = new Births(context, {
      ...parts,
      claimer: this.#claimer,
      onHandedOver: () => this.#reconciler.jobsArrived(),
    });
    this.#reconciler = new Reconciler(context, parts);
    this.#sweep = new OrderSweep(context, workers, onSuperseded);
    this.#rescuer = new Rescuer(context, () => this.#lease.instanceId, {
      onRescued: () => this.#claimer.wake('rescue'),
      onDead: () => this.#flows.look(),
    });
    this.#alerts = new Alerts(context, {
      busyNames: () => this.#executor.busyNames(),
      longestUnsettledMs: () => this.#settler.longestUnsettledMs,
    });
  }

  #makeWaker(): Waker {
    return new Waker(this.#context, this.#workers, {
      wake: (cause) => {
        this.#claimer.wake(cause);
        if (cause === 'poll') this.#sweep.look();
      },
      onDue: (name) => this.#claimer.noteDue(name),
      onCancelRequested: (jobId) => this.#reconciler.cancelRequested(jobId),
      onPausesChanged: () => this.#pauses.changed(),
      onLimitsChanged: () => this.#permits.changed(),
      onCancelsUnknown: () => this.#reconciler.reconcile(),
    });
  }

  #makeEndings(onSettled: (job: Job) => void): RunEndings {
    return new RunEndings(this.#context, {
      onPending: ({ name, nextRunAt }) => this.#waker.due(name, nextRunAt),
      onGone: (job) => this.#permits.ended(job),
      halts: (name) => this.#workers.get(name)?.order === 'halt',
      onSettled: (job) => {
        // In an order a job keeps its place until it is finished.
        const isFree = job.group !== undefined || job.finishedAt !== undefined;
        if (job.lane !== undefined && isFree) this.#claimer.noteLaneFree(job.name);
        this.#flows.ended(job);
        onSettled(job);
      },
    });
  }

  #makePermits(): Permits {
    return new Permits(this.#context, this.#workers, {
      instanceId: () => this.#lease.instanceId,
      mayClaim: () => this.#lease.isHeld(),
      onRoom: () => this.#claimer.wake('slots'),
    });
  }

  /** Opens the lease, then begins to claim; throws when the ledger does not take the lease. */
  start(): Promise<void> {
    return this.#context.detached(() => this.#start());
  }

  async #start(): Promise<void> {
    await this.#permits.prepare();
    await writeGroups(this.#context, this.#workers.values());
    await this.#lease.open();
    try {
      await this.#waker.start();
    } catch (error) {
      await this.#lease.close();
      throw error;
    }
    if (this.#context.options.recoverStaleJobs) this.#rescuer.start();
    this.#pruner.start();
    this.#gateTimeouts.start();
    this.#flows.start();
    this.#permits.start();
    this.#throughput?.start();
    this.#context.log?.write('started', { instanceId: this.id, workers: this.#workers.size });
  }

  /** True while this instance may claim and the ledger answers. */
  isHealthy(): boolean {
    const { health, ledger } = this.#context;
    const answers = health.isConnected && ledger.health().connected;
    return answers && this.#lease.isHeld() && !this.#claimer.isFailing;
  }

  /** How it is. */
  health(): Omit<Health, 'running'> {
    return {
      connected: this.isHealthy(),
      hints: this.#waker.hintsFlow ? 'flowing' : 'polling',
      ...this.#context.health.read(),
      runningJobs: this.#executor.running().length,
      bufferedJobs: this.#executor.bufferedCount(),
      unsettledJobs: this.#settler.size,
      pausedNames: this.#pauses.names,
      alerts: this.#alerts.firing,
      ledger: this.#context.ledger.health(),
    };
  }

  /** The id under which it claims now. */
  get id(): string {
    return this.#lease.instanceId;
  }

  /** What it says of itself. */
  describe(): InstanceInfo {
    const { instanceConcurrency, recoverStaleJobs } = this.#context.options;
    return makeInstanceInfo({
      workers: this.#workers.values(),
      startedAt: this.#startedAt,
      reportedAt: this.#context.ledgerTime.now(),
      runningJobs: this.#executor.running().length,
      bufferedJobs: this.#executor.bufferedCount(),
      instanceConcurrency,
      recoverStaleJobs,
      vitals: this.#vitals(),
    });
  }

  #vitals(): InstanceVitals {
    const { metrics, ledger, ledgerTime, health } = this.#context;
    const { violations } = ledger.metrics();
    const candidates = metrics.total('claimCandidates');
    return {
      winRate: candidates === 0 ? 1 : metrics.total('claimed') / candidates,
      loopDelayMs: this.#lease.delayMs,
      clockErrorMs: ledgerTime.clockErrorMs,
      queueLagMs: health.read().queueLagMs,
      alerts: this.#alerts.firing,
      violations: violations.reduce((sum, { value }) => sum + value, 0),
    };
  }

  /** What it does with a job that it claimed; undefined when it knows nothing of that claim. */
  progressOf(jobId: string, claimToken: string): ClaimProgress | undefined {
    return claimProgressOf(this.#executor, jobId, claimToken);
  }

  /** A name was paused or resumed by this process. */
  pausesChanged(name: string, isPaused: boolean): void {
    this.#context.detached(() => this.#pauses.changedHere(name, isPaused));
  }

  /** What a limit allows was changed by this process. */
  limitsChanged(): void {
    this.#context.detached(() => this.#permits.changed());
  }

  /** Places in lanes of this name may be free by what this process did: a job ended there, or more of them may run. */
  lanesChanged(name: string): void {
    this.#context.detached(() => this.#claimer.noteLaneFree(name));
  }

  /** A job that is processing here was asked to cancel by this process. */
  cancelRequested(jobId: string): void {
    this.#context.detached(() => this.#reconciler.cancelRequested(jobId));
  }

  /** A worker was added. */
  workerAdded(): void {
    this.#context.detached(() => {
      writeGroups(this.#context, this.#workers.values())
        .then(() => this.#permits.added())
        .catch(this.#context.report);
      this.#waker.workerAdded();
      this.#gateTimeouts.start();
    });
  }

  /** Options have changed: what waits by the old ones looks again. */
  reconfigured(names: readonly string[]): void {
    this.#context.detached(() => this.#reconfigured(names));
  }

  #reconfigured(names: readonly string[]): void {
    this.#executor.pump();
    this.#waker.lookAgain();
    this.#claimer.wake('hint');
    this.#alerts.reconfigured();
    if (names.includes('jobRetention')) this.#pruner.restartWalk();
    if (names.includes('invariants')) this.#settler.sendRefused();
  }

  /** Jobs are about to be inserted by this process: which of them it starts itself. */
  bear(jobs: readonly Job[]): Birth | undefined {
    return this.#births.bear(jobs);
  }

  /** Jobs were stored by this process. */
  jobsStored(jobs: readonly Job[]): void {
    this.#context.detached(() => {
      for (const { name, nextRunAt } of jobs) this.#waker.due(name, nextRunAt);
    });
  }

  /** Whom this process was to let go on may still wait. */
  lookAtFlows(): void {
    this.#flows.look();
  }

  /** Jobs of these names were made pending by this process. */
  released(names: readonly string[]): void {
    const now = this.#context.ledgerTime.now();
    this.#context.detached(() => {
      for (const name of names) this.#waker.due(name, now);
    });
  }

  /** Stops claiming, gives back what never started, waits for the rest, records it, and ends the lease. */
  stop(): Promise<void> {
    return this.#context.detached(() => this.#stop());
  }

  async #stop(): Promise<void> {
    this.#context.log?.write('stopping', {
      instanceId: this.id,
      runningJobs: this.#executor.running().length,
      bufferedJobs: this.#executor.bufferedCount(),
    });
    const sources = [this.#claimer, this.#births, this.#waker, this.#sweep];
    const quiet = Promise.all(sources.map((source) => source.stop()));
    this.#executor.releaseBuffered();
    this.#executor.endAfterStages();
    await this.#waitForHandlers();
    await quiet;
    await this.#flushSettlements();
    const rounds = [this.#rescuer, this.#pruner, this.#gateTimeouts, this.#flows];
    await Promise.all([...rounds.map((round) => round.stop()), this.#pauses.idle()]);
    await this.#throughput?.stop();
    await this.#permits.stop();
    await this.#lease.close();
    await this.#permits.giveBack();
    await this.#alerts.stop();
    await this.#reconciler.idle();
    this.#executor.close();
    this.#context.log?.write('stopped', { instanceId: this.id });
  }

  async #waitForHandlers(): Promise<void> {
    const { emit, options } = this.#context;
    const { shutdownTimeoutMs } = options;
    if (await this.#executor.idle(shutdownTimeoutMs)) return;
    const incompleteJobs = this.#executor.running().map((job) => ({ ...job }));
    this.#executor.abortAll('stop');
    const runningJobs = incompleteJobs.length;
    this.#context.log?.write('handlersAborted', { instanceId: this.id, runningJobs });
    emit('job:error', { error: new ShutdownTimeoutError(shutdownTimeoutMs, incompleteJobs) });
    await this.#executor.idle(ABORT_GRACE_MS);
  }

  async #flushSettlements(): Promise<void> {
    const flushed = new AbortController();
    const idle = this.#settler.idle().then(() => flushed.abort());
    await sleep(this.#context.clock, LAST_FLUSH_MS, flushed.signal);
    this.#settler.giveUp();
    await idle;
  }

  #onLeaseRenewed(hadLapsed: boolean): void {
    this.#executor.pump();
    // What was due meanwhile was not claimed.
    if (hadLapsed) this.#claimer.wake('hint');
    this.#reconciler.reconcile();
  }

  /** The jobs are being given to others: what runs is notified, what never started is given back. */
  #onLeaseRefused(): void {
    this.#executor.abortAll('lease');
    this.#executor.releaseBuffered();
  }
}
