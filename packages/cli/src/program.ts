/**
 * The tree of commands: the one definition from which help, documentation and completions are made.
 *
 * @module
 */

import manifest from '../package.json' with { type: 'json' };
import { addCareCommands } from './commands/care.ts';
import { addClusterCommands } from './commands/cluster.ts';
import { addCompletionCommand } from './commands/completion.ts';
import { addDeadCommands } from './commands/dead.ts';
import { addFlowCommands } from './commands/flow.ts';
import { addJobCommands } from './commands/jobs.ts';
import { addLedgerCommands } from './commands/ledgers.ts';
import { addSeriesCommands } from './commands/series.ts';
import { addTaskCommands } from './commands/tasks.ts';
import { addTransferCommands } from './commands/transfer.ts';
import { CliCommand } from './context/command.ts';
import type { CliContext } from './context/context.ts';
import { CONFIG_FILE } from './context/settings.ts';
import { milliseconds } from './context/values.ts';

const DESCRIPTION = `See, explain and operate the jobs of Monque in MongoDB.

Data goes to stdout, words for people to stderr. What is changed stands in the history of the job with the actor.`;

/** What adds commands, in the order of help. */
type AddCommands = (program: CliCommand, context: CliContext) => void;

/** A group of commands is a function here; it loads what its commands do only when one of them runs. */
const GROUPS: readonly AddCommands[] = [
  addClusterCommands,
  addJobCommands,
  addDeadCommands,
  addSeriesCommands,
  addFlowCommands,
  addCareCommands,
  addTransferCommands,
  addLedgerCommands,
  addTaskCommands,
  addCompletionCommand,
];

/** Makes the tree. */
export function buildProgram(context: CliContext): CliCommand {
  const program = new CliCommand('monque');
  program
    .description(DESCRIPTION)
    .version(manifest.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help for a command')
    .helpCommand('help [command]', 'show help for a command')
    .option('--uri <uri>', 'where the database is (MONQUE_URI)')
    .option('--database <name>', 'the database, if the uri names another (MONQUE_DATABASE)')
    .option('--collection <name>', 'the collection of the jobs (MONQUE_COLLECTION; monque_jobs)')
    .option('--as <actor>', 'who stands in the history of what is changed (MONQUE_ACTOR; the user)')
    .option('--config <file>', `a file with these settings (MONQUE_CONFIG; ${CONFIG_FILE})`)
    .option('--timeout <duration>', 'how long to wait for the database (10s)', milliseconds)
    .option('--json', 'print data as lines of JSON')
    .option('--no-color', 'no colours, as with NO_COLOR')
    .exitOverride()
    .showHelpAfterError('(see --help)');
  program.configureOutput({
    writeOut: (text) => void context.io.stdout.write(text),
    writeErr: (text) => void context.io.stderr.write(text),
    getOutHelpWidth: () => 100,
    getErrHelpWidth: () => 100,
    getOutHasColors: () => false,
    getErrHasColors: () => false,
  });
  context.readFrom(program);
  for (const add of GROUPS) add(program, context);
  addHelpEnd(program);
  return program;
}

function addHelpEnd(command: CliCommand): void {
  command.addHelpText('after', () => command.helpEnd());
  for (const child of command.children) addHelpEnd(child);
}
