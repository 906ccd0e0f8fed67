/**
 * What a handler reports while it runs: its progress and its log.
 *
 * It is stored soon, not at once: what is reported while a write is under way, or shortly after one, goes together in the
 * next. What is not stored when the run ends goes with the end of the run, so nothing is lost that was reported; a line
 * whose write was not confirmed may be stored twice. What always holds: no more lines wait than a job keeps.
 *
 * @module
 */
import type { EngineContext } from '../../context/scheduler-context.ts';
import type { Timer } from '../../foundation/clock.ts';
import { type ClaimedJob, MOST_LOG_LINES } from '../../job/job.ts';
import type { Settlement } from '../../ledger/verbs/settle.ts';

const SHORTEST_INTERVAL_MS = 200;
const RETRY_INTERVAL_MS = 1_000;

type NotesContext = Pick<EngineContext, 'ledger' | 'ledgerTime' | 'clock' | 'report'>;

/** What was reported and is not stored. */
export type OpenNotes = Pick<Settlement, 'progress' | 'logLines'>;

/** The notes of one run. */
export class Notes {
  readonly #context: NotesContext;
  readonly #job: ClaimedJob;
  #progress: unknown;
  #lines: string[] = [];
  #writing: Promise<void> | undefined;
  #timer: Timer | undefined;
  #nextWriteMs = Number.NEGATIVE_INFINITY;
  #ended = false;

  constructor(context: NotesContext, job: ClaimedJob) {
    this.#context = context;
    this.#job = job;
  }

  /** Takes the newest progress. */
  progress(value: unknown): void {
    this.#progress = value;
    this.#schedule();
  }

  /** Takes one line. */
  log(line: string): void {
    this.#keep([...this.#lines, line]);
    this.#schedule();
  }

  /** Ends the writes; gives what was not stored. */
  async end(): Promise<OpenNotes> {
    this.#ended = true;
    this.#timer?.cancel();
    await this.#writing;
    return this.#take();
  }

  #schedule(): void {
    if (this.#ended || this.#writing !== undefined || this.#timer !== undefined) return;
    const { clock } = this.#context;
    const inMs = this.#nextWriteMs - clock.monotonic();
    if (inMs <= 0) {
      this.#writing = this.#write();
      return;
    }
    this.#timer = clock.setTimer(() => {
      this.#timer = undefined;
      this.#schedule();
    }, inMs);
  }

  async #write(): Promise<void> {
    const { ledger, ledgerTime, clock, report } = this.#context;
    this.#nextWriteMs = clock.monotonic() + SHORTEST_INTERVAL_MS;
    const { _id: jobId, claimToken } = this.#job;
    const open = this.#take();
    try {
      await ledger.note({ jobId, claimToken, ...open, now: ledgerTime.now() });
    } catch (error) {
      report(error);
      this.#nextWriteMs = clock.monotonic() + RETRY_INTERVAL_MS;
      this.#putBack(open);
    }
    this.#writing = undefined;
    if (this.#hasOpen()) this.#schedule();
  }

  /** What was reported meanwhile is newer. */
  #putBack({ progress, logLines = [] }: OpenNotes): void {
    this.#progress ??= progress;
    this.#keep([...logLines, ...this.#lines]);
  }

  /** Only the newest would stay in the job. */
  #keep(lines: string[]): void {
    this.#lines = lines.slice(-MOST_LOG_LINES);
  }

  #take(): OpenNotes {
    const open = {
      ...(this.#progress !== undefined && { progress: this.#progress }),
      ...(this.#lines.length > 0 && { logLines: this.#lines }),
    };
    this.#progress = undefined;
    this.#lines = [];
    return open;
  }

  #hasOpen(): boolean {
    return this.#progress !== undefined || this.#lines.length > 0;
  }
}
