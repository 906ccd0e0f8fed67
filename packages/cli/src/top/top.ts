/**
 * `monque top`: a live view of the cluster on the whole terminal.
 *
 * @module
 */
import type { Document } from 'mongodb';
import type { Connection } from '../context/connection.ts';
import type { Session } from '../context/context.ts';
import { faultOf, usageError } from '../context/errors.ts';
import { ExitCode } from '../context/exit-codes.ts';
import { keysOf } from './keys.ts';
import { Screen } from './screen.ts';
import {
  type Action,
  FIRST_STATE,
  type JobRow,
  press,
  type Snapshot,
  type Tab,
  type TopState,
} from './state.ts';
import { type Frame, pageSize, screenLines } from './view.ts';

/** Options of `top`. */
export interface TopOptions {
  /** Milliseconds between two reads. */
  readonly interval: number;
}

const MOST_JOBS = 200;
const MOST_TIME_MS = 3_000;

/** `monque top` */
export async function top(session: Session, { interval }: TopOptions): Promise<ExitCode> {
  const { stdin, stdout } = session.io;
  if (!stdin.isTTY || !stdout.isTTY) throw usageError('top needs a terminal; see `monque status`');
  const connection = await session.open();
  return new Top(session, connection, interval).run();
}

class Top {
  readonly #session: Session;
  readonly #connection: Connection;
  readonly #intervalMs: number;
  readonly #screen: Screen;
  #state: TopState = FIRST_STATE;
  #timer: NodeJS.Timeout | undefined;
  #isReading = false;
  #isToReadAgain = false;
  #isEnded = false;
  readonly #ending = new AbortController();

  constructor(session: Session, connection: Connection, intervalMs: number) {
    this.#session = session;
    this.#connection = connection;
    this.#intervalMs = intervalMs;
    this.#screen = new Screen(session.io);
  }

  async run(): Promise<ExitCode> {
    const { stdin, stdout } = this.#session.io;
    const signal = this.#session.watchInterrupt();
    const onData = (data: Buffer): void => this.#typed(data.toString());
    const onResize = (): void => {
      this.#screen.clear();
      this.#draw();
    };
    const ended = new Promise<ExitCode>((resolve) => {
      const { signal: own } = this.#ending;
      own.addEventListener('abort', () => resolve(own.reason as ExitCode), { once: true });
      signal.addEventListener('abort', () => resolve(ExitCode.INTERRUPTED), { once: true });
      stdin.once('end', () => resolve(ExitCode.DONE));
    });
    stdin.on('data', onData);
    stdout.on('resize', onResize);
    this.#screen.enter();
    try {
      this.#draw();
      void this.#read();
      return await ended;
    } finally {
      this.#isEnded = true;
      clearTimeout(this.#timer);
      stdin.off('data', onData);
      stdout.off('resize', onResize);
      this.#screen.leave();
    }
  }

  #frame(): Frame {
    const { db, collectionName } = this.#connection;
    const { columns, rows } = this.#screen;
    const { colours } = this.#session.output;
    const title = `${db.databaseName}.${collectionName}`;
    return { columns, rows, colours, title, intervalMs: this.#intervalMs };
  }

  #draw(): void {
    this.#screen.draw(screenLines(this.#state, this.#frame()));
  }

  #typed(text: string): void {
    for (const key of keysOf(text)) {
      const { state, action, isToRead, isEnd } = press(
        this.#state,
        key,
        pageSize(this.#state, this.#frame()),
      );
      this.#state = state;
      if (isEnd) {
        this.#ending.abort(key === 'interrupt' ? ExitCode.INTERRUPTED : ExitCode.DONE);
      }
      if (isToRead) void this.#read();
      if (action) void this.#act(action);
    }
    this.#draw();
  }

  /** Reads what the tab shows, and again after a while. What is asked for meanwhile is read behind it. */
  async #read(): Promise<void> {
    clearTimeout(this.#timer);
    if (this.#isReading) {
      this.#isToReadAgain = true;
      return;
    }
    this.#isReading = true;
    this.#isToReadAgain = false;
    const { tab } = this.#state;
    try {
      const snapshot = await this.#snapshot(tab);
      const isSame = this.#state.tab === tab;
      const jobs = isSame ? snapshot.jobs : [];
      this.#state = { ...this.#state, snapshot: { ...snapshot, jobs } };
    } catch (error) {
      this.#say(`Not read: ${faultOf(error).message}`);
    }
    this.#isReading = false;
    if (this.#isEnded) return;
    this.#draw();
    if (this.#isToReadAgain) void this.#read();
    else if (!this.#state.isHeld)
      this.#timer = setTimeout(() => void this.#read(), this.#intervalMs);
  }

  async #snapshot(tab: Tab): Promise<Snapshot> {
    const inspection = await this.#connection.jobs.inspect();
    return { inspection, jobs: await this.#jobsOf(tab) };
  }

  /** Only of the tab that is seen, since each is a read of its own. */
  async #jobsOf(tab: Tab): Promise<JobRow[]> {
    const { documents } = this.#connection;
    const bound = { limit: MOST_JOBS, maxTimeMS: MOST_TIME_MS };
    if (tab === 'running') {
      const projection = { name: 1, lockedAt: 1, claimedBy: 1 };
      const running = documents.find(
        { status: 'processing' },
        { ...bound, projection, hint: 'monque_claims' },
      );
      return (await running.toArray()).map((document) =>
        rowOf(document, document.lockedAt, document.claimedBy),
      );
    }
    if (tab !== 'failures') return [];
    const projection = { name: 1, finishedAt: 1, failReason: 1 };
    const failed = documents.find(
      { status: 'failed' },
      { ...bound, projection, sort: { _id: -1 } },
    );
    return (await failed.toArray()).map((document) =>
      rowOf(document, document.finishedAt, document.failReason),
    );
  }

  async #act({ verb, of }: Action): Promise<void> {
    const { jobs } = this.#connection;
    const acts: Readonly<Record<Action['verb'], () => Promise<string>>> = {
      pause: async () => messageOf(await jobs.pause(of), `'${of}' is paused`),
      resume: async () => messageOf(await jobs.resume(of), `'${of}' goes on`),
      cancel: async () =>
        messageOf(await jobs.cancelJob(of), `${of} is cancelled, or asked to end`),
      retry: async () => messageOf(await jobs.retryJob(of), `${of} is pending again`),
      delete: async () => messageOf(await jobs.deleteJob(of), `${of} is deleted`),
      why: async () => (await jobs.explain(of)).message,
    };
    try {
      this.#say(await acts[verb]());
    } catch (error) {
      this.#say(faultOf(error).message);
    }
    if (this.#isEnded) return;
    this.#draw();
    if (verb !== 'why') await this.#read();
  }

  #say(message: string): void {
    this.#state = { ...this.#state, message };
  }
}

/** What is said of something that was done, or was not there. */
function messageOf(answer: unknown, text: string): string {
  return answer === null || answer === false ? 'It is not there any more' : text;
}

function rowOf(document: Document, at: unknown, detail: unknown): JobRow {
  return {
    id: String(document._id),
    name: String(document.name),
    detail: detail === undefined ? '' : String(detail),
    ...(at instanceof Date && { at }),
  };
}
