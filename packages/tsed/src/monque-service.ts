/**
 * Jobs by their classes: names and types follow from the class, so that neither is written twice.
 *
 * @module
 */
import {
  type EnqueueOptions,
  InvalidArgumentError,
  type Job,
  Monque,
  type ScheduleOptions,
} from '@monque/core';
import type { DataArgument, Interval } from '@monque/core/types';
import { inject, injectable } from '@tsed/di';
import { type JobClass, nameOfClass } from './decorators/decorated.ts';
import { fullName } from './job-discovery.ts';
import { CLASS_METHOD, type JobOptions, jobMetadataOf } from './job-metadata.ts';
import { toStoredData } from './model-schema.ts';

/** The type of the data of a job, from what `handle` of its class takes; undefined when it takes nothing. */
export type DataOfJob<Class extends JobClass> =
  Required<Parameters<InstanceType<Class>['handle']>> extends [infer Given, ...unknown[]]
    ? Given extends Job<infer Data>
      ? Data
      : unknown
    : undefined;

/** Enqueues jobs by their classes. For all the rest there is the scheduler, {@link MonqueService.monque}. */
export class MonqueService {
  /** The scheduler. */
  readonly monque: Monque = inject<Monque>(Monque);

  /**
   * Stores a job; resolves when it is durable.
   *
   * @param jobClass - a class with `@Job`
   * @param data - what `handle` takes as `job.data`; for a job with a model an instance of it or an object with its
   * properties, which is stored in its JSON form
   * @returns the job as it is stored, or the one that holds its unique key
   * @throws InvalidArgumentError when the class is no job, or its data does not fit
   */
  async enqueue<Class extends JobClass>(
    jobClass: Class,
    ...rest: DataArgument<DataOfJob<Class>, [options?: EnqueueOptions]>
  ): Promise<Job> {
    const [data, options] = rest as readonly [data?: unknown, options?: EnqueueOptions];
    const stored = await this.#toStored(jobClass, data);
    return this.monque.enqueue(this.nameOf(jobClass), stored, options);
  }

  /**
   * Makes a series of a job, or changes it; see `schedule` of `Monque`.
   *
   * @param cron - a cron expression, or an interval such as `{ every: '5 minutes' }`
   * @throws InvalidCronError with the position of the fault
   * @throws InvalidArgumentError when the class is no job, or its data does not fit
   */
  async schedule<Class extends JobClass>(
    cron: string | Interval,
    jobClass: Class,
    ...rest: DataArgument<DataOfJob<Class>, [options?: ScheduleOptions]>
  ): Promise<Job> {
    const [data, options] = rest as readonly [data?: unknown, options?: ScheduleOptions];
    const stored = await this.#toStored(jobClass, data);
    return this.monque.schedule(cron, this.nameOf(jobClass), stored, options);
  }

  /**
   * The name of the job of a class, for calls of the scheduler that take names.
   *
   * @throws InvalidArgumentError when the class is no job
   */
  nameOf(jobClass: JobClass): string {
    const { metadata, options } = describe(jobClass);
    return fullName(metadata, options.name);
  }

  async #toStored(jobClass: JobClass, data: unknown): Promise<unknown> {
    const { name, model } = describe(jobClass).options;
    if (model === undefined || data === undefined) return data;
    return toStoredData(model, name, data);
  }
}

function describe(jobClass: JobClass): {
  readonly metadata: NonNullable<ReturnType<typeof jobMetadataOf>>;
  readonly options: JobOptions;
} {
  const metadata = jobMetadataOf(jobClass);
  const options = metadata?.handlers.find(({ method }) => method === CLASS_METHOD)?.job;
  if (metadata !== undefined && options !== undefined) return { metadata, options };
  const hint = `decorate ${nameOfClass(jobClass)} with @Job({ name })`;
  throw new InvalidArgumentError('jobClass', 'a class with @Job', jobClass, hint);
}

injectable(MonqueService);
