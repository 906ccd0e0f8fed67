/**
 * Changes options of a scheduler while it is there.
 *
 * What always holds: everything that is given is checked before anything changes, and then all of it changes in one
 * turn, so that no part of the scheduler sees a half of it.
 *
 * @module
 */
import type { EngineContext } from '../context/scheduler-context.ts';
import { type Check, checkFields, fields } from '../foundation/argument-checks.ts';
import { InvalidArgumentError } from '../foundation/errors.ts';
import { OPTION_CHECKS, OPTION_NAMES, OPTIONS } from '../options/option-table.ts';
import type { LiveOptionName, MonqueOptions } from '../options/options.ts';
import { resolveOptions } from '../options/resolve-options.ts';
import type { WorkerOptions } from '../options/worker-options.ts';
import type { Worker } from '../workers/worker.ts';

/** What can change of a worker. */
export type LiveWorkerOptions = Pick<WorkerOptions, 'concurrency'>;

/**
 * What `reconfigure` takes: options of the scheduler, each as a whole, and the workers by their names.
 *
 * @typeParam Name - the names that workers have
 */
export interface ReconfigureOptions<Name extends string = string>
  extends Pick<MonqueOptions, LiveOptionName> {
  /** The workers that change, by the names of their jobs. */
  readonly workers?: { readonly [Of in Name]?: LiveWorkerOptions };
}

/** Checks changes, and makes them. */
export class Reconfigurer {
  readonly #context: EngineContext;
  readonly #workers: ReadonlyMap<string, Worker>;
  readonly #checks: Readonly<Record<string, Check>>;
  #given: MonqueOptions;
  #version = 0;

  /** @param given - the options that the scheduler was made with */
  constructor(context: EngineContext, workers: ReadonlyMap<string, Worker>, given: MonqueOptions) {
    this.#context = context;
    this.#workers = workers;
    this.#given = { ...given };
    const fixed = OPTION_NAMES.filter((name) => !OPTIONS[name].isLive).map((name) => [
      name,
      refuseFixed,
    ]);
    this.#checks = {
      ...OPTION_CHECKS,
      ...Object.fromEntries(fixed),
      workers: (field, value) => this.#checkWorkers(field, value),
    };
  }

  /** How often options were changed. */
  get version(): number {
    return this.#version;
  }

  /**
   * Makes the changes and writes their names to the log.
   *
   * @returns the names of the options that were given
   * @throws InvalidArgumentError before anything has changed
   */
  reconfigure(options: ReconfigureOptions): readonly string[] {
    checkFields('options', options, this.#checks);
    const given = Object.entries(options).filter(([, value]) => value !== undefined);
    const names = given.map(([name]) => name);
    const { workers = {}, ...changes } = Object.fromEntries(given) as ReconfigureOptions;
    const all = { ...this.#given, ...changes };
    const resolved = resolveOptions(all);
    const ofWorkers = new Map(Object.entries(workers));
    this.#given = all;
    Object.assign(this.#context.options, resolved);
    if (changes.invariants) this.#context.ledger.useInvariants(changes.invariants);
    for (const [name, worker] of this.#workers) worker.reconfigure(ofWorkers.get(name));
    this.#version += 1;
    this.#context.log?.write('reconfigured', { options: names });
    return names;
  }

  #checkWorkers(field: string, value: unknown): void {
    const checkWorker = fields({ concurrency: OPTIONS.defaultConcurrency.check });
    const names = [...this.#workers.keys()];
    checkFields(field, value, Object.fromEntries(names.map((name) => [name, checkWorker])));
  }
}

const refuseFixed: Check = (field, value) => {
  const expected = 'left out, since it cannot change while the scheduler is there';
  throw new InvalidArgumentError(field, expected, value, 'make a new scheduler with it');
};
