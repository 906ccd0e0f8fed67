/**
 * Stages and gates of the jobs of an in-memory ledger.
 *
 * What always holds: a verb runs from its first look to its last write without a pause.
 *
 * @module
 */
import { assert } from '../../foundation/errors.ts';
import type { Job } from '../../job/job.ts';
import { chooseExpiry } from '../expiry-choice.ts';
import type {
  CheckpointParams,
  CheckpointResult,
  ExpireGatesParams,
  ExpireGatesResult,
  OpenGateParams,
  OpenGateResult,
} from '../ledger-repository.ts';
import {
  answerCheckpoint,
  answerUnopened,
  checkpointParams,
  GATE_VERBS,
  openGateParams,
  recordedCheckpoint,
} from '../stage-answers.ts';
import type { JobStore } from './job-store.ts';
import type { Moves } from './moves.ts';
import type { MemoryOrders } from './orders.ts';
import { copyOut } from './stored-job.ts';

/** Records stages, opens gates and ends waits at them. */
export class MemoryStages {
  readonly #jobs: JobStore;
  readonly #moves: Moves;
  readonly #orders: Pick<MemoryOrders, 'isHalting'>;

  constructor(jobs: JobStore, moves: Moves, orders: Pick<MemoryOrders, 'isHalting'>) {
    this.#jobs = jobs;
    this.#moves = moves;
    this.#orders = orders;
  }

  /** Records a finished stage. */
  async checkpoint(params: CheckpointParams): Promise<CheckpointResult> {
    const stored = this.#jobs.find(params.jobId.toHexString());
    if (stored === undefined) return answerCheckpoint(params, null);
    const recorded = this.#moves.move('checkpoint', stored, checkpointParams(params));
    return recorded === null
      ? answerCheckpoint(params, stored.job)
      : recordedCheckpoint(recorded.job);
  }

  /** Opens a gate, whether the job waits at it or has not come to it. */
  async openGate(params: OpenGateParams): Promise<OpenGateResult> {
    const stored = this.#jobs.find(params.jobId.toHexString());
    if (stored === undefined) return { outcome: 'missing', job: null };
    for (const { verb, outcome } of GATE_VERBS) {
      const moved = this.#moves.move(verb, stored, openGateParams(verb, params));
      if (moved !== null) return { outcome, job: copyOut(moved) };
    }
    const answer = answerUnopened(params, copyOut(stored));
    assert(answer !== undefined, 'a gate that could be opened was not');
    return answer;
  }

  /** Ends waits that took too long, of the gates that should have been opened first. */
  async expireGates({ now, limit }: ExpireGatesParams): Promise<ExpireGatesResult> {
    const counts = { failed: 0, pending: 0 };
    const overdue = this.#jobs
      .blocked()
      .filter(({ job }) => dueMs(job) <= now.getTime())
      .sort((a, b) => dueMs(a.job) - dueMs(b.job))
      .slice(0, limit);
    const halted: Job[] = [];
    for (const stored of overdue) {
      const { verb, params } = chooseExpiry(stored.job, now);
      const moved = this.#moves.moveBy(verb, stored, params);
      if (this.#orders.isHalting(moved)) halted.push(copyOut(moved));
      counts[verb === 'expireGate' ? 'failed' : 'pending'] += 1;
    }
    return { ...counts, ...(halted.length > 0 && { halted }) };
  }
}

function dueMs({ blockedUntil }: Job): number {
  return blockedUntil?.getTime() ?? Infinity;
}
