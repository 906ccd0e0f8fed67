/**
 * Records in a Markdown file, to be kept in Git beside what it is about, and read and edited by people.
 *
 * A write locks the file, reads it, decides, and puts a new file in its place at once: whoever reads sees the file
 * before or after, a process that is killed leaves one of both, and one that lost its lock meanwhile writes nothing. What
 * does not change stays byte for byte.
 *
 * @module
 */
import { readFile, stat, writeFile } from 'node:fs/promises';
import { LedgerBusyError, LedgerFileError, RecordExistsError } from '../foundation/errors.ts';
import type { ParsedLedger, Problem } from '../markdown/record-format.ts';
import { isSameValue, type LedgerRecord } from '../record/record.ts';
import { withFileLock } from './file-lock.ts';
import {
  type Decide,
  type RecordQuery,
  RecordStore,
  selectRecords,
  viewOf,
} from './record-store.ts';
import { Replacement } from './replacement.ts';

/** How a kind of ledger is written in Markdown. */
export interface LedgerFormat {
  /** Reads a text; what is wrong with it is among the problems. */
  parse(text: string): ParsedLedger;
  /** Reads the records alone, as each write does twice; of the problems only the errors need be there. */
  parseRecords(text: string): ParsedLedger;
  /** The text after a record was added or changed. */
  write(ledger: ParsedLedger, next: LedgerRecord): string;
  /** The text of a ledger without records. */
  template(): string;
}

/** How often a write is decided again because somebody edited the file meanwhile. */
const MOST_EDITS = 20;

/** Keeps records in a Markdown file. */
export class MarkdownRecordStore extends RecordStore {
  /** Where the file is. */
  readonly path: string;
  readonly format: LedgerFormat;

  constructor(path: string, format: LedgerFormat) {
    super();
    this.path = path;
    this.format = format;
  }

  /**
   * Makes the file from the template of its kind.
   *
   * @returns false when there is a file already, which is left as it is
   */
  async init(): Promise<boolean> {
    try {
      await writeFile(this.path, this.format.template(), { flag: 'wx' });
      return true;
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return false;
      throw new LedgerFileError(this.path, 'the file cannot be made', undefined, { cause: error });
    }
  }

  /** The file as it is, with all that is wrong with it. Changes nothing. */
  async read(): Promise<ParsedLedger> {
    return this.format.parse(await this.#text());
  }

  async get(id: string): Promise<LedgerRecord | undefined> {
    return (await this.#records()).records.get(id)?.record;
  }

  async list(query: RecordQuery): Promise<readonly LedgerRecord[]> {
    return selectRecords(recordsOf(await this.#records()).values(), query);
  }

  /**
   * @throws LedgerFileError when the file cannot be read, or has errors; each is named with its line
   * @throws LedgerBusyError when others hold or edit the file all the time
   */
  async write(decide: Decide): Promise<LedgerRecord> {
    await this.#version();
    return await withFileLock(this.path, async (file, isHeld) => {
      const replacement = await Replacement.begin(file).catch((error: unknown) => {
        const message = 'no file can be made beside it, which a write needs';
        throw new LedgerFileError(this.path, message, undefined, { cause: error });
      });
      try {
        return await this.#replace(replacement, decide, isHeld);
      } finally {
        await replacement.end();
      }
    });
  }

  async #replace(
    replacement: Replacement,
    decide: Decide,
    isHeld: () => boolean,
  ): Promise<LedgerRecord> {
    for (let edit = 0; edit < MOST_EDITS; edit += 1) {
      const version = await this.#version();
      const ledger = await this.#records();
      this.#refuseErrors(ledger.problems);
      const records = recordsOf(ledger);
      const write = await decide(viewOf(records));
      const next = write.kind === 'add' ? write.record : write.next;
      if (write.kind === 'add' && records.has(next.id)) throw new RecordExistsError(next.id);
      const text = this.format.write(ledger, next);
      this.#prove(text, records, next);
      await replacement.write(text);
      if (isHeld() && (await this.#version()) !== version) continue;
      if (isHeld() && (await replacement.putInPlace())) return next;
      throw new LedgerBusyError(`The lock of ${this.path} was lost; try again`);
    }
    throw new LedgerBusyError(`${this.path} was edited while it was written; try again`);
  }

  async #records(): Promise<ParsedLedger> {
    return this.format.parseRecords(await this.#text());
  }

  async #text(): Promise<string> {
    const bytes = await readFile(this.path).catch((error: unknown) => {
      throw this.#unreadable(error);
    });
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch (error) {
      throw new LedgerFileError(this.path, 'the file is not UTF-8; save it as UTF-8', undefined, {
        cause: error,
      });
    }
  }

  /** Changes whenever the file does. */
  async #version(): Promise<string> {
    const { mtimeMs, size, ino } = await stat(this.path).catch((error: unknown) => {
      throw this.#unreadable(error);
    });
    return `${mtimeMs} ${size} ${ino}`;
  }

  #unreadable(error: unknown): LedgerFileError {
    const message =
      codeOf(error) === 'ENOENT'
        ? 'there is no such file; make it with `init`'
        : 'the file cannot be read';
    return new LedgerFileError(this.path, message, undefined, { cause: error });
  }

  #refuseErrors(problems: readonly Problem[]): void {
    const [first, ...others] = problems.filter(({ severity }) => severity === 'error');
    if (first === undefined) return;
    const found = first.found === undefined ? '' : `: '${first.found}'`;
    const more = others.length === 0 ? '' : ` (and ${others.length} more errors)`;
    throw new LedgerFileError(this.path, `${first.message}${found}${more}`, first.line);
  }

  /** A text that would not give back what was to be written never replaces the file. */
  #prove(text: string, before: ReadonlyMap<string, LedgerRecord>, next: LedgerRecord): void {
    const { records, problems } = this.format.parseRecords(text);
    const wanted = new Map(before).set(next.id, next);
    const wrong = [...wanted].find(([id, record]) => !isSameValue(records.get(id)?.record, record));
    const error = problems.find(({ severity }) => severity === 'error');
    if (wrong === undefined && error === undefined && records.size === wanted.size) return;
    const what =
      wrong === undefined
        ? (error?.message ?? 'another record')
        : differences(wrong[1], records.get(wrong[0])?.record);
    throw new LedgerFileError(
      this.path,
      `the change cannot be written as Markdown (${what}); nothing was written`,
    );
  }
}

function differences(wanted: LedgerRecord, got: LedgerRecord | undefined): string {
  const names = [...new Set([...Object.keys(wanted), ...Object.keys(got ?? {})])];
  const differing = names.filter((name) => !isSameValue(wanted[name], got?.[name]));
  return `${wanted.id}: ${differing.join(', ')}`;
}

function recordsOf({ records }: ParsedLedger): Map<string, LedgerRecord> {
  return new Map([...records].map(([id, { record }]) => [id, record]));
}

function codeOf(error: unknown): unknown {
  return (error as NodeJS.ErrnoException).code;
}
