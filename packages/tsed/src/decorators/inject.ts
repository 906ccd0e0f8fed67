/**
 * Decorators that inject the scheduler and the current job.
 *
 * @module
 */
import { Monque } from '@monque/core';
import { Inject } from '@tsed/di';
import { currentJob } from '../current-job.ts';

/**
 * Injects the scheduler into a property or a parameter of a constructor. `constructor(monque: Monque)` does the same;
 * this also serves where the type is narrower, such as `Monque<MyJobs>` behind an interface.
 */
export function InjectMonque(): PropertyDecorator & ParameterDecorator {
  const decorate = Inject(Monque);
  return (target: object, key?: string | symbol, index?: number) => decorate(target, key, index);
}

/**
 * Makes a property give the job that runs now: the one whose handler, at whatever distance, called the code that
 * reads it. Outside of a job it is undefined. The class may be a singleton.
 */
export function InjectJob(): PropertyDecorator {
  return (target, key) => {
    Reflect.defineProperty(target, key, { configurable: true, get: () => currentJob() });
  };
}
