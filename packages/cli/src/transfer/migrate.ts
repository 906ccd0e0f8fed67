/**
 * `monque migrate`: what `monque-migrate` of the core does, with the address of this program.
 *
 * @module
 */
import { runMigrateCommand } from '@monque/core/migration';
import type { Session } from '../context/context.ts';
import type { ExitCode } from '../context/exit-codes.ts';

/** The options of the command, as commander gives them. */
export type MigrateOptions = Readonly<Record<string, string | boolean | readonly string[]>>;

/** `monque migrate` */
export async function migrate(session: Session, options: MigrateOptions): Promise<ExitCode> {
  const { output } = session;
  const { uri, database, collection } = await session.settings();
  const ours = [
    ...(uri === undefined ? [] : ['--uri', uri]),
    ...(database === undefined ? [] : ['--database', database]),
    ...(collection === undefined ? [] : ['--to', collection]),
    ...(output.isJson ? ['--json'] : []),
  ];
  const lines: string[] = [];
  const code = await runMigrateCommand([...argumentsOf(options), ...ours], {
    print: (line) => void lines.push(line),
    printError: (line) => output.note(line.replace('monque-migrate', 'monque migrate')),
    environment: session.io.env,
  });
  for (const line of lines) await output.line(line);
  return code as ExitCode;
}

/** The options as they are typed. */
function argumentsOf(options: MigrateOptions): string[] {
  return Object.entries(options).flatMap(([name, value]) => {
    const option = `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    return typeof value === 'boolean' ? [option] : [value].flat().flatMap((text) => [option, text]);
  });
}
