/**
 * From what a caller gave to jobs in the ledger: checks, copies, and what happens when a unique key is taken.
 *
 * What always holds: whatever is wrong with the input is found before any I/O; and a job that could not be stored since
 * its key was taken is answered with who held the key, after the holder was changed as the caller wanted.
 *
 * @module
 */
import type { ObjectId } from 'mongodb';
import type { EngineContext } from '../context/scheduler-context.ts';
import { checkJobName, toObjectId } from '../foundation/argument-checks.ts';
import type { Session } from '../foundation/driver-shapes.ts';
import { InvalidArgumentError, toError } from '../foundation/errors.ts';
import { checkData } from '../foundation/standard-schema.ts';
import { DOCUMENT_VERSION, type Job, type JobTrace } from '../job/job.ts';
import { UniqueKeyTakenError } from '../job/job-errors.ts';
import { JOB_LIFECYCLE } from '../job/job-lifecycle.ts';
import { groupFields, orderFields } from '../job/lanes.ts';
import { copyMetadata, type JobMetadata } from '../job/metadata.ts';
import { copyPayload } from '../job/payload.ts';
import type { DataOf, JobTypes, NameOf } from '../job/typed-jobs.ts';
import { lockFieldsFor } from '../job/unique-locks.ts';
import {
  checkEnqueueEntry,
  type EnqueueOptions,
  type ResolvedEnqueueOptions,
  refuseLane,
  resolveEnqueueOptions,
} from '../options/enqueue-options.ts';
import {
  checkEnqueueManyOptions,
  type EnqueueManyOptions,
} from '../options/transaction-options.ts';
import type { KnownJob } from './definitions.ts';
import { type EnqueueEntryResult, failureOf, resultOf } from './entry-result.ts';
import { Enqueuer, type EnqueuerHooks, type StoreAnswer } from './insert-batches.ts';
import { supersedesBy, supersedingFields } from './supersede.ts';

/** How often a job is stored again because the holder of its key was gone, or had started, when it was to be changed. */
const MOST_TAKEN_RACES = 10;

/** One entry of `enqueueMany`. */
export interface EnqueueEntry<T = unknown> {
  readonly name: string;
  readonly data?: T;
  readonly options?: Omit<EnqueueOptions, 'session' | 'id' | 'supersede' | 'callTimeout'>;
}

/** One entry of `enqueueMany`, with the data its name wants. */
export type TypedEntry<Types extends JobTypes, Name extends NameOf<Types>> = Name extends unknown
  ? Omit<EnqueueEntry, 'name' | 'data'> & { readonly name: Name } & DataField<DataOf<Types, Name>>
  : never;

/** Data that may be undefined may be left out. */
export type DataField<T> = undefined extends T ? { readonly data?: T } : { readonly data: T };

/** What is known of a job before the ledger's time is. */
interface Draft {
  readonly name: string;
  readonly data?: unknown;
  readonly options: ResolvedEnqueueOptions;
  readonly runAt?: Date;
  readonly metadata?: JobMetadata;
  readonly trace?: JobTrace;
  /** The id that the caller chose. */
  readonly id?: ObjectId;
}

/** What the fields of an entry are called in errors. */
interface FieldNames {
  readonly name: string;
  readonly data: string;
  readonly options: string;
}

const SINGLE: FieldNames = { name: 'name', data: 'data', options: 'options' };

/** Makes jobs and stores them. */
export class Producer {
  readonly #context: EngineContext;
  readonly #knownOf: (name: string) => KnownJob;
  readonly #enqueuer: Enqueuer;
  /** Of jobs whose ids are chosen: whether one is new is known only after it was stored, so none is born claimed. */
  readonly #chosenIds: Enqueuer;
  readonly #hooks: EnqueuerHooks;

  /**
   * @param knownOf - what is known of a name in this process
   * @param hooks - `onStored` is called with jobs that were moved to another time too
   */
  constructor(context: EngineContext, knownOf: (name: string) => KnownJob, hooks: EnqueuerHooks) {
    this.#context = context;
    this.#knownOf = knownOf;
    this.#hooks = hooks;
    this.#enqueuer = new Enqueuer(context, hooks);
    this.#chosenIds = new Enqueuer(context, { ...hooks, bear: () => undefined });
  }

