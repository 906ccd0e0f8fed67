/**
 * The command that prints a script for a shell.
 *
 * @module
 */
import { Argument } from 'commander';
import type { CliCommand } from '../context/command.ts';
import type { CliContext } from '../context/context.ts';
import type { Shell } from '../reference/completion.ts';

/** Adds `completion`. */
export function addCompletionCommand(program: CliCommand, context: CliContext): void {
  program
    .command('completion')
    .onPage('completion')
    .description('prints a script that completes commands and options')
    .addArgument(new Argument('<shell>', 'the shell').choices(['bash', 'zsh', 'fish']))
    .example('in bash', 'source <(monque completion bash)')
    .example('in zsh, behind compinit', 'source <(monque completion zsh)')
    .example('in fish', 'monque completion fish > ~/.config/fish/completions/monque.fish')
    .action(
      context.runs(async ({ output }, shell: Shell) => {
        const { completionScript } = await import('../reference/completion.ts');
        const { entryOf } = await import('../reference/tree.ts');
        await output.line(completionScript(shell, entryOf(program)));
        return undefined;
      }),
    );
}
