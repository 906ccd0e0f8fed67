/**
 * The generated part of each page of the documentation.
 *
 * @module
 */
import type { CliContext } from '../context/context.ts';
import { EXIT_MEANINGS } from '../context/exit-codes.ts';
import { buildProgram } from '../program.ts';
import { allOf, type CommandEntry, entryOf, type OptionEntry } from './tree.ts';

/** The tables of the options and exit codes that every command has. */
export function commonPage(context: CliContext): string {
  const { options } = entryOf(buildProgram(context));
  const codes = Object.entries(EXIT_MEANINGS).map(([code, means]) => `| ${code} | ${means} |`);
  return [
    ...optionTable(options),
    '',
    '## Exit codes',
    '',
    '| code | meaning |',
    '|---|---|',
    ...codes,
    '',
  ].join('\n');
}

/** The commands of each page, by the name of the page. */
export function commandPages(context: CliContext): ReadonlyMap<string, string> {
  const pages = new Map<string, string[]>();
  for (const entry of allOf(entryOf(buildProgram(context))).slice(1)) {
    const page = String(entry.page);
    const lines = pages.get(page) ?? [];
    pages.set(page, lines);
    // What only holds others is reported by these.
    if (entry.children.length === 0) lines.push(...commandLines(entry));
  }
  return new Map([...pages].map(([page, lines]) => [page, lines.join('\n')]));
}

function commandLines(entry: CommandEntry): string[] {
  const { path, usage, description, examples, outcomes, options } = entry;
  const codes = [...outcomes].map(([code, means]) => `| ${code} | ${means} |`);
  return [
    `## ${path.join(' ')}`,
    '',
    `${capital(description)}.`,
    '',
    ...['```sh', usage, '```', ''],
    ...entry.arguments.map(({ name, description: says }) => `- \`${name}\`: ${escaped(says)}`),
    ...(entry.arguments.length > 0 ? [''] : []),
    ...(options.length > 0 ? [...optionTable(options), ''] : []),
    ...(codes.length > 0 ? ['| exit code | meaning |', '|---|---|', ...codes, ''] : []),
    ...examples.flatMap(({ does, line }) => ['```sh', `# ${does}`, line, '```', '']),
  ];
}

function optionTable(options: readonly OptionEntry[]): string[] {
  const rows = options.map(({ flags, description, choices, defaultText }) => {
    const words = choices.length > 0 ? `: ${choices.join(', ')}` : '';
    const held = defaultText === '' ? '' : ` (${defaultText})`;
    return `| \`${flags}\` | ${escaped(`${description}${words}${held}`)} |`;
  });
  return ['| option | what it does |', '|---|---|', ...rows];
}

/** Signs that a table, or HTML, would take for its own; within backquotes they are safe, but for the line. */
function escaped(text: string): string {
  return text.replaceAll('|', '\\|');
}

function capital(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
