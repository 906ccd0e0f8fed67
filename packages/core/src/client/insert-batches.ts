/**
 * Puts jobs into the ledger.
 *
 * Single enqueues that are made while an insert is in flight go together in the next one; nobody waits for company.
 * Jobs with a unique key go in inserts of their own, since whoever holds such a key in an open transaction stalls the
 * whole insert. An insert whose answer was lost is sent again with the same ids until it is answered or the resend
 * limit is over, so an acknowledged job is stored once. Every job has the answer of its own insert: what became of
 * another insert says nothing about it.
 *
 * @module
 */
import { BSON } from 'mongodb';
import type { Bear, Birth } from '../context/births.ts';
import type { EngineContext } from '../context/scheduler-context.ts';
import type { Session } from '../foundation/driver-shapes.ts';
import { ConnectionError, toError, UnknownOutcomeError } from '../foundation/errors.ts';
import { retrying } from '../foundation/retrying.ts';
import type { Job } from '../job/job.ts';
import { lockOf } from '../job/unique-locks.ts';
import type { EnqueueAnswer } from '../ledger/ledger-repository.ts';

const MOST_JOBS_AN_INSERT = 1_000;
const MOST_BYTES_AN_INSERT = 16 * 1_048_576;
const MOST_KEYED_INSERTS = 16;
const LONGEST_RESEND_DELAY_MS = 5_000;

interface Waiting {
  readonly jobs: readonly Job[];
  readonly resolve: (answers: readonly StoreAnswer[]) => void;
}

/** What is known of one job: the ledger's answer, or why nobody can tell whether the job is stored. */
export type StoreAnswer =
  | EnqueueAnswer
  | { readonly outcome: 'unknown'; readonly error: UnknownOutcomeError };

/** What the enqueuer needs of its surroundings. */
export type EnqueuerContext = Pick<
  EngineContext,
  'ledger' | 'clock' | 'random' | 'options' | 'metrics' | 'detached'
>;

/** Whom the enqueuer asks and notifies. */
export interface EnqueuerHooks {
  /** Asked before each insert which of its jobs start here at once. */
  readonly bear: Bear;
  /** Called with jobs right after they were stored, but of those that start here at once. */
  readonly onStored: (jobs: readonly Job[]) => void;
}

/** Sends inserts, many jobs at a time. */
export class Enqueuer {
  readonly #context: EnqueuerContext;
  readonly #hooks: EnqueuerHooks;
  #plain: Waiting[] = [];
  #plainInFlight = false;
  readonly #keyed: Waiting[] = [];
  #keyedInFlight = 0;

  constructor(context: EnqueuerContext, hooks: EnqueuerHooks) {
    this.#context = context;
    this.#hooks = hooks;
  }

  /** Stores jobs; one answer a job, in order. Only in a session it throws, what the driver threw. */
  async enqueue(jobs: readonly Job[], session?: Session): Promise<readonly StoreAnswer[]> {
    if (session !== undefined) {
      const { answers } = await this.#context.ledger.enqueue({ jobs, session });
      this.#measure(jobs, storedOf(answers));
      return answers;
    }
    const keyed = jobs.filter(hasLock);
    const plain = jobs.filter((job) => !hasLock(job));
    const [keyedAnswers, plainAnswers] = await Promise.all([
      keyed.length > 0 ? this.#enqueueKeyed(keyed) : [],
      plain.length > 0 ? this.#enqueuePlain(plain) : [],
    ]);
    const keyedInOrder = keyedAnswers.values();
    const plainInOrder = plainAnswers.values();
    return jobs.map(
      (job) => (hasLock(job) ? keyedInOrder : plainInOrder).next().value as StoreAnswer,
    );
  }

  #enqueuePlain(jobs: readonly Job[]): Promise<readonly StoreAnswer[]> {
    return new Promise((resolve) => {
      this.#plain.push({ jobs, resolve });
      if (!this.#plainInFlight) void this.#context.detached(() => this.#sendPlain());
    });
  }

