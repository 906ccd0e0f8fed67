/**
 * A ledger seen through a codec: what goes in is encoded, every job that comes out is decoded.
 *
 * What always holds: one value that cannot be encoded or decoded harms nothing beside it in its batch. A new job with
 * such data is refused alone; a result that cannot be encoded is left out and reported, since the work is done.
 *
 * @module
 */
import type { ObjectId } from 'mongodb';
import { toError } from '../../foundation/errors.ts';
import { type Codec, type CodecField, decodeJob, encodeValue } from '../../job/codec.ts';
import { enqueuedName } from '../../job/dead-letters.ts';
import type { Job } from '../../job/job.ts';
import { withJobs } from '../verbs/job-places.ts';
import type { EnqueueAnswer, EnqueueResult, SettleResult } from '../verbs/params-and-answers.ts';
import { sendRest } from '../verbs/partial-send.ts';
import type { Settlement } from '../verbs/settle.ts';
import {
  type AnswerOf,
  type LedgerVerb,
  type LedgerVerbs,
  type Next,
  type ParamsOf,
  placesOf,
} from '../verbs/verb-table.ts';
import { viewOf } from './ledger-view.ts';

/** What a ledger is seen through. */
export interface CodecUse {
  readonly codec: Codec;
  /** The most bytes an encoded value takes. */
  readonly maxBytes: () => number;
  /** Called with results that cannot be encoded. */
  readonly report: (error: unknown) => void;
}

/** The same ledger, with the data, the results and the evidence of its jobs encoded where they are stored. */
export function withCodec<L extends LedgerVerbs>(ledger: L, use: CodecUse): L {
  const encoding = new Encoding(ledger, use);
  const encodeAndDecode = async <V extends LedgerVerb>(
    verb: V,
    params: ParamsOf<V>,
    next: Next<V>,
  ): Promise<AnswerOf<V>> => {
    const answer = await encoding.send(verb, params, next);
    if ('asStored' in params && params.asStored === true) return answer;
    return withJobs(answer, placesOf(verb), (job) => decodeJob(use.codec, job));
  };
  return viewOf(ledger, encodeAndDecode);
}

/** Sends a verb with its values encoded. */
type Way<V extends LedgerVerb> = (params: ParamsOf<V>, next: Next<V>) => Promise<AnswerOf<V>>;

/** The verbs that bring values to the ledger. */
class Encoding {
  readonly #ledger: LedgerVerbs;
  readonly #use: CodecUse;
  readonly #ways: { readonly [V in LedgerVerb]?: Way<V> } = {
    enqueue: (params, next) => this.#enqueue(params, next),
    settle: (params, next) => this.#settle(params, next),
    completeInSession: (params, next) => this.#completeInSession(params, next),
    amend: async (params, next) =>
      next({ ...params, changes: await this.#withData(params.changes, params.jobId) }),
    replan: async (params, next) =>
      next({ ...params, series: await this.#withData(params.series, params.jobId) }),
    checkpoint: (params, next) => this.#checkpoint(params, next),
    openGate: (params, next) => this.#openGate(params, next),
  };

  constructor(ledger: LedgerVerbs, use: CodecUse) {
    this.#ledger = ledger;
    this.#use = use;
  }

  send<V extends LedgerVerb>(verb: V, params: ParamsOf<V>, next: Next<V>): Promise<AnswerOf<V>> {
    const way: Way<V> | undefined = this.#ways[verb];
    return way === undefined ? next(params) : way(params, next);
  }

  /** A job whose data cannot be encoded is refused alone. */
  async #enqueue(params: ParamsOf<'enqueue'>, next: Next<'enqueue'>): Promise<EnqueueResult> {
    const tries = params.jobs.map((job) => this.#tryJob(job));
    const refusalOf = (one: Job | Error): EnqueueAnswer | undefined =>
      one instanceof Error ? { outcome: 'refused', error: one } : undefined;
    const answers = await sendRest(tries, refusalOf, async (encoded) => {
      const jobs = encoded.filter((one): one is Job => !(one instanceof Error));
      return (await next({ ...params, jobs })).answers;
    });
    return { answers };
  }

  async #settle(params: ParamsOf<'settle'>, next: Next<'settle'>): Promise<SettleResult> {
    const encoded = params.settlements.map((settlement) => this.#trySettlement(settlement));
    return next({ ...params, settlements: await Promise.all(encoded) });
  }

  /** Nothing is done yet for good: the transaction is the handler's to abort. */
  async #completeInSession(
    params: ParamsOf<'completeInSession'>,
    next: Next<'completeInSession'>,
  ): Promise<boolean> {
    return next({ ...params, settlement: await this.#settlement(params.settlement) });
  }

  /** The stages behind it are owed the result, so one that cannot be encoded is refused. */
  async #checkpoint(
    params: ParamsOf<'checkpoint'>,
    next: Next<'checkpoint'>,
  ): Promise<AnswerOf<'checkpoint'>> {
    const { record, jobId } = params;
    if (record.result === undefined) return next(params);
    const { name = await this.#nameOf(jobId, record.result) } = params;
    const result = this.#encode(record.result, name, 'stages');
    return next({ ...params, record: { ...record, result } });
  }

  async #openGate(
    params: ParamsOf<'openGate'>,
    next: Next<'openGate'>,
  ): Promise<AnswerOf<'openGate'>> {
    const { record, jobId, name = await this.#nameOf(jobId, record) } = params;
    const evidence = this.#encode(record.evidence, name, 'gates');
    return next({ ...params, record: { ...record, evidence } });
  }

  #tryJob(job: Job): Job | Error {
    if (job.data === undefined) return job;
    try {
      return { ...job, data: this.#encode(job.data, job.name, 'data') };
    } catch (error) {
      return toError(error);
    }
  }

  /** The work is done: it is recorded without a result that cannot be stored. */
  async #trySettlement(settlement: Settlement): Promise<Settlement> {
    try {
      return await this.#settlement(settlement);
    } catch (error) {
      this.#use.report(error);
      const { result: _, ...rest } = settlement;
      return rest;
    }
  }

  async #settlement(settlement: Settlement): Promise<Settlement> {
    const { result, jobId, name = await this.#nameOf(jobId, result) } = settlement;
    if (result === undefined) return settlement;
    return { ...settlement, result: this.#encode(result, name, 'result') };
  }

  async #withData<T extends { readonly data?: unknown; readonly name?: string }>(
    given: T,
    jobId: ObjectId,
  ): Promise<T> {
    if (given.data === undefined) return given;
    // A job that is stored in an open transaction can be read only there.
    const { name = await this.#nameOf(jobId, given.data) } = given;
    return { ...given, data: this.#encode(given.data, name, 'data') };
  }

  /** Of a job that is gone it does not matter: nothing will be written. */
  async #nameOf(jobId: ObjectId, value: unknown): Promise<string> {
    if (value === undefined) return '';
    const job = await this.#ledger.getJob({ jobId });
    return job === null ? '' : enqueuedName(job);
  }

  #encode(value: unknown, name: string, field: CodecField): unknown {
    const { codec, maxBytes } = this.#use;
    return encodeValue(codec, value, { name, field }, maxBytes());
  }
}
