/**
 * Runs the checks of invariants as jobs of a scheduler, side by side, and gives their results without secrets.
 *
 * What always holds: what a check prints or throws goes through the redactor before it leaves this file, so that
 * neither a ledger nor a job, a log, an event or a page ever sees it as it was.
 *
 * @module
 */
import { resolve } from 'node:path';
import {
  type Clock,
  type Job,
  type JobContext,
  type Monque,
  systemClock,
  WaitError,
} from '@monque/core';
import { wholeSeconds } from '../foundation/dates.ts';
import { type Check, type CommandCheck, DEFAULT_CHECK_TIMEOUT, nameOfCheck } from './check.ts';
import type { Redactor } from './redactor.ts';
import { runCommand } from './run-command.ts';
import type { CheckResult } from './test-run.ts';

/** A check as a function: false, or an error, means that the invariant does not hold. */
export type CheckFunction = (context: {
  readonly signal: AbortSignal;
}) => boolean | undefined | Promise<boolean | undefined>;

/** What a {@link CheckRunner} is made from. */
export interface CheckRunnerOptions {
  /** Its jobs are the runs of checks. */
  readonly scheduler: Monque;
  readonly redactor: Redactor;
  /** Checks as functions, by name. @default none */
  readonly functions?: Readonly<Record<string, CheckFunction>>;
  /** Where the directories of checks begin. @default the working directory */
  readonly root?: string;
  /** How many checks run at once. @default 4 */
  readonly concurrency?: number;
  /** How many characters of output a result keeps, at most 10,000. @default 2000 */
  readonly outputLength?: number;
  /** The job name. @default 'ledger-check' */
  readonly jobName?: string;
  readonly clock?: Clock;
}

/** How many checks run at once, unless it is set otherwise. */
export const DEFAULT_CHECK_CONCURRENCY = 4;
/** How many characters of output a result keeps, unless it is set otherwise. */
export const DEFAULT_OUTPUT_LENGTH = 2000;
/** The name of the jobs that run checks. */
export const CHECK_JOB = 'ledger-check';

interface CheckJob {
  readonly check: Check;
  readonly run: string;
}

