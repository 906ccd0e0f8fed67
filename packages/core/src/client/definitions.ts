/**
 * Jobs that are declared by name and schema, for a process that enqueues and one that works alike.
 *
 * @module
 */
import { checkFields, checkJobName } from '../foundation/argument-checks.ts';
import { InvalidArgumentError } from '../foundation/errors.ts';
import { isStandardSchema, type StandardSchema } from '../foundation/standard-schema.ts';
import type { Job } from '../job/job.ts';
import type { EnqueueOptions } from '../options/enqueue-options.ts';
import type { WorkerOptions } from '../options/worker-options.ts';
import type { JobHandler } from '../workers/handler.ts';
import type { Worker } from '../workers/worker.ts';

/** What is declared of a job. */
export interface JobDefinition<Input = unknown, Output = unknown> {
  /** A Standard Schema for the data, as the option `schema` of a worker. */
  readonly schema: StandardSchema<Output, Input>;
}

/** A declared job, with the types that its schema takes and makes. */
export interface DefinedJob<Input = unknown, Output = unknown> {
  readonly name: string;
  /** As `enqueue` of the scheduler, with data as the schema takes it. */
  enqueue(data: Input, options?: EnqueueOptions): Promise<Job<Input>>;
  /** As `worker` of the scheduler; the handler gets the data as the schema makes it. */
  worker(handler: JobHandler<Output>, options?: Omit<WorkerOptions, 'schema'>): void;
}

/** What is known of a name in this process. */
export interface KnownJob {
  /** What its data must fit. */
  readonly schema: StandardSchema | undefined;
  /** True when its worker here runs no jobs with an order. */
  readonly refusesOrder: boolean;
  /** True when its worker here runs no jobs with a group. */
  readonly refusesGroup: boolean;
}

/** What a declared job hands its calls to. */
interface Scheduler {
  enqueue(name: string, data: unknown, options?: EnqueueOptions): Promise<Job>;
  worker(name: string, handler: JobHandler, options?: WorkerOptions): unknown;
}

/** The declared jobs of one scheduler. */
export class Definitions {
  readonly #schemas = new Map<string, StandardSchema>();

  /** @throws InvalidArgumentError naming what is wrong; also when the name was declared with another schema, or has a worker */
  define<Input, Output>(
    name: string,
    definition: JobDefinition<Input, Output>,
    scheduler: Scheduler,
  ): DefinedJob<Input, Output> {
    checkJobName('name', name);
    checkFields('definition', definition, { schema: checkSchema });
    const { schema } = definition;
    checkSchema('definition.schema', schema);
    const known = this.#schemas.get(name);
    if (known !== undefined && known !== schema) {
      throw new InvalidArgumentError('name', 'a name that has no other schema', name);
    }
    this.#schemas.set(name, schema);
    return {
      name,
      enqueue: (data, options) => scheduler.enqueue(name, data, options) as Promise<Job<Input>>,
      worker: (handler, options) => void scheduler.worker(name, handler as JobHandler, options),
    };
  }

  /** @param worker - that of the name here, when it has one */
  knownOf(name: string, worker: Pick<Worker, 'schema' | 'order' | 'groups'> | undefined): KnownJob {
    return {
      schema: worker?.schema ?? this.#schemas.get(name),
      refusesOrder: worker !== undefined && worker.order === undefined,
      refusesGroup: worker !== undefined && worker.groups === undefined,
    };
  }

  /** The options of a worker, with the declared schema where it has none of its own. */
  optionsFor(name: string, options: WorkerOptions): WorkerOptions {
    const schema = options.schema ?? this.#schemas.get(name);
    return schema === undefined ? options : { ...options, schema };
  }
}

function checkSchema(field: string, value: unknown): void {
  if (!isStandardSchema(value)) throw new InvalidArgumentError(field, 'a Standard Schema', value);
}
