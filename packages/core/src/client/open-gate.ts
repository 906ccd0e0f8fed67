/**
 * How a gate of a job is opened: the evidence is checked, copied and recorded.
 *
 * @module
 */

import { BSON } from 'mongodb';
import type { EngineContext } from '../context/scheduler-context.ts';
import { checkFields, text, toObjectId } from '../foundation/argument-checks.ts';
import { InvalidArgumentError } from '../foundation/errors.ts';
import { checkData } from '../foundation/standard-schema.ts';
import { enqueuedName } from '../job/dead-letters.ts';
import { type GateRecord, type Job, MOST_GATES } from '../job/job.ts';
import { JobStateError } from '../job/job-errors.ts';
import { JOB_LIFECYCLE } from '../job/job-lifecycle.ts';
import { BSON_OPTIONS, copyPayload } from '../job/payload.ts';
import { storedRecords } from '../job/stored-lists.ts';
import { unfitReason } from '../job/unfit-reason.ts';
import { checkReason } from '../options/manual-verb-options.ts';
import { StagePlan } from '../workers/stages.ts';
import type { Worker } from '../workers/worker.ts';

const LONGEST_NAME = 256;

/** What a gate is opened with. */
export interface OpenGateOptions {
  /** Why it may be opened: any value that can be stored, checked against the schema of the gate and kept in the job. */
  readonly evidence: unknown;
  /** Who opens it, 1 to 256 characters; kept with the evidence and in the history. Of `as(actor)` it is the actor. */
  readonly by?: string;
  /** Beside the evidence, for who reads the history: 1 to 1000 characters. */
  readonly reason?: string;
}

type GatesContext = Pick<EngineContext, 'ledger' | 'ledgerTime' | 'options' | 'ready' | 'emit'>;

/** Opens gates. */
export class Gates {
  readonly #context: GatesContext;
  readonly #workers: ReadonlyMap<string, Worker>;
  readonly #onPending: (job: Job) => void;

  /** @param onPending - called with a job that waited at the gate and is pending */
  constructor(
    context: GatesContext,
    workers: ReadonlyMap<string, Worker>,
    onPending: (job: Job) => void,
  ) {
    this.#context = context;
    this.#workers = workers;
    this.#onPending = onPending;
  }

  /** Opens a gate of a job; null when there is no such job. */
  async open(id: unknown, name: string, options: OpenGateOptions): Promise<Job | null> {
    const { ledger, ledgerTime, emit } = this.#context;
    const jobId = toObjectId('id', id);
    checkOpening(name, options);
    await this.#context.ready();
    const found = await ledger.getJob({ jobId });
    if (found === null) return null;
    const evidence = await this.#checked(found, name, options.evidence);
    const now = ledgerTime.now();
    const { by, reason } = options;
    const why = reason === undefined ? {} : { reason };
    const record: GateRecord = { name, at: now, evidence, ...(by !== undefined && { by }) };
    const { outcome, job } = await ledger.openGate({
      jobId,
      name: enqueuedName(found),
      record,
      now,
      ...why,
    });
    if (job === null) return null;
    if (outcome === 'refused') throw stateError(job);
    if (outcome === 'open') checkSame(job, record);
    if (outcome === 'unblocked') {
      emit('job:unblocked', { job, gate: name });
      this.#onPending(job);
    }
    return job;
  }

  /** The evidence as it is stored. */
  async #checked(job: Job, name: string, evidence: unknown): Promise<unknown> {
    const unfit = unfitReason(job);
    if (unfit !== undefined) throw stateError(job, unfit);
    const { gates = [] } = job;
    const isNew = gates.every((gate) => gate.name !== name);
    if (isNew && gates.length >= MOST_GATES) {
      throw stateError(job, `${MOST_GATES} of its gates were opened, which is the most`);
    }
    const handler = this.#workers.get(job.name)?.handler;
    const plan = handler instanceof StagePlan ? handler : undefined;
    const gate = plan?.gates.find((declared) => declared.name === name);
    // A job may wait at a gate that a former version declared.
    if (plan !== undefined && gate === undefined && job.blockedBy !== name) {
      const names = plan.gates.map((declared) => declared.name).join(', ');
      throw new InvalidArgumentError('gate', `a gate of the worker: ${names || 'none'}`, name);
    }
    const value = gate?.schema
      ? await checkData(gate.schema, 'options.evidence', evidence)
      : evidence;
    return copyEvidence(value, this.#context.options.maxGivenBytes);
  }
}

function checkOpening(name: string, options: OpenGateOptions): void {
  text(LONGEST_NAME)('gate', name);
  checkFields('options', options, {
    evidence: () => undefined,
    by: text(LONGEST_NAME),
    reason: checkReason,
  });
  if (options.evidence === undefined) {
    throw new InvalidArgumentError('options.evidence', 'given', undefined);
  }
}

function copyEvidence(value: unknown, maxBytes: number): unknown {
  const copy = copyPayload('options.evidence', value, maxBytes);
  if (copy !== undefined) return copy;
  throw new InvalidArgumentError('options.evidence', 'a value that can be stored', value);
}

/** The evidence that was recorded first stands; who brings the same again gets no error. */
function checkSame(job: Job, { name, evidence }: GateRecord): void {
  const first = storedRecords(job.gates).find((gate) => gate.name === name);
  if (bytesOf(first?.evidence).equals(bytesOf(evidence))) return;
  throw stateError(job, `its gate '${name}' was opened before, on other evidence`);
}

function bytesOf(value: unknown): Buffer {
  return Buffer.from(BSON.serialize({ value }, BSON_OPTIONS));
}

function stateError(job: Job, why?: string): JobStateError {
  const { from } = JOB_LIFECYCLE.transitions.openGate;
  return new JobStateError(job, 'openGate', from, why);
}
