/**
 * The runs of this process: each takes a slot, or several together take one.
 *
 * What always holds: a slot is taken from before the first of its runs begins until the last of them was handed to the
 * settler.
 *
 * @module
 */
import type { EngineContext } from '../../context/scheduler-context.ts';
import type { ClaimedJob } from '../../job/job.ts';
import type { BatchPlan } from '../../workers/batches.ts';
import type { BufferedJob, Worker } from '../../workers/worker.ts';
import { Batch, type BatchSeat } from './batch.ts';
import type { EndedRun } from './ended-run.ts';
import { Run, type RunHooks } from './run.ts';

/** What runs are given, and who starts them. */
export type RunsContext = Pick<
  EngineContext,
  | 'detached'
  | 'clock'
  | 'random'
  | 'ledger'
  | 'ledgerTime'
  | 'options'
  | 'emit'
  | 'metrics'
  | 'instruments'
  | 'report'
>;

/** What the runs report and ask for. */
export interface RunsHooks extends Pick<RunHooks, 'onBackOff' | 'addToFlow'> {
  /** True while the lease of the claim is held. */
  readonly mayStart: (job: ClaimedJob) => boolean;
  /** A run has ended. */
  readonly onEnd: (key: string, ended: EndedRun) => void;
  /** A slot is free again. */
  readonly onFree: () => void;
}

/** Runs jobs that were chosen to start. */
export class Runs {
  readonly #context: RunsContext;
  readonly #hooks: RunsHooks;
  readonly #runs = new Set<Run>();
  #takenSlots = 0;

  constructor(context: RunsContext, hooks: RunsHooks) {
    this.#context = context;
    this.#hooks = hooks;
  }

  /** Those that have not ended. */
  get all(): ReadonlySet<Run> {
    return this.#runs;
  }

  /** How many slots are taken, of all workers together. */
  get takenSlots(): number {
    return this.#takenSlots;
  }

  /** Runs one job in a slot of its own. */
  async alone(worker: Worker, buffered: BufferedJob): Promise<void> {
    this.#take(worker);
    await this.#run(worker, buffered, (durationMs) => leave(worker, durationMs));
    this.#free();
  }

  /** Runs several jobs in one slot. */
  async together(worker: Worker, plan: BatchPlan, together: readonly BufferedJob[]): Promise<void> {
    const { clock, metrics } = this.#context;
    const startedMs = clock.monotonic();
    this.#take(worker);
    metrics.record('batchSize', { verb: 'run' }, together.length);
    const batch = new Batch(this.#context, plan, together.length);
    const seats = together.map(() => batch.seat());
    const runs = together.map((buffered, index) =>
      this.#run(worker, buffered, () => undefined, seats[index]),
    );
    await Promise.all(runs);
    leave(worker, clock.monotonic() - startedMs);
    this.#free();
  }

  #take(worker: Worker): void {
    worker.running += 1;
    this.#takenSlots += 1;
  }

  #free(): void {
    this.#takenSlots -= 1;
    this.#hooks.onFree();
  }

  /** @param onEnded - called with how long the handler took, before what it reported is stored */
  async #run(
    worker: Worker,
    { job, key }: BufferedJob,
    onEnded: (durationMs: number) => void,
    seat?: BatchSeat,
  ): Promise<void> {
    const { mayStart, onBackOff, addToFlow, onEnd } = this.#hooks;
    const hooks = { mayGoOn: () => mayStart(job), onBackOff, addToFlow, ...(seat && { seat }) };
    const run = new Run(this.#context, worker, job, hooks);
    this.#runs.add(run);
    this.#measureStart(job);
    this.#context.emit('job:start', { job });
    const { detached, instruments } = this.#context;
    const outcome = await detached(() => instruments.run(job, () => run.execute()));
    seat?.leave();
    const { durationMs } = run;
    this.#context.metrics.record('runMs', { name: job.name }, durationMs);
    onEnded(durationMs);
    const notes = run.hasNotes ? await run.endNotes() : {};
    onEnd(key, run.ended({ outcome, durationMs, notes }));
    this.#runs.delete(run);
  }

  #measureStart({ name, nextRunAt }: ClaimedJob): void {
    const { metrics, ledgerTime } = this.#context;
    const waitMs = ledgerTime.now().getTime() - nextRunAt.getTime();
    metrics.record('waitMs', { name }, Math.max(waitMs, 0));
  }
}

function leave(worker: Worker, durationMs: number): void {
  worker.running -= 1;
  worker.measure(durationMs);
}
