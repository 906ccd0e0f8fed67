/**
 * `@JobController`: a class whose methods are handlers of jobs.
 *
 * @module
 */
import { InvalidArgumentError } from '@monque/core';
import { Injectable } from '@tsed/di';
import { JOB_PROVIDER_TYPE } from '../constants.ts';
import { setNamespace } from '../job-metadata.ts';

/**
 * Makes a class injectable whose methods are handlers of jobs.
 *
 * @param namespace - what the names of its methods' jobs begin with: in the namespace `email` the job `send` is
 * `email.send`. Without one the names stand as they are.
 * @throws InvalidArgumentError when the namespace is an empty text
 * @example
 * ```ts
 * \@JobController('email')
 * export class EmailJobs {
 *   \@Job('send')
 *   async send(job: Job<{ to: string }>): Promise<void> {}
 * }
 * ```
 */
export function JobController(namespace?: string): ClassDecorator {
  if (namespace === '') {
    const expected = 'the beginning of names, or left out';
    throw new InvalidArgumentError('@JobController namespace', expected, namespace);
  }
  return (target) => {
    if (namespace !== undefined) setNamespace(target, namespace);
    Injectable({ type: JOB_PROVIDER_TYPE })(target);
  };
}
