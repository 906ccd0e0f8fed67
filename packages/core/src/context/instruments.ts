/**
 * The tracers and observers of metrics that a user brought, called where jobs are stored and where handlers run.
 *
 * What always holds: what an instrument throws is reported and changes nothing for a job; a job is stored once and its
 * handler called once, whatever an instrument does; and without an instrument nothing is made or called.
 *
 * @module
 */

import { type Check, checkFunction, fields } from '../foundation/argument-checks.ts';
import { toError } from '../foundation/errors.ts';
import { isPromiseAside } from '../foundation/promises.ts';
import type { ClaimedJob, Job, JobTrace } from '../job/job.ts';
import type { LedgerRepository } from '../ledger/ledger-repository.ts';
import type { Metrics, MetricsObserver } from '../telemetry/metrics.ts';

const LONGEST_TRACE_PARENT = 256;
const LONGEST_TRACE_STATE = 512;

/** What watches one enqueue, or one run of a job. */
export interface Observation {
  /** Stored with the jobs of an enqueue, so that their runs can be linked to it. At most 256 and 512 characters. */
  readonly trace?: JobTrace;
  /** Calls the work, at once and once, in the surroundings that it should see. */
  readonly within?: <T>(work: () => T) => T;
  /** Called at the end. */
  readonly ended?: (end: ObservationEnd) => void;
}

/** How an enqueue or a run ended. */
export interface ObservationEnd {
  /** Of an enqueue: the jobs that were stored, or that held the unique keys; of a run: its job. */
  readonly jobs: readonly Job[];
  /** Of a run: what a handler came to, such as `completed`, `failed`, `snoozed`, `cancelled`. */
  readonly outcome?: string;
  /** Why an enqueue or a run failed. */
  readonly error?: Error;
}

/** What `monque.instrument` takes. Every part is optional; all are called synchronously. */
export interface Instrumentation {
  /** Notified of every measurement of the scheduler and of its ledger. */
  readonly metrics?: MetricsObserver;
  /** Called before jobs of these names are stored, for each call of `enqueue`, `now` and `enqueueMany`. */
  readonly enqueuing?: (names: readonly string[]) => Observation | undefined;
  /** Called before the handler of a job. */
  readonly running?: (job: Job) => Observation | undefined;
}

/** Stores jobs, with where they come from when that is to be stored too; gives the jobs that are there now. */
export interface TracedSend<T> {
  readonly names: readonly string[];
  readonly send: (trace: JobTrace | undefined) => Promise<T>;
  readonly jobsOf: (result: T) => readonly Job[];
}

/** How what `monque.instrument` is given is checked. */
export const INSTRUMENTATION_CHECKS: Readonly<Record<keyof Instrumentation, Check>> = {
  metrics: fields({ counted: checkFunction, recorded: checkFunction }),
  enqueuing: checkFunction,
  running: checkFunction,
};

/** What instruments need of their surroundings. */
interface InstrumentsContext {
  readonly ledger: Pick<LedgerRepository, 'observe'>;
  readonly metrics: Pick<Metrics, 'observe'>;
  readonly report: (error: unknown) => void;
}

/** What a handler came to, as far as it is reported. */
interface WatchedEnd {
  readonly kind: string;
  readonly error?: unknown;
}

/** The instruments of one scheduler. */
export class Instruments {
  readonly #context: InstrumentsContext;
  readonly #instrumentations = new Set<Instrumentation>();

  constructor(context: InstrumentsContext) {
    this.#context = context;
  }

  /** Adds one; the answer takes it away. */
  add(instrumentation: Instrumentation): () => void {
    const { ledger, metrics, report } = this.#context;
    const { metrics: observer } = instrumentation;
    this.#instrumentations.add(instrumentation);
    const ends: (() => void)[] = [() => this.#instrumentations.delete(instrumentation)];
    if (observer !== undefined) {
      ends.push(metrics.observe(observer, report), ledger.observe(observer, report));
    }
    return () => {
      for (const end of ends) end();
    };
  }

  /** Stores jobs under the eyes of the instruments. */
  async enqueue<T>({ names, send, jobsOf }: TracedSend<T>): Promise<T> {
    if (this.#instrumentations.size === 0) return send(undefined);
    const observations = this.#observe(({ enqueuing }) => enqueuing?.(names));
    const trace = this.#traceOf(observations);
    try {
      const result = await this.#within(observations, () => send(trace));
      this.#end(observations, { jobs: jobsOf(result) });
      return result;
    } catch (error) {
      this.#end(observations, { jobs: [], error: toError(error) });
      throw error;
    }
  }

  /** Runs a job under the eyes of the instruments. `execute` never rejects. */
  run<End extends WatchedEnd>(job: ClaimedJob, execute: () => Promise<End>): Promise<End> {
    return this.#instrumentations.size === 0 ? execute() : this.#runWatched(job, execute);
  }

  async #runWatched<End extends WatchedEnd>(
    job: ClaimedJob,
    execute: () => Promise<End>,
  ): Promise<End> {
    const observations = this.#observe(({ running }) => running?.(job));
    const outcome = await this.#within(observations, execute);
    const { kind, error } = outcome;
    this.#end(observations, {
      jobs: [job],
      outcome: kind === 'confirmed' ? 'completed' : kind,
      ...(kind === 'failed' && { error: toError(error) }),
    });
    return outcome;
  }

  #observe(start: (instrumentation: Instrumentation) => Observation | undefined): Observation[] {
    const observations: Observation[] = [];
    for (const instrumentation of this.#instrumentations) {
      this.#attempt(() => {
        const observation = start(instrumentation);
        if (isObservation(observation)) observations.push(observation);
        return observation;
      });
    }
    return observations;
  }

  /** The first that is as it should be. */
  #traceOf(observations: readonly Observation[]): JobTrace | undefined {
    for (const { trace } of observations) {
      if (!isText(trace?.traceparent, LONGEST_TRACE_PARENT)) continue;
      const { traceparent, tracestate } = trace as JobTrace;
      const hasState = isText(tracestate, LONGEST_TRACE_STATE);
      return { traceparent, ...(hasState && { tracestate }) };
    }
    return undefined;
  }

  /** Each in the surroundings of those before. */
  #within<T>(observations: readonly Observation[], work: () => T): T {
    const nested = observations.reduceRight<() => T>(
      (inner, observation) => () => this.#withinOne(observation, inner),
      work,
    );
    return nested();
  }

  #withinOne<T>({ within }: Observation, work: () => T): T {
    if (within === undefined) return work();
    let done: { readonly value: T } | undefined;
    const once = (): T => {
      done ??= { value: work() };
      return done.value;
    };
    this.#attempt(() => {
      const answer: unknown = within(once);
      return answer === done?.value ? undefined : answer;
    });
    return once();
  }

  #end(observations: readonly Observation[], end: ObservationEnd): void {
    for (const { ended } of observations) this.#attempt(() => ended?.(end));
  }

  /** What the call answers is not waited for, but must not end the process either. */
  #attempt(call: () => unknown): void {
    const { report } = this.#context;
    try {
      isPromiseAside(call(), report);
    } catch (error) {
      report(error);
    }
  }
}

/** Code without types answers null too. */
function isObservation(answer: Observation | null | undefined): answer is Observation {
  return answer !== undefined && answer !== null;
}

function isText(value: unknown, longest: number): value is string {
  if (typeof value !== 'string' || !value.isWellFormed()) return false;
  return value.length > 0 && value.length <= longest;
}
