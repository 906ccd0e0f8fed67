/**
 * An invariant of a step, and the check that shows whether it holds.
 *
 * @module
 */
import { InvalidArgumentError } from '@monque/core';
import { codeSpan, type ItemCodec, readCodeSpan } from '../markdown/codecs.ts';
import {
  checkItem,
  checkLine,
  checkObject,
  type Field,
  listOf,
  optional,
} from '../record/fields.ts';

/** What a command must give for its check to pass. */
export interface Expectation {
  /** @default 0 */
  readonly exitCode?: number;
  /** A text that the output must have: one line. @default any output */
  readonly output?: string;
}

/** A check that runs a command of the shell. */
export interface CommandCheck {
  /** One line for the shell. */
  readonly command: string;
  /** Where it runs, from the root of the ledger's checks. @default the root */
  readonly directory?: string;
  /** After how many seconds it is ended and has failed: 1 to 86,400. @default 600 */
  readonly timeoutSeconds?: number;
  readonly expect?: Expectation;
}

/** A check that calls a function which the ledger was given under a name. */
export interface FunctionCheck {
  readonly function: string;
}

/** How an invariant is checked. */
export type Check = CommandCheck | FunctionCheck;

/** What must be so, and how that is seen. */
export interface Invariant {
  /** What must be so, in words. */
  readonly text: string;
  /** Absent as long as nobody said how to check it. */
  readonly check?: Check;
}

/** After how many seconds a check is ended, unless it says otherwise. */
export const DEFAULT_CHECK_TIMEOUT = 600;

const CHECK_LINE = '- Check: ';

/** What a check is called in results: its command with its options, or its function. */
export function nameOfCheck(check: Check): string {
  return 'function' in check
    ? `function ${check.function}`
    : `${check.command}${optionsText(check)}`;
}

/** An invariant as an item of a list: its check is the last line. */
const INVARIANT_ITEM: ItemCodec<Invariant> = {
  parse(text) {
    const lines = text.split('\n');
    const last = text.slice(text.lastIndexOf('\n') + 1);
    const check =
      lines.length > 1 && last.startsWith(CHECK_LINE)
        ? parseCheck(last.slice(CHECK_LINE.length))
        : undefined;
    return check === undefined ? { text } : { text: lines.slice(0, -1).join('\n'), check };
  },
  render: ({ text, check }) =>
    check === undefined ? text : `${text}\n${CHECK_LINE}${formatCheck(check)}`,
};

function formatCheck(check: Check): string {
  if ('function' in check) return `function ${codeSpan(check.function)}`;
  return `${codeSpan(check.command)}${optionsText(check)}`;
}

function optionsText({
  directory,
  timeoutSeconds,
  expect: { exitCode, output } = {},
}: CommandCheck): string {
  const parts = [
    ...(directory === undefined ? [] : [`in ${codeSpan(directory)}`]),
    ...(timeoutSeconds === undefined ? [] : [`limit ${timeoutSeconds} s`]),
    ...(exitCode === undefined ? [] : [`expects exit ${exitCode}`]),
    ...(output === undefined ? [] : [`expects output ${codeSpan(output)}`]),
  ];
  return parts.length === 0 ? '' : ` (${parts.join('; ')})`;
}

function parseCheck(text: string): Check | undefined {
  if (text.startsWith('function ')) {
    const span = readCodeSpan(text.slice('function '.length));
    return span?.rest === '' ? { function: span.code } : undefined;
  }
  const span = readCodeSpan(text);
  if (span === undefined) return undefined;
  const { code: command, rest } = span;
  if (rest === '') return { command };
  const inside = /^ \((.*)\)$/s.exec(rest)?.[1];
  const options = inside === undefined ? undefined : parseOptions(inside);
  return options && { command, ...options };
}

/** The options in brackets: each begins with words, and may end with code. */
function parseOptions(text: string): Omit<CommandCheck, 'command'> | undefined {
  const options: { -readonly [K in keyof CommandCheck]?: CommandCheck[K] } = {};
  const expectation: { exitCode?: number; output?: string } = {};
  let rest = text;
  while (rest !== '') {
    const [words = '', number] =
      /^(?:in (?=`)|limit (\d{1,5}) s|expects exit (\d{1,3})|expects output (?=`))/.exec(rest) ??
      [];
    if (words === '') return undefined;
    const span = words.endsWith(' ') ? readCodeSpan(rest.slice(words.length)) : undefined;
    if (words === 'in ' && span !== undefined) options.directory = span.code;
    else if (words.startsWith('limit')) options.timeoutSeconds = Number(number);
    else if (words.startsWith('expects exit'))
      expectation.exitCode = Number(words.slice('expects exit '.length));
    else if (span !== undefined) expectation.output = span.code;
    else return undefined;
    const after = span?.rest ?? rest.slice(words.length);
    if (after !== '' && !after.startsWith('; ')) return undefined;
    rest = after.slice(2);
  }
  const hasExpectation = Object.keys(expectation).length > 0;
  return { ...options, ...(hasExpectation && { expect: expectation }) };
}

function whole(least: number, most: number): (name: string, value: unknown) => number {
  return (name, value) => {
    if (!Number.isInteger(value) || Number(value) < least || Number(value) > most) {
      throw new InvalidArgumentError(name, `an integer from ${least} to ${most}`, value);
    }
    return Number(value);
  };
}

function checkExpectation(name: string, value: unknown): Record<string, unknown> | undefined {
  const checked = checkObject(name, value, {
    exitCode: optional(whole(0, 255)),
    output: optional(checkLine),
  });
  return Object.keys(checked).length === 0 ? undefined : checked;
}

function checkCheck(name: string, value: unknown): Record<string, unknown> {
  const isFunction = typeof value === 'object' && value !== null && 'function' in value;
  if (isFunction)
    return checkObject(name, value, { function: (field, given) => checkLine(field, given, 100) });
  return checkObject(name, value, {
    command: checkLine,
    directory: optional(checkLine),
    timeoutSeconds: optional(whole(1, 86_400)),
    expect: optional(checkExpectation),
  });
}

/** A list of invariants. */
export function invariants(): Field<readonly Invariant[]> {
  return listOf(INVARIANT_ITEM, (name, value) => {
    const checked = checkObject(name, value, { text: checkItem, check: optional(checkCheck) });
    return checked as unknown as Invariant;
  });
}
