/**
 * Records in a Markdown file: each is a heading with lines of fields and sections under it. All the rest of the file,
 * and all that does not change, is kept byte for byte.
 *
 * @module
 */
import type { Field, Fields } from '../record/fields.ts';
import { ID_PATTERN, isSameValue, type LedgerRecord } from '../record/record.ts';
import type { LineCodec, SectionCodec } from './codecs.ts';
import {
  endOfBody,
  type Heading,
  headingsOf,
  headingsWithin,
  isRule,
  LONGEST_LOOKED_AT,
  startOfBody,
  textsOf,
} from './headings.ts';
import { type LineEdit, type LineText, toLines, withEdits } from './lines.ts';
import { LOG } from './log-codec.ts';

/** Where a field stands in the Markdown of a record. */
export interface Place {
  /** The field of the record. */
  readonly field: string;
  /** The label of its line, or the heading of its section. */
  readonly label: string;
  /** Other labels under which it is read. */
  readonly aliases?: readonly string[];
  /** What its line says while there is no value. @default there is no line */
  readonly absent?: string;
}

/** How records of one kind are written. */
export interface RecordFormatOptions {
  readonly fields: Fields;
  /** The level of the heading of a record: 2 for `##`. Its sections are one level deeper. */
  readonly level: number;
  /** What a heading says, without its marks; undefined for a heading of something else. */
  parseHeading(text: string): { readonly id: string; readonly title: string } | undefined;
  renderHeading(id: string, title: string): string;
  /** Lines in the order in which they are written: `status`, `createdAt` and `updatedAt` beside the fields. */
  readonly lines: readonly Place[];
  /** The form of a line: `- **Label:** value`, or `**Label**: value  `. */
  readonly lineStyle: 'item' | 'plain';
  /** Sections in the order in which they are written: `history` beside the fields. */
  readonly sections: readonly Place[];
  /** How states, and the times of a record, are written. */
  readonly status: Field<string>;
  readonly time: Field<Date>;
  /** What is written under a record that is added, such as a rule. */
  readonly footer?: readonly string[];
}

/** What is wrong with a file, and where. */
export interface Problem {
  /** The line, counted from 1. */
  readonly line: number;
  /** What is wrong. */
  readonly message: string;
  /** `error`: nothing is written to the file before it is repaired. `warning`: the file is used as it is. */
  readonly severity: 'error' | 'warning';
  /** What the file says, where it says something else than is so. */
  readonly found?: string;
  /** What is so. */
  readonly expected?: string;
}

interface Range {
  readonly start: number;
  readonly end: number;
}

/** A record with the lines it was read from. */
export interface ParsedRecord extends Range {
  readonly record: LedgerRecord;
  /** Where the values of its fields stand; the index of a line counts from 0. */
  readonly places: ReadonlyMap<string, Range>;
  /** Where another line of a field, and where another section, goes. */
  readonly endOfLines: number;
  readonly endOfSections: number;
}

/** A file that was read. */
export interface ParsedLedger {
  readonly source: LineText;
  readonly records: ReadonlyMap<string, ParsedRecord>;
  readonly problems: readonly Problem[];
}

const FIELD = /^((?:- )?\*\*([^*]{1,60}?):?\*\*:?[ \t]*)(.*?)([ \t]*)$/s;

/** The label with its marks, the name in it, the value, and the blanks behind it. */
type FieldParts = [label: string, name: string, value: string, blanks: string];

/** A part of a file, and where what is wrong there is noted. */
interface Within {
  readonly source: LineText;
  readonly range: Range;
  /** Those inside the range, behind its own. */
  readonly headings: readonly Heading[];
  readonly problems: Problem[];
}

/** What was found of a record so far. */
interface Found {
  readonly places: Map<string, Range>;
  readonly values: Record<string, unknown>;
}

/** Reads and writes records of one kind. */
export class RecordFormat {
  readonly options: RecordFormatOptions;
  readonly #lines: ReadonlyMap<string, Place>;
  readonly #sections: ReadonlyMap<string, Place>;
  readonly #codecs: ReadonlyMap<string, LineCodec>;
  readonly #sectionCodecs: ReadonlyMap<string, SectionCodec>;

