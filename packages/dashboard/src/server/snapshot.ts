/**
 * One look at the ledger for all who look.
 *
 * What always holds: the ledger is read at most every {@link FRESH_MS}, however many ask, and never when nobody does;
 * when it does not answer, the last look stands, with the reason.
 *
 * @module
 */
import type { Health, Inspection, MetricsSnapshot } from '@monque/core';
import { nowMs } from '../clock.ts';
import type { AnyMonque } from '../options.ts';
import { toProblem } from './problems.ts';

/** How long a look counts as fresh, in milliseconds. */
export const FRESH_MS = 5_000;

/** What was seen. */
export interface Snapshot {
  readonly inspection: Inspection;
  readonly health: Health;
  readonly metrics: MetricsSnapshot;
  /** Why there is no newer one. */
  readonly problem?: string;
}

/** Looks when somebody asks. */
export class SnapshotSource {
  readonly #monque: AnyMonque;
  #last: Snapshot | undefined;
  #takenMs = Number.NEGATIVE_INFINITY;
  #offsetMs = 0;
  #looking: Promise<Snapshot> | undefined;

  constructor(monque: AnyMonque) {
    this.#monque = monque;
  }

  /** The time of the ledger, as far as it is known: of this machine until the first look. */
  now(): Date {
    return new Date(nowMs() + this.#offsetMs);
  }

  /** Something was changed through this server: the next who ask see it. */
  changed(): void {
    this.#takenMs = Number.NEGATIVE_INFINITY;
  }

  /** A fresh look, or the last one with the reason why there is none. */
  async read(): Promise<Snapshot> {
    if (this.#last !== undefined && nowMs() - this.#takenMs < FRESH_MS) return this.#last;
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #look(): Promise<Snapshot> {
    // Between the question and the answer lies the time of the ledger.
    const startedMs = nowMs();
    try {
      const inspection = await this.#monque.inspect();
      this.#offsetMs = inspection.at.getTime() - startedMs;
      this.#last = { inspection, health: this.#monque.health(), metrics: this.#monque.metrics() };
    } catch (error) {
      if (this.#last === undefined) throw error;
      const health = this.#monque.health();
      this.#last = { ...this.#last, health, problem: toProblem(error).problem.detail };
    }
    this.#takenMs = nowMs();
    return this.#last;
  }
}
