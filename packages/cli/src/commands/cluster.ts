/**
 * The commands on the cluster: its state, its names, its instances, the gates that jobs wait at.
 *
 * @module
 */

import type { GateListOptions } from '../cluster/gates.ts';
import type { CliCommand } from '../context/command.ts';
import type { CliContext } from '../context/context.ts';
import { ExitCode } from '../context/exit-codes.ts';
import { addReasonOption, type ReasonOption } from '../context/reason.ts';
import { integer, list, milliseconds } from '../context/values.ts';
import type { DashboardOptions } from '../dashboard/dashboard.ts';
import type { TopOptions } from '../top/top.ts';

/** Adds `status`, `names`, `instances`, `gates`, `top` and `dashboard`. */
export function addClusterCommands(program: CliCommand, context: CliContext): void {
  const load = () => import('../cluster/look.ts');
  program
    .command('status')
    .onPage('cluster')
    .description('says whether all is well; for people, probes and cron')
    .option(
      '--max-queue-lag <duration>',
      'how long due jobs may wait for a live worker',
      milliseconds,
      60_000,
    )
    .endsWith({
      [ExitCode.DONE]: 'all is well',
      [ExitCode.FOUND]: 'something must be done; it was shown',
    })
    .action(
      context.runs(async (session, options: { readonly maxQueueLag: number }) =>
        (await load()).status(session, options),
      ),
    );
  const names = program.command('names').description('look at job names').onPage('cluster');
  names
    .command('list', { isDefault: true })
    .description('lists the names with pending jobs, a worker or a pause')
    .action(context.runs(async (session) => (await load()).listNames(session)));
  addReasonOption(
    names.command('pause').description('lets no more jobs of a name start, in any process'),
  )
    .argument('<name>', 'the name')
    .action(
      context.runs(async (session, name: string, options: ReasonOption) =>
        (await load()).setPaused(session, name, true, options),
      ),
    );
  addReasonOption(names.command('resume').description('lets jobs of a name start again'))
    .argument('<name>', 'the name')
    .action(
      context.runs(async (session, name: string, options: ReasonOption) =>
        (await load()).setPaused(session, name, false, options),
      ),
    );
  program
    .command('instances')
    .onPage('cluster')
    .description('lists the processes that run jobs, and what they hold')
    .action(context.runs(async (session) => (await load()).listInstances(session)));
  addGates(program, context);
  addViews(program, context);
}

function addGates(program: CliCommand, context: CliContext): void {
  const load = () => import('../cluster/gates.ts');
  const gates = program
    .command('gates')
    .description('look at jobs that wait at gates, and open these')
    .onPage('cluster');
  gates
    .command('list', { isDefault: true })
    .description('lists the jobs that wait at gates')
    .option('--name <names>', 'of these names, with commas', list)
    .option('--gate <gate>', 'at this gate')
    .option('--limit <number>', 'how many jobs are looked at', integer(1, 10_000), 100)
    .action(
      context.runs(async (session, options: GateListOptions) =>
        (await load()).listGates(session, options),
      ),
    );
  gates
    .command('open')
    .description('opens a gate of a job')
    .argument('<id>', 'the id of the job')
    .argument('<gate>', 'the name of the gate')
    .requiredOption(
      '--evidence <value>',
      'why it may be opened: extended JSON, @file, or - for stdin',
    )
    .endsWith([ExitCode.MISSING, ExitCode.REFUSED])
    .action(
      context.runs(
        async (session, id: string, gate: string, options: { readonly evidence: string }) =>
          (await load()).openGate(session, id, gate, options),
      ),
    );
}

/** What is looked at for as long as one likes. */
function addViews(program: CliCommand, context: CliContext): void {
  program
    .command('top')
    .onPage('cluster')
    .description('a live view on the whole terminal: names, instances, running jobs, failures')
    .option('--interval <duration>', 'between two looks', milliseconds, 5_000)
    .endsWith([ExitCode.INTERRUPTED])
    .action(
      context.runs(async (session, options: TopOptions) =>
        (await import('../top/top.ts')).top(session, options),
      ),
    );
  program
    .command('dashboard')
    .onPage('cluster')
    .description('serves the dashboard on 127.0.0.1, under an address that works once')
    .option('--port <number>', 'the port; any that is free with 0', integer(0, 65_535), 0)
    .option('--read-only', 'let nobody change anything there')
    .option('--steps <file>', 'show the verification ledger in this file, too')
    .option('--tasks <file>', 'show the coordination ledger in this file, too')
    .endsWith({ [ExitCode.DONE]: 'ended by Ctrl-C or SIGTERM' })
    .action(
      context.runs(async (session, options: DashboardOptions) =>
        (await import('../dashboard/dashboard.ts')).dashboard(session, options),
      ),
    );
}