  /** Stores one job; the job that holds its key when that is taken. */
  async enqueue(name: string, data: unknown, options: EnqueueOptions): Promise<Job> {
    const draft = this.#draft(SINGLE, name, data, options);
    await this.#checkAgainstSchema([SINGLE.data], [draft]);
    await this.#context.ready();
    return this.#context.instruments.enqueue({
      names: [draft.name],
      send: async (trace) => {
        const answer = await this.#store({ ...draft, ...(trace && { trace }) }, options.session);
        if ('error' in answer) throw answer.error;
        return answer.job;
      },
      jobsOf: (job) => [job],
    });
  }

  /** Stores many jobs; an answer for each, in order. Only in a session it throws, what the driver threw. */
  async enqueueMany(
    entries: readonly EnqueueEntry[],
    options: EnqueueManyOptions = {},
  ): Promise<EnqueueEntryResult[]> {
    checkEnqueueManyOptions(options);
    if (!Array.isArray(entries)) throw new InvalidArgumentError('entries', 'an array', entries);
    const drafts = entries.map((entry: EnqueueEntry, index) => {
      const field = `entries[${index}]`;
      checkEnqueueEntry(field, entry);
      return this.#draft(fieldsOf(field), entry.name, entry.data, entry.options);
    });
    await this.#checkAgainstSchema(
      entries.map((_, index) => fieldsOf(`entries[${index}]`).data),
      drafts,
    );
    await this.#context.ready();
    return this.#context.instruments.enqueue({
      names: drafts.map(({ name }) => name),
      send: (trace) =>
        this.#storeMany(
          drafts.map((draft) => ({ ...draft, ...(trace && { trace }) })),
          options.session,
        ),
      jobsOf: (results) => results.flatMap((result) => ('error' in result ? [] : [result.job])),
    });
  }

  /** Checks what jobs of a flow are to be and makes them, all at once, without storing any. */
  async makeJobs(entries: readonly (EnqueueEntry & { readonly field: string })[]): Promise<Job[]> {
    const drafts = entries.map(({ field, name, data, options }) =>
      this.#draft(fieldsOf(field), name, data, options),
    );
    await this.#checkAgainstSchema(
      entries.map(({ field }) => fieldsOf(field).data),
      drafts,
    );
    await this.#context.ready();
    return drafts.map((draft) => this.#complete(draft));
  }

  /** Stores jobs that are complete already, in a few inserts; none of them is born claimed. */
  storeJobs(jobs: readonly Job[], session?: Session): Promise<readonly StoreAnswer[]> {
    return this.#context.instruments.enqueue({
      names: jobs.map(({ name }) => name),
      send: (trace) =>
        this.#chosenIds.enqueue(trace ? jobs.map((job) => ({ ...job, trace })) : jobs, session),
      jobsOf: () => jobs,
    });
  }

  /** Checks data against the schema of the worker that is to run it, where that is registered here. */
  checkData(name: string, data: unknown): Promise<void> {
    return this.#checkAgainstSchema([SINGLE.data], [{ name, data }]);
  }

  /** Stores a job that is complete already; the holder of its lock when that is taken. */
  async storeJob(job: Job, session?: Session): Promise<StoreAnswer> {
    const [answer] = await this.#enqueuer.enqueue([job], session);
    return answer as StoreAnswer;
  }

  async #storeMany(
    drafts: readonly Draft[],
    session: Session | undefined,
  ): Promise<EnqueueEntryResult[]> {
    const jobs = drafts.map((draft) => this.#complete(draft));
    const answers = await this.#enqueuer.enqueue(jobs, session);
    const draftOf = (index: number): Draft => drafts[index] as Draft;
    if (session === undefined) {
      return Promise.all(answers.map((answer, index) => this.#answerEntry(draftOf(index), answer)));
    }
    const results: EnqueueEntryResult[] = [];
    // One after the other: a transaction does one thing at a time, and whoever is in it gets the driver's errors.
    for (const [index, answer] of answers.entries()) {
      results.push(resultOf(await this.#resolveAnswer(draftOf(index), answer, session)));
    }
    return results;
  }

  async #answerEntry(draft: Draft, answer: StoreAnswer): Promise<EnqueueEntryResult> {
    try {
      return resultOf(await this.#resolveAnswer(draft, answer));
    } catch (thrown) {
      return failureOf(toError(thrown));
    }
  }

  async #resolveAnswer(draft: Draft, answer: StoreAnswer, session?: Session): Promise<StoreAnswer> {
    return answer.outcome === 'existing' ? this.#resolveTaken(draft, answer, session) : answer;
  }

  /** Stores a job under an id of the caller's, unless there is one with it. */
  async #storeWithId(draft: Draft, id: ObjectId): Promise<StoreAnswer> {
    const known = await this.#jobWithId(draft.name, id);
    if (known !== undefined) return { outcome: 'existing', job: known };
    const [answer] = (await this.#chosenIds.enqueue([this.#complete(draft)])) as [StoreAnswer];
    if (answer.outcome === 'existing') return this.#resolveTaken(draft, answer);
    if (answer.outcome !== 'enqueued') return answer;
    // A ledger takes a job whose id it has for an earlier try; somebody else may have stored another meanwhile.
    const job = await this.#jobWithId(draft.name, id);
    if (job !== undefined) return { outcome: 'enqueued', job };
    throw new InvalidArgumentError('options.id', 'the id of no job of another name', String(id));
  }

  /** By its name too, so that it is asked for as jobs of this name are. */
  async #jobWithId(name: string, id: ObjectId): Promise<Job | undefined> {
    const { ledger } = this.#context;
    const one = { orderBy: '_id', direction: 'ascending', limit: 1 } as const;
    const filter = { jobIds: [id], names: [name] };
    const [job] = await ledger.findJobs({ ...one, filter });
    if (job !== undefined) return job;
    const [archived] = await ledger.findJobs({ ...one, filter, archived: true });
    return archived;
  }

  async #store(draft: Draft, session?: Session): Promise<StoreAnswer> {
    if (draft.id !== undefined) return this.#storeWithId(draft, draft.id);
    const [answer] = await this.#enqueuer.enqueue([this.#complete(draft)], session);
    return this.#resolveAnswer(draft, answer as StoreAnswer, session);
  }

  /** Changes the holder of the key as the caller wants; stores the job after all when the key was freed meanwhile. */
  async #resolveTaken(
    draft: Draft,
    taken: StoreAnswer & { readonly outcome: 'existing' },
    session?: Session,
  ): Promise<StoreAnswer> {
    const { whenTaken } = draft.options;
    let answer: StoreAnswer = taken;
    for (let race = 0; race < MOST_TAKEN_RACES && answer.outcome === 'existing'; race += 1) {
      const { job: holder } = answer;
      if (whenTaken === 'keep') return answer;
      if (whenTaken === 'throw') return { outcome: 'refused', error: takenBy(holder) };
      if (whenTaken === 'throttle') {
        return holder.status === 'pending' ? answer : this.#storeInLaterWindow(draft, session);
      }
      if (holder.status !== 'pending') return answer;
      const amended = await this.#amend(draft, holder, session);
      if (amended !== null) return { outcome: 'existing', job: amended };
      [answer] = (await this.#enqueuer.enqueue([this.#complete(draft)], session)) as [StoreAnswer];
    }
    return answer;
  }

  /** The holder with what is new; null when it was not pending any more. */
  async #amend(draft: Draft, holder: Job, session?: Session): Promise<Job | null> {
    const { ledger, ledgerTime } = this.#context;
    const { priority, supersede } = draft.options;
    const now = ledgerTime.now();
    const { outcome, job } = await ledger.amend({
      jobId: holder._id,
      changes: {
        nextRunAt: this.#dueAt(draft, now, holder.createdAt),
        // One that stands in an order has no priority, and one with a group has it in its rank.
        ...(holder.lane === undefined && { priority }),
        ...(holder.group !== undefined && { rank: priority }),
        ...(draft.data !== undefined && { data: draft.data, name: draft.name }),
        ...(draft.metadata && { metadata: draft.metadata }),
        ...(supersede && supersedesBy(supersede)),
      },
      now,
      fence: holder.fence,
      ...(session && { session }),
    });
    if (outcome !== 'amended' || job === null) return null;
    this.#hooks.onStored([job]);
    return job;
  }

  /** One job a window: the job that waits in the next window stands for this one too; one that has run does not. */
  async #storeInLaterWindow(draft: Draft, session?: Session): Promise<StoreAnswer> {
    for (let windows = 1; ; windows += 1) {
      const answer = await this.#storeInWindow(draft, windows, session);
      const isSpent = answer.outcome === 'existing' && answer.job.status !== 'pending';
      if (!isSpent || windows === MOST_TAKEN_RACES) return answer;
    }
  }

  /** Stores the job for the begin of the window that comes so many windows after this one. */
  async #storeInWindow(draft: Draft, windows: number, session?: Session): Promise<StoreAnswer> {
    const { windowMs } = draft.options;
    const now = this.#context.ledgerTime.now();
    const begin = new Date((Math.floor(now.getTime() / windowMs) + windows) * windowMs);
    const job = this.#complete(draft);
    const nextRunAt = job.nextRunAt > begin ? job.nextRunAt : begin;
    const locked = { ...job, ...this.#lockFields(draft, begin), nextRunAt };
    const [answer] = await this.#enqueuer.enqueue([locked], session);
    return answer as StoreAnswer;
  }

  /** Checks and copies what the caller gave. */
  #draft(names: FieldNames, name: string, data: unknown, given: EnqueueOptions | undefined): Draft {
    checkJobName(names.name, name);
    const options = resolveEnqueueOptions(names.options, given);
    const { refusesOrder, refusesGroup } = this.#knownOf(name);
    if (refusesOrder)
      refuseLane(names.options, name, options.supersede ? 'supersede' : 'order', options.order);
    if (refusesGroup) refuseLane(names.options, name, 'group', options.group);
    const copy = copyPayload(names.data, data, this.#context.options.maxGivenBytes);
    const { runAt, metadata, id } = options;
    return {
      name,
      options,
      ...(metadata && { metadata: copyMetadata(`${names.options}.metadata`, metadata) }),
      ...(copy !== undefined && { data: copy }),
      ...(runAt && { runAt: new Date(runAt) }),
      ...(id !== undefined && { id: toObjectId(`${names.options}.id`, id) }),
    };
  }

  /** Checked, not changed: the handler gets what the schema makes of it, and would get that made twice. */
  async #checkAgainstSchema(
    names: readonly string[],
    drafts: readonly Pick<Draft, 'name' | 'data'>[],
  ): Promise<void> {
    for (const [index, { name, data }] of drafts.entries()) {
      const schema = this.#knownOf(name).schema;
      if (schema !== undefined) await checkData(schema, names[index] as string, data);
    }
  }

  /** Gives a draft what only the ledger's time can give. */
  #complete(draft: Draft): Job {
    const { random, ledgerTime } = this.#context;
    const { options } = draft;
    const now = ledgerTime.now();
    const { maxRetries, backoff, timeout } = options;
    return {
      _id: draft.id ?? random.objectId(now.getTime()),
      name: draft.name,
      priority: options.priority,
      data: draft.data,
      ...(draft.metadata && { metadata: draft.metadata }),
      nextRunAt: this.#dueAt(draft, now, now),
      ...this.#lockFields(draft, now),
      ...(maxRetries !== undefined && { maxRetries }),
      ...(backoff && { backoff: { ...backoff } }),
      ...(timeout !== undefined && { timeout }),
      ...(draft.trace && { trace: draft.trace }),
      status: JOB_LIFECYCLE.initial,
      failCount: 0,
      fence: 0,
      createdAt: now,
      updatedAt: now,
      documentVersion: DOCUMENT_VERSION,
      ...(options.order !== undefined && orderFields(options.order)),
      ...(options.group !== undefined && groupFields(options.group, options.priority)),
    };
  }

  #dueAt({ options, runAt }: Draft, now: Date, createdAt: Date): Date {
    const { whenTaken, delay = 0 } = options;
    if (typeof whenTaken !== 'object') return runAt ?? new Date(now.getTime() + delay);
    const { debounce, maxWait = Number.POSITIVE_INFINITY } = whenTaken;
    return new Date(Math.min(now.getTime() + debounce, createdAt.getTime() + maxWait));
  }

  #lockFields({ options }: Draft, now: Date): Partial<Job> {
    const { uniqueKey, hold, windowMs, supersede } = options;
    if (uniqueKey === undefined) return {};
    return supersede === undefined
      ? lockFieldsFor(uniqueKey, hold, { now, windowMs })
      : supersedingFields(uniqueKey, supersede);
  }
}

function takenBy({ uniqueKey, _id }: Job): UniqueKeyTakenError {
  return new UniqueKeyTakenError('enqueue another job', uniqueKey, _id);
}

function fieldsOf(field: string): FieldNames {
  return { name: `${field}.name`, data: `${field}.data`, options: `${field}.options` };
}
