/**
 * The debug log: what the engine does, told to a logger of the user's.
 *
 * What always holds: without a logger nothing is built and nothing is called; no entry holds data, results, progress,
 * log lines or unique keys of jobs; and a logger that fails hurts nobody.
 *
 * @module
 */
import {
  ConnectionError,
  MonqueError,
  messageOf,
  UnknownOutcomeError,
  UnsupportedError,
} from '../foundation/errors.ts';
import { isPromiseAside } from '../foundation/promises.ts';

/** What every entry carries: the word for what happened, and what belongs to it, flat. */
export type LogFields = Readonly<Record<string, unknown>> & { readonly event: LogEvent };

/** What a logger must take: `console`, pino and the logger of Ts.ED all do. */
export interface Logger {
  debug(fields: LogFields, message: string): unknown;
  info(fields: LogFields, message: string): unknown;
  warn(fields: LogFields, message: string): unknown;
  error(fields: LogFields, message: string): unknown;
}

/** Each entry with its fields. Milliseconds end in `Ms`. */
export interface LogEntries {
  /** A scheduler was started. `workers` counts the names it works on. */
  started: { readonly instanceId: string; readonly workers: number };
  /** A scheduler begins to stop. */
  stopping: {
    readonly instanceId: string;
    readonly runningJobs: number;
    readonly bufferedJobs: number;
  };
  /** Handlers still ran at the end of `shutdownTimeout`, and were told to abort. */
  handlersAborted: { readonly instanceId: string; readonly runningJobs: number };
  /** A scheduler has stopped. */
  stopped: { readonly instanceId: string };
  /** A claim was answered: of how many names, how many jobs it tried to win, and how many it won. */
  claimed: {
    readonly names: number;
    readonly attempted: number;
    readonly claimed: number;
    readonly suspects: boolean;
    readonly tookMs: number;
  };
  /** Ends of runs were recorded together. `attempts` counts how often they were sent. */
  settled: { readonly settlements: number; readonly attempts: number };
  /** A stop did not wait any longer for the ledger to record the ends of these runs. */
  settlementsGivenUp: { readonly settlements: number };
  /** A call of the ledger that was not answered is made again after the delay. */
  retrying: { readonly verb: string; readonly attempt: number; readonly delayMs: number };
  /** Something went wrong outside of a handler. `why` is left out where it might show what a job holds. */
  failed: { readonly error: string; readonly code?: string; readonly why?: string };
  /** A lease was opened; claims are made under its id. */
  leaseOpened: { readonly instanceId: string };
  /** A lease was renewed. `hadLapsed`: too late to go on without a break. */
  leaseRenewed: { readonly instanceId: string; readonly hadLapsed: boolean };
  /** Others had declared the lease dead; the instance goes on under a new id. */
  leaseRefused: { readonly instanceId: string };
  /** Another instance was declared dead. */
  declaredDead: { readonly instanceId: string };
  /** Jobs were given back: of a dead instance, or of a tool that keeps no lease, then without `instanceId`. */
  rescued: { readonly instanceId?: string; readonly count: number };
  /** New jobs are announced by the ledger from here on, or found by polling only. */
  hintsChanged: { readonly hints: 'flowing' | 'polling' };
  /** Options were changed while the scheduler is there: their names. */
  reconfigured: { readonly options: readonly string[] };
  /** Other names are paused than before. */
  pausesChanged: { readonly pausedNames: readonly string[] };
}

/** The word for an entry. */
export type LogEvent = keyof LogEntries;

const ENTRIES: Readonly<
  Record<LogEvent, { readonly level: keyof Logger; readonly message: string }>
> = {
  started: { level: 'info', message: 'Monque started' },
  stopping: { level: 'info', message: 'Monque is stopping' },
  handlersAborted: { level: 'warn', message: 'Handlers were told to abort' },
  stopped: { level: 'info', message: 'Monque stopped' },
  claimed: { level: 'debug', message: 'A claim was answered' },
  settled: { level: 'debug', message: 'Ends of runs were settled' },
  settlementsGivenUp: { level: 'warn', message: 'Ends of runs were not recorded before the stop' },
  retrying: { level: 'debug', message: 'A call of the ledger is made again' },
  failed: { level: 'warn', message: 'Something failed outside of a handler' },
  leaseOpened: { level: 'info', message: 'A lease was opened' },
  leaseRenewed: { level: 'debug', message: 'The lease was renewed' },
  leaseRefused: { level: 'error', message: 'The lease was refused, since others declared it dead' },
  declaredDead: { level: 'warn', message: 'Another instance was declared dead' },
  rescued: { level: 'warn', message: 'Jobs were given back' },
  hintsChanged: { level: 'info', message: 'The way in which jobs are found has changed' },
  reconfigured: { level: 'info', message: 'Options were changed' },
  pausesChanged: { level: 'info', message: 'Other names are paused' },
};

/** Writes entries. It exists only where there is a logger, so that callers ask with `log?.`. */
export class Log {
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Writes one entry. */
  write<Event extends LogEvent>(event: Event, fields: LogEntries[Event]): void {
    const { level, message } = ENTRIES[event];
    try {
      const answer: unknown = this.#logger[level]({ event, ...fields }, message);
      isPromiseAside(answer);
    } catch {
      // A logger that fails has nobody to report to.
    }
  }

  /** Writes that something went wrong. */
  failed(error: Error): void {
    this.write('failed', {
      error: error.name,
      ...(error instanceof MonqueError && { code: error.code }),
      ...(isDiscreet(error) && { why: messageOf(error) }),
    });
  }
}

/** True for errors whose messages speak of connections and of the engine, and never of what a job holds. */
function isDiscreet(error: Error): boolean {
  const kinds = [ConnectionError, UnknownOutcomeError, UnsupportedError];
  if (kinds.some((kind) => error instanceof kind)) return true;
  return error instanceof MonqueError && error.code === 'INTERNAL';
}
