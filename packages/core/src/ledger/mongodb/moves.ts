/**
 * One job in the collection: read by its id, or moved by a verb under all its guards.
 *
 * @module
 */
import type { ClientSession, Collection, Document, ObjectId } from 'mongodb';
import { UnknownOutcomeError } from '../../foundation/errors.ts';
import type { Job } from '../../job/job.ts';
import type { JobVerb } from '../../job/job-lifecycle.ts';
import type { TransitionParams } from '../../job/lifecycle.ts';
import { fromDocument } from './job-document.ts';
import { ID_KEY, transitionFilter, transitionUpdate } from './lifecycle-statements.ts';
import type { Commands } from './server/commands.ts';
import type { MongoTransitions } from './transition-log.ts';

/** How often a verb that did not match is tried on a job that it should apply to when it is read. */
const MOST_RACES = 10;

/** What {@link MongoJobs.move} may be given beside the verb. */
export interface MoveOptions {
  /** Move the job inside this transaction of the user's. */
  readonly session?: ClientSession | undefined;
  /** What must hold beside the guards of the verb. */
  readonly also?: Document;
}

/** Reads and moves single jobs. */
export class MongoJobs {
  readonly collection: Collection<Job>;
  readonly commands: Commands;
  /** Where all transitions are kept. */
  readonly log: MongoTransitions | undefined;

  constructor(collection: Collection<Job>, commands: Commands, log?: MongoTransitions) {
    this.collection = collection;
    this.commands = commands;
    this.log = log;
  }

  /** The job with this id, or null. */
  async find(jobId: ObjectId, session?: ClientSession): Promise<Job | null> {
    const document = await this.collection.findOne(
      { _id: jobId },
      this.commands.readOptionsIn(session),
    );
    return document && fromDocument(document);
  }

  /** The job after the verb, or null when the verb does not apply to it. */
  async move(
    jobId: ObjectId,
    verb: JobVerb,
    params: TransitionParams,
    { session, also }: MoveOptions = {},
  ): Promise<Job | null> {
    const document = await this.collection.findOneAndUpdate(
      { _id: jobId, ...transitionFilter(verb, params), ...also },
      transitionUpdate(verb, params),
      { ...this.commands.writeOptions(session), returnDocument: 'after', hint: ID_KEY },
    );
    if (document === null) return null;
    const job = fromDocument(document);
    await this.log?.moved(verb, job, params, session);
    return job;
  }

  /** The same without the job: true when the verb applied. */
  async moved(
    jobId: ObjectId,
    verb: JobVerb,
    params: TransitionParams,
    session?: ClientSession,
  ): Promise<boolean> {
    const { matchedCount } = await this.collection.updateOne(
      { _id: jobId, ...transitionFilter(verb, params) },
      transitionUpdate(verb, params),
      { ...this.commands.writeOptions(session), hint: ID_KEY },
    );
    return matchedCount === 1;
  }

  /** Asks again until there is an answer, while others change the job between a look at it and a write. */
  async untilAnswered<T>(jobId: ObjectId, attempt: () => Promise<T | undefined>): Promise<T> {
    for (let race = 0; race < MOST_RACES; race += 1) {
      const answer = await attempt();
      if (answer !== undefined) return answer;
    }
    throw new UnknownOutcomeError(`Job ${jobId.toHexString()} changed too often to be changed`);
  }
}
