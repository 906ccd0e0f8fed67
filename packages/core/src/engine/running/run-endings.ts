/**
 * The ends of runs, emitted as events.
 *
 * What always holds: what an event shows is what was written.
 *
 * @module
 */
import { emitHalted } from '../../context/halted.ts';
import type { EngineContext } from '../../context/scheduler-context.ts';
import type { ClaimedJob, Job } from '../../job/job.ts';
import { JOB_LIFECYCLE } from '../../job/job-lifecycle.ts';
import { settlementParams } from '../../ledger/settle-answers.ts';
import type { SettleAnswer, Settlement, SettleVerb } from '../../ledger/verbs/settle.ts';
import type { Outcome } from '../../workers/handler-outcome.ts';
import type { EndedRun } from './ended-run.ts';

/** Who is notified of ends beside the listeners. */
export interface EndingHooks {
  /** Called with a job that became pending again by the end of a run. */
  readonly onPending: (job: Job) => void;
  /** Called with a job whose end is recorded. */
  readonly onSettled: (job: Job) => void;
  /** Called with a job that this process has nothing more to do with: its end is recorded, or its claim is lost. */
  readonly onGone: (claimed: ClaimedJob) => void;
  /** True for a name whose jobs hold their order up when they have failed. */
  readonly halts: (name: string) => boolean;
}

/** Reports the ends of runs. */
export class RunEndings {
  readonly #context: Pick<EngineContext, 'emit' | 'metrics'>;
  readonly #hooks: EndingHooks;

  constructor(context: Pick<EngineContext, 'emit' | 'metrics'>, hooks: EndingHooks) {
    this.#context = context;
    this.#hooks = hooks;
  }

  /**
   * The end of a run stands in the ledger.
   *
   * @param settlement - what was written
   * @param now - the time it was written with
   */
  recorded(ended: EndedRun, settlement: Settlement, now: Date): void {
    const { job: claimed, outcome, durationMs } = ended;
    const { emit, metrics } = this.#context;
    const { verb } = settlement;
    metrics.count('settled', { name: claimed.name, outcome: nameOfOutcome(outcome, verb) });
    const params = settlementParams(settlement, now);
    const job = JOB_LIFECYCLE.apply(verb, claimed, params);
    const skipped = settlement.record?.skipped ?? 0;
    if (skipped > 0) emit('job:skipped', { job, skipped });
    if (verb === 'complete' || verb === 'repeat') {
      const { result } = settlement;
      emit('job:complete', { job, durationMs, ...(result !== undefined && { result }) });
    }
    if (job.blockedBy !== undefined) emit('job:blocked', { job, gate: job.blockedBy });
    const wasCancelled = outcome.kind === 'cancelled' || verb === 'cancelled';
    if (wasCancelled) emit('job:cancelled', { job });
    else if (outcome.kind === 'failed') {
      emit('job:fail', { job, error: outcome.error, willRetry: verb === 'retry' });
    }
    if (verb === 'bury') {
      metrics.count('buried', { name: claimed.name });
      emit('job:buried', { job });
    }
    if (job.status === 'failed' && this.#hooks.halts(job.name)) emitHalted(this.#context, job);
    if (job.status === 'pending') this.#hooks.onPending(job);
    this.#hooks.onSettled(job);
    this.#hooks.onGone(claimed);
  }

  /** The end of a run was not written, or nobody knows whether it was. */
  unrecorded({ job }: EndedRun, answer: Extract<SettleAnswer, 'lost' | 'unknown'>): void {
    const reason = answer === 'lost' ? 'fenced' : 'unknown';
    this.#context.metrics.count('lost', { reason });
    this.#context.emit('job:lost', { job, reason });
    this.#hooks.onGone(job);
  }
}

/** What a run is counted under. */
function nameOfOutcome({ kind }: Outcome, verb: SettleVerb): string {
  if (kind === 'failed' && verb === 'retry') return 'retried';
  if (kind === 'confirmed') return 'completed';
  return verb === 'cancelled' ? 'cancelled' : kind;
}
