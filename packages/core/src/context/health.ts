/**
 * How a scheduler is: whether its ledger answers, what it did last, what went wrong last.
 *
 * What always holds: `connection:lost` and `connection:restored` take turns, the first of them `connection:lost`.
 *
 * @module
 */
import { ConnectionError, toError, UnknownOutcomeError } from '../foundation/errors.ts';
import type { ClaimedJob } from '../job/job.ts';
import type { LedgerHealth } from '../ledger/ledger-repository.ts';
import type { AlertKind } from '../options/alert-options.ts';
import type { Emit } from './events.ts';

/** What {@link MonquePublicAPI.health} answers. */
export interface Health {
  /** True between `start` and `stop`. */
  readonly running: boolean;
  /**
   * True when the last call of the ledger was answered; of a scheduler that runs also only while it holds its lease and
   * its last claim did not fail. One that was never asked for anything is not connected: see `ping`.
   */
  readonly connected: boolean;
  /** Whether new jobs are announced by the ledger, or found by polling. */
  readonly hints: 'flowing' | 'polling';
  /** How late the jobs of the last claim were: the longest time one of them had been due. */
  readonly queueLagMs: number;
  /** When jobs were claimed last; absent when none were yet. */
  readonly lastClaimAt?: Date;
  /** The last error outside of handlers; absent when there was none. */
  readonly lastError?: { readonly error: Error; readonly at: Date };
  /** Handlers that run. */
  readonly runningJobs: number;
  /** Jobs that are claimed and wait for a slot. */
  readonly bufferedJobs: number;
  /** Runs whose end is not recorded yet. */
  readonly unsettledJobs: number;
  /** Names that are paused, as this instance knows it. */
  readonly pausedNames: readonly string[];
  /** The alerts that fired and were not cleared; empty without the option `alerts`. */
  readonly alerts: readonly AlertKind[];
  /** How the ledger is, from all calls of this process, those of the application included. */
  readonly ledger: LedgerHealth;
}

/** Keeps what is known of the ledger's and the engine's condition. */
export class HealthMonitor {
  readonly #emit: Emit;
  #connected = true;
  #queueLagMs = 0;
  #lastClaimAt: Date | undefined;
  #lastError: { readonly error: Error; readonly at: Date } | undefined;

  constructor(emit: Emit) {
    this.#emit = emit;
  }

  get isConnected(): boolean {
    return this.#connected;
  }

  /** The part of the answer that is kept here. */
  read(): Pick<Health, 'queueLagMs' | 'lastClaimAt' | 'lastError'> {
    return {
      queueLagMs: this.#queueLagMs,
      ...(this.#lastClaimAt && { lastClaimAt: this.#lastClaimAt }),
      ...(this.#lastError && { lastError: this.#lastError }),
    };
  }

  /** The ledger answered. */
  answered(): void {
    if (this.#connected) return;
    this.#connected = true;
    this.#emit('connection:restored', {});
  }

  /** Something failed outside of a handler. */
  failed(thrown: unknown, at: Date): void {
    const error = toError(thrown);
    this.#lastError = { error, at };
    const isUnanswered = error instanceof ConnectionError || error instanceof UnknownOutcomeError;
    if (!isUnanswered || !this.#connected) return;
    this.#connected = false;
    this.#emit('connection:lost', { error });
  }

  /** A round of claims was answered with these jobs. */
  claimed(jobs: readonly ClaimedJob[], now: Date): void {
    this.answered();
    this.#queueLagMs = 0;
    for (const { nextRunAt } of jobs) {
      this.#queueLagMs = Math.max(this.#queueLagMs, now.getTime() - nextRunAt.getTime());
    }
    if (jobs.length > 0) this.#lastClaimAt = now;
  }
}
