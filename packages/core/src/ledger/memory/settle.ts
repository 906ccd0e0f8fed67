/**
 * How claims of an in-memory ledger end, and what their holders report before that.
 *
 * @module
 */
import type { NoteParams, SettleParams, SettleResult } from '../ledger-repository.ts';
import { answerUnmatched, settlementParams } from '../settle-answers.ts';
import type { SettleAnswer, Settlement } from '../verbs/settle.ts';
import type { JobStore } from './job-store.ts';
import type { Moves } from './moves.ts';
import { noTransactions } from './moves.ts';
import type { StoredJob } from './stored-job.ts';

/** Ends claims. */
export class MemorySettle {
  readonly #jobs: JobStore;
  readonly #moves: Moves;

  constructor(jobs: JobStore, moves: Moves) {
    this.#jobs = jobs;
    this.#moves = moves;
  }

  /** Ends claims, each by itself. */
  async settle({ settlements, now }: SettleParams): Promise<SettleResult> {
    return { answers: settlements.map((settlement) => this.#settleOne(settlement, now)) };
  }

  /** Stores what a handler reports while it runs. */
  async note({ jobId, ...params }: NoteParams): Promise<boolean> {
    const stored = this.#jobs.find(jobId.toHexString());
    return stored !== undefined && this.#moves.move('note', stored, params) !== null;
  }

  /** @throws UnsupportedError always */
  async completeInSession(): Promise<boolean> {
    throw noTransactions();
  }

  #settleOne(settlement: Settlement, now: Date): SettleAnswer {
    const stored = this.#jobs.find(settlement.jobId.toHexString());
    if (stored === undefined) return answerUnmatched(settlement, null);
    const params = settlementParams(settlement, now);
    const settled = this.#isLockTaken(settlement, stored)
      ? null
      : this.#moves.move(settlement.verb, stored, params);
    return settled === null ? answerUnmatched(settlement, stored.job) : 'settled';
  }

  #isLockTaken({ startLock: value }: Settlement, { job }: StoredJob): boolean {
    if (value === undefined) return false;
    return this.#jobs.holderOf(job.name, { field: 'startLock', value }) !== undefined;
  }
}