  /** @throws TypeError when a field cannot be written where its place is */
  constructor(options: RecordFormatOptions) {
    this.options = options;
    this.#lines = byLabel(options.lines);
    this.#sections = byLabel(options.sections);
    this.#codecs = new Map(options.lines.map(({ field }) => [field, codecOf(options, field)]));
    this.#sectionCodecs = new Map(
      options.sections.map(({ field }) => [field, sectionCodecOf(options, field)]),
    );
  }

  /** Reads a file. Never throws for what a file says: what is wrong is among the problems. */
  parse(text: string): ParsedLedger {
    const source = toLines(text);
    const problems: Problem[] = [];
    if (source.unclosed !== undefined) {
      const message =
        'a code block or a comment begins here and is never closed, so what follows is no part of the ledger; close it';
      problems.push({ line: source.unclosed, message, severity: 'error' });
    }
    const headings = headingsOf(source);
    const records = new Map<string, ParsedRecord>();
    for (const [position, heading] of headings.entries()) {
      if (heading.level !== this.options.level) continue;
      const named = this.options.parseHeading(heading.text);
      if (named === undefined) continue;
      const line = heading.index + 1;
      const fault = faultOfId(named.id, records);
      if (fault !== undefined) {
        problems.push({ line, message: fault, severity: 'error' });
        continue;
      }
      const inside = headingsWithin(headings, position);
      const end = headings[position + inside.length + 1]?.index ?? source.lines.length;
      records.set(
        named.id,
        this.#parseRecord(
          { source, range: { start: heading.index, end }, headings: inside, problems },
          named,
        ),
      );
    }
    return { source, records, problems };
  }

  #parseRecord(
    within: Within,
    { id, title }: { readonly id: string; readonly title: string },
  ): ParsedRecord {
    const { source, range, headings, problems } = within;
    const places = new Map<string, Range>();
    const values: Record<string, unknown> = { title };
    const firstSection = headings[0]?.index ?? range.end;
    let endOfLines = range.start + 1;
    const first = range.start + 1;
    for (const [position, text] of textsOf(source, first, firstSection).entries()) {
      const index = first + position;
      if (isRule(text)) break;
      const [, , name = '', found = ''] =
        text.length > LONGEST_LOOKED_AT ? [] : (FIELD.exec(text) ?? []);
      const place = this.#lines.get(labelOf(name));
      if (place === undefined) continue;
      endOfLines = index + 1;
      if (places.has(place.field)) {
        problems.push(
          warning(index, `${id} has another line '${place.label}'; the first one counts`),
        );
        continue;
      }
      places.set(place.field, { start: index, end: index + 1 });
      const value = this.#codec(place.field).parse(found);
      if (value !== undefined) values[place.field] = value;
      else if (place.field === 'status') problems.push(this.#badStatus(id, index, found));
    }
    const endOfSections = this.#parseSections(within, id, { places, values });
    const record = {
      ...this.#empties(),
      ...values,
      id,
      status: values.status ?? this.#initial(),
    };
    return {
      ...range,
      record: record as unknown as LedgerRecord,
      places,
      endOfLines,
      endOfSections,
    };
  }

  /** Adds what the sections of a record say to what was found; returns the line behind the last one. */
  #parseSections(
    { source, range, headings, problems }: Within,
    id: string,
    { places, values }: Found,
  ): number {
    const sections = headings.filter(({ level }) => level === this.options.level + 1);
    let last = range.start;
    for (const [position, { index, text }] of sections.entries()) {
      const end = endOfBody(source, index + 1, sections[position + 1]?.index ?? range.end);
      last = end;
      const place = this.#sections.get(labelOf(text));
      if (place === undefined) continue;
      if (places.has(place.field)) {
        problems.push(
          warning(index, `${id} has another section '${place.label}'; the first one counts`),
        );
        continue;
      }
      const start = startOfBody(source, index + 1, end);
      places.set(place.field, { start, end });
      values[place.field] = this.#section(place.field).parse(textsOf(source, start, end));
    }
    return sections.length === 0 ? endOfBody(source, range.start + 1, range.end) : last;
  }

  #badStatus(id: string, index: number, found: string): Problem {
    const message = `${id} has a status that is none`;
    return { line: index + 1, message, severity: 'error', found: found.slice(0, 100) };
  }

  #initial(): string {
    return String(this.options.status.empty);
  }

  /** Made again for each record: copies of one object would each have a shape of their own, which makes all that follows slow. */
  #empties(): Record<string, unknown> {
    const { fields } = this.options;
    const given = Object.entries(fields).filter(([, { empty }]) => empty !== undefined);
    return { ...Object.fromEntries(given.map(([name, { empty }]) => [name, empty])), history: [] };
  }

  /** Of a place of the format. */
  #codec(field: string): LineCodec {
    return this.#codecs.get(field) as LineCodec;
  }

  #section(field: string): SectionCodec {
    return this.#sectionCodecs.get(field) as SectionCodec;
  }

  /** The edits that make a record of a file the given one. */
  edits({ source }: ParsedLedger, parsed: ParsedRecord, next: LedgerRecord): LineEdit[] {
    const edits: LineEdit[] = [];
    const { record, places, endOfLines, endOfSections, start } = parsed;
    if (next.title !== record.title) {
      edits.push({ start, end: start + 1, texts: [this.#heading(next)] });
    }
    const newLines: string[] = [];
    for (const place of this.options.lines) {
      const value = next[place.field];
      if (isSameValue(record[place.field], value)) continue;
      const range = places.get(place.field);
      if (range === undefined) newLines.push(this.#line(place, value));
      else edits.push({ ...range, texts: this.#changedLine(source, range.start, place, value) });
    }
    if (newLines.length > 0) edits.push({ start: endOfLines, end: endOfLines, texts: newLines });
    const newSections: string[] = [];
    for (const place of this.options.sections) {
      const value = next[place.field];
      if (isSameValue(record[place.field], value)) continue;
      const range = places.get(place.field);
      if (range === undefined) newSections.push('', ...this.#newSection(place, value));
      else {
        const before = textsOf(source, range.start, range.end);
        const after = this.#section(place.field).render(value, before);
        const needsBlank = before.length === 0 && source.lines[range.start - 1]?.text !== '';
        edits.push({ ...range, texts: needsBlank ? ['', ...after] : after });
      }
    }
    if (newSections.length > 0)
      edits.push({ start: endOfSections, end: endOfSections, texts: newSections });
    return edits;
  }

  #heading({ id, title }: LedgerRecord): string {
    return `${'#'.repeat(this.options.level)} ${this.options.renderHeading(id, String(title ?? ''))}`;
  }

  #line(place: Place, value: unknown): string {
    const { label } = place;
    const shown = this.#shown(place, value);
    return this.options.lineStyle === 'item'
      ? `- **${label}:** ${shown}`
      : `**${label}**: ${shown}  `;
  }

  /** Only the value changes; a value that is taken away takes its line along. */
  #changedLine(source: LineText, index: number, place: Place, value: unknown): string[] {
    if (value === undefined && place.absent === undefined) return [];
    const written = (_line: string, ...[label, , before, blanks]: FieldParts): string => {
      const start = /\s$/.test(label) ? label : `${label} `;
      return `${start}${this.#shown(place, value, before)}${blanks}`;
    };
    return textsOf(source, index, index + 1).map((text) => text.replace(FIELD, written));
  }

  #shown({ field, absent = '' }: Place, value: unknown, before?: string): string {
    return value === undefined ? absent : this.#codec(field).render(value, before);
  }

  #newSection({ field, label }: Place, value: unknown): string[] {
    const body = this.#section(field).render(value ?? [], []);
    const heading = `${'#'.repeat(this.options.level + 1)} ${label}`;
    return body.length === 0 ? [heading] : [heading, '', ...body];
  }

  /** The lines of a record that is added. Lists without items are written where `withEmpty` names them. */
  newRecord(record: LedgerRecord, withEmpty: readonly string[] = []): string[] {
    const lines = this.options.lines.filter(
      ({ field, absent }) => absent !== undefined || !isNothing(record[field]),
    );
    const sections = this.options.sections.filter(
      ({ field }) => !isNothing(record[field]) || withEmpty.includes(field),
    );
    return [
      this.#heading(record),
      '',
      ...lines.map((place) => this.#line(place, record[place.field])),
      ...sections.flatMap((place) => ['', ...this.#newSection(place, record[place.field])]),
      ...(this.options.footer ?? []),
    ];
  }

  /** The text after some changes. */
  write(ledger: ParsedLedger, edits: readonly LineEdit[]): string {
    return withEdits(ledger.source, edits);
  }
}

function codecOf({ fields, status, time }: RecordFormatOptions, field: string): LineCodec {
  const own =
    field === 'status' ? status : /^(created|updated)At$/.test(field) ? time : fields[field];
  if (own?.line === undefined)
    throw new TypeError(`The field '${field}' cannot be written on a line`);
  return own.line;
}

function sectionCodecOf({ fields }: RecordFormatOptions, field: string): SectionCodec {
  if (field === 'history') return LOG;
  const section = fields[field]?.section;
  if (section === undefined)
    throw new TypeError(`The field '${field}' cannot be written as a section`);
  return section;
}

function isNothing(value: unknown): boolean {
  return value === undefined || (Array.isArray(value) && value.length === 0);
}

function warning(index: number, message: string): Problem {
  return { line: index + 1, message, severity: 'warning' };
}

function faultOfId(id: string, records: ReadonlyMap<string, ParsedRecord>): string | undefined {
  if (!ID_PATTERN.test(id)) {
    return `'${id.slice(0, 100)}' is no id: expected letters, digits, dots, hyphens and underscores, with a letter or a digit in front`;
  }
  const other = records.get(id);
  if (other === undefined) return undefined;
  return `the id '${id}' is taken by the record on line ${other.start + 1}; give this one another id`;
}

function byLabel(places: readonly Place[]): ReadonlyMap<string, Place> {
  const named = places.flatMap((place) =>
    [place.label, ...(place.aliases ?? [])].map((label) => [labelOf(label), place] as const),
  );
  return new Map(named);
}

function labelOf(text: string): string {
  return text.slice(0, 200).trim().toLowerCase();
}
