/**
 * The format of a Markdown file with records under headings: where a new one goes, and how a whole file is made.
 *
 * @module
 */
import type { LedgerRecord } from '../record/record.ts';
import { headingsOf } from './headings.ts';
import type { LineEdit } from './lines.ts';
import { type ParsedLedger, RecordFormat, type RecordFormatOptions } from './record-format.ts';

/** How a file with records is made. */
export interface DocumentOptions extends RecordFormatOptions {
  /** The file without records. */
  readonly template: string;
  /** Sections that a new record has even when they are empty. */
  readonly emptySections?: readonly string[];
  /** The heading under which a record goes; undefined: behind the last record, or at the end. */
  groupOf?(
    record: LedgerRecord,
  ): { readonly pattern: RegExp; readonly heading: string; readonly before: RegExp } | undefined;
}

/** Reads and writes files with records of one kind. */
export class LedgerDocument {
  readonly format: RecordFormat;
  readonly #options: DocumentOptions;

  constructor(options: DocumentOptions) {
    this.#options = options;
    this.format = new RecordFormat(options);
  }

  parse(text: string): ParsedLedger {
    return this.parseRecords(text);
  }

  parseRecords(text: string): ParsedLedger {
    return this.format.parse(text);
  }

  template(): string {
    return this.#options.template;
  }

  write(ledger: ParsedLedger, next: LedgerRecord): string {
    return this.format.write(ledger, this.editsFor(ledger, next));
  }

  /** The text of a new file with these records. */
  render(records: readonly LedgerRecord[]): string {
    const ledger = this.parse(this.template());
    return this.format.write(
      ledger,
      records.flatMap((record) => this.editsFor(ledger, record)),
    );
  }

  /** The edits that put a record into a file, or change the one that is there. */
  editsFor(ledger: ParsedLedger, next: LedgerRecord): LineEdit[] {
    const parsed = ledger.records.get(next.id);
    if (parsed !== undefined) return this.format.edits(ledger, parsed, next);
    const lines = this.format.newRecord(next, this.#options.emptySections);
    const { at, heading } = this.#placeFor(ledger, next);
    const body = heading === undefined ? lines : [heading, '', ...lines];
    const isAfterBlank = at === 0 || ledger.source.lines[at - 1]?.text.trim() === '';
    return [{ start: at, end: at, texts: [...(isAfterBlank ? [] : ['']), ...body, ''] }];
  }

  #placeFor(
    ledger: ParsedLedger,
    next: LedgerRecord,
  ): { readonly at: number; readonly heading?: string } {
    const group = this.#options.groupOf?.(next);
    const { source } = ledger;
    if (group === undefined) {
      const last = Math.max(0, ...[...ledger.records.values()].map(({ end }) => end));
      return { at: last === 0 ? source.lines.length : last };
    }
    const above = headingsOf(source).filter(({ level }) => level < this.#options.level);
    const position = above.findIndex(({ text }) => group.pattern.test(text));
    if (position >= 0) return { at: above[position + 1]?.index ?? source.lines.length };
    const follower = above.find(({ text }) => group.before.test(text));
    return { at: follower?.index ?? source.lines.length, heading: group.heading };
  }
}
