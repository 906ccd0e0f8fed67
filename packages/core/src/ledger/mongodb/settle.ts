/**
 * What the holder of a claim writes: notes while it runs, and how it ended.
 *
 * @module
 */
import type {
  CompleteInSessionParams,
  NoteParams,
  SettleParams,
  SettleResult,
} from '../ledger-repository.ts';
import { answerUnmatched, settlementParams } from '../settle-answers.ts';
import { settleStatements } from './engine-queries.ts';
import { fromDocument } from './job-document.ts';
import type { MongoJobs } from './moves.ts';
import { driverSession } from './server/server-checks.ts';

/** What a settlement that did not match is judged by. */
const JUDGED_FIELDS = {
  status: 1,
  fence: 1,
  lastToken: 1,
  claimToken: 1,
  cancelRequestedAt: 1,
  seriesVersion: 1,
  'gates.name': 1,
} as const;

/** Writes notes and settlements. */
export class MongoSettle {
  readonly #jobs: MongoJobs;

  constructor(jobs: MongoJobs) {
    this.#jobs = jobs;
  }

  /** Ends claims in as few statements as their contents allow; those that did not match are read. */
  async settle(params: SettleParams): Promise<SettleResult> {
    const { settlements, now } = params;
    const { matched } = await this.#jobs.commands.update(settleStatements(settlements, now));
    const isWhole = matched === settlements.length;
    const answers = isWhole
      ? settlements.map(() => 'settled' as const)
      : await this.#answersAfterRead(settlements);
    await this.#jobs.log?.settled(params, { answers });
    return { answers };
  }

  async #answersAfterRead(
    settlements: SettleParams['settlements'],
  ): Promise<SettleResult['answers']> {
    const { collection, commands } = this.#jobs;
    const ids = settlements.map(({ jobId }) => jobId);
    const stored = await collection
      .find({ _id: { $in: ids } }, { ...commands.readOptions(), projection: JUDGED_FIELDS })
      .toArray();
    const byId = new Map(stored.map((job) => [job._id.toHexString(), fromDocument(job)]));
    return settlements.map((settlement) =>
      answerUnmatched(settlement, byId.get(settlement.jobId.toHexString()) ?? null),
    );
  }

  /** Stores what a handler reports while it runs. */
  note({ jobId, deadlineMs: _, ...params }: NoteParams): Promise<boolean> {
    return this.#jobs.moved(jobId, 'note', params);
  }

  /** Ends a claim inside the user's transaction. Errors are those of the driver. */
  async completeInSession({
    settlement,
    now,
    session: given,
  }: CompleteInSessionParams): Promise<boolean> {
    const session = driverSession(given);
    const { jobId, verb } = settlement;
    const params = settlementParams(settlement, now);
    const isCompleted = await this.#jobs.moved(jobId, verb, params, session);
    if (isCompleted) await this.#jobs.log?.settledInSession(settlement, now, session);
    return isCompleted;
  }
}
