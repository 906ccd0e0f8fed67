/**
 * The coordination ledger: tasks that somebody does, somebody else reviews, and others wait for.
 *
 * @module
 */
import { type Clock, InvalidArgumentError, systemClock } from '@monque/core';
import type { Redactor } from '../checks/redactor.ts';
import { wholeSeconds } from '../foundation/dates.ts';
import { RecordNotFoundError, RecordStateError } from '../foundation/errors.ts';
import type { CheckItem } from '../markdown/codecs.ts';
import type { ChangedBy } from '../record/record.ts';
import { RecordLedger } from '../record/record-ledger.ts';
import type { RecordQuery, RecordStore } from '../store/record-store.ts';
import { statisticsOf, type TaskStatistics } from './statistics.ts';
import { TASK_FIELDS, type Task, type TaskFields } from './task.ts';
import { criticalPath } from './task-graph.ts';
import { TASK_LIFECYCLE, type TaskStatus, type TaskVerb } from './task-lifecycle.ts';
import { TASK_RULES } from './task-rules.ts';

/** What {@link CoordinationLedger} is made from. */
export interface CoordinationLedgerOptions {
  readonly store: RecordStore;
  /** Keeps secrets out of all that is written. @default nothing is taken out */
  readonly redactor?: Redactor;
  readonly clock?: Clock;
}

/** Which boxes of a task are ticked, by their text. */
export interface Ticks {
  readonly acceptanceCriteria?: readonly string[];
  readonly definitionOfDone?: readonly string[];
  /** False takes the ticks away. @default true */
  readonly done?: boolean;
}

/** A change that needs its reason. */
export interface ReasonedBy extends ChangedBy {
  readonly reason: string;
}

/** A ledger of tasks. */
export class CoordinationLedger {
  /** The records below it. */
  readonly records: RecordLedger<TaskStatus, TaskVerb>;
  readonly #clock: Clock;

  constructor({ store, redactor, clock = systemClock }: CoordinationLedgerOptions) {
    this.#clock = clock;
    this.records = new RecordLedger({
      ...{ lifecycle: TASK_LIFECYCLE, fields: TASK_FIELDS, store, clock, rules: TASK_RULES },
      required: ['title'],
      requiredParams: {
        assign: ['assignee'],
        handOver: ['assignee'],
        nameReviewer: ['reviewer'],
        depend: ['dependsOn'],
      },
      ...(redactor !== undefined && { redact: (text: string) => redactor.redact(text) }),
    });
  }

  /** Adds a task that nobody has. */
  async add(id: string, fields: TaskFields, by: ChangedBy): Promise<Task> {
    return (await this.records.add(id, { ...fields }, by)) as Task;
  }

  /** The task with this id, or null. */
  async get(id: string): Promise<Task | null> {
    return (await this.records.get(id)) as Task | null;
  }

  /** Tasks in the order of their ids, at most 100 unless `limit` says otherwise. */
  async list(query: RecordQuery = {}): Promise<readonly Task[]> {
    return (await this.records.list(query)) as readonly Task[];
  }

  /** Gives a task to somebody who has not begun yet, and names who reviews it. */
  assign(
    id: string,
    people: { readonly assignee: string; readonly reviewer?: string },
    by: ChangedBy,
  ): Promise<Task> {
    return this.#move('assign', id, { ...people }, by);
  }

  /** Takes a task back that was not started. */
  unassign(id: string, by: ChangedBy): Promise<Task> {
    return this.#move('unassign', id, {}, by);
  }

  /** Gives a task that was started to somebody else. */
  handOver(id: string, assignee: string, by: ChangedBy): Promise<Task> {
    return this.#move('handOver', id, { assignee }, by);
  }

  /** Names who reviews a task; an approval of somebody else before no longer counts. */
  nameReviewer(id: string, reviewer: string, by: ChangedBy): Promise<Task> {
    return this.#move('nameReviewer', id, { reviewer }, by);
  }

  /** Begins a task: by its assignee, when all that it depends on is completed. */
  start(id: string, by: ChangedBy): Promise<Task> {
    return this.#move('start', id, {}, by);
  }

