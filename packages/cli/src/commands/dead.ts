/**
 * The commands on dead letters.
 *
 * @module
 */
import type { CliCommand } from '../context/command.ts';
import type { CliContext } from '../context/context.ts';
import { ExitCode } from '../context/exit-codes.ts';
import { addReasonOption } from '../context/reason.ts';
import { integer, list } from '../context/values.ts';
import type { DeadListOptions, DeadRedriveOptions } from '../jobs/dead.ts';

const { MISSING, REFUSED, PARTLY, INTERRUPTED } = ExitCode;

/** Adds `dead`. */
export function addDeadCommands(program: CliCommand, context: CliContext): void {
  const load = () => import('../jobs/dead.ts');
  const dead = program
    .command('dead')
    .description('look at dead letters, and redrive them')
    .onPage('dead');
  addSelection(dead.command('list').description('lists dead letters, the oldest first'))
    .option('--limit <number>', 'how many at most', integer(1, 10_000), 100)
    .example('what failed as email', 'monque dead list --of email')
    .action(
      context.runs(async (session, options: DeadListOptions) =>
        (await load()).listDead(session, options),
      ),
    );
  addReasonOption(
    addSelection(
      dead
        .command('redrive')
        .description('gives dead letters the name back under which they failed')
        .argument('[ids...]', 'the ids of dead letters'),
    ),
  )
    .option('--per-second <number>', 'how many become due in a second', integer(1, 1_000_000))
    .option('--limit <number>', 'how many at most', integer(1, 1_000_000_000))
    .option('--all', 'every dead letter')
    .option('--yes', 'do not ask')
    .option('--dry-run', 'count them, change nothing')
    .example(
      'run again what waits as email.dead, fifty a second',
      'monque dead redrive --name email.dead --per-second 50',
    )
    .endsWith([MISSING, REFUSED, PARTLY, INTERRUPTED])
    .action(
      context.runs(async (session, ids: string[], options: DeadRedriveOptions) =>
        (await load()).redriveDead(session, ids, options),
      ),
    );
}

function addSelection(command: CliCommand): CliCommand {
  return command
    .option('--name <names>', 'that wait under these names, with commas', list)
    .option('--of <names>', 'that failed under these names, with commas', list)
    .option('--failure <text>', 'whose last failure has a message that begins so');
}
