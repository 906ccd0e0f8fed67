/**
 * `@Job`: makes a class, or a method of a class, the handler of a job.
 *
 * @module
 */
import { InvalidArgumentError, type Job as JobOfCore, MonqueError } from '@monque/core';
import { injectable } from '@tsed/di';
import { JOB_PROVIDER_TYPE } from '../constants.ts';
import { changeHandler, type JobOptions } from '../job-metadata.ts';
import { type Decorated, decorateHandler, type JobDecorator, nameOfClass } from './decorated.ts';

/**
 * The job a handler is given: the interface of `@monque/core`, under the name of the decorator, so that one import
 * serves both.
 *
 * @typeParam T - what `data` holds
 */
export type Job<T = unknown> = JobOfCore<T>;

/**
 * Makes a class with a method `handle(job, context)`, or a method of a class, the handler of a job. On a class it also
 * makes that injectable; the class of a method is made so by `@JobController`, `@Injectable` or any other decorator of
 * Ts.ED.
 *
 * @param options - the name of the job, or the name with options of its worker
 * @throws InvalidArgumentError when there is no name, or both a model and a schema
 * @throws MonqueError with code `INVALID_JOB` when a class has no method `handle`, or a method is static or has a job
 * @example
 * ```ts
 * \@Job({ name: 'send-email', concurrency: 10 })
 * export class SendEmail {
 *   constructor(private readonly mailer: Mailer) {}
 *
 *   async handle(job: Job<{ to: string }>): Promise<void> {
 *     await this.mailer.send(job.data.to);
 *   }
 * }
 * ```
 */
export function Job(options: JobOptions | string): JobDecorator {
  const job: JobOptions = typeof options === 'string' ? { name: options } : { ...options };
  if (typeof job.name !== 'string' || job.name === '') {
    throw new InvalidArgumentError('@Job options.name', 'the name of the job', job.name);
  }
  if (job.model !== undefined && job.schema !== undefined) {
    throw new InvalidArgumentError('@Job options.schema', 'left out with a model', job.schema);
  }
  return decorateHandler('@Job', (decorated) => {
    changeHandler(decorated.target, decorated.method, (handler) => {
      if (handler.job !== undefined) throw decoratedTwice(decorated);
      return { ...handler, job };
    });
    if (decorated.isClass) injectable(decorated.target).type(JOB_PROVIDER_TYPE);
  });
}

function decoratedTwice({ target, method }: Decorated): MonqueError {
  return new MonqueError(
    'INVALID_JOB',
    `Expected one @Job for ${nameOfClass(target)}.${String(method)}, got two; give the second job a method of its own`,
  );
}
