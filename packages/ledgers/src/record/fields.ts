/**
 * The typed fields of records: what a value must be, and how Markdown shows it.
 *
 * @module
 */
import { InvalidArgumentError } from '@monque/core';
import { formatTime, parseTime } from '../foundation/dates.ts';
import {
  CHECK_ITEM,
  type CheckItem,
  type ItemCodec,
  type LineCodec,
  listCodec,
  NAMED_ITEM,
  NAMED_LIST_ITEM,
  type NamedList,
  type NamedText,
  type SectionCodec,
  TEXT_ITEM,
} from '../markdown/codecs.ts';
import { ID_PATTERN, isSameValue } from './record.ts';

/**
 * One typed field.
 *
 * @typeParam T - its values
 */
export interface Field<T = unknown> {
  /** The value as it is kept; throws an `InvalidArgumentError` that names the field when it does not fit. */
  readonly check: (name: string, value: unknown) => T;
  /** How it is written on a line of its own; absent for a field that is a section. */
  readonly line?: LineCodec;
  /** How it is written as a section; absent for a field that is a line. */
  readonly section?: SectionCodec;
  /** What a record has when nothing was given; absent: the field is absent then. */
  readonly empty?: T;
}

/** The fields of a kind of record. */
export type Fields = Readonly<Record<string, Field>>;

/** Longest text of a line, in characters. */
export const LONGEST_LINE = 1000;
/** Longest item of a list, in characters. */
const LONGEST_ITEM = 20_000;
/** Most items of a list. */
const MOST_ITEMS = 1000;

/** Characters that no text has: of control, and halves of characters. Line ends and tabs are checked apart. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f]/;

function checkCharacters(name: string, value: string): void {
  if (CONTROL.test(value) || !value.isWellFormed()) {
    throw new InvalidArgumentError(name, 'text without control characters', value);
  }
}

/** A text on one line, without blanks around it. */
export function checkLine(name: string, value: unknown, longest: number = LONGEST_LINE): string {
  if (typeof value !== 'string') throw new InvalidArgumentError(name, 'a string', value);
  const text = value.trim();
  if (text === '' || text.length > longest || /[\n\t]/.test(text)) {
    throw new InvalidArgumentError(name, `one line of 1 to ${longest} characters`, value);
  }
  checkCharacters(name, text);
  return text;
}

/** A text of some lines, without blanks at their ends. */
export function checkItem(name: string, value: unknown): string {
  if (typeof value !== 'string') throw new InvalidArgumentError(name, 'a string', value);
  const lines = value.replaceAll('\r\n', '\n').split('\n');
  const text = lines
    .map((line) => line.trimEnd())
    .join('\n')
    .trim();
  if (text === '' || text.length > LONGEST_ITEM) {
    throw new InvalidArgumentError(name, `1 to ${LONGEST_ITEM} characters`, value);
  }
  checkCharacters(name, text);
  return text;
}

/** An object with fields of its own, and nothing else. */
export function checkObject(
  name: string,
  value: unknown,
  checks: Readonly<Record<string, (name: string, value: unknown) => unknown>>,
): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InvalidArgumentError(name, 'an object', value);
  }
  const unknown = Object.keys(value).find((key) => !Object.hasOwn(checks, key));
  if (unknown !== undefined) {
    throw new InvalidArgumentError(
      name,
      `one or more of: ${Object.keys(checks).join(', ')}`,
      unknown,
    );
  }
  const entries = Object.entries(checks).map(([key, check]) => {
    const given: unknown = Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined;
    return [key, check(`${name}.${key}`, given)] as const;
  });
  return Object.fromEntries(entries.filter(([, checked]) => checked !== undefined));
}

/** Lets a check pass what is not given. */
export function optional<T>(
  check: (name: string, value: unknown) => T,
): (name: string, value: unknown) => T | undefined {
  return (name, value) => (value === undefined ? undefined : check(name, value));
}

/** What a template writes where a value belongs: a text in italics. */
function isPlaceholder(text: string): boolean {
  return /^_.*_$/s.test(text) || /^\[[A-Z ]+\]$/.test(text);
}

const TEXT_LINE: LineCodec = {
  parse: (text) =>
    text === '' || text.length > LONGEST_LINE || isPlaceholder(text) ? undefined : text,
  render: String,
};

/** A text on one line. */
export function text(): Field<string> {
  const check = (name: string, value: unknown): string => {
    const line = checkLine(name, value);
    if (isPlaceholder(line))
      throw new InvalidArgumentError(name, 'a text that is no placeholder', value);
    return line;
  };
  return { check, line: TEXT_LINE };
}

/** A number of things: a whole number from 0. */
export function count(): Field<number> {
  return {
    check(name, value) {
      if (!Number.isSafeInteger(value) || Number(value) < 0) {
        throw new InvalidArgumentError(name, 'a whole number from 0', value);
      }
      return Number(value);
    },
    line: { parse: (line) => (/^\d{1,15}$/.test(line) ? Number(line) : undefined), render: String },
  };
}

/**
 * A time in whole seconds.
 *
 * @param zone - what is written behind it: ` UTC`, or nothing. Times are in UTC either way
 */
