/**
 * A ledger of any records: a table of states made with `defineLifecycle`, typed fields, and rules. Every verb is one
 * guarded write with its entry in the history.
 *
 * @module
 */
import { type Clock, InvalidArgumentError, systemClock } from '@monque/core';
import {
  defineLifecycle,
  GONE,
  type Lifecycle,
  STAYS,
  type TransitionParams,
  type TransitionRow,
} from '@monque/core/ledger';
import { wholeSeconds } from '../foundation/dates.ts';
import {
  LedgerRuleError,
  RecordExistsError,
  RecordNotFoundError,
  RecordStateError,
} from '../foundation/errors.ts';
import type { RecordQuery, RecordStore } from '../store/record-store.ts';
import { checkLine, type Fields } from './fields.ts';
import { type ChangedBy, type HistoryEntry, ID_PATTERN, type LedgerRecord } from './record.ts';
import { checkParams, fieldsOfParams, guardText } from './row-params.ts';
import type { LedgerRule, RuleContext } from './rules.ts';

/** How many entries the history of a record keeps, unless it is set otherwise. */
export const DEFAULT_HISTORY_LIMIT = 200;
/** How many records a list gives, unless it is asked for another number. */
export const DEFAULT_RECORD_LIMIT = 100;
/** The most records that one list gives. */
export const MOST_RECORDS = 10_000;

/** What {@link RecordLedger} is made from. */
export interface RecordLedgerOptions<State extends string, Verb extends string> {
  /** The table of states and verbs, made with `defineLifecycle`. */
  readonly lifecycle: Lifecycle<State, Verb>;
  /** The typed fields; beside them every record has `id`, `status`, `createdAt`, `updatedAt` and `history`. */
  readonly fields: Fields;
  /** Where the records are kept. */
  readonly store: RecordStore;
  /** Fields that a record must have when it is added. @default none */
  readonly required?: readonly string[];
  /** Parameters that verbs must be given; those that a guard compares with must be in any case. @default none */
  readonly requiredParams?: Readonly<Partial<Record<Verb, readonly string[]>>>;
  /** What must hold beyond the table. @default none */
  readonly rules?: readonly LedgerRule<State>[];
  /** How many entries of history a record keeps, 1 to 10,000. @default 200 */
  readonly historyLimit?: number;
  /** Takes secrets out of every text that is to be kept. @default leaves texts as they are */
  readonly redact?: (text: string) => string;
  /** @default the clock of the process */
  readonly clock?: Clock;
}

const RESERVED: readonly string[] = [
  'id',
  '_id',
  'status',
  'createdAt',
  'updatedAt',
  'history',
  'revision',
];

/**
 * A ledger of records.
 *
 * @typeParam State - the states of the lifecycle
 * @typeParam Verb - its verbs
 */
export class RecordLedger<State extends string, Verb extends string> {
  /** The table as it was given. */
  readonly lifecycle: Lifecycle<State, Verb>;
  readonly fields: Fields;
  readonly store: RecordStore;
  readonly #written: Lifecycle<State, Verb>;
  readonly #options: RecordLedgerOptions<State, Verb>;
  readonly #clock: Clock;

  /** @throws InvalidArgumentError for a field with a reserved name, a row that writes what is no field, or one that leads to nowhere */
  constructor(options: RecordLedgerOptions<State, Verb>) {
    const {
      lifecycle,
      fields,
      store,
      historyLimit = DEFAULT_HISTORY_LIMIT,
      clock = systemClock,
    } = options;
    checkDefinition(lifecycle, fields);
    if (!Number.isInteger(historyLimit) || historyLimit < 1 || historyLimit > 10_000) {
      throw new InvalidArgumentError(
        'options.historyLimit',
        'an integer from 1 to 10000',
        historyLimit,
      );
    }
    this.lifecycle = lifecycle;
    this.fields = fields;
    this.store = store;
    this.#options = options;
    this.#clock = clock;
    this.#written = withHistory(lifecycle, historyLimit);
  }

  /** The record with this id, or null. */
  async get(id: string): Promise<LedgerRecord<State> | null> {
    const record = await this.store.get(id);
    return (record ?? null) as LedgerRecord<State> | null;
  }

  /** Records in the order of their ids, at most 100 unless `limit` says otherwise (1 to 10,000). */
  async list(query: RecordQuery = {}): Promise<readonly LedgerRecord<State>[]> {
    const { limit = DEFAULT_RECORD_LIMIT } = query;
    if (!Number.isInteger(limit) || limit < 1 || limit > MOST_RECORDS) {
      throw new InvalidArgumentError('query.limit', `an integer from 1 to ${MOST_RECORDS}`, limit);
    }
    return (await this.store.list({ ...query, limit })) as readonly LedgerRecord<State>[];
  }

