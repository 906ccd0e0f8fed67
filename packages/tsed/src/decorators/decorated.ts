/**
 * Decorators that go on a class with a method `handle` and on methods alike.
 *
 * @module
 */
import { MonqueError } from '@monque/core';
import type { Type } from '@tsed/core';
import { CLASS_METHOD } from '../job-metadata.ts';

/** A class whose instances run a job. */
export type JobClass = abstract new (
  ...dependencies: never[]
) => {
  handle(...args: never[]): unknown;
};

/** A decorator for a class with a method `handle`, or for a method. */
export interface JobDecorator {
  (target: JobClass): void;
  <Method extends (...args: never[]) => unknown>(
    target: object,
    method: string | symbol,
    descriptor: TypedPropertyDescriptor<Method>,
  ): void;
}

/** What a decorator was put on. */
export interface Decorated {
  readonly target: Type<object>;
  readonly method: string | symbol;
  readonly isClass: boolean;
}

/**
 * Makes a decorator of what is to happen to the class and its method.
 *
 * @param name - what the decorator is called in errors
 */
export function decorateHandler(
  name: string,
  decorate: (decorated: Decorated) => void,
): JobDecorator {
  return (target: object, method?: string | symbol) => {
    if (method === undefined) decorate(classDecorated(name, target as Type<object>));
    else if (typeof target === 'function') throw misplaced(name, target.name, method);
    else decorate({ target: target.constructor as Type<object>, method, isClass: false });
  };
}

/** A class as it is said in errors. */
export function nameOfClass(target: unknown): string {
  return typeof target === 'function' && target.name !== '' ? target.name : 'an anonymous class';
}

function classDecorated(name: string, target: Type<object>): Decorated {
  if (typeof target.prototype[CLASS_METHOD] === 'function') {
    return { target, method: CLASS_METHOD, isClass: true };
  }
  throw new MonqueError(
    'INVALID_JOB',
    `Expected ${nameOfClass(target)} to have a method ${CLASS_METHOD}, as ${name} on a class needs; add it, or put ${name} on the method that runs the job`,
  );
}

function misplaced(name: string, className: string, method: string | symbol): MonqueError {
  return new MonqueError(
    'INVALID_JOB',
    `Expected ${name} on a method of instances, got the static method ${className}.${String(method)}; remove \`static\``,
  );
}
