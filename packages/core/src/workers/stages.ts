/**
 * The stages of a job and the gates between them, as a worker declares them.
 *
 * @module
 */
import { type Check, checkFields, integer, text, YEAR_MS } from '../foundation/argument-checks.ts';
import { InvalidArgumentError } from '../foundation/errors.ts';
import { isStandardSchema, type StandardSchema } from '../foundation/standard-schema.ts';
import { type Job, MOST_GATES, MOST_STAGES } from '../job/job.ts';
import type { JobContext } from './handler.ts';

const LONGEST_NAME = 256;

/** What the handler of a stage is given beside the job. `complete` is for the last stage alone. */
export interface StageContext<Results extends object = Readonly<Record<string, unknown>>>
  extends JobContext {
  /** What the stages before it returned, by their names, as it was stored. */
  readonly results: Readonly<Results>;
  /** The name of the stage. */
  readonly stage: string;
}

/**
 * Runs one stage of a job. What it returns is recorded, and given to the stages after it; what the last stage returns
 * is the result of the job. It may throw, or return what `snooze`, `cancel` and `discard` make, as any handler may.
 */
export type StageHandler<
  T = unknown,
  Results extends object = Readonly<Record<string, unknown>>,
> = (job: Job<T>, context: StageContext<Results>) => unknown;

/** One stage, made by {@link stage}. */
export interface Stage<T = unknown> {
  readonly kind: 'stage';
  readonly name: string;
  readonly handler: StageHandler<T>;
}

/** One gate, made by {@link gate}. */
export interface Gate {
  readonly kind: 'gate';
  readonly name: string;
  readonly schema?: StandardSchema;
  readonly timeoutMs?: number;
}

/** Options of one gate. */
export interface GateOptions {
  /** A Standard Schema for the evidence: checked when the gate is opened by a process that has this worker. */
  readonly schema?: StandardSchema;
  /** Milliseconds a job waits at the gate at most, up to a year; then it has failed. @default without end */
  readonly timeout?: number;
}

/**
 * What a worker with stages is made of: stages and gates in the order in which a job passes them.
 *
 * @typeParam T - what the data of the job is
 */
export interface StagesDefinition<T = unknown> {
  /** At least one stage; names are different from each other. At most 50 stages and 50 gates. */
  readonly stages: readonly (Stage<T> | Gate)[];
}

/**
 * Declares a stage: a part of a job that is recorded when it is finished, and not run again for that job.
 *
 * @param name - 1 to 256 characters; it is stored, so that another name makes another stage
 * @typeParam Results - what the stages before it returned; stated, not checked
 * @throws InvalidArgumentError when the name or the handler is none
 */
export function stage<T = unknown, Results extends object = Readonly<Record<string, unknown>>>(
  name: string,
  handler: StageHandler<T, Results>,
): Stage<T> {
  text(LONGEST_NAME)('name', name);
  if (typeof handler !== 'function') {
    throw new InvalidArgumentError('handler', 'a function', handler);
  }
  return Object.freeze({ kind: 'stage', name, handler: handler as StageHandler<T> });
}

const GATE_CHECKS: Readonly<Record<keyof GateOptions, Check>> = {
  schema: (field, value) => {
    if (!isStandardSchema(value)) throw new InvalidArgumentError(field, 'a Standard Schema', value);
  },
  timeout: integer(1, YEAR_MS),
};

/**
 * Declares a gate: a job waits there, held by nobody, until `openGate` gives the evidence.
 *
 * @param name - 1 to 256 characters; it is stored, so that another name makes another gate
 * @throws InvalidArgumentError when the name or an option is wrong
 */
export function gate(name: string, options: GateOptions = {}): Gate {
  text(LONGEST_NAME)('name', name);
  checkFields('options', options, GATE_CHECKS);
  const { schema, timeout: timeoutMs } = options;
  return Object.freeze({
    kind: 'gate',
    name,
    ...(schema && { schema }),
    ...(timeoutMs !== undefined && { timeoutMs }),
  });
}

/** What comes next for a job. */
export type NextStep =
  /** A closed gate lies before the next stage. */
  | { readonly kind: 'gate'; readonly gate: Gate }
  | { readonly kind: 'stage'; readonly stage: Stage; readonly isLast: boolean }
  /** Every stage is recorded and every gate open. */
  | { readonly kind: 'end' };

/** The stages and gates of one worker, checked. */
export class StagePlan {
  readonly #steps: readonly (Stage | Gate)[];

  /** @throws InvalidArgumentError when the definition is none */
  constructor(definition: StagesDefinition<never>) {
    checkFields('handler', definition, { stages: checkSteps });
    if (definition.stages === undefined) {
      throw new InvalidArgumentError('handler.stages', 'a list of stages and gates', undefined);
    }
    this.#steps = [...definition.stages] as (Stage | Gate)[];
  }

  /** The names of the stages, in their order. */
  get stageNames(): readonly string[] {
    return this.#steps.filter(isStage).map(({ name }) => name);
  }

  /** The gates, in their order. */
  get gates(): readonly Gate[] {
    return this.#steps.filter((step) => step.kind === 'gate');
  }

  /** True when the recorded stages are the first of this plan. */
  fits(recorded: readonly string[]): boolean {
    const names = this.stageNames;
    return recorded.every((name, index) => names[index] === name);
  }

  /** The gates that lie before the stage behind so many recorded ones. */
  gatesBefore(recordedCount: number): readonly Gate[] {
    return this.#steps.slice(0, this.#indexBehind(recordedCount)).filter((step) => !isStage(step));
  }

  /** What comes next for a job with so many recorded stages and these open gates. */
  next(recordedCount: number, openGates: readonly string[]): NextStep {
    const closed = this.gatesBefore(recordedCount).find(({ name }) => !openGates.includes(name));
    if (closed !== undefined) return { kind: 'gate', gate: closed };
    const index = this.#indexBehind(recordedCount);
    const step = this.#steps[index];
    if (step === undefined || !isStage(step)) return { kind: 'end' };
    return { kind: 'stage', stage: step, isLast: index === this.#steps.length - 1 };
  }

  /** Where the stage stands that comes behind so many others; the end when there is none. */
  #indexBehind(recordedCount: number): number {
    const stage = this.#steps.filter(isStage)[recordedCount];
    return stage === undefined ? this.#steps.length : this.#steps.indexOf(stage);
  }
}

function isStage(step: Stage | Gate): step is Stage {
  return step.kind === 'stage';
}

function checkSteps(field: string, value: unknown): void {
  if (!Array.isArray(value)) {
    throw new InvalidArgumentError(field, 'a list of stages and gates', value);
  }
  const kinds = value.map((step: unknown, index) => checkStep(`${field}[${index}]`, step));
  const names = new Set<string>();
  for (const [index, { name }] of value.entries()) {
    if (names.has(name)) {
      throw new InvalidArgumentError(`${field}[${index}]`, 'a name that no other has', name);
    }
    names.add(name);
  }
  const stageCount = kinds.filter((kind) => kind === 'stage').length;
  const gateCount = kinds.length - stageCount;
  if (stageCount < 1 || stageCount > MOST_STAGES || gateCount > MOST_GATES) {
    const expected = `1 to ${MOST_STAGES} stages and at most ${MOST_GATES} gates`;
    throw new InvalidArgumentError(field, expected, `${stageCount} stages, ${gateCount} gates`);
  }
}

/** Gives the kind of a step. */
function checkStep(field: string, step: unknown): unknown {
  const { kind } = Object(step);
  if (kind === 'stage' || kind === 'gate') return kind;
  throw new InvalidArgumentError(field, 'made by `stage` or `gate`', step);
}
