/**
 * How a run ended: what a handler may return to say so, and the value that says it to the engine.
 *
 * A handler may return one of the values that {@link snooze}, {@link cancel} and {@link discard} make; anything else
 * it returns is the result of the job.
 *
 * @module
 */

import { integer, YEAR_MS } from '../foundation/argument-checks.ts';

/** A symbol, since no data can carry one: what a handler fetched elsewhere is never taken for an outcome. */
const OUTCOME_MARK: symbol = Symbol.for('monque.HandlerOutcome');

/** A value that a handler returns to say how its run ended. */
export class HandlerOutcome {
  /** What is to be recorded. */
  readonly outcome: Outcome;

  /** @internal Made by {@link snooze}, {@link cancel} and {@link discard}. */
  constructor(outcome: Outcome) {
    this.outcome = Object.freeze(outcome);
    // Marks every such value, whichever copy of this package made it.
    Object.defineProperty(this, OUTCOME_MARK, { value: true });
  }
}

/** True for what {@link snooze}, {@link cancel} or {@link discard} made, of this or another copy of this package. */
export function isHandlerOutcome(value: unknown): value is HandlerOutcome {
  return typeof value === 'object' && value !== null && OUTCOME_MARK in value;
}

/**
 * Returned by a handler: run the job again later, without counting a failure.
 *
 * @param delayMs - milliseconds from now
 * @throws InvalidArgumentError when the delay is not a whole number from 0 to a year
 */
export function snooze(delayMs: number): HandlerOutcome {
  integer(0, YEAR_MS)('delayMs', delayMs);
  return new HandlerOutcome({ kind: 'snoozed', delayMs });
}

/** Returned by a handler: the job is not wanted any more; it ends as cancelled. The reason stands in its history. */
export function cancel(reason?: string): HandlerOutcome {
  return new HandlerOutcome({ kind: 'cancelled', by: 'handler', ...given(reason) });
}

/** Returned by a handler: trying again cannot help; the job fails for good, whatever retries are left. */
export function discard(reason: string): HandlerOutcome {
  return new HandlerOutcome({ kind: 'failed', error: new Error(String(reason)), isFinal: true });
}

function given(reason: string | undefined): { readonly reason?: string } {
  return reason === undefined ? {} : { reason: String(reason) };
}

/** What must be recorded when a run of a job with stages ends. */
export interface StagedEnd {
  /** The stages that are recorded, no other and in this order. */
  readonly stagesBefore: readonly string[];
  /** The gates that were opened. */
  readonly gatesBefore: readonly string[];
  /** The stage that ends with the run. */
  readonly lastStage?: string;
}

/** How one run ended. */
export type Outcome =
  /** The handler, or the last stage, succeeded. */
  | { readonly kind: 'completed'; readonly result?: unknown; readonly staged?: StagedEnd }
  /** The run came to a closed gate. */
  | {
      readonly kind: 'blocked';
      readonly gate: string;
      /** How long the job waits there, in milliseconds; without end when left out. */
      readonly timeoutMs?: number;
      readonly stagesBefore: readonly string[];
    }
  /** The handler threw, took too long, or said that trying again cannot help. */
  | { readonly kind: 'failed'; readonly error: Error; readonly isFinal: boolean }
  /** The handler wants to run later. */
  | { readonly kind: 'snoozed'; readonly delayMs: number }
  /** The handler gave up since somebody asked to cancel the job, or said so itself. */
  | { readonly kind: 'cancelled'; readonly by: 'request' | 'handler'; readonly reason?: string }
  /** The time of this run of a series has passed; its handler was not called. */
  | { readonly kind: 'missed' }
  /** The handler completed the job inside its own transaction, and that was committed. */
  | { readonly kind: 'confirmed'; readonly of: Outcome }
  /** The handler never started, or gave up since this process asked it to. */
  | { readonly kind: 'released'; readonly hadStarted: boolean; readonly reason?: string };