  /** All records, in the order of their ids. */
  async all(): Promise<readonly LedgerRecord<State>[]> {
    return (await this.store.list({})) as readonly LedgerRecord<State>[];
  }

  /**
   * Adds a record in the initial state.
   *
   * @param values - its fields; those that are left out are empty
   * @throws InvalidArgumentError when the id or a field does not fit
   * @throws RecordExistsError when the id is taken
   */
  async add(
    id: string,
    values: Readonly<Record<string, unknown>>,
    by: ChangedBy,
  ): Promise<LedgerRecord<State>> {
    if (typeof id !== 'string' || !ID_PATTERN.test(id)) {
      throw new InvalidArgumentError(
        'id',
        '1 to 100 letters, digits, dots, hyphens and underscores',
        id,
      );
    }
    const changedBy = this.#checkBy(by);
    const checked = this.#checkValues(values);
    return this.#write(async (view) => {
      if ((await view.get(id)) !== undefined) throw new RecordExistsError(id);
      const now = wholeSeconds(this.#clock.now());
      const { initial } = this.lifecycle;
      const history = [entry('add', changedBy, { now, from: initial, to: initial })];
      const record = { ...checked, id, status: initial, createdAt: now, updatedAt: now, history };
      await this.#checkRules({ verb: 'add', record, params: {}, by: changedBy, view });
      return { kind: 'add', record };
    });
  }

  /**
   * Applies a verb to a record.
   *
   * @param params - what the row of the verb writes and compares with, by the names that it uses; or a function that
   * makes it of the record as it is when it is written
   * @throws RecordNotFoundError, RecordStateError, LedgerRuleError, InvalidArgumentError; nothing is changed then
   */
  async move(
    verb: Verb,
    id: string,
    params: TransitionParams | ((record: LedgerRecord<State>) => TransitionParams),
    by: ChangedBy,
  ): Promise<LedgerRecord<State>> {
    const { rows, required } = this.#row(verb);
    const changedBy = this.#checkBy(by);
    const check = (given: TransitionParams): Record<string, unknown> =>
      this.#redacted(checkParams({ verb, row: rows.plain, fields: this.fields, required }, given));
    const early = typeof params === 'function' ? undefined : check(params);
    return this.#write(async (view) => {
      const record = (await view.get(id)) as LedgerRecord<State> | undefined;
      if (record === undefined) throw new RecordNotFoundError(id);
      if (!this.lifecycle.allowsFrom(verb, record.status)) {
        throw new RecordStateError(id, record.status, verb, rows.plain.from);
      }
      const checked =
        early ?? check((params as (record: LedgerRecord<State>) => TransitionParams)(record));
      const now = wholeSeconds(this.#clock.now());
      const to = rows.plain.to === STAYS ? record.status : rows.plain.to;
      const full: TransitionParams = {
        ...checked,
        ...{ now, actor: changedBy.actor, run: changedBy.run, reason: changedBy.reason },
        ...{
          fromStatus: record.status,
          history: [entry(verb, changedBy, { now, from: record.status, to })],
        },
      };
      await this.#checkRules({ verb, record, params: full, by: changedBy, view });
      this.#checkGuards(verb, record, full);
      const next = this.#written.apply(verb, record, full);
      return { kind: 'move', id, row: rows.written, params: full, next };
    });
  }

  #row(verb: Verb): {
    readonly rows: {
      readonly plain: TransitionRow<string>;
      readonly written: TransitionRow<string>;
    };
    readonly required: readonly string[];
  } {
    if (!Object.hasOwn(this.lifecycle.transitions, verb)) {
      throw new InvalidArgumentError('verb', this.lifecycle.verbs.join(' or '), verb);
    }
    const plain = this.lifecycle.transitions[verb];
    // The others hold, or bind nothing, when nothing is given.
    const compared = (plain.guards ?? []).flatMap((guard) =>
      'to' in guard && !['same', 'lists', 'includes'].includes(guard.is) ? guard.to : [],
    );
    const required = [...compared, ...(this.#options.requiredParams?.[verb] ?? [])];
    return { rows: { plain, written: this.#written.transitions[verb] }, required };
  }

  async #write(decide: Parameters<RecordStore['write']>[0]): Promise<LedgerRecord<State>> {
    return (await this.store.write(decide)) as LedgerRecord<State>;
  }

  #checkValues(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
    const unknown = Object.keys(values).find((name) => !Object.hasOwn(this.fields, name));
    if (unknown !== undefined) {
      throw new InvalidArgumentError(
        'values',
        `one or more of: ${Object.keys(this.fields).join(', ')}`,
        unknown,
      );
    }
    const checked: Record<string, unknown> = {};
    for (const [name, { check, empty }] of Object.entries(this.fields)) {
      const given = values[name];
      const value = given === undefined ? empty : check(name, given);
      if (value !== undefined) checked[name] = value;
    }
    const missing = this.#options.required?.find((name) => checked[name] === undefined);
    if (missing !== undefined) throw new InvalidArgumentError(missing, 'given', undefined);
    return this.#redacted(checked);
  }

  #checkBy({ actor, reason, run }: ChangedBy): ChangedBy {
    const checkedActor = checkLine('by.actor', actor, 100);
    if (/[:[\]]/.test(checkedActor)) {
      throw new InvalidArgumentError('by.actor', 'a name without `:`, `[` and `]`', actor);
    }
    if (run !== undefined && (typeof run !== 'string' || !/^[\w.:-]{1,100}$/.test(run))) {
      throw new InvalidArgumentError(
        'by.run',
        '1 to 100 letters, digits, dots, hyphens and underscores',
        run,
      );
    }
    const line = typeof reason === 'string' ? reason.replaceAll(/\s+/g, ' ').trim() : reason;
    const said =
      line === undefined || line === '' ? undefined : this.#redact(checkLine('by.reason', line));
    return {
      actor: checkedActor,
      ...(run !== undefined && { run }),
      ...(said !== undefined && { reason: said }),
    };
  }

  #redact(text: string): string {
    return this.#options.redact?.(text) ?? text;
  }

  #redacted(values: Record<string, unknown>): Record<string, unknown> {
    if (this.#options.redact === undefined) return values;
    return mapTexts(values, (text) => this.#redact(text)) as Record<string, unknown>;
  }

  async #checkRules(change: RuleContext<State>): Promise<void> {
    const { verb, record } = change;
    for (const rule of this.#options.rules ?? []) {
      if (!rule.verbs.includes(verb)) continue;
      const breach = await rule.check(change);
      if (breach !== undefined) throw new LedgerRuleError(rule.name, record.id, verb, breach);
    }
  }

  #checkGuards(verb: Verb, record: LedgerRecord<State>, params: TransitionParams): void {
    if (this.lifecycle.applies(verb, record, params)) return;
    const { guards = [] } = this.lifecycle.transitions[verb];
    const said = guards.map((guard) => guardText(guard, record, params));
    throw new LedgerRuleError(`${verb} guard`, record.id, verb, {
      message:
        said.length === 1 ? String(said[0]) : `breaks a guard of ${verb}: it ${said.join(', or ')}`,
    });
  }
}

