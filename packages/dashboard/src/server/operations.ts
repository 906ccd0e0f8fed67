/**
 * Bulk actions and audits that go on while their requests are answered.
 *
 * What always holds: there are few at a time; each can be aborted; what became of it stays readable for a while; and
 * how it ends is never an unhandled rejection.
 *
 * @module
 */
import { randomUUID } from 'node:crypto';
import type { AuditReport, BulkResult, MonqueManagement } from '@monque/core';
import type { AuditResult, Operation, OperationRequest } from '../api/types.ts';
import { later } from '../clock.ts';
import { doBulk } from './bulk.ts';
import { ProblemError, toProblem } from './problems.ts';

const MOST_AT_ONCE = 4;
const KEPT_MS = 3_600_000;
const MOST_KEPT = 200;
const MOST_FINDINGS = 200;

/** What begins an operation. */
export interface Begin {
  readonly request: OperationRequest;
  readonly by: string;
  readonly monque: MonqueManagement;
  /** The names it is narrowed to when it names none. */
  readonly names: readonly string[] | undefined;
  readonly now: () => Date;
  /** Called with an error that is not known. */
  readonly report: (error: unknown) => void;
}

/** One that goes on, or is over. */
interface Entry {
  readonly begin: Begin;
  readonly id: string;
  readonly startedAt: Date;
  readonly abort: AbortController;
  state: Operation['state'];
  endedAt?: Date;
  audit?: AuditReport;
  bulk?: BulkResult;
  error?: ProblemError;
}

/** The operations of one server. */
export class Operations {
  readonly #entries = new Map<string, Entry>();
  readonly #listeners = new Set<(operation: Operation, by: string) => void>();

  /** Begins one. @throws a 503 when too many go on already */
  begin(begin: Begin): Operation {
    const running = [...this.#entries.values()].filter(({ state }) => state === 'running');
    if (running.length >= MOST_AT_ONCE) throw tooMany();
    const entry: Entry = {
      ...{ begin, id: randomUUID(), startedAt: begin.now(), state: 'running' },
      abort: new AbortController(),
    };
    this.#entries.set(entry.id, entry);
    this.#forget();
    void this.#run(entry);
    return shown(entry);
  }

  /** Those of an actor, or all, the newest first. */
  list(by: string | undefined): Operation[] {
    return [...this.#entries.values()]
      .filter(({ begin }) => by === undefined || begin.by === by)
      .reverse()
      .map(shown);
  }

  /** One by its id; undefined when there is none, or it is another's. */
  get(id: string, by: string | undefined): Operation | undefined {
    const entry = this.#entries.get(id);
    if (entry === undefined || (by !== undefined && entry.begin.by !== by)) return undefined;
    return shown(entry);
  }

  /** Ends one after the jobs that are under way. */
  abort(id: string): void {
    this.#entries.get(id)?.abort.abort();
  }

  /** Reports each as it goes on; gives what ends that. */
  listen(listener: (operation: Operation, by: string) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async #run(entry: Entry): Promise<void> {
    try {
      await this.#work(entry);
      entry.state = entry.abort.signal.aborted ? 'aborted' : 'done';
    } catch (error) {
      entry.error = toProblem(error);
      if (entry.error.problem.code === 'INTERNAL') entry.begin.report(error);
      entry.state = 'failed';
    }
    entry.endedAt = entry.begin.now();
    this.#notify(entry);
    later(KEPT_MS, () => this.#entries.delete(entry.id));
  }

  async #work(entry: Entry): Promise<void> {
    const { monque, names, request } = entry.begin;
    const { kind, filter = {} } = request;
    const { signal } = entry.abort;
    if (kind === 'audit' || kind === 'repair') {
      entry.audit = await monque.audit({
        repair: kind === 'repair',
        signal,
        onProgress: (report) => {
          entry.audit = report;
          this.#notify(entry);
        },
      });
      return;
    }
    entry.bulk = await doBulk({ monque, filter, names }, kind, request, {
      signal,
      onProgress: (result) => {
        entry.bulk = result;
        this.#notify(entry);
      },
    });
  }

  #notify(entry: Entry): void {
    const operation = shown(entry);
    for (const listener of this.#listeners) listener(operation, entry.begin.by);
  }

  #forget(): void {
    for (const [id, { state }] of this.#entries) {
      if (this.#entries.size <= MOST_KEPT) return;
      if (state !== 'running') this.#entries.delete(id);
    }
  }
}

function tooMany(): ProblemError {
  const detail = `${MOST_AT_ONCE} operations go on already`;
  return new ProblemError({ status: 503, code: 'BUSY', detail, advice: 'Wait for one to end.' }, 5);
}

function shown({ begin, id, startedAt, bulk, state, endedAt, audit, error }: Entry): Operation {
  const { request, by } = begin;
  return {
    ...{ id, kind: request.kind, state, by, startedAt: startedAt.toISOString() },
    ...(request.filter && { filter: request.filter }),
    ...(endedAt && { endedAt: endedAt.toISOString() }),
    matched: audit?.audited ?? bulk?.matched ?? 0,
    changed: audit?.repaired ?? bulk?.changed ?? 0,
    left: (bulk?.left ?? []).map((row) => ({ ...row })),
    ...(audit && { audit: auditOf(audit) }),
    ...(error && { problem: error.problem }),
  };
}

function auditOf({
  audited,
  repaired,
  violations,
  findings,
  isComplete,
}: AuditReport): AuditResult {
  return {
    ...{ audited, repaired, violations: { ...violations }, isComplete },
    findings: findings.slice(0, MOST_FINDINGS).map((finding) => {
      const { rule, jobId, name, status, message, advice, isRepaired } = finding;
      const known = { rule, jobId: String(jobId), name, status, message, isRepaired };
      return { ...known, ...(advice !== undefined && { advice }) };
    }),
  };
}
