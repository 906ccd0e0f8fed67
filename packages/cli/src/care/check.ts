/**
 * Loads the set-up of an application with a ledger in memory, and says what is wrong with it: for CI, without a database.
 *
 * @module
 */
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Monque, type MonqueOptions } from '@monque/core';
import { MongoClient } from 'mongodb';
import type { Session } from '../context/context.ts';
import { usageError } from '../context/errors.ts';
import { ExitCode } from '../context/exit-codes.ts';
import { counted } from '../context/words.ts';

/** What is wrong with a set-up, or worth knowing. */
interface Fault {
  /** Where: an option, a call such as `schedule('report')`. */
  readonly where: string;
  readonly message: string;
}

/** What a module of a set-up exports. */
interface SetupModule {
  readonly default?: unknown;
  readonly setup?: unknown;
  readonly options?: unknown;
}

type Setup = (monque: Monque) => unknown;

/** `monque check` */
export async function check(session: Session, path: string): Promise<ExitCode> {
  const { output, io } = session;
  const loaded = await load(resolve(io.cwd, path));
  const faults: Fault[] = [];
  const checked = new CheckedSetup(faults);
  if (typeof loaded === 'string') faults.push({ where: path, message: loaded });
  else await checked.run(loaded);
  for (const { where, message } of faults) {
    await output.record(
      { where, message },
      () => `${output.colours.red('!')} ${where}: ${message}`,
    );
  }
  const { workers, series } = checked;
  output.note(
    `${counted(workers, 'worker')}, ${series} series, ${counted(faults.length, 'fault')}.`,
  );
  return faults.length > 0 ? ExitCode.FOUND : ExitCode.DONE;
}

interface Loaded {
  readonly setup: Setup;
  readonly options: MonqueOptions;
}

/** Loads the set-up; a text says why that failed. */
async function load(path: string): Promise<Loaded | string> {
  if (!(await stat(path).catch(() => undefined))?.isFile())
    throw usageError(`There is no file ${path}`);
  let module: SetupModule;
  try {
    module = await import(pathToFileURL(path).href);
  } catch (error) {
    return `It cannot be loaded: ${(error as Error).message}`;
  }
  // A CommonJS module is wholly in its default.
  const inner = (typeof module.default === 'object' ? module.default : {}) as SetupModule;
  const setup = [module.setup, inner.setup, module.default].find(
    (one) => typeof one === 'function',
  );
  if (setup === undefined) {
    throw usageError(`${path} exports no function \`setup(monque)\`, nor one as default`);
  }
  return {
    setup: setup as Setup,
    options: (module.options ?? inner.options ?? {}) as MonqueOptions,
  };
}

/** Options that say how jobs are kept in MongoDB. */
const OF_MONGODB = [
  'collectionName',
  'writeConcern',
  'skipIndexCreation',
  'listingIndexes',
] as const;

/** The calls by which a set-up names jobs. */
const NAMING: ReadonlySet<unknown> = new Set([
  ...['schedule', 'enqueue', 'now', 'enqueueMany', 'enqueueFlow'],
]);

interface Call {
  readonly where: string;
  readonly name: unknown;
  readonly repeat: () => Promise<unknown>;
}

class CheckedSetup {
  workers = 0;
  series = 0;
  readonly #faults: Fault[];
  readonly #names = new Set<unknown>();
  readonly #calls: Call[] = [];

  constructor(faults: Fault[]) {
    this.#faults = faults;
  }

  async run({ setup, options }: Loaded): Promise<void> {
    const inner = this.#makeMonque(options);
    if (inner === undefined) return;
    await this.#noted('setup', async () => setup(this.#watched(inner)));
    // Now that all workers are known, what is scheduled and enqueued is checked against their schemas.
    for (const { where, name, repeat } of this.#calls) {
      await this.#noted(where, repeat);
      if (typeof name !== 'string' || this.#names.has(name)) continue;
      const message = `No worker is registered for '${name}'`;
      this.#faults.push({ where, message });
    }
  }

  /** Checks the options as for MongoDB, which is not connected to, and makes a scheduler in memory of them. */
  #makeMonque(options: MonqueOptions): Monque | undefined {
    try {
      new Monque(new MongoClient('mongodb://127.0.0.1:1').db('check'), options);
      const others = Object.entries(options).filter(
        ([name]) => !(OF_MONGODB as readonly string[]).includes(name),
      );
      return Monque.inMemory({ logger: false, ...Object.fromEntries(others) });
    } catch (error) {
      this.#faults.push({ where: 'options', message: (error as Error).message });
      return undefined;
    }
  }

  /** The scheduler as the set-up sees it: nothing starts, and every fault is kept. */
  #watched(inner: Monque): Monque {
    const watched: Monque = new Proxy(inner, {
      get: (target, verb) => {
        const value: unknown = Reflect.get(target, verb, target);
        if (typeof value !== 'function') return value;
        if (verb === 'start') return async () => undefined;
        const call = (...given: unknown[]): unknown => value.apply(target, given);
        if (verb === 'worker') return (...given: unknown[]) => this.#worker(watched, call, given);
        if (NAMING.has(verb))
          return (...given: unknown[]) => this.#naming(String(verb), call, given);
        return call;
      },
    });
    return watched;
  }

  #worker(
    watched: Monque,
    call: (...given: unknown[]) => unknown,
    given: readonly unknown[],
  ): Monque {
    const [name] = given;
    this.#names.add(name);
    try {
      call(...given);
      this.workers += 1;
    } catch (error) {
      this.#faults.push({ where: `worker('${name}')`, message: (error as Error).message });
    }
    return watched;
  }

  async #naming(
    verb: string,
    call: (...given: unknown[]) => unknown,
    given: readonly unknown[],
  ): Promise<unknown> {
    const names = namesOf(verb, given);
    if (verb === 'schedule') this.series += 1;
    for (const name of names) {
      const where = typeof name === 'string' ? `${verb}('${name}')` : verb;
      this.#calls.push({ where, name, repeat: async () => call(...given) });
    }
    // What it would answer, if it can; whether it can is said below.
    return Promise.resolve(call(...given)).catch(() => undefined);
  }

  async #noted(where: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.#faults.push({ where, message });
    }
  }
}

function namesOf(verb: string, given: readonly unknown[]): readonly unknown[] {
  if (verb === 'schedule') return [given[1]];
  if (verb === 'enqueueFlow') return namesOfFlow(given[0]);
  if (verb !== 'enqueueMany') return [given[0]];
  const [entries] = given;
  return Array.isArray(entries) ? entries.map((entry) => entry?.name) : [undefined];
}

/** One without a name where no job is named, so that what is wrong is said. */
function namesOfFlow(graph: unknown): readonly unknown[] {
  const names = Object.values(Object(Object(graph).jobs)).map((job) => Object(job).name);
  return names.length > 0 ? names : [undefined];
}
