/**
 * A command with what help, documentation and completions need beyond what commander keeps of it.
 *
 * @module
 */
import { Command, type ErrorOptions } from 'commander';
import { EXIT_MEANINGS, type ExitCode } from './exit-codes.ts';

/** A command that shows how it is used. */
export interface Example {
  /** What it does, as a phrase. */
  readonly does: string;
  /** What is typed. */
  readonly line: string;
}

/** A command of the tree from which help, documentation and completions are made. */
export class CliCommand extends Command {
  /** The page of the documentation that it is described on, such as `jobs`; subcommands are on that of their parent. */
  page: string | undefined;
  readonly examples: Example[] = [];
  /** The exit codes that it may end with, beside those of every command, with what they mean here. */
  readonly outcomes: Map<ExitCode, string> = new Map();

  override createCommand(name?: string): CliCommand {
    return new CliCommand(name);
  }

  /** A misspelt command beside a default one is taken for an argument of that: it says which there are. */
  override error(message: string, options?: ErrorOptions): never {
    const { parent } = this;
    const isExcess = Object(options).code === 'commander.excessArguments';
    if (!isExcess || !(parent instanceof CliCommand) || parent.args[0] === this.name()) {
      return super.error(message, options);
    }
    const names = parent.children.map((command) => command.name()).join(', ');
    return super.error(`error: unknown command '${parent.args[0]}'; there are ${names}`, options);
  }

  /** Puts it, and its subcommands, on a page of the documentation. */
  onPage(page: string): this {
    this.page = page;
    return this;
  }

  /** Adds an example to help and documentation. */
  example(does: string, line: string): this {
    this.examples.push({ does, line });
    return this;
  }

  /** Says what exit codes it may end with, beside those of every command. */
  endsWith(codes: Partial<Record<ExitCode, string>> | readonly ExitCode[]): this {
    const given = Array.isArray(codes)
      ? codes.map((code: ExitCode) => [code, EXIT_MEANINGS[code]] as const)
      : Object.entries(codes).map(([code, means]) => [Number(code) as ExitCode, means] as const);
    for (const [code, means] of given) this.outcomes.set(code, means);
    return this;
  }

  /** The commands under it. */
  get children(): readonly CliCommand[] {
    return this.commands.filter((command) => command instanceof CliCommand);
  }

  /** What stands behind the help that commander makes. */
  helpEnd(): string {
    const examples = this.examples.flatMap(({ does, line }) => [`  # ${does}`, `  ${line}`]);
    const codes = [...this.outcomes].map(([code, means]) => `  ${`${code}`.padEnd(4)} ${means}`);
    return [
      ...(examples.length > 0 ? ['', 'Examples:', ...examples] : []),
      ...(codes.length > 0 ? ['', 'Exit codes:', ...codes] : []),
    ].join('\n');
  }
}
