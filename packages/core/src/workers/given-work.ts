/**
 * What a worker is given to do: a function, or stages.
 *
 * @module
 */
import { checkFunction } from '../foundation/argument-checks.ts';
import { InvalidArgumentError } from '../foundation/errors.ts';
import type { JobHandler } from './handler.ts';
import { StagePlan, type StagesDefinition } from './stages.ts';

/**
 * Checks it.
 *
 * @param options - looked at only to tell whether the two were swapped
 * @throws InvalidArgumentError when it is neither
 */
export function workOf(
  handler: JobHandler<never> | StagesDefinition<never>,
  options: unknown,
): JobHandler | StagePlan {
  const isStaged = typeof handler === 'object' && handler !== null;
  const isSwapped = isStaged && !('stages' in handler) && typeof options === 'function';
  if (isSwapped) {
    const hint = 'the options come last: worker(name, handler, options)';
    throw new InvalidArgumentError('handler', 'a function, or stages', handler, hint);
  }
  if (isStaged) return new StagePlan(handler);
  checkFunction('handler', handler);
  return handler as JobHandler;
}
