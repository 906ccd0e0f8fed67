/**
 * One line to stderr for what nobody listens for and nobody logs: a failure, an outage, a misuse. Silence would look
 * like work that goes well.
 *
 * What always holds: a line is one line, bounded, without passwords; each thing is said once; and with a logger, with
 * `logger: false`, or with a listener of the event, nothing is written.
 *
 * @module
 */
import { ConnectionError, messageOf, UnknownOutcomeError } from '../foundation/errors.ts';
import { storableText } from '../foundation/texts.ts';
import type { MonqueEventMap } from './events.ts';

const LONGEST_LINE = 500;
const MOST_NOTICES = 1_000;

/** How long a process may have a worker before a scheduler that never started is worth a line, in milliseconds. */
const START_WITHIN_MS = 10_000;

const MOST_NAMES = 5;

type Payload<Name extends keyof MonqueEventMap> = MonqueEventMap[Name][0];

/** What is said of an event: once for each key. */
interface Notice {
  readonly key: string;
  readonly text: string;
}

const NOTICES: {
  readonly [Name in keyof MonqueEventMap]?: (payload: Payload<Name>) => Notice | undefined;
} = {
  'job:fail': ({ job, error, willRetry }) => ({
    key: `job:fail ${job.name}`,
    text: `job '${job.name}' (${String(job._id)}) failed and ${willRetry ? 'is tried again' : 'is not tried again'}: ${shown(error)}`,
  }),
  'job:error': ({ error }) =>
    isOutage(error) ? undefined : { key: `job:error ${error.name}`, text: shown(error) },
  'job:lost': ({ job, reason }) => ({
    key: `job:lost ${job.name}`,
    text: `the end of a run of '${job.name}' (${String(job._id)}) could not be recorded: ${reason}`,
  }),
  'connection:lost': ({ error }) => ({
    key: 'connection:lost',
    text: `the database does not answer: ${shown(error)}`,
  }),
};

/** True for an event that is printed where nobody listens, or that ends what was printed. */
export function isNoticed(name: keyof MonqueEventMap): boolean {
  return name === 'connection:restored' || Object.hasOwn(NOTICES, name);
}

/** What an enqueue is looked at with. */
export interface EnqueueFacts {
  readonly name: string;
  readonly workers: ReadonlyMap<string, unknown>;
  readonly isRunning: boolean;
  /** Monotonic time. */
  readonly nowMs: number;
}

/** Prints to stderr, once for each thing. */
export class Notices {
  readonly #isWanted: () => boolean;
  readonly #write: (line: string) => void;
  readonly #given = new Set<string>();
  #firstWorkerMs: number | undefined;

  /** @param isWanted - false where somebody logs, or wants no lines */
  constructor(isWanted: () => boolean, write: (line: string) => void = writeToStderr) {
    this.#isWanted = isWanted;
    this.#write = write;
  }

  /**
   * An event fired that nobody listens to.
   *
   * @param areErrorsHeard - whoever listens for errors hears of an outage too
   */
  unheard<Name extends keyof MonqueEventMap>(
    name: Name,
    payload: Payload<Name>,
    areErrorsHeard = false,
  ): void {
    if (name === 'connection:lost' && areErrorsHeard) return;
    if (name === 'connection:restored') this.#given.delete('connection:lost');
    const notice = NOTICES[name]?.(payload);
    if (notice) this.#give(notice.key, `${notice.text}; listen to \`${name}\` to hear of all`);
  }

  /** A worker was added. */
  workerAdded(nowMs: number): void {
    this.#firstWorkerMs ??= nowMs;
  }

  /** A job is enqueued: is there anybody who could run it? */
  enqueued({ name, workers, isRunning, nowMs }: EnqueueFacts): void {
    if (isRunning && workers.size > 0 && !workers.has(name)) {
      const names = [...workers.keys()].slice(0, MOST_NAMES).join(', ');
      const text = `a job '${name}' was enqueued where no worker has that name (there are: ${names}); it waits until another process works on it`;
      this.#give(`worker ${name}`, text);
    }
    const sinceMs = nowMs - (this.#firstWorkerMs ?? nowMs);
    if (!isRunning && workers.has(name) && sinceMs > START_WITHIN_MS) {
      const text = `a job '${name}' was enqueued, and its worker is registered here, but this scheduler is not started: call \`start()\``;
      this.#give('start', text);
    }
  }

  #give(key: string, text: string): void {
    if (!this.#isWanted() || this.#given.has(key) || this.#given.size >= MOST_NOTICES) return;
    this.#given.add(key);
    const line = `monque: ${text}. \`logger: false\` turns this off.`.replaceAll(/\s+/g, ' ');
    this.#write(storableText(line, LONGEST_LINE));
  }
}

/** An outage is reported by `connection:lost`. */
function isOutage(error: Error): boolean {
  return error instanceof ConnectionError || error instanceof UnknownOutcomeError;
}

/** The message, and where it was thrown. */
function shown(error: Error): string {
  const frame = /^\s*at .*$/m.exec(String(error.stack))?.[0]?.trim();
  const text = storableText(`${error.name}: ${messageOf(error)}`, LONGEST_LINE / 2);
  return frame === undefined ? text : `${text} (${frame})`;
}

function writeToStderr(line: string): void {
  process.stderr.write(`${line}\n`);
}
