/** Stages and gates in the steps of the MongoDB ledger. */
import { chooseExpiry } from '../../src/ledger/expiry-choice.ts';
import type {
  CheckpointParams,
  CheckpointResult,
  ExpireGatesParams,
  ExpireGatesResult,
  OpenGateParams,
  OpenGateResult,
} from '../../src/ledger/ledger-repository.ts';
import {
  answerCheckpoint,
  answerUnopened,
  checkpointParams,
  GATE_VERBS,
  openGateParams,
  recordedCheckpoint,
} from '../../src/ledger/stage-answers.ts';
import type { SteppedJobs } from './stepped-jobs.ts';

/** Records stages and opens gates, and lets others in between two commands. */
export class SteppedStages {
  readonly #jobs: SteppedJobs;
  readonly #letOthersIn: () => Promise<void>;

  constructor(jobs: SteppedJobs, letOthersIn: () => Promise<void>) {
    this.#jobs = jobs;
    this.#letOthersIn = letOthersIn;
  }

  async checkpoint(params: CheckpointParams): Promise<CheckpointResult> {
    const recorded = this.#jobs.move('checkpoint', params.jobId, checkpointParams(params));
    if (recorded !== null) return recordedCheckpoint(recorded);
    await this.#letOthersIn();
    return answerCheckpoint(params, this.#jobs.find(params.jobId));
  }

  openGate(params: OpenGateParams): Promise<OpenGateResult> {
    return this.#jobs.untilAnswered<OpenGateResult>(async () => {
      for (const { verb, outcome } of GATE_VERBS) {
        const moved = this.#jobs.move(verb, params.jobId, openGateParams(verb, params));
        if (moved !== null) return { outcome, job: moved };
        await this.#letOthersIn();
      }
      return answerUnopened(params, this.#jobs.find(params.jobId));
    });
  }

  async expireGates({ now, limit }: ExpireGatesParams): Promise<ExpireGatesResult> {
    const overdue = [...this.#jobs.all()]
      .filter(({ blockedUntil }) => blockedUntil !== undefined && blockedUntil <= now)
      .slice(0, limit);
    const choices = overdue.map((job) => ({ jobId: job._id, ...chooseExpiry(job, now) }));
    const counts = { expireGate: 0, expireGateToNextRun: 0 };
    for (const { jobId, verb, params } of choices) {
      await this.#letOthersIn();
      if (this.#jobs.move(verb, jobId, params) !== null) counts[verb] += 1;
    }
    return { failed: counts.expireGate, pending: counts.expireGateToNextRun };
  }
}