  /**
   * Ticks criteria and items of the definition of done.
   *
   * @throws InvalidArgumentError when the task has no item of that text
   */
  tick(id: string, { done = true, ...ticks }: Ticks, by: ChangedBy): Promise<Task> {
    const params = (task: Task): Record<string, unknown> => ({
      acceptanceCriteria: ticked(
        'acceptanceCriteria',
        task.acceptanceCriteria,
        ticks.acceptanceCriteria,
        done,
      ),
      definitionOfDone: ticked(
        'definitionOfDone',
        task.definitionOfDone,
        ticks.definitionOfDone,
        done,
      ),
    });
    return this.#move('tick', id, params, by);
  }

  /** Hands a task in for review: by its assignee. */
  submit(id: string, by: ChangedBy): Promise<Task> {
    return this.#move('submit', id, {}, by);
  }

  /** Approves a task: by its reviewer. It is completed by {@link complete}. */
  approve(id: string, by: ChangedBy): Promise<Task> {
    return this.#move('approve', id, {}, by);
  }

  /** Asks for changes: by its reviewer, who says which. */
  async requestRevisions(id: string, by: ReasonedBy): Promise<Task> {
    checkReason(by);
    return this.#move('requestRevisions', id, {}, by);
  }

  /** Goes back to work after changes were asked for: by its assignee. */
  resume(id: string, by: ChangedBy): Promise<Task> {
    return this.#move('resume', id, {}, by);
  }

  /** Completes a task that is approved, and has every criterion and every item of the definition of done ticked. */
  complete(id: string, by: ChangedBy): Promise<Task> {
    return this.#move('complete', id, {}, by);
  }

  /** Puts a task aside that something is in the way of. */
  async block(id: string, by: ReasonedBy): Promise<Task> {
    checkReason(by);
    return this.#move('block', id, {}, by);
  }

  /** Puts a task back into the state in which it was blocked. */
  async unblock(id: string, by: ChangedBy): Promise<Task> {
    const task = await this.get(id);
    if (task === null) throw new RecordNotFoundError(id);
    const { status, blockedFrom } = task;
    if (status !== 'blocked') throw new RecordStateError(id, status, 'unblock', ['blocked']);
    const verbs = { assigned: 'unblockToAssigned', in_progress: 'unblockToInProgress' } as const;
    const isKnown = blockedFrom === 'assigned' || blockedFrom === 'in_progress';
    return this.#move(isKnown ? verbs[blockedFrom] : 'unblockToDefined', id, { blockedFrom }, by);
  }

  /** Sets what a task depends on, before it is started. */
  depend(id: string, dependsOn: readonly string[], by: ChangedBy): Promise<Task> {
    return this.#move('depend', id, { dependsOn }, by);
  }

  /** Changes what a task says. */
  amend(
    id: string,
    changes: Partial<Omit<TaskFields, 'dependsOn' | 'reviewer'>>,
    by: ChangedBy,
  ): Promise<Task> {
    return this.#move('amend', id, { ...changes }, by);
  }

  /** Adds a line to the progress log of a task. */
  log(id: string, line: string, by: ChangedBy): Promise<Task> {
    return this.#move('log', id, {}, { ...by, reason: line });
  }

  /** The figures of all tasks as they are now. */
  async statistics(): Promise<TaskStatistics> {
    return statisticsOf(
      (await this.records.all()) as readonly Task[],
      wholeSeconds(this.#clock.now()),
    );
  }

  /** The longest chain of open tasks that depend on each other. */
  async criticalPath(): Promise<readonly Task[]> {
    return criticalPath((await this.records.all()) as readonly Task[]);
  }

  async #move(
    verb: TaskVerb,
    id: string,
    params: Record<string, unknown> | ((task: Task) => Record<string, unknown>),
    by: ChangedBy,
  ): Promise<Task> {
    const given =
      typeof params === 'function' ? (record: unknown) => params(record as Task) : params;
    return (await this.records.move(verb, id, given, by)) as Task;
  }
}

function checkReason({ reason }: { readonly reason?: string }): void {
  if (typeof reason !== 'string' || reason.trim() === '') {
    throw new InvalidArgumentError('by.reason', 'a reason', reason);
  }
}

function ticked(
  field: string,
  items: readonly CheckItem[],
  texts: readonly string[] | undefined,
  done: boolean,
): readonly CheckItem[] | undefined {
  if (texts === undefined) return undefined;
  const unknown = texts.find((text) => !items.some((item) => item.text === text));
  if (unknown !== undefined) {
    throw new InvalidArgumentError(
      field,
      `one or more of: ${items.map(({ text }) => text).join(' | ')}`,
      unknown,
    );
  }
  return items.map((item) => (texts.includes(item.text) ? { ...item, done } : item));
}
