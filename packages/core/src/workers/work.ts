/**
 * What a worker runs: a handler of one job, stages, or a handler of several jobs at once.
 *
 * @module
 */
import { checkFunction } from '../foundation/argument-checks.ts';
import { InvalidArgumentError } from '../foundation/errors.ts';
import { checkWorkerOptions, type WorkerOptions } from '../options/worker-options.ts';
import { type BatchDefinition, BatchPlan } from './batches.ts';
import type { JobHandler } from './handler.ts';
import { StagePlan, type StagesDefinition } from './stages.ts';

/** As a user gives it. */
export type GivenWork = JobHandler<never> | StagesDefinition<never> | BatchDefinition<never>;

/** As it is run. */
export type Work = JobHandler | StagePlan | BatchPlan;

/**
 * What a worker runs, from what it was given.
 *
 * @throws InvalidArgumentError when that is neither a function nor stages nor a batch, an option is wrong, or batches are
 *   by group without the option `groups`
 */
export function workOf(given: GivenWork, options: WorkerOptions): Work {
  const work = toWork(given, options);
  checkWorkerOptions(options);
  if (work instanceof BatchPlan && work.by !== undefined && options.groups === undefined) {
    const hint = 'without it the worker runs no job with a group; { groups: {} } will do';
    throw new InvalidArgumentError('handler.by', 'the option groups beside it', work.by, hint);
  }
  return work;
}

function toWork(given: GivenWork, options: unknown): Work {
  if (typeof given !== 'object' || given === null) {
    checkFunction('handler', given);
    return given as JobHandler;
  }
  if ('batch' in given) return new BatchPlan(given);
  if (!('stages' in given) && typeof options === 'function') {
    const hint = 'the options come last: worker(name, handler, options)';
    throw new InvalidArgumentError('handler', 'a function, a batch or stages', given, hint);
  }
  return new StagePlan(given as StagesDefinition<never>);
}
