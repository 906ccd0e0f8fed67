/**
 * Server-sent events: one shared look for all who look, and nothing when nobody does.
 *
 * What always holds: there is one timer for all streams, and none without a stream; a slow reader misses what is older
 * than what it gets next, so no stream keeps more than one event waiting; and a stream ends after ten minutes, when
 * the browser opens it again and is asked who it is.
 *
 * @module
 */
import type { Actor, MonqueManagement } from '@monque/core';
import type { EventsOfServer } from '../api/types.ts';
import { later, nowMs } from '../clock.ts';
import { summaryOf } from './job-views.ts';
import type { Operations } from './operations.ts';
import { overviewOf } from './overview.ts';
import { ProblemError, toProblem } from './problems.ts';
import type { Eyes } from './redaction.ts';
import { type Scope, scopeOf } from './scope.ts';
import { FRESH_MS, type Snapshot, type SnapshotSource } from './snapshot.ts';

const LONGEST_MS = 600_000;
const MOST_STREAMS = 200;
const RETRY_MS = 3_000;

/** Who listens. */
export interface Listener {
  readonly actor: Actor;
  readonly actorId: string;
  readonly eyes: Eyes;
  readonly monque: MonqueManagement;
  /** Jobs to hear of. */
  readonly jobIds: readonly string[];
}

/** What streams are made from. */
export interface LiveParts {
  readonly snapshots: SnapshotSource;
  readonly operations: Operations;
  readonly names: readonly string[];
}

type Controller = ReadableStreamDefaultController<Uint8Array>;

/** All streams of a server. */
export class Live {
  readonly #server: LiveParts;
  readonly #streams = new Set<Stream>();
  #stopTimer: (() => void) | undefined;
  #isTicking = false;

  constructor(server: LiveParts) {
    this.#server = server;
  }

  /** How many listen. */
  get size(): number {
    return this.#streams.size;
  }

  /** A stream for a listener. @throws a 503 when too many listen */
  open(listener: Listener): ReadableStream<Uint8Array> {
    if (this.#streams.size >= MOST_STREAMS) throw tooMany();
    const stream = new Stream(this.#server, listener, () => this.#left(stream));
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          stream.begin(controller);
          this.#streams.add(stream);
          this.#wake(0);
        },
        cancel: () => stream.end(),
      },
      { highWaterMark: 1 },
    );
  }

  #left(stream: Stream): void {
    this.#streams.delete(stream);
    if (this.#streams.size > 0) return;
    this.#stopTimer?.();
    this.#stopTimer = undefined;
  }

  #wake(ms: number): void {
    this.#stopTimer?.();
    this.#stopTimer = later(ms, () => void this.#tick());
  }

  /** Never rejects. A stream that joins meanwhile has its turn at once. */
  async #tick(): Promise<void> {
    this.#stopTimer = undefined;
    if (this.#isTicking) return this.#wake(50);
    this.#isTicking = true;
    const streams = [...this.#streams];
    try {
      const snapshot = await this.#server.snapshots.read();
      await Promise.all(streams.map((stream) => stream.send(snapshot)));
    } catch (error) {
      for (const stream of streams) stream.fail(error);
    } finally {
      this.#isTicking = false;
    }
    if (this.#streams.size > 0 && this.#stopTimer === undefined) this.#wake(FRESH_MS);
  }
}

/** One stream. */
class Stream {
  readonly #server: LiveParts;
  readonly #listener: Listener;
  readonly #onEnd: () => void;
  readonly #untilMs: number = nowMs() + LONGEST_MS;
  readonly #sent = new Map<string, string>();
  #controller: Controller | undefined;
  #stopListening: (() => void) | undefined;

  constructor(server: LiveParts, listener: Listener, onEnd: () => void) {
    this.#server = server;
    this.#listener = listener;
    this.#onEnd = onEnd;
  }

  begin(controller: Controller): void {
    this.#controller = controller;
    this.#write(`retry: ${RETRY_MS}\n\n`);
    this.#stopListening = this.#server.operations.listen((operation, by) => {
      if (by === this.#listener.actorId) this.#event('operation', operation);
    });
  }

  end(): void {
    this.#controller = undefined;
    this.#stopListening?.();
    this.#onEnd();
  }

  /** The newest look, and the jobs that changed. Never rejects. */
  async send(snapshot: Snapshot): Promise<void> {
    try {
      if (nowMs() > this.#untilMs) return this.#close();
      const { monque } = this.#listener;
      const scope = await scopeOf(monque, snapshot, this.#server.names);
      const overview = overviewOf(snapshot, scope);
      const isNew = this.#isNew('', JSON.stringify(overview));
      if (isNew) this.#event('snapshot', overview);
      else this.#write(': still here\n\n');
      if (this.#listener.jobIds.length > 0) await this.#sendJobs(scope);
    } catch (error) {
      this.fail(error);
    }
  }

  /** Says what went wrong. */
  fail(error: unknown): void {
    const at = this.#server.snapshots.now().toISOString();
    this.#event('problem', { at, message: toProblem(error).problem.detail });
  }

  async #sendJobs(scope: Scope): Promise<void> {
    const { jobIds, monque, eyes } = this.#listener;
    const jobs = await readJobs(monque, jobIds, scope);
    const found = new Map(jobs.map((job) => [String(job._id), summaryOf(job, eyes)]));
    const changed = [...found].filter(([id, job]) => this.#isNew(id, JSON.stringify(job)));
    const gone = jobIds.filter((id) => !found.has(id) && this.#isNew(id, 'gone'));
    if (changed.length === 0 && gone.length === 0) return;
    const at = this.#server.snapshots.now().toISOString();
    this.#event('jobs', { at, jobs: changed.map(([, job]) => job), gone });
  }

  #isNew(key: string, text: string): boolean {
    if (this.#sent.get(key) === text) return false;
    this.#sent.set(key, text);
    return true;
  }

  #event<Kind extends keyof EventsOfServer>(kind: Kind, data: EventsOfServer[Kind]): void {
    if (!this.#write(`event: ${kind}\ndata: ${JSON.stringify(data)}\n\n`)) this.#sent.clear();
  }

  /** False when the reader is behind: then nothing is sent, and all is sent again later. */
  #write(text: string): boolean {
    const controller = this.#controller;
    if (controller === undefined || Number(controller.desiredSize) <= -MOST_WAITING) return false;
    controller.enqueue(ENCODER.encode(text));
    return true;
  }

  #close(): void {
    this.#controller?.close();
    this.end();
  }
}

const ENCODER = new TextEncoder();
/** Events that wait for a reader. */
const MOST_WAITING = 4;

function tooMany(): ProblemError {
  const detail = `${MOST_STREAMS} streams are open already`;
  return new ProblemError({ status: 503, code: 'BUSY', detail }, 30);
}

type Jobs = Awaited<ReturnType<MonqueManagement['getJobs']>>;

/** The jobs of these ids that there are, and that the actor may see: one read. */
async function readJobs(
  monque: MonqueManagement,
  ids: readonly string[],
  scope: Scope,
): Promise<Jobs> {
  if (!scope.seesAll && scope.names.size === 0) return [];
  const names = scope.seesAll ? {} : { name: [...scope.names] };
  return monque.getJobs({ ids, limit: ids.length, ...names });
}
