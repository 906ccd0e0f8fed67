/**
 * What the decorators say of a class: its jobs, their options and their series.
 *
 * What always holds: it belongs to the class that was decorated. A subclass inherits none of it, since two classes
 * cannot both run the jobs of one name.
 *
 * @module
 */
import type { ScheduleOptions, WorkerOptions } from '@monque/core';
import type { Interval } from '@monque/core/types';
import { Metadata, type Type } from '@tsed/core';
import { JOB_METADATA_KEY } from './constants.ts';

/** Options of `@Job`: its name, and what a worker of `@monque/core` may be given. */
export interface JobOptions extends WorkerOptions {
  /** The name of the job, 1 to 256 characters; of a method, within the namespace of its class. */
  readonly name: string;
  /**
   * A Ts.ED model for the data. It is checked, when a job is enqueued and before each run, by the validator that
   * Ts.ED uses for requests (`@tsed/ajv`); the handler gets an instance of the model. Not together with `schema`.
   */
  readonly model?: Type<object>;
}

/** Options of `@Cron` and `@Every`: those of a series, and the data of its runs. */
export interface CronOptions extends ScheduleOptions {
  /** What each run works on. @default none */
  readonly data?: unknown;
}

/** One series of a job. */
export interface CronMetadata {
  /** A cron expression, or an interval. */
  readonly pattern: string | Interval;
  readonly options: CronOptions;
}

/** What one method of a class was decorated with. */
export interface HandlerMetadata {
  /** The name of the method. */
  readonly method: string | symbol;
  /** Absent when the method has a `@Cron` or an `@Every` alone, which is an error that the module reports. */
  readonly job?: JobOptions;
  readonly crons: readonly CronMetadata[];
}

/** What one class was decorated with. */
export interface JobMetadata {
  /** What the names of its methods' jobs begin with. */
  readonly namespace?: string;
  readonly handlers: readonly HandlerMetadata[];
}

/** The job that `@Job` on a class describes is run by this method. */
export const CLASS_METHOD = 'handle';

// The types of @tsed/core ask for a text; what lies behind takes any key.
const KEY = JOB_METADATA_KEY as unknown as string;

/** What a class itself was decorated with; undefined when it was not. */
export function jobMetadataOf(target: unknown): JobMetadata | undefined {
  return typeof target === 'function' ? Metadata.getOwn(KEY, target) : undefined;
}

/** Sets what the names of a class's jobs begin with. */
export function setNamespace(target: object, namespace: string): void {
  const metadata = jobMetadataOf(target) ?? { handlers: [] };
  Metadata.set(KEY, { ...metadata, namespace } satisfies JobMetadata, target);
}

/** Changes what is known of one method. */
export function changeHandler(
  target: object,
  method: string | symbol,
  change: (handler: HandlerMetadata) => HandlerMetadata,
): void {
  const metadata = jobMetadataOf(target) ?? { handlers: [] };
  const known = metadata.handlers.find((handler) => handler.method === method);
  const others = metadata.handlers.filter((handler) => handler !== known);
  const handlers = [...others, change(known ?? { method, crons: [] })];
  Metadata.set(KEY, { ...metadata, handlers } satisfies JobMetadata, target);
}
