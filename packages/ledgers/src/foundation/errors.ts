/**
 * What a work ledger refuses, and why. Each error says what to do.
 *
 * @module
 */
import { MonqueError } from '@monque/core';

/** A ledger holds no record with this id. Nothing was changed. */
export class RecordNotFoundError extends MonqueError {
  override readonly name = 'RecordNotFoundError';
  /** The id that was asked for. */
  readonly recordId: string;

  constructor(recordId: string) {
    super(
      'RECORD_NOT_FOUND',
      `The ledger has no record '${recordId}'; list its records to see the ids`,
    );
    this.recordId = recordId;
  }
}

/** A ledger holds a record with this id already. Nothing was changed. */
export class RecordExistsError extends MonqueError {
  override readonly name = 'RecordExistsError';
  /** The id that is taken. */
  readonly recordId: string;

  constructor(recordId: string) {
    super('RECORD_EXISTS', `The ledger has a record '${recordId}' already; choose another id`);
    this.recordId = recordId;
  }
}

/** A verb is not allowed in the state that the record is in. Nothing was changed. */
export class RecordStateError extends MonqueError {
  override readonly name = 'RecordStateError';
  readonly recordId: string;
  readonly status: string;
  readonly verb: string;
  /** The states in which the verb is allowed. */
  readonly allowedFrom: readonly string[];

  constructor(recordId: string, status: string, verb: string, allowedFrom: readonly string[]) {
    super(
      'RECORD_STATE',
      `Expected ${recordId} to be ${allowedFrom.join(' or ') || 'new'} for ${verb}, got ${status}`,
    );
    this.recordId = recordId;
    this.status = status;
    this.verb = verb;
    this.allowedFrom = allowedFrom;
  }
}

/** What a rule of a ledger says about a write that breaks it. */
export interface RuleBreach {
  /** What is wrong, as part of a sentence that begins with the id of the record. */
  readonly message: string;
  /** What stands in the way, each with what resolves it. */
  readonly blockers?: readonly string[];
  /** What to do about it. */
  readonly advice?: string;
}

/** A write breaks a rule of the ledger. Nothing was changed. */
export class LedgerRuleError extends MonqueError {
  override readonly name = 'LedgerRuleError';
  /** The name of the rule. */
  readonly rule: string;
  readonly recordId: string;
  readonly verb: string;
  /** What stands in the way, each with what resolves it. */
  readonly blockers: readonly string[];

  constructor(rule: string, recordId: string, verb: string, breach: RuleBreach) {
    const { message, blockers = [], advice } = breach;
    const listed = blockers.map((blocker) => `\n  - ${blocker}`).join('');
    const end = advice === undefined ? '' : `; ${advice}`;
    super('LEDGER_RULE', `${recordId} ${message}${end}${listed}`);
    this.rule = rule;
    this.recordId = recordId;
    this.verb = verb;
    this.blockers = blockers;
  }
}

/** A Markdown file cannot be used as a ledger as it stands. It was not changed. */
export class LedgerFileError extends MonqueError {
  override readonly name = 'LedgerFileError';
  readonly path: string;
  /** The line of the file, counted from 1; absent when the whole file is meant. */
  readonly line?: number;

  constructor(path: string, message: string, line?: number, options?: ErrorOptions) {
    super('LEDGER_FILE', `${path}${line === undefined ? '' : `:${line}`}: ${message}`, options);
    this.path = path;
    if (line !== undefined) this.line = line;
  }
}

/** Others wrote to the ledger all the time, or hold its lock. Nothing was changed. */
export class LedgerBusyError extends MonqueError {
  override readonly name = 'LedgerBusyError';

  constructor(message: string, options?: ErrorOptions) {
    super('LEDGER_BUSY', message, options);
  }
}
