/**
 * The log of all transitions in a collection of its own, which nothing is ever changed in or removed from.
 *
 * What always holds: an entry is written after its transition and before the verb is answered. A verb that is sent
 * again writes the same entry under the same id, so that it stands there once. A process that dies between the two
 * writes leaves a transition without its entry.
 *
 * @module
 */
import type { ClientSession, Collection, CreateIndexesOptions, Document, ObjectId } from 'mongodb';
import { MonqueError } from '../../foundation/errors.ts';
import type { Random } from '../../foundation/random.ts';
import { isClaimed, type Job } from '../../job/job.ts';
import type { JobVerb } from '../../job/job-lifecycle.ts';
import type { TransitionParams } from '../../job/lifecycle.ts';
import type {
  EnqueueAnswer,
  ReadHistoryParams,
  SettleParams,
  SettleResult,
  TransitionEntry,
} from '../ledger-repository.ts';
import { settlementParams } from '../settle-answers.ts';
import {
  claimEntry,
  enqueueVerbOf,
  inOrder,
  type KnownOfJob,
  removalEntry,
  transitionEntry,
} from '../transition-log.ts';
import type { Settlement } from '../verbs/settle.ts';
import type { Commands } from './server/commands.ts';
import { DUPLICATE_KEY_CODE } from './server/driver-errors.ts';
import type { NamedIndex } from './server/indexes.ts';
import { checkIndexes, makeIndexes } from './server/server-checks.ts';

/** One entry as it is stored. */
export interface TransitionDocument extends TransitionEntry {
  readonly _id: string;
  readonly jobId: ObjectId;
}

const TRANSITION_INDEX = 'monque_transitions';

/** The index of the log: the entries of a job by their time. */
const TRANSITION_INDEXES: readonly NamedIndex[] = Object.freeze([
  { name: TRANSITION_INDEX, key: { jobId: 1, at: 1 } },
]);

/** Writes and reads the log. */
export class MongoTransitions {
  readonly #collection: Collection<TransitionDocument>;
  readonly #commands: Commands;
  readonly #random: Random;

  constructor(collection: Collection<TransitionDocument>, commands: Commands, random: Random) {
    this.#collection = collection;
    this.#commands = commands;
    this.#random = random;
  }

  /** Makes the index of the log where it is missing. */
  make(options: CreateIndexesOptions): Promise<void> {
    return makeIndexes(this.#collection, TRANSITION_INDEXES, options);
  }

  /** Checks that somebody else made it. */
  check(): Promise<void> {
    return checkIndexes(this.#collection, TRANSITION_INDEXES, this.#commands.readOptions());
  }

  /** Jobs that were stored. */
  enqueued(answers: readonly EnqueueAnswer[], session?: ClientSession): Promise<void> {
    const jobs = answers.flatMap((answer) => (answer.outcome === 'enqueued' ? [answer.job] : []));
    const documents = jobs.map((job) =>
      once(job._id, transitionEntry(enqueueVerbOf(job), { now: job.createdAt }, { fence: 0 })),
    );
    return this.#write([...documents, ...jobs.filter(isClaimed).map(claimDocument)], session);
  }

  /** Jobs that a claim won. The time of a claim whose answer was lost is that which the jobs show. */
  claimed(jobs: readonly Job[]): Promise<void> {
    return this.#write(jobs.map(claimDocument));
  }

  /** Claims that were ended. */
  settled({ settlements, now }: SettleParams, { answers }: SettleResult): Promise<void> {
    const settled = settlements.filter((_, index) => answers[index] === 'settled');
    return this.#write(settled.map((settlement) => settlementDocument(settlement, now)));
  }

  /** A claim that was ended in a transaction; the entry is part of it. */
  settledInSession(settlement: Settlement, now: Date, session: ClientSession): Promise<void> {
    return this.#write([settlementDocument(settlement, now)], session);
  }

  /** A job that one verb moved manually. */
  moved(verb: JobVerb, job: Job, params: TransitionParams, session?: ClientSession): Promise<void> {
    const entry = transitionEntry(verb, params, claimOf(job));
    return this.#write([this.#alone(job._id, entry)], session);
  }

  /** A job that was deleted manually; `job` is what it was. */
  removed(job: Job, given: Parameters<typeof removalEntry>[1]): Promise<void> {
    return this.#write([once(job._id, removalEntry(job, given))]);
  }

  /** Jobs that one verb moved together, as they were before. */
  movedTogether(
    verb: JobVerb,
    jobs: readonly (KnownOfJob & Pick<Job, '_id'>)[],
    params: TransitionParams,
  ): Promise<void> {
    const documents = jobs.map(({ _id, ...known }) =>
      this.#alone(_id, transitionEntry(verb, params, known)),
    );
    return this.#write(documents);
  }

  /** Jobs that left by their age. Two processes may report the same job; the entry stands there once. */
  pruned(jobs: readonly Pick<Job, '_id' | 'status'>[], now: Date): Promise<void> {
    const documents = jobs.map(({ _id, status }) =>
      once(_id, transitionEntry('prune', { now }, { from: status })),
    );
    return this.#write(documents);
  }

  /** The newest entries of a job, the oldest of them first. */
  async read({ jobId, limit }: ReadHistoryParams): Promise<TransitionEntry[]> {
    const documents = await this.#collection
      .find(
        { jobId },
        {
          ...this.#commands.readOptions(),
          sort: { at: -1, fence: -1 },
          limit,
          // So that it is noticed, and made again, when somebody dropped it.
          hint: TRANSITION_INDEX,
        },
      )
      .toArray();
    return inOrder(documents.map(({ _id, jobId: __, ...entry }) => entry));
  }

  /** In one command, or inside the user's transaction. */
  async #write(documents: readonly TransitionDocument[], session?: ClientSession): Promise<void> {
    if (documents.length === 0) return;
    if (session !== undefined) {
      await this.#collection.insertMany([...documents], this.#commands.writeOptions(session));
      return;
    }
    const errors = await this.#commands.insert(documents);
    const refused = errors.find(({ code }) => code !== DUPLICATE_KEY_CODE);
    if (refused === undefined) return;
    const message = `MongoDB refused an entry of the transition log: ${refused.errmsg}`;
    throw new MonqueError('LEDGER_REFUSED', message);
  }

  /** Such a verb is not sent again, and may be done to a job more than once. */
  #alone(jobId: ObjectId, entry: TransitionEntry): TransitionDocument {
    return { _id: `${jobId.toHexString()}:${this.#random.token()}`, jobId, ...entry };
  }
}

/** A verb that happens once under a fence; sent again it has the same id. */
function once(jobId: ObjectId, entry: TransitionEntry): TransitionDocument {
  return { _id: `${jobId.toHexString()}:${entry.fence}:${entry.verb}`, jobId, ...entry };
}

function settlementDocument(settlement: Settlement, now: Date): TransitionDocument {
  const { verb, jobId, claimToken, fence } = settlement;
  const params = settlementParams(settlement, now);
  return once(jobId, transitionEntry(verb, params, { claimToken, fence }));
}

function claimDocument(job: Job): TransitionDocument {
  return once(job._id, claimEntry(job));
}

function claimOf({ claimToken, fence }: Job): KnownOfJob {
  return { fence, ...(claimToken !== undefined && { claimToken }) };
}

/** A filter for jobs in whose history a verb left its entry at a time. */
export function movedFilter(
  ids: readonly ObjectId[],
  verb: JobVerb,
  at: TransitionParams[string],
): Document {
  return { _id: { $in: ids }, history: { $elemMatch: { verb, at } } };
}