function entry(
  verb: string,
  { actor, run, reason }: ChangedBy,
  { now, from, to }: { readonly now: Date; readonly from: string; readonly to: string },
): HistoryEntry {
  return {
    ...{ at: now, verb, actor },
    // What stays where it is did not move.
    ...(from !== to && { from, to }),
    ...(run !== undefined && { run }),
    ...(reason !== undefined && { reason }),
  };
}

function checkDefinition(lifecycle: Lifecycle<string, string>, fields: Fields): void {
  const reserved = Object.keys(fields).find((name) => RESERVED.includes(name));
  if (reserved !== undefined)
    throw new InvalidArgumentError('fields', 'names that are not reserved', reserved);
  for (const verb of lifecycle.verbs) {
    const row = lifecycle.transitions[verb] as TransitionRow<string>;
    if (row.to === GONE) {
      throw new InvalidArgumentError(
        `lifecycle.${verb}.to`,
        'a state: a ledger forgets no record',
        row.to,
      );
    }
    const named = [
      ...fieldsOfParams(row).values(),
      ...(row.clear ?? []),
      ...(row.reset ?? []),
      ...(row.increment ?? []),
    ];
    const unknown = named.find((field) => !Object.hasOwn(fields, field));
    if (unknown !== undefined) {
      throw new InvalidArgumentError(
        `lifecycle.${verb}`,
        'a row of fields that are declared',
        unknown,
      );
    }
  }
}

/** Every verb also writes when it was and what happened. */
function withHistory<State extends string, Verb extends string>(
  { states, initial, terminal, transitions, verbs }: Lifecycle<State, Verb>,
  most: number,
): Lifecycle<State, Verb> {
  const rows = verbs.map((verb) => {
    const row = transitions[verb];
    const set = { ...row.set, updatedAt: 'now' };
    const append = { ...row.append, history: { from: 'history', most } };
    return [verb, { ...row, set, append }] as const;
  });
  return defineLifecycle<State, Verb>({
    ...{ states, initial, terminal },
    transitions: Object.fromEntries(rows) as unknown as Record<Verb, TransitionRow<NoInfer<State>>>,
  });
}

/** A copy in which every text went through a function. */
function mapTexts(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, change));
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, mapTexts(item, change)]),
  );
}
