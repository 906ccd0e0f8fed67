/**
 * The items of Markdown lists, with the lines they were read from: an item that does not change keeps its lines.
 *
 * @module
 */

/** A part of a section: an item of its list, or text beside the list. */
export interface ListPart {
  readonly lines: readonly string[];
  /** The text of the item without its mark and its indentation; undefined for text beside the list. */
  readonly text: string | undefined;
}

const ITEM = /^(?:[-*+]|\d{1,9}[.)]) +(?=\S)/;

/** The parts of a section, in order. */
export function listParts(lines: readonly string[]): ListPart[] {
  const parts: ListPart[] = [];
  let index = 0;
  while (index < lines.length) {
    const mark = ITEM.exec(String(lines[index]).slice(0, 40))?.[0];
    const end = mark === undefined ? index + 1 : endOfItem(lines, index + 1);
    const taken = lines.slice(index, end);
    parts.push({ lines: taken, text: mark === undefined ? undefined : textOf(taken, mark) });
    index = end;
  }
  return parts;
}

/** An item goes on with lines that are indented, with blank lines before such, and with text that follows at once. */
function endOfItem(lines: readonly string[], start: number): number {
  let end = start;
  for (let index = start; index < lines.length; index += 1) {
    const line = String(lines[index]);
    if (isBlank(line)) continue;
    const goesOn = /^(?: {2,}|\t)/.test(line) || (index === end && isLazy(line));
    if (!goesOn) break;
    end = index + 1;
  }
  return end;
}

function isLazy(line: string): boolean {
  return !/^(?:[-*+] |\d{1,9}[.)] |#|```|~~~|>|\||<)/.test(line.slice(0, 12));
}

function isBlank(line: string): boolean {
  return line.trim() === '';
}

function textOf(lines: readonly string[], mark: string): string {
  const [first = '', ...rest] = lines;
  const continued = rest.map((line) => line.replace(/^(?: {1,2}|\t)/, '').trimEnd());
  return [first.slice(mark.length).trimEnd(), ...continued].join('\n');
}

/** The lines of a new item. */
export function itemLines(text: string): string[] {
  return text
    .split('\n')
    .map((line, index) => (index === 0 ? `- ${line}` : line === '' ? '' : `  ${line}`));
}

/**
 * The lines of a section whose items are to be these. What stood there for an item with the same text stays as it was,
 * and so does the text beside the list.
 *
 * @param before - what stands there now
 * @param isItem - false for items that are not counted, which stay where they are
 */
export function renderItems(
  texts: readonly string[],
  before: readonly ListPart[],
  isItem: (text: string) => boolean,
): string[] {
  const slots = before.filter(({ text }) => text !== undefined && isItem(text));
  const lastSlot = slots.at(-1) ?? before.findLast(({ text }) => text !== undefined);
  const byText = new Map(slots.map((part) => [part.text, part.lines]));
  const linesOf = (text: string): readonly string[] => byText.get(text) ?? itemLines(text);
  const waiting = texts.map(linesOf);
  const lines: string[] = [];
  for (const part of before) {
    if (part.text === undefined || !isItem(part.text)) lines.push(...part.lines);
    else lines.push(...waiting.splice(0, 1).flat());
    if (part === lastSlot) lines.push(...waiting.splice(0).flat());
  }
  return [...lines, ...waiting.flat()];
}
