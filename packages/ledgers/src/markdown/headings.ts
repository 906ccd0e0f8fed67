/**
 * The headings of a file, and the bodies under them.
 *
 * @module
 */
import { LONGEST_LINE } from '../record/fields.ts';
import type { LineText } from './lines.ts';

/** The longest heading or line of a field that is looked at, in characters; a longer line is text. */
export const LONGEST_LOOKED_AT: number = LONGEST_LINE + 200;

const HEADING = /^(#{1,6})[ \t]+(.*)$/s;
const RULE = /^(?:-{3,}|\*{3,}|_{3,})\s*$/;
const LONGEST_RULE = 80;

/** A heading of a file. */
export interface Heading {
  /** The index of its line, from 0. */
  readonly index: number;
  readonly level: number;
  /** Without its marks. */
  readonly text: string;
}

/** True for a line that parts what is above from what is below. */
export function isRule(text: string): boolean {
  return text.length < LONGEST_RULE && RULE.test(text);
}

/** The headings under another one: those that follow it and are deeper. */
export function headingsWithin(headings: readonly Heading[], position: number): readonly Heading[] {
  const level = Number(headings[position]?.level);
  let end = position + 1;
  while (Number(headings[end]?.level) > level) end += 1;
  return headings.slice(position + 1, end);
}

/** The headings of a file, without those in code and comments. */
export function headingsOf({ lines }: LineText): Heading[] {
  const headings: Heading[] = [];
  lines.forEach(({ text, isLiteral }, index) => {
    if (isLiteral || !text.startsWith('#') || text.length > LONGEST_LOOKED_AT) return;
    const [, marks = '', said = ''] = HEADING.exec(text) ?? [];
    if (marks !== '') headings.push({ index, level: marks.length, text: said.trim() });
  });
  return headings;
}

/** The texts of some lines. */
export function textsOf({ lines }: LineText, start: number, end: number): string[] {
  return lines.slice(start, end).map(({ text }) => text);
}

/** The first line of a section that is not blank. */
export function startOfBody({ lines }: LineText, start: number, end: number): number {
  let at = start;
  while (at < end && lines[at]?.text.trim() === '') at += 1;
  // Nothing stands there: what is written goes behind the first blank line.
  return at === end ? Math.min(start + 1, Math.max(start, end)) : at;
}

/** A body ends before the blank lines and the rule that part it from what follows. */
export function endOfBody({ lines }: LineText, start: number, limit: number): number {
  const rule = lines
    .slice(start, limit)
    .findIndex(
      ({ text, isLiteral }, position) =>
        !isLiteral && isRule(text) && lines[start + position - 1]?.text.trim() === '',
    );
  let end = rule < 0 ? limit : start + rule;
  while (end > start && lines[end - 1]?.text.trim() === '') end -= 1;
  return end;
}
