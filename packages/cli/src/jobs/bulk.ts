/**
 * One verb on many jobs: counted, asked for, done with a few at once, and reported job by job.
 *
 * What always holds: a job that the verb does not apply to is left with the reason; Ctrl-C ends it between two jobs, and
 * what was done is reported.
 *
 * @module
 */
import type { Job, MonqueManagement } from '@monque/core';
import type { Session } from '../context/context.ts';
import { faultOf } from '../context/errors.ts';
import { ExitCode } from '../context/exit-codes.ts';
import { plain } from '../context/json.ts';
import type { ReasonOption } from '../context/reason.ts';
import { counted } from '../context/words.ts';
import {
  checkSelected,
  type FilterOptions,
  jobsOf,
  type Selection,
  selectionOf,
} from './selection.ts';

/** Options of every verb on many jobs. */
export interface BulkOptions extends FilterOptions, ReasonOption {
  readonly all?: boolean;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

/** What is done to each job. */
export interface BulkVerb {
  /** In the imperative, such as `retry`. */
  readonly verb: string;
  /** In the past, such as `retried`. */
  readonly done: string;
  /** Does it; null or false when there is no such job. */
  readonly apply: (jobs: MonqueManagement, id: string) => Promise<Job | boolean | null>;
}

const MOST_COUNTED = 1_000;
const MOST_AT_ONCE = 8;

/** Does a verb to the jobs with these ids, or to those of a filter. */
export async function bulk(
  session: Session,
  ids: readonly string[],
  options: BulkOptions,
  verb: BulkVerb,
): Promise<ExitCode> {
  const selection = selectionOf(options);
  checkSelected(ids, selection, options.all ?? false);
  const { jobs } = await session.open();
  if (ids.length > 0 && !options.dryRun) return new Bulk(session, jobs, verb).run(ids);
  if (options.dryRun) return preview(session, found(jobs, ids, selection), verb);
  const { count, isCut } = await countOf(jobs, selection);
  if (count === 0) {
    session.output.note('No job matches.');
    return ExitCode.DONE;
  }
  const question = `${capital(verb.verb)} ${counted(count, 'job', isCut)}?`;
  if (!options.yes && !(await session.confirm(question))) {
    session.output.note('Nothing was changed.');
    return ExitCode.DONE;
  }
  return new Bulk(session, jobs, verb).run(
    idsOf(jobsOf(jobs, selection)),
    isCut ? undefined : count,
  );
}

async function* found(
  jobs: MonqueManagement,
  ids: readonly string[],
  selection: Selection,
): AsyncGenerator<Job> {
  if (ids.length === 0) yield* jobsOf(jobs, selection);
  for (const id of ids) {
    const job = await jobs.getJob(id);
    if (job !== null) yield job;
  }
}

async function countOf(
  jobs: MonqueManagement,
  selection: Selection,
): Promise<{ readonly count: number; readonly isCut: boolean }> {
  let count = 0;
  for await (const _ of jobsOf(jobs, selection)) {
    if (count === MOST_COUNTED) return { count, isCut: true };
    count += 1;
  }
  return { count, isCut: false };
}

async function* idsOf(found: AsyncIterable<Job>): AsyncGenerator<string> {
  for await (const { _id } of found) yield _id.toHexString();
}

/** Shows the jobs that would be changed, as far as they are counted. */
async function preview(
  { output }: Session,
  found: AsyncIterable<Job>,
  { verb }: BulkVerb,
): Promise<ExitCode> {
  let count = 0;
  let isCut = false;
  for await (const { _id: id, name, status, failReason } of found) {
    isCut = count === MOST_COUNTED;
    if (isCut) break;
    count += 1;
    const said = failReason === undefined ? '' : `  ${failReason}`;
    const line = (): string => `${id.toHexString()}  ${status}  ${name}${said}`;
    await output.record(plain({ id, name, status, failReason }) as object, line);
  }
  output.note(`Would ${verb} ${counted(count, 'job', isCut)}. Nothing was changed (dry run).`);
  return ExitCode.DONE;
}

class Bulk {
  readonly #session: Session;
  readonly #jobs: MonqueManagement;
  readonly #verb: BulkVerb;
  #done = 0;
  readonly #left = new Map<string, number>();
  /** The exit codes of what was left. */
  readonly #codes = new Set<ExitCode>();

  constructor(session: Session, jobs: MonqueManagement, verb: BulkVerb) {
    this.#session = session;
    this.#jobs = jobs;
    this.#verb = verb;
  }

  async run(ids: Iterable<string> | AsyncIterable<string>, total?: number): Promise<ExitCode> {
    const { output } = this.#session;
    const signal = this.#session.watchInterrupt();
    const progress = output.progress(capital(this.#verb.verb), total);
    const waiting = (Symbol.asyncIterator in ids ? ids : fromList(ids))[Symbol.asyncIterator]();
    const lane = async (): Promise<void> => {
      while (!signal.aborted) {
        const { value, done } = await waiting.next();
        if (done) return;
        await this.#apply(value);
        progress.update(this.#done);
      }
    };
    await Promise.all(Array.from({ length: MOST_AT_ONCE }, lane));
    progress.end();
    return this.#report(signal.aborted);
  }

  async #apply(id: string): Promise<void> {
    const { output } = this.#session;
    try {
      const answer = await this.#verb.apply(this.#jobs, id);
      if (!answer) return await this.#leave(id, 'there is no such job', ExitCode.MISSING);
      this.#done += 1;
      if (output.isJson) await output.line(JSON.stringify(plain({ id, done: true })));
    } catch (error) {
      const { message, exitCode } = faultOf(error);
      await this.#leave(id, message.replaceAll(`job ${id}`, 'it'), exitCode);
    }
  }

  async #leave(id: string, reason: string, code: ExitCode): Promise<void> {
    this.#left.set(reason, (this.#left.get(reason) ?? 0) + 1);
    this.#codes.add(code);
    const { output } = this.#session;
    if (output.isJson) await output.line(JSON.stringify({ id, done: false, reason }));
  }

  #report(isInterrupted: boolean): ExitCode {
    const { output } = this.#session;
    output.note(`${counted(this.#done, 'job')} ${this.#verb.done}.`);
    for (const [reason, count] of this.#left)
      output.note(`${counted(count, 'job')} left: ${reason}`);
    if (isInterrupted) return ExitCode.INTERRUPTED;
    const [code = ExitCode.DONE, ...others] = this.#codes;
    // What all of them have in common says more than that something was left.
    return this.#done === 0 && others.length === 0
      ? code
      : this.#left.size > 0
        ? ExitCode.PARTLY
        : code;
  }
}

async function* fromList(ids: Iterable<string>): AsyncGenerator<string> {
  yield* ids;
}

function capital(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