/** Longest that a job is waited for beyond the limit of its check: it may have to wait for others first. */
const WAIT_MS = 24 * 3_600_000;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the sequences that colour a terminal begin with one
const TERMINAL = /\u001b\[[0-9;?]*[ -/]*[@-~]|\u001b[@-_]|[\u0000-\u0008\u000b-\u001f\u007f]/g;

/** Runs checks as jobs. */
export class CheckRunner {
  readonly #options: CheckRunnerOptions;
  readonly #clock: Clock;
  readonly #jobName: string;

  /** Registers the worker for its jobs; start the scheduler to run them. */
  constructor(options: CheckRunnerOptions) {
    const {
      scheduler,
      clock = systemClock,
      jobName = CHECK_JOB,
      concurrency = DEFAULT_CHECK_CONCURRENCY,
    } = options;
    this.#options = options;
    this.#clock = clock;
    this.#jobName = jobName;
    const handler = async (job: Job<unknown>, { signal }: JobContext): Promise<CheckResult> => {
      const result = await this.#run(job.data as CheckJob, signal);
      // A check that was ended says nothing of its invariant: its job is cancelled, or runs once more elsewhere.
      signal.throwIfAborted();
      return result;
    };
    scheduler.worker(jobName, handler, { concurrency, maxRetries: 1 });
  }

  /**
   * Runs checks side by side; a check that is named twice runs once. The results are in the order of the checks.
   *
   * @throws WaitError with the reason `stopped` when the scheduler was stopped meanwhile: nothing is known of the checks
   */
  async run(checks: readonly Check[], run: string): Promise<readonly CheckResult[]> {
    const named = new Map(checks.map((check) => [nameOfCheck(check), check]));
    return await Promise.all([...named.values()].map((check) => this.#runAsJob({ check, run })));
  }

  async #runAsJob(data: CheckJob): Promise<CheckResult> {
    const { scheduler } = this.#options;
    const job = await scheduler.enqueue(this.#jobName, data);
    try {
      return revived(await scheduler.waitFor(job._id, { timeout: WAIT_MS }));
    } catch (error) {
      if (error instanceof WaitError && error.reason === 'stopped') throw error;
      return this.#result(data, 0, { passed: false, fault: faultOf(error) });
    }
  }

  async #run(data: CheckJob, signal: AbortSignal): Promise<CheckResult> {
    return 'function' in data.check
      ? await this.#callFunction(data, data.check.function, signal)
      : await this.#runCommand(data, data.check, signal);
  }

  async #runCommand(
    data: CheckJob,
    check: CommandCheck,
    signal: AbortSignal,
  ): Promise<CheckResult> {
    const { command, directory = '.', timeoutSeconds = DEFAULT_CHECK_TIMEOUT, expect = {} } = check;
    const { root = '.', redactor } = this.#options;
    // A secret is taken out as a whole, so what is kept before that is longer by the longest one.
    const outputBytes = 4 * (this.#outputLength() + redactor.longest);
    const ended = await runCommand(command, {
      ...{
        directory: resolve(root, directory),
        timeoutMs: timeoutSeconds * 1000,
        outputBytes,
        signal,
      },
      clock: this.#clock,
    });
    const { exitCode, fault, durationMs, output, isCut } = ended;
    const isRight = exitCode === (expect.exitCode ?? 0);
    const says = expect.output === undefined || output.includes(expect.output);
    const why = fault ?? (isRight && !says ? 'the output lacks what is expected' : undefined);
    return this.#result(data, durationMs, {
      passed: isRight && says,
      ...(exitCode !== undefined && { exitCode }),
      ...(why !== undefined && { fault: why }),
      output: this.#shown(output, isCut),
    });
  }

  async #callFunction(data: CheckJob, name: string, signal: AbortSignal): Promise<CheckResult> {
    const { functions = {} } = this.#options;
    const check = Object.hasOwn(functions, name) ? functions[name] : undefined;
    if (check === undefined) {
      return this.#result(data, 0, {
        passed: false,
        fault: 'no function of this name was given to the ledger',
      });
    }
    const startedMs = this.#clock.monotonic();
    const duration = (): number => Math.round(this.#clock.monotonic() - startedMs);
    try {
      const holds = (await check({ signal })) !== false;
      return this.#result(data, duration(), { passed: holds });
    } catch (error) {
      return this.#result(data, duration(), {
        passed: false,
        output: this.#shown(faultOf(error), false),
      });
    }
  }

  #result(
    { check, run }: CheckJob,
    durationMs: number,
    ended: Pick<CheckResult, 'passed' | 'exitCode' | 'fault' | 'output'>,
  ): CheckResult {
    const { output, fault, ...rest } = ended;
    const line =
      fault === undefined
        ? undefined
        : this.#shown(fault, false).replaceAll(/\s+/g, ' ').slice(0, 300);
    return {
      ...{
        check: nameOfCheck(check),
        at: wholeSeconds(this.#clock.now()),
        run,
        durationMs,
        ...rest,
      },
      ...(line !== undefined && { fault: line }),
      ...(output !== undefined && output !== '' && { output }),
    };
  }

  /** Without secrets and without what only a terminal understands, and cut to its last part. */
  #shown(output: string, isCut: boolean): string {
    const { redactor } = this.#options;
    const text = redactor.redact(output).replaceAll('\r\n', '\n').replaceAll(TERMINAL, '');
    // The first part may begin in the middle of a secret.
    const whole = redactor.redact(isCut ? text.slice(redactor.longest) : text);
    const lines = whole.split('\n').map((line) => line.trimEnd());
    return lines.join('\n').trim().slice(-this.#outputLength()).toWellFormed().trim();
  }

  #outputLength(): number {
    return this.#options.outputLength ?? DEFAULT_OUTPUT_LENGTH;
  }
}

function faultOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A result that went through a ledger that keeps dates as text. */
function revived(result: unknown): CheckResult {
  const found = result as CheckResult;
  return { ...found, at: new Date(found.at) };
}
