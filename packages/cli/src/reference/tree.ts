/**
 * The tree of commands as plain data: what documentation and completions are made from, and nothing else.
 *
 * @module
 */
import type { Argument, Option } from 'commander';
import type { CliCommand, Example } from '../context/command.ts';
import type { ExitCode } from '../context/exit-codes.ts';

/** An option as it is shown. */
export interface OptionEntry {
  /** As help shows it, such as `--limit <number>`. */
  readonly flags: string;
  readonly long: string;
  readonly description: string;
  /** The words it takes, where there are few. */
  readonly choices: readonly string[];
  readonly takesValue: boolean;
  readonly defaultText: string;
}

/** An argument as it is shown. */
export interface ArgumentEntry {
  readonly name: string;
  readonly description: string;
  /** The words it takes, where there are few. */
  readonly choices: readonly string[];
}

/** A command as it is shown. */
export interface CommandEntry {
  /** The words that are typed, without that of the program. */
  readonly path: readonly string[];
  readonly usage: string;
  readonly description: string;
  readonly page: string | undefined;
  readonly arguments: readonly ArgumentEntry[];
  readonly options: readonly OptionEntry[];
  readonly examples: readonly Example[];
  readonly outcomes: ReadonlyMap<ExitCode, string>;
  readonly children: readonly CommandEntry[];
}

/** The entry of a command, with those under it. */
export function entryOf(
  command: CliCommand,
  path: readonly string[] = [],
  inherited?: string,
): CommandEntry {
  const page = command.page ?? inherited;
  const shown = ['monque', ...path, command.usage()].join(' ');
  return {
    path,
    page,
    usage: shown,
    description: command.description(),
    arguments: command.registeredArguments.map(argumentEntry),
    options: command.options.map(optionEntry),
    examples: command.examples,
    outcomes: command.outcomes,
    children: command.children.map((child) => entryOf(child, [...path, child.name()], page)),
  };
}

function argumentEntry(argument: Argument): ArgumentEntry {
  const dots = argument.variadic ? '...' : '';
  const name = `${argument.name()}${dots}`;
  return {
    name: argument.required ? `<${name}>` : `[${name}]`,
    description: argument.description,
    choices: argument.argChoices ?? [],
  };
}

function optionEntry(option: Option): OptionEntry {
  const { flags, description, long, argChoices, required, optional, defaultValue } = option;
  const isShown = defaultValue !== undefined && defaultValue !== true;
  return {
    ...{ flags, description, long: String(long), choices: argChoices ?? [] },
    takesValue: required || optional,
    defaultText: isShown ? String(defaultValue) : '',
  };
}

/** The entry and all under it. */
export function allOf(entry: CommandEntry): CommandEntry[] {
  return [entry, ...entry.children.flatMap(allOf)];
}
