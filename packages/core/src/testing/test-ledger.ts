/**
 * The ledger of a test scheduler: in memory, giving jobs to handlers only while the test lets jobs run, and holding
 * back what is written in a transaction of a stand-in session.
 *
 * @module
 */
import { isDeepStrictEqual } from 'node:util';
import type { Job } from '../job/job.ts';
import { JOB_LIFECYCLE } from '../job/job-lifecycle.ts';
import { lockOf } from '../job/unique-locks.ts';
import type {
  AnswerOf,
  EnqueueAnswer,
  LedgerHint,
  LedgerTransactions,
  LedgerVerb,
  LedgerVerbs,
  LedgerWatch,
  ParamsOf,
} from '../ledger/ledger-repository.ts';
import {
  type InMemoryLedgerOptions,
  InMemoryLedgerRepository,
} from '../ledger/memory/in-memory-ledger-repository.ts';
import { changeMetadata } from '../ledger/metadata-change.ts';
import { replanChanges } from '../ledger/series-verbs.ts';
import { surrounded } from '../ledger/verbs/around.ts';
import type { Next } from '../ledger/verbs/verb-table.ts';
import type { StandInSession } from './test-session.ts';
import { standInOf, TestTransactions } from './test-transactions.ts';

/** A due time that has passed at any time. */
const LONG_AGO = new Date(0);

/** Keeps jobs for one test. */
export class TestLedger extends InMemoryLedgerRepository {
  readonly #inner: LedgerVerbs;
  readonly #listeners = new Set<(hint: LedgerHint) => void>();
  readonly #refused = new Set<string>();
  #openings = 0;
  readonly #transactions = new TestTransactions();

  constructor(options: InMemoryLedgerOptions) {
    super(options);
    this.#inner = this.verbs;
    this.verbs = surrounded(this.verbs, (verb, params, next) => this.#call(verb, params, next));
  }

  override get transactions(): LedgerTransactions {
    return this.#transactions;
  }

  /** Lets jobs be claimed until `close`; what was asked for meanwhile is due now. */
  letRun(): void {
    this.#openings += 1;
    for (const name of this.#refused) {
      for (const listener of this.#listeners) listener({ kind: 'due', name, dueAt: LONG_AGO });
    }
    this.#refused.clear();
  }

  /** Ends one `letRun`. */
  holdBack(): void {
    this.#openings = Math.max(0, this.#openings - 1);
  }

  /** Ends every `letRun`. */
  holdAllBack(): void {
    this.#openings = 0;
  }

  protected override async performWatch(
    listener: (hint: LedgerHint) => void,
  ): Promise<LedgerWatch> {
    const watch = await super.performWatch(listener);
    this.#listeners.add(listener);
    return {
      close: async () => {
        this.#listeners.delete(listener);
        await watch.close();
      },
    };
  }

  async #call<V extends LedgerVerb>(
    verb: V,
    params: ParamsOf<V>,
    next: Next<V>,
  ): Promise<AnswerOf<V>> {
    const own: { readonly [Verb in LedgerVerb]?: Next<Verb> } = {
      claim: (given) => this.#claim(given),
      enqueue: (given) => this.#enqueue(given),
      completeInSession: (given) => this.#completeInSession(given),
      replan: (given) => this.#replan(given),
      setMetadata: (given) => this.#setMetadata(given),
    };
    return (own[verb] ?? next)(params);
  }

  async #claim(params: ParamsOf<'claim'>): Promise<AnswerOf<'claim'>> {
    if (this.#openings > 0) return this.#inner.claim(params);
    const names = params.demand.map(({ name }) => name);
    for (const name of names) this.#refused.add(name);
    return { jobs: [], attempted: 0, saturated: [], drained: names };
  }

  async #enqueue({ session, ...params }: ParamsOf<'enqueue'>): Promise<AnswerOf<'enqueue'>> {
    const standIn = standInOf(session);
    if (standIn === undefined)
      return this.#inner.enqueue({ ...params, ...(session && { session }) });
    if (!standIn.inTransaction()) return this.#inner.enqueue(params);
    const answers: EnqueueAnswer[] = [];
    for (const job of params.jobs) {
      const holder = await this.#holderOf(job, standIn.jobs);
      if (holder === undefined) {
        standIn.hold(() => this.#inner.enqueue({ ...params, jobs: [job] }), [job]);
      }
      answers.push(
        holder === undefined ? { outcome: 'enqueued', job } : { outcome: 'existing', job: holder },
      );
    }
    return { answers };
  }

  async #holderOf(job: Job, held: readonly Job[]): Promise<Job | undefined> {
    const lock = lockOf(job);
    if (lock === undefined || job.uniqueKey === undefined) return undefined;
    const stored = await this.#inner.findJobs({
      filter: { names: [job.name], uniqueKey: job.uniqueKey },
      orderBy: '_id',
      direction: 'descending',
      limit: 1_000,
    });
    const isHolder = (other: Job): boolean =>
      other.name === job.name && isDeepStrictEqual(lockOf(other), lock);
    return [...stored, ...held].findLast(isHolder);
  }

  async #completeInSession(
    params: ParamsOf<'completeInSession'>,
  ): Promise<AnswerOf<'completeInSession'>> {
    const { settlement, now, session } = params;
    const standIn = standInOf(session);
    if (standIn === undefined) return this.#inner.completeInSession(params);
    const job = await this.#inner.getJob({ jobId: settlement.jobId });
    if (job?.claimToken !== settlement.claimToken) return false;
    standIn.hold(() => this.#inner.settle({ settlements: [settlement], now }));
    return true;
  }

  async #replan({ session, ...params }: ParamsOf<'replan'>): Promise<AnswerOf<'replan'>> {
    const standIn = standInOf(session);
    if (!standIn?.inTransaction()) {
      return this.#inner.replan({ ...params, ...(session && !standIn && { session }) });
    }
    const job = await this.#jobIn(standIn, params.jobId);
    if (job === null) return { outcome: 'missing', job };
    const change = replanChanges(params).find(({ verb, params: of }) =>
      JOB_LIFECYCLE.applies(verb, job, of),
    );
    if (change === undefined) return { outcome: 'stale', job };
    const after = JOB_LIFECYCLE.apply(change.verb, job, change.params);
    standIn.hold(() => this.#inner.replan(params), [after]);
    return { outcome: 'written', job: after };
  }

  async #setMetadata({
    session,
    ...params
  }: ParamsOf<'setMetadata'>): Promise<AnswerOf<'setMetadata'>> {
    const standIn = standInOf(session);
    if (!standIn?.inTransaction()) {
      return this.#inner.setMetadata({ ...params, ...(session && !standIn && { session }) });
    }
    const job = await this.#jobIn(standIn, params.jobId);
    if (job === null) return { outcome: 'missing', job };
    const change = changeMetadata(job, params);
    if (change.outcome !== 'written') return { outcome: change.outcome, job };
    const { metadata: _, ...rest } = job;
    const { metadata } = change;
    const after: Job = { ...rest, ...(metadata && { metadata }) };
    standIn.hold(() => this.#inner.setMetadata(params), [after]);
    return { outcome: 'written', job: after };
  }

  /** A job as the transaction sees it. */
  async #jobIn(standIn: StandInSession, jobId: Job['_id']): Promise<Job | null> {
    const held = standIn.jobs.findLast(({ _id }) => _id.equals(jobId));
    return held ?? this.#inner.getJob({ jobId });
  }
}
