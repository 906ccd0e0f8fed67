/**
 * Stages and gates: recorded, opened and given up in one guarded update each.
 *
 * @module
 */
import type { Job } from '../../job/job.ts';
import { chooseExpiry, type ExpiryChoice } from '../expiry-choice.ts';
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
import { overdueGateFilter, PLAN_FIELDS } from './engine-queries.ts';
import { fromDocument } from './job-document.ts';
import {
  guardedStatement,
  ID_KEY,
  transitionFilter,
  transitionUpdate,
} from './lifecycle-statements.ts';
import type { MongoJobs } from './moves.ts';
import type { MongoOrders } from './orders/orders.ts';
import { IndexName } from './server/indexes.ts';

/** What a checkpoint is answered with; results and evidence may be large. */
const CHECKPOINT_FIELDS = {
  claimToken: 1,
  cancelRequestedAt: 1,
  'stages.name': 1,
  'stages.at': 1,
  'gates.name': 1,
} as const;

/** What the end of a wait is chosen by. */
const EXPIRY_FIELDS = {
  blockedBy: 1,
  lane: 1,
  ...PLAN_FIELDS,
} as const;

/** Records stages, opens gates and ends waits at them. */
export class MongoStages {
  readonly #jobs: MongoJobs;
  readonly #orders: Pick<MongoOrders, 'haltedBy'>;

  constructor(jobs: MongoJobs, orders: Pick<MongoOrders, 'haltedBy'>) {
    this.#jobs = jobs;
    this.#orders = orders;
  }

  /** Records a finished stage; only what does not match is read again. */
  async checkpoint(params: CheckpointParams): Promise<CheckpointResult> {
    const { collection, commands } = this.#jobs;
    const { jobId: _id } = params;
    const transition = checkpointParams(params);
    const projection = CHECKPOINT_FIELDS;
    const recorded = await collection.findOneAndUpdate(
      { _id, ...transitionFilter('checkpoint', transition) },
      transitionUpdate('checkpoint', transition),
      { ...commands.writeOptions(), returnDocument: 'after', hint: ID_KEY, projection },
    );
    if (recorded !== null) return recordedCheckpoint(fromDocument(recorded));
    const stored = await collection.findOne({ _id }, { ...commands.readOptions(), projection });
    return answerCheckpoint(params, stored && fromDocument(stored));
  }

  /** Opens a gate, whether the job waits at it or has not come to it. */
  openGate(params: OpenGateParams): Promise<OpenGateResult> {
    const { jobId } = params;
    return this.#jobs.untilAnswered<OpenGateResult>(jobId, async () => {
      for (const { verb, outcome } of GATE_VERBS) {
        const moved = await this.#jobs.move(jobId, verb, openGateParams(verb, params));
        if (moved !== null) return { outcome, job: moved };
      }
      return answerUnopened(params, await this.#jobs.find(jobId));
    });
  }

  /** Ends waits that took too long, of the gates that should have been opened first. */
  async expireGates({ now, limit }: ExpireGatesParams): Promise<ExpireGatesResult> {
    const { collection, commands } = this.#jobs;
    const overdue = await collection
      .find(overdueGateFilter(now), {
        ...commands.readOptions(),
        projection: EXPIRY_FIELDS,
        sort: { blockedUntil: 1 },
        limit,
        hint: IndexName.GATES,
      })
      .toArray();
    const jobs = overdue.map(fromDocument);
    const groups = groupAlike(jobs, now);
    const expireBy = async (verb: ExpiryChoice['verb']): Promise<number> => {
      const statements = groups
        .filter(({ choice }) => choice.verb === verb)
        .map(({ choice, ids }) => guardedStatement(verb, ids, choice.params));
      return (await commands.update(statements)).matched;
    };
    const failed = await expireBy('expireGate');
    const halted = await this.#orders.haltedBy('expireGate', jobs, now);
    return {
      failed,
      pending: await expireBy('expireGateToNextRun'),
      ...(halted.length > 0 && { halted }),
    };
  }
}

interface ExpiryGroup {
  readonly choice: ExpiryChoice;
  readonly ids: Job['_id'][];
}

/** Jobs for which the same is written become one group; a job of a series is always one of its own. */
function groupAlike(jobs: readonly Job[], now: Date): ExpiryGroup[] {
  const groups = new Map<string, ExpiryGroup>();
  for (const job of jobs) {
    const isOfSeries = job.seriesVersion !== undefined || job.scheduledFor !== undefined;
    const key = isOfSeries ? job._id.toHexString() : `gate ${job.blockedBy}`;
    const group = groups.get(key);
    if (group) group.ids.push(job._id);
    else groups.set(key, { choice: chooseExpiry(job, now), ids: [job._id] });
  }
  return [...groups.values()];
}
