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
import type { Job } from '../../job/job.ts';
import type {
  Amendment,
  CheckpointParams,
  EnqueueAnswer,
  EnqueueParams,
  EnqueueResult,
  LedgerRepository,
  OpenGateParams,
  ReplanParams,
  SettleParams,
} from '../ledger-repository.ts';
import { sendRest } from '../verbs/partial-send.ts';
import type { Settlement } from '../verbs/settle.ts';
import { type LedgerVerb, type ViewedCall, viewOf } from './ledger-view.ts';

/** What a ledger is seen through. */
export interface CodecUse {
  readonly codec: Codec;
  /** The most bytes an encoded value takes. */
  readonly maxBytes: () => number;
  /** Told of results that cannot be encoded. */
  readonly report: (error: unknown) => void;
}

/** Carries a verb out whose parameters hold values. */
type Way = (call: ViewedCall) => Promise<unknown>;

/** The same ledger, with the data, the results and the evidence of its jobs encoded where they are stored. */
export function withCodec(ledger: LedgerRepository, use: CodecUse): LedgerRepository {
  const encoding = new Encoding(ledger, use);
  const ways: Readonly<Partial<Record<LedgerVerb, Way>>> = {
    enqueue: (call) => encoding.enqueue(call),
    settle: (call) => encoding.settle(call),
    completeInSession: (call) => encoding.completeInSession(call),
    amend: (call) => encoding.amend(call),
    replan: (call) => encoding.replan(call),
    checkpoint: (call) => encoding.checkpoint(call),
    openGate: (call) => encoding.openGate(call),
  };
  return viewOf(ledger, async (call) => {
    const answer = await (ways[call.verb] ?? sendOn)(call);
    return call.params.asStored === true ? answer : decoded(use.codec, answer);
  });
}

const sendOn: Way = ({ params, send }) => send(params);

/** The verbs that bring values to the ledger. */
class Encoding {
  readonly #ledger: LedgerRepository;
  readonly #use: CodecUse;

  constructor(ledger: LedgerRepository, use: CodecUse) {
    this.#ledger = ledger;
    this.#use = use;
  }

  /** A job whose data cannot be encoded is refused alone. */
  async enqueue({ params, send }: ViewedCall): Promise<EnqueueResult> {
    const { jobs } = params as unknown as EnqueueParams;
    const tries = jobs.map((job) => this.#tryJob(job));
    const refusalOf = (one: Job | Error): EnqueueAnswer | undefined =>
      one instanceof Error ? { outcome: 'refused', error: one } : undefined;
    const answers = await sendRest(tries, refusalOf, async (encoded) => {
      return ((await send({ ...params, jobs: encoded })) as EnqueueResult).answers;
    });
    return { answers };
  }

  async settle({ params, send }: ViewedCall): Promise<unknown> {
    const { settlements } = params as unknown as SettleParams;
    const encoded = settlements.map((settlement) => this.#trySettlement(settlement));
    return send({ ...params, settlements: await Promise.all(encoded) });
  }

  /** Nothing is done yet for good: the transaction is the handler's to abort. */
  async completeInSession({ params, send }: ViewedCall): Promise<unknown> {
    const settlement = params.settlement as Settlement;
    return send({ ...params, settlement: await this.#settlement(settlement) });
  }

  async amend({ params, send }: ViewedCall): Promise<unknown> {
    const changes = params.changes as Amendment;
    return send({ ...params, changes: await this.#withData(changes, params.jobId as ObjectId) });
  }

  async replan({ params, send }: ViewedCall): Promise<unknown> {
    const { series, jobId } = params as unknown as ReplanParams;
    return send({ ...params, series: await this.#withData(series, jobId) });
  }

  /** The stages behind it are owed the result, so one that cannot be encoded is refused. */
  async checkpoint({ params, send }: ViewedCall): Promise<unknown> {
    const given = params as unknown as CheckpointParams;
    if (given.record.result === undefined) return send(params);
    const { record, jobId, name = await this.#nameOf(jobId, record.result) } = given;
    const result = this.#encode(record.result, name, 'stages');
    return send({ ...params, record: { ...record, result } });
  }

  async openGate({ params, send }: ViewedCall): Promise<unknown> {
    const given = params as unknown as OpenGateParams;
    const { record, jobId, name = await this.#nameOf(jobId, record) } = given;
    const evidence = this.#encode(record.evidence, name, 'gates');
    return send({ ...params, record: { ...record, evidence } });
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
    return (await this.#ledger.getJob({ jobId }))?.name ?? '';
  }

  #encode(value: unknown, name: string, field: CodecField): unknown {
    const { codec, maxBytes } = this.#use;
    return encodeValue(codec, value, { name, field }, maxBytes());
  }
}

/** The answer of a verb with every job in it decoded, wherever an answer may hold one. */
function decoded(codec: Codec, answer: unknown): unknown {
  if (Array.isArray(answer)) return answer.map((item) => decoded(codec, item));
  if (!isRecord(answer)) return answer;
  if (isJob(answer)) return decodeJob(codec, answer);
  const parts = PARTS.filter((part) => answer[part] !== undefined);
  if (parts.length === 0) return answer;
  return {
    ...answer,
    ...Object.fromEntries(parts.map((part) => [part, decoded(codec, answer[part])])),
  };
}

/** Where answers hold jobs, or lists of answers. */
const PARTS = ['job', 'holder', 'jobs', 'answers'] as const;

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isJob(value: Record<string, unknown>): value is Job & Record<string, unknown> {
  return '_id' in value && 'fence' in value && 'status' in value;
}
