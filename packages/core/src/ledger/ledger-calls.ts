/**
 * What a ledger's calls say of its condition: how long they took, which failed, and whether it answers.
 *
 * What always holds: a call that got no answer counts against the ledger only when no other call was answered since it
 * was sent. One slow verb is no outage.
 *
 * @module
 */
import type { Clock } from '../foundation/clock.ts';
import {
  ConnectionError,
  MonqueError,
  toError,
  UnknownOutcomeError,
} from '../foundation/errors.ts';
import { Metrics } from '../telemetry/metrics.ts';

/** How a ledger is, from the calls that were made; nothing is asked of it. */
export interface LedgerHealth {
  /** True when it answered last. False before the first call. */
  readonly connected: boolean;
  /** When it answered last, by the clock of this process; absent when it never did. */
  readonly lastAnswerAt?: Date;
  /** The last call that failed; absent when none did. */
  readonly lastError?: { readonly error: Error; readonly verb: string; readonly at: Date };
}

/** Keeps what the calls of one ledger say. */
export class LedgerCalls {
  readonly metrics: Metrics = new Metrics();
  readonly #clock: Clock;
  #connected = false;
  #answers = 0;
  #lastAnswerMs: number | undefined;
  #lastError: LedgerHealth['lastError'];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Measures one call. */
  async call<T>(verb: string, perform: () => Promise<T>): Promise<T> {
    const answersBefore = this.#answers;
    const sentMs = this.#clock.monotonic();
    try {
      const result = await perform();
      this.#answered();
      return result;
    } catch (error) {
      this.#failed(verb, error, answersBefore);
      throw error;
    } finally {
      this.metrics.record('ledgerCallMs', { verb }, this.#clock.monotonic() - sentMs);
    }
  }

  /** How the ledger is. */
  health(): LedgerHealth {
    return {
      connected: this.#connected,
      ...(this.#lastAnswerMs !== undefined && { lastAnswerAt: new Date(this.#lastAnswerMs) }),
      ...(this.#lastError && { lastError: this.#lastError }),
    };
  }

  #answered(): void {
    this.#answers += 1;
    this.#connected = true;
    this.#lastAnswerMs = this.#clock.now();
  }

  #failed(verb: string, thrown: unknown, answersBefore: number): void {
    const error = toError(thrown);
    this.#lastError = { error, verb, at: new Date(this.#clock.now()) };
    this.metrics.count('ledgerErrors', { verb, code: codeOf(error) });
    const isUnanswered = error instanceof ConnectionError || error instanceof UnknownOutcomeError;
    if (isUnanswered && this.#answers === answersBefore) this.#connected = false;
  }
}

/** The code of an error of this library; `OTHER` for any other. */
export function codeOf(error: unknown): string {
  return error instanceof MonqueError ? error.code : 'OTHER';
}
