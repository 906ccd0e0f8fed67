/**
 * Finds the jobs among the providers of an application.
 *
 * What always holds: a job is found by what its class was decorated with, whatever other decorators made of the
 * provider; a class that overrides another one runs the jobs of that, unless it has its own.
 *
 * @module
 */
import { MonqueError } from '@monque/core';
import type { InjectorService, Provider } from '@tsed/di';
import { nameOfClass } from './decorators/decorated.ts';
import {
  type CronMetadata,
  type HandlerMetadata,
  type JobMetadata,
  type JobOptions,
  jobMetadataOf,
} from './job-metadata.ts';
import type { HandlerPlace } from './job-run.ts';

/** A job of the application. */
export interface FoundJob extends HandlerPlace {
  /** With the namespace. */
  readonly name: string;
  readonly options: JobOptions;
  readonly crons: readonly CronMetadata[];
  /** The class and the method, for errors and logs. */
  readonly where: string;
}

/** The full name of a job. */
export function fullName({ namespace }: JobMetadata, name: string): string {
  return namespace === undefined ? name : `${namespace}.${name}`;
}

/**
 * The jobs of an application.
 *
 * @throws MonqueError with code `INVALID_JOB` when two have one name, a handler is missing, a `@Cron` or `@Every`
 * has no `@Job`, or two of one job cannot be told apart
 */
export function findJobs(injector: InjectorService): FoundJob[] {
  const seen = new Set<unknown>();
  const jobs = injector.getProviders().flatMap((provider) => {
    const holder = holderOf(provider);
    const metadata = jobMetadataOf(holder);
    if (metadata === undefined || seen.has(holder)) return [];
    seen.add(holder);
    return metadata.handlers.map((handler) => describe(provider, metadata, handler));
  });
  refuseSameNames(jobs);
  return jobs;
}

/** The class that says which jobs a provider runs. */
function holderOf({ useClass, token }: Provider): unknown {
  return jobMetadataOf(useClass) === undefined ? token : useClass;
}

function describe(provider: Provider, metadata: JobMetadata, handler: HandlerMetadata): FoundJob {
  const { method, job, crons } = handler;
  const where = `${nameOfClass(provider.useClass)}.${String(method)}`;
  if (job === undefined) {
    throw invalidJob(`Expected a @Job beside the @Cron or @Every on ${where}; add @Job({ name })`);
  }
  if (provider.useValue === undefined && !hasMethod(provider, method)) {
    throw invalidJob(`Expected a method ${where}, which runs the job ${job.name}; add it`);
  }
  refuseSameKeys(crons, where);
  const name = fullName(metadata, job.name);
  return { token: provider.token, method, name, options: job, crons, where };
}

function hasMethod({ useClass }: Provider, method: string | symbol): boolean {
  return typeof useClass.prototype[method] === 'function';
}

/** Without a key of its own, a series has the key `cron`, so that another plan changes it and adds none. */
export function keyOf({ options }: CronMetadata): string {
  return options.uniqueKey ?? 'cron';
}

function refuseSameKeys(crons: readonly CronMetadata[], where: string): void {
  const keys = crons.map(keyOf);
  if (new Set(keys).size === keys.length) return;
  throw invalidJob(
    `Expected each @Cron and @Every on ${where} to have a uniqueKey of its own, got ${keys.join(', ')}; set \`uniqueKey\` in their options`,
  );
}

function refuseSameNames(jobs: readonly FoundJob[]): void {
  const places = new Map<string, string>();
  for (const { name, where } of jobs) {
    const other = places.get(name);
    if (other !== undefined) {
      throw invalidJob(
        `Expected one handler for the job ${name}, got ${other} and ${where}; rename one of them`,
      );
    }
    places.set(name, where);
  }
}

function invalidJob(message: string): MonqueError {
  return new MonqueError('INVALID_JOB', message);
}
