/**
 * How values of fields are written in Markdown: on a line of their own, or as a section.
 *
 * @module
 */
import { itemLines, listParts, renderItems } from './list.ts';

/** A value on one line, behind its label. */
export interface LineCodec {
  /** The value; undefined where none is written, as in a template. */
  parse(text: string): unknown;
  /** @param before - what stands there now */
  render(value: unknown, before?: string): string;
}

/** A value as the body of a section. */
export interface SectionCodec {
  parse(lines: readonly string[]): unknown;
  /**
   * The lines for the value.
   *
   * @param before - what stands there now; nothing for a new section
   */
  render(value: unknown, before: readonly string[]): readonly string[];
}

/** How one item of a list is read and written. */
export interface ItemCodec<T> {
  /** The value; undefined for an item that is none, which is kept as it is. */
  parse(text: string): T | undefined;
  render(value: T): string;
  /** Items of a template, which are no values and give way to the first change. */
  readonly placeholder?: RegExp;
}

/** A list, an item each. */
export function listCodec<T>({ parse, render, placeholder }: ItemCodec<T>): SectionCodec {
  return {
    parse: (lines) =>
      listParts(lines).flatMap(({ text }) => {
        const value = text === undefined ? undefined : parse(text);
        return value === undefined ? [] : [value];
      }),
    render: (value, before) =>
      renderItems(
        (value as readonly T[]).map(render),
        canonical(before, parse, render).filter(({ text }) => !gives(text, placeholder)),
        (text) => parse(text) !== undefined,
      ),
  };
}

function gives(text: string | undefined, placeholder: RegExp | undefined): boolean {
  return text !== undefined && placeholder?.test(text) === true;
}

/** An item that says the same in other words counts as the same, so that it keeps its lines. */
function canonical<T>(
  lines: readonly string[],
  parse: (text: string) => T | undefined,
  render: (value: T) => string,
): ReturnType<typeof listParts> {
  return listParts(lines).map((part) => {
    const value = part.text === undefined ? undefined : parse(part.text);
    return value === undefined ? part : { ...part, text: render(value) };
  });
}

/** Items that are texts. */
export const TEXT_ITEM: ItemCodec<string> = { parse: (text) => text, render: (text) => text };

/** One box of a checklist. */
export interface CheckItem {
  readonly text: string;
  readonly done: boolean;
}

/** Items with a box in front; one without a box is not done. */
export const CHECK_ITEM: ItemCodec<CheckItem> = {
  parse(text) {
    const box = /^\[[ xX]\](?: |$)/.exec(text)?.[0] ?? '';
    return { text: text.slice(box.length).trimStart(), done: /x/i.test(box) };
  },
  render: ({ text, done }) => `[${done ? 'x' : ' '}] ${text}`,
};

/** A text under a name, such as `**Documentation**: API docs`. */
export interface NamedText {
  /** The name; empty when the item has none. */
  readonly name: string;
  readonly text: string;
}

const NAMED = /^\*\*([^*\n]+?):?\*\*:?(?: |\n|$)/;

/** Items that begin with a name in bold. */
export const NAMED_ITEM: ItemCodec<NamedText> = {
  parse(text) {
    const [start = '', name = ''] = NAMED.exec(text) ?? [];
    if (name === '') return { name: '', text };
    return { name, text: text.slice(start.length).trimStart() };
  },
  render({ name, text }) {
    if (name === '') return text;
    return `**${name}**:${/^[-*+] /.test(text) ? '\n' : ' '}${text}`;
  },
};

/** A list under a name. */
export interface NamedList {
  readonly name: string;
  readonly items: readonly string[];
}

/** Items that hold a list of their own. */
export const NAMED_LIST_ITEM: ItemCodec<NamedList> = {
  parse(text) {
    const [start = '', name = ''] = NAMED.exec(text) ?? [];
    if (name === '') return undefined;
    const parts = listParts(text.slice(start.length).split('\n'));
    return { name, items: parts.flatMap((part) => part.text ?? []) };
  },
  render: ({ name, items }) => [`**${name}:**`, ...items.flatMap(itemLines)].join('\n'),
};

/** Writes a text as code on one line, whatever backticks it has. */
export function codeSpan(text: string): string {
  const longest = Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest === 0 ? 1 : longest + 1);
  const pad = /^[`\s]|[`\s]$/.test(text) ? ' ' : '';
  return `${fence}${pad}${text}${pad}${fence}`;
}

/** How many backticks stand at a place. */
function backticksAt(text: string, start: number): number {
  let end = start;
  while (text[end] === '`') end += 1;
  return end - start;
}

/** The code with which a text begins, and what follows it. */
export function readCodeSpan(
  text: string,
): { readonly code: string; readonly rest: string } | undefined {
  const fence = '`'.repeat(backticksAt(text, 0));
  if (fence === '') return undefined;
  let end = 0;
  let run = fence.length;
  do {
    end = text.indexOf(fence, end + run);
    if (end < 0) return undefined;
    run = backticksAt(text, end);
  } while (run !== fence.length);
  const code = text.slice(fence.length, end);
  const isPadded = /^ .*[^ ].* $/s.test(code) || /^ [^ ] $/.test(code);
  return { code: isPadded ? code.slice(1, -1) : code, rest: text.slice(end + fence.length) };
}
