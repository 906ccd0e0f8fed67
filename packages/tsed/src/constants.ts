/**
 * The keys under which this package keeps what belongs to it. They come from the registry of symbols, so that two
 * copies of the package in one process agree on them.
 *
 * @module
 */

/** Where the decorators keep, on a class itself and not on what it inherits from, the jobs that it holds. */
export const JOB_METADATA_KEY: unique symbol = Symbol.for('monque:job') as never;

/** The token of what `MonqueModule.forRoot` was given. */
export const MONQUE_MODULE_OPTIONS: unique symbol = Symbol.for('monque:module-options') as never;

/** The type of the providers that `@Job` and `@JobController` make of a class. */
export const JOB_PROVIDER_TYPE = 'monque:job';
