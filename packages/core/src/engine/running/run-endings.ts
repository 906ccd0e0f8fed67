/**
 * The ends of runs: reckoned, handed to the settler, and told as events once they are recorded.
 *
 * What always holds: no event tells of an end before the ledger has it; and what an event shows is what was written.
 *
 * @module
 */
import type { EngineContext } from '../../context/scheduler-context.ts';
import { asRecord, type ClaimedJob, type Job } from '../../job/job.ts';
import { JOB_LIFECYCLE } from '../../job/job-lifecycle.ts';
import { type Settlement, type SettleVerb, settlementParams } from '../../ledger/settle-answers.ts';
import type { Outcome } from '../../workers/handler-outcome.ts';
import type { InSession } from './run.ts';
import type { OpenNotes } from './run-notes.ts';
import type { SettleResolution, Settler } from './settler.ts';

/** The end of a run that somebody asked to cancel. */
export const CANCELLED: Outcome = Object.freeze({ kind: 'cancelled', by: 'request' });

/** The end of a run that came to a gate which was opened before the end was recorded. */
const GATE_OPENED: Outcome = Object.freeze({
  kind: 'released',
  hadStarted: true,
  reason: 'The gate that it came to was opened meanwhile',
});

type EndingsContext = Pick<EngineContext, 'ledgerTime' | 'clock' | 'emit' | 'metrics'>;

/** Who is told of ends beside the listeners. */
export interface EndingHooks {
  /** Called with a job that became pending again by the end of a run. */
  readonly onPending: (job: Job) => void;
  /** Called with a job whose end is recorded. */
  readonly onSettled: (job: Job) => void;
}

/** The end of one run, on its way to the ledger. */
export interface Ending {
  /** Names the claim that ends. */
  readonly key: string;
  readonly outcome: Outcome;
  readonly durationMs: number;
  /** What the handler told and is not stored yet. */
  readonly notes: OpenNotes;
  /** Reckons what is to be written; the job is as the ledger showed it last. */
  readonly settle: (job: ClaimedJob, outcome: Outcome, now: Date) => Settlement;
  /** For a run that its handler wanted to complete in a transaction. */
  readonly inSession?: InSession;
}

/** Records ends and tells of them. */
export class Endings {
  readonly #context: EndingsContext;
  readonly #settler: Settler;
  readonly #hooks: EndingHooks;

  constructor(context: EndingsContext, settler: Settler, hooks: EndingHooks) {
    this.#context = context;
    this.#settler = settler;
    this.#hooks = hooks;
  }

  /** Hands the end of a run to the settler, unless its handler wrote it itself; its events fire once it is recorded. */
  settle(job: ClaimedJob, ending: Ending): void {
    const { ledgerTime, clock, metrics } = this.#context;
    const now = ledgerTime.now();
    const endedMs = clock.monotonic();
    const make = (current: Job, outcome: Outcome, at: Date): Settlement => ({
      ...ending.settle(current as ClaimedJob, outcome, at),
      ...ending.notes,
    });
    const settlement = make(job, ending.outcome, now);
    if (ending.outcome.kind === 'confirmed') this.#tellSettled(job, settlement, now, ending);
    else {
      this.#settler.submit({
        settlement,
        key: ending.key,
        alone: ending.inSession !== undefined,
        remake: ({ isCancelled, isGateOpen, current = job, at }) =>
          make(current, isCancelled ? CANCELLED : isGateOpen ? GATE_OPENED : ending.outcome, at),
        onAnswer: (answer, settled, settledAt) => {
          metrics.record('settleDelayMs', clock.monotonic() - endedMs);
          if (answer !== 'settled') this.#tellUnsettled(job, answer);
          else if (!ending.inSession) this.#tellSettled(job, settled, settledAt, ending);
          else void this.#tellOfSession(job, settled, settledAt, ending, ending.inSession);
        },
      });
    }
  }

  /** The transaction may have been committed after the handler took too long, before its failure could be written. */
  async #tellOfSession(
    job: ClaimedJob,
    settled: Settlement,
    at: Date,
    ending: Ending,
    { outcome, isRecorded }: InSession,
  ): Promise<void> {
    if (await isRecorded(settled)) {
      this.#tellSettled(job, settled, at, ending);
      return;
    }
    const confirmed: Outcome = { kind: 'confirmed', of: outcome };
    const committed = ending.settle(job, confirmed, at);
    this.#tellSettled(job, committed, at, { ...ending, outcome: confirmed });
  }

  #tellSettled(
    claimed: ClaimedJob,
    settlement: Settlement,
    now: Date,
    { outcome, durationMs: duration }: Ending,
  ): void {
    const { emit, metrics } = this.#context;
    const { verb } = settlement;
    metrics.count('settled', 1, claimed.name, nameOfOutcome(outcome, verb));
    const params = settlementParams(settlement, now);
    const job = JOB_LIFECYCLE.apply(verb, asRecord(claimed), params);
    const skipped = settlement.record?.skipped ?? 0;
    if (skipped > 0) emit('job:skipped', { job, skipped });
    if (verb === 'complete' || verb === 'repeat') {
      const { result } = settlement;
      emit('job:complete', { job, duration, ...(result !== undefined && { result }) });
    }
    if (job.blockedBy !== undefined) emit('job:blocked', { job, gate: job.blockedBy });
    const wasCancelled = outcome.kind === 'cancelled' || verb === 'cancelled';
    if (wasCancelled) emit('job:cancelled', { job });
    else if (outcome.kind === 'failed') {
      emit('job:fail', { job, error: outcome.error, willRetry: verb === 'retry' });
    }
    if (job.status === 'pending') this.#hooks.onPending(job);
    this.#hooks.onSettled(job);
  }

  #tellUnsettled(job: ClaimedJob, answer: Exclude<SettleResolution, 'settled'>): void {
    if (answer === 'refused') return;
    const reason = answer === 'lost' ? 'fenced' : 'unknown';
    this.#context.metrics.count('lost', 1, reason);
    this.#context.emit('job:lost', { job, reason });
  }
}

/** What a run is counted under. */
function nameOfOutcome({ kind }: Outcome, verb: SettleVerb): string {
  if (kind === 'failed' && verb === 'retry') return 'retried';
  if (kind === 'confirmed') return 'completed';
  return verb === 'cancelled' ? 'cancelled' : kind;
}