export function time(zone = ''): Field<Date> {
  return {
    check(name, value) {
      const ms = value instanceof Date ? value.getTime() : Number.NaN;
      const least = Date.UTC(1970, 0);
      const most = Date.UTC(9999, 11, 31);
      if (!(ms >= least && ms <= most)) throw new InvalidArgumentError(name, 'a valid Date', value);
      return new Date(Math.floor(ms / 1000) * 1000);
    },
    line: { parse: parseTime, render: (value) => `${formatTime(value as Date)}${zone}` },
  };
}

/** One of a few words; the file may show each in a form of its own. */
export function oneOf<const Word extends string>(
  shown: Readonly<Record<Word, string>>,
): Field<Word> {
  const words = Object.keys(shown) as Word[];
  return {
    check(name, value) {
      const word = words.find((candidate) => candidate === value);
      if (word === undefined) throw new InvalidArgumentError(name, words.join(' or '), value);
      return word;
    },
    line: {
      parse: (line) =>
        words.find((word) => shown[word] === line || bare(shown[word]) === bare(line)),
      render: (value) => shown[value as Word],
    },
  };
}

/** A word without the sign that is in front of it. */
function bare(shown: string): string {
  return shown
    .slice(0, 100)
    .replace(/[^A-Za-z0-9_ ]/g, '')
    .trim()
    .toLowerCase()
    .replaceAll(' ', '_');
}

/** Ids of other records, separated by commas; what stands in brackets behind an id is a remark. */
export function ids(): Field<readonly string[]> {
  const check = (name: string, value: unknown): readonly string[] => {
    const given = checkArray(name, value, (field, id) => {
      if (typeof id !== 'string' || !ID_PATTERN.test(id)) {
        throw new InvalidArgumentError(field, 'the id of a record', id);
      }
      return id;
    });
    return [...new Set(given)];
  };
  const parse = (line: string): readonly string[] => [
    ...new Set(
      idParts(line).flatMap(({ id }) => (ID_PATTERN.test(id) && id !== 'None' ? [id] : [])),
    ),
  ];
  // Remarks on ids that stay are kept.
  const render = (value: unknown, before = ''): string => {
    const known = new Map(idParts(before).map(({ id, part }) => [id, part]));
    return (value as readonly string[]).map((id) => known.get(id) ?? id).join(', ');
  };
  return { check, empty: [], line: { parse, render } };
}

/** The parts of a line between its commas, with the ids that they begin with. */
function idParts(line: string): { readonly id: string; readonly part: string }[] {
  const parts = line.split(/,(?![^(]*\))/);
  return parts.map((part) => ({ id: part.replace(/\([^)]*\)\s*$/, '').trim(), part: part.trim() }));
}

function checkArray<T>(
  name: string,
  value: unknown,
  check: (name: string, value: unknown) => T,
): readonly T[] {
  if (!Array.isArray(value) || value.length > MOST_ITEMS) {
    throw new InvalidArgumentError(name, `a list of at most ${MOST_ITEMS} items`, value);
  }
  return value.map((item, index) => check(`${name}[${index}]`, item));
}

/**
 * A list of values as a section, an item each.
 *
 * @param codec - how an item is written
 * @param check - what an item must be
 */
export function listOf<T>(
  codec: ItemCodec<T>,
  check: (name: string, value: unknown) => T,
): Field<readonly T[]> {
  // What Markdown could not give back as it was is refused in every store.
  const checkWritable = (name: string, value: unknown): T => {
    const checked = check(name, value);
    if (isSameValue(codec.parse(codec.render(checked)), checked)) return checked;
    throw new InvalidArgumentError(
      name,
      'something that an item of a Markdown list can hold',
      value,
    );
  };
  return {
    check: (name, value) => checkArray(name, value, checkWritable),
    section: listCodec(codec),
    empty: [],
  };
}

/** A list of texts, each of one or more lines of Markdown. */
export function list(): Field<readonly string[]> {
  return listOf(TEXT_ITEM, checkItem);
}

/** A list of boxes to tick. */
export function checklist(): Field<readonly CheckItem[]> {
  return listOf(CHECK_ITEM, (name, value) => {
    const { text: given, done } = checkObject(name, value, { text: checkItem, done: checkFlag });
    return { text: String(given), done: done === true };
  });
}

function checkFlag(name: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw new InvalidArgumentError(name, 'true or false', value);
  return value;
}

/** A name as it stands in bold in front of a text. */
function checkName(name: string, value: unknown): string {
  const line = checkLine(name, value, 100);
  if (/[*:]/.test(line)) throw new InvalidArgumentError(name, 'a name without `*` and `:`', value);
  return line;
}

/** A list of texts that have names. */
export function namedTexts(): Field<readonly NamedText[]> {
  return listOf(NAMED_ITEM, (name, value) => {
    const checked = checkObject(name, value, {
      name: (field, given) => (given === '' ? '' : checkName(field, given)),
      text: checkItem,
    });
    return { name: String(checked.name), text: String(checked.text) };
  });
}

/** Lists that have names. */
export function namedLists(): Field<readonly NamedList[]> {
  return listOf(NAMED_LIST_ITEM, (name, value) => {
    const items = (field: string, given: unknown): readonly string[] =>
      checkArray(field, given, checkItem);
    const checked = checkObject(name, value, { name: checkName, items });
    return { name: String(checked.name), items: checked.items as readonly string[] };
  });
}