  async #sendPlain(): Promise<void> {
    this.#plainInFlight = true;
    while (this.#plain.length > 0) {
      const together = this.#plain;
      this.#plain = [];
      await this.#sendTogether(together);
    }
    this.#plainInFlight = false;
  }

  /** After an insert that was not answered no other is sent: each would wait for the resend limit again. */
  async #sendTogether(together: readonly Waiting[]): Promise<void> {
    const answers: StoreAnswer[] = [];
    let unanswered: UnknownOutcomeError | undefined;
    for (const insert of splitBySize(together.flatMap(({ jobs }) => jobs))) {
      try {
        if (unanswered !== undefined) throw notSent(unanswered);
        answers.push(...(await this.#send(insert)));
      } catch (thrown) {
        const error = toError(thrown);
        if (error instanceof UnknownOutcomeError) unanswered = error;
        answers.push(...insert.map(() => answerOf(error)));
      }
    }
    answerEach(together, answers);
  }

  #enqueueKeyed(jobs: readonly Job[]): Promise<readonly StoreAnswer[]> {
    return new Promise((resolve) => {
      this.#keyed.push({ jobs, resolve });
      if (this.#keyedInFlight < MOST_KEYED_INSERTS)
        void this.#context.detached(() => this.#sendKeyed());
    });
  }

  async #sendKeyed(): Promise<void> {
    this.#keyedInFlight += 1;
    for (let next = this.#keyed.shift(); next; next = this.#keyed.shift()) {
      await this.#sendTogether([next]);
    }
    this.#keyedInFlight -= 1;
  }

  async #send(jobs: readonly Job[]): Promise<readonly EnqueueAnswer[]> {
    const birth = this.#hooks.bear(jobs);
    try {
      return await this.#sendUntilAnswered(jobs, birth);
    } catch (error) {
      birth?.givenUp();
      throw error;
    }
  }

  /** Only the first try claims: later ones may come when the lease is another's. */
  async #sendUntilAnswered(
    jobs: readonly Job[],
    birth: Birth | undefined,
  ): Promise<readonly EnqueueAnswer[]> {
    const { ledger, clock, random, options } = this.#context;
    // A process that stands still counts too: a resend must not come after the job was pruned.
    const started = { monotonicMs: clock.monotonic(), wallMs: clock.now() };
    const spentMs = (): number =>
      Math.max(clock.monotonic() - started.monotonicMs, clock.now() - started.wallMs);
    let first = birth;
    let unconfirmed: unknown;
    const answered = await retrying({
      ...{ clock, random, longestMs: LONGEST_RESEND_DELAY_MS },
      call: () => ledger.enqueue({ jobs: first?.jobs ?? jobs }),
      onFailed: (error, attempt) => {
        if (!(error instanceof UnknownOutcomeError)) throw asUnknownAfter(attempt, error);
        birth?.unanswered();
        first = undefined;
        unconfirmed = error;
      },
      onDelay: ({ delayMs }) => {
        if (spentMs() + delayMs > options.resendLimitMs) throw unconfirmed;
      },
      mayGoOn: () => spentMs() <= options.resendLimitMs,
    });
    if (answered === undefined) throw unconfirmed;
    const { answers } = answered.value;
    const results = birth?.answered(answers) ?? answers;
    this.#reportStored(jobs, results, first);
    return results;
  }

  #reportStored(
    jobs: readonly Job[],
    answers: readonly EnqueueAnswer[],
    birth: Birth | undefined,
  ): void {
    this.#measure(jobs, storedOf(answers));
    const waiting = storedOf(answers.filter((_, index) => !birth?.claims(jobs[index] as Job)));
    if (waiting.length > 0) this.#hooks.onStored(waiting);
  }

  #measure(jobs: readonly Job[], stored: readonly Job[]): void {
    const { metrics } = this.#context;
    metrics.record('batchSize', { verb: 'enqueue' }, jobs.length);
    for (const { name } of stored) metrics.count('enqueued', { name });
  }
}

function storedOf(answers: readonly EnqueueAnswer[]): Job[] {
  return answers.flatMap((answer) => (answer.outcome === 'enqueued' ? [answer.job] : []));
}

function hasLock(job: Job): boolean {
  return lockOf(job) !== undefined;
}

/** A refusal says nothing of the tries before it. */
function asUnknownAfter(attempt: number, error: unknown): unknown {
  if (attempt === 1) return error;
  return new UnknownOutcomeError('An earlier try to store the job was not confirmed', {
    cause: error,
  });
}

function notSent(unanswered: UnknownOutcomeError): ConnectionError {
  return new ConnectionError('The job was not sent, since the insert before it was not confirmed', {
    cause: unanswered,
  });
}

/** What an error of a whole insert says of each of its jobs. */
function answerOf(error: Error): StoreAnswer {
  return error instanceof UnknownOutcomeError
    ? { outcome: 'unknown', error }
    : { outcome: 'refused', error };
}

/** Gives everyone their own answers. */
function answerEach(together: readonly Waiting[], answers: readonly StoreAnswer[]): void {
  let start = 0;
  for (const { jobs, resolve } of together) {
    resolve(answers.slice(start, start + jobs.length));
    start += jobs.length;
  }
}

/** A job of which nobody knows goes alone. */
function sizeOf(job: Job): number {
  try {
    return BSON.calculateObjectSize(job, { ignoreUndefined: true });
  } catch {
    return MOST_BYTES_AN_INSERT;
  }
}

function splitBySize(jobs: readonly Job[]): Job[][] {
  const inserts: Job[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const job of jobs) {
    const size = sizeOf(job);
    const last = inserts.at(-1);
    const fits = last && last.length < MOST_JOBS_AN_INSERT && bytes + size <= MOST_BYTES_AN_INSERT;
    if (fits) last.push(job);
    else inserts.push([job]);
    bytes = fits ? bytes + size : size;
  }
  return inserts;
}
