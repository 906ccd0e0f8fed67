/**
 * Tables for people.
 *
 * @module
 */
import type { Colours } from './output.ts';

/** A column of a table. */
export interface Column<T> {
  readonly title: string;
  readonly text: (row: T) => string;
  /** Puts the text to the right, as numbers are. @default false */
  readonly isRight?: boolean;
  /** Colours a text that is already as wide as it will be. */
  readonly paint?: (text: string, row: T) => string;
}

/** How a table is drawn. */
export interface TableStyle {
  /** No line is longer; the last column is cut. */
  readonly width: number;
  readonly colours: Colours;
}

const GAP = '  ';

/** The lines of a table, the head first. */
export function tableLines<T>(
  rows: readonly T[],
  columns: readonly Column<T>[],
  { width, colours }: TableStyle,
): string[] {
  const texts = rows.map((row) => columns.map(({ text }) => oneLine(text(row))));
  const widths = columns.map(({ title }, at) =>
    Math.max(title.length, ...texts.map((cells) => String(cells[at]).length)),
  );
  const head = columns.map(({ title, isRight }, at) => pad(title, Number(widths[at]), isRight));
  const lines = rows.map((row, index) => {
    const cells = columns.map((column, at) => {
      const padded = pad(String(texts[index]?.[at]), Number(widths[at]), column.isRight);
      return { padded, paint: (text: string) => column.paint?.(text, row) ?? text };
    });
    return fit(cells, width);
  });
  const bold = head.map((padded) => ({ padded, paint: colours.bold }));
  return [fit(bold, width), ...lines];
}

interface Cell {
  readonly padded: string;
  readonly paint: (text: string) => string;
}

/** Cuts before colours are added, so that none is cut in half. */
function fit(cells: readonly Cell[], width: number): string {
  let room = width;
  const shown: string[] = [];
  for (const [at, { padded, paint }] of cells.entries()) {
    const isLast = at === cells.length - 1;
    const text = cut(isLast ? padded.trimEnd() : padded, room);
    shown.push(paint(text));
    room -= text.length + GAP.length;
    if (room <= 0) break;
  }
  return shown.join(GAP).trimEnd();
}

/** The text, or as much of it as has room, with an ellipsis. */
export function cut(text: string, room: number): string {
  return text.length <= room ? text : `${text.slice(0, Math.max(0, room - 1))}…`;
}

function pad(text: string, width: number, isRight = false): string {
  return isRight ? text.padStart(width) : text.padEnd(width);
}

/** What would move the cursor, or spoil the line, is shown as a space. */
export function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ');
}
