/**
 * A Markdown text as lines, each of which keeps its own line end, so that what is not changed stays as it was byte for
 * byte.
 *
 * @module
 */

/** One line of a file. */
export interface Line {
  readonly text: string;
  /** What ends it: a line feed, with a carriage return before it where the file has them; empty at the end of the file. */
  readonly end: string;
  /** True inside a code fence or a comment, where nothing is a heading. */
  readonly isLiteral: boolean;
}

/** A text as lines. */
export interface LineText {
  /** The mark of byte order that some editors write, or nothing. */
  readonly mark: string;
  readonly lines: readonly Line[];
  /** The line end that new lines get: the most frequent one of the file. */
  readonly end: string;
  /** The line, counted from 1, on which a fence or a comment begins that is never closed. */
  readonly unclosed: number | undefined;
}

const MARK = '\uFEFF';
const FENCE = /^ {0,3}(`{3,}|~{3,})([^`]*)$/;
const MAY_BEGIN = /^(?:<!--| {0,3}[`~]{3})/;
const LONGEST_FENCE_LINE = 1000;

/** What a line begins that is not Markdown up to its end. */
interface Literal {
  readonly line: number;
  closes(text: string): boolean;
}

/** Splits a text into lines. */
export function toLines(text: string): LineText {
  const mark = text.startsWith(MARK) ? MARK : '';
  const raw = splitLines(text.slice(mark.length));
  const lines: Line[] = [];
  let literal: Literal | undefined;
  let lastSaid = '';
  for (const { text: line, end } of raw) {
    const begins =
      literal === undefined ? beginLiteral(line, lines.length + 1, lastSaid) : undefined;
    lines.push({ text: line, end, isLiteral: (literal ?? begins) !== undefined });
    if (literal?.closes(line) === true) literal = undefined;
    else literal ??= begins;
    if (line.trim() !== '') lastSaid = line;
  }
  return { mark, lines, end: usualEnd(raw), unclosed: literal?.line };
}

function splitLines(text: string): { text: string; end: string }[] {
  const lines: { text: string; end: string }[] = [];
  let start = 0;
  while (start < text.length) {
    const feed = text.indexOf('\n', start);
    if (feed < 0) {
      lines.push({ text: text.slice(start), end: '' });
      break;
    }
    const hasReturn = feed > start && text[feed - 1] === '\r';
    lines.push({
      text: text.slice(start, hasReturn ? feed - 1 : feed),
      end: hasReturn ? '\r\n' : '\n',
    });
    start = feed + 1;
  }
  return lines;
}

function usualEnd(lines: readonly { readonly end: string }[]): string {
  const returns = lines.filter(({ end }) => end === '\r\n').length;
  return returns * 2 > lines.length ? '\r\n' : '\n';
}

/**
 * A fence that is indented within a list belongs to its item, and ends with it.
 *
 * @param before - the line before it that is not blank
 */
function beginLiteral(text: string, line: number, before: string): Literal | undefined {
  // Most lines are none, which is seen at once.
  if (text.length > LONGEST_FENCE_LINE || !MAY_BEGIN.test(text)) return undefined;
  if (text.startsWith('<!--')) {
    if (text.includes('-->')) return undefined;
    return { line, closes: (later) => later.includes('-->') };
  }
  const [, fence = ''] = FENCE.exec(text) ?? [];
  if (fence === '' || (text.startsWith(' ') && isOfList(before))) return undefined;
  const closing = new RegExp(`^ {0,3}${fence[0]}{${fence.length},}\\s*$`);
  return { line, closes: (later) => later.length < LONGEST_FENCE_LINE && closing.test(later) };
}

function isOfList(line: string): boolean {
  return /^(\s|[-*+] |\d+[.)] )/.test(line.slice(0, 20));
}

/** A change of some lines: those from `start` up to `end`, which is not included, give way to others. */
export interface LineEdit {
  readonly start: number;
  readonly end: number;
  readonly texts: readonly string[];
}

/** The text after the edits, which do not overlap. What they do not name stays as it was, byte for byte. */
export function withEdits(source: LineText, edits: readonly LineEdit[]): string {
  const parts: string[] = [source.mark];
  let at = 0;
  const copyUpTo = (line: number): void => {
    for (const { text, end } of source.lines.slice(at, line)) parts.push(text, end);
    at = Math.max(at, line);
  };
  for (const { start, end, texts } of edits.toSorted(
    (a, b) => a.start - b.start || a.end - b.end,
  )) {
    copyUpTo(start);
    const last = parts.at(-1) || parts.at(-2) || source.mark;
    if (texts.length > 0 && last !== source.mark && !last.endsWith('\n')) parts.push(source.end);
    for (const [index, text] of texts.entries()) {
      parts.push(text, source.lines[start + index]?.end || source.end);
    }
    at = Math.max(at, end);
  }
  copyUpTo(source.lines.length);
  return parts.join('');
}
