/**
 * The commands that bring jobs in and out.
 *
 * @module
 */
import type { CliCommand } from '../context/command.ts';
import type { CliContext } from '../context/context.ts';
import { ExitCode } from '../context/exit-codes.ts';
import { addFilterOptions } from '../jobs/selection.ts';
import type { ExportOptions } from '../transfer/export.ts';
import type { MigrateOptions } from '../transfer/migrate.ts';

const { PARTLY, INTERRUPTED } = ExitCode;

/** Adds `export`, `import` and `migrate`. */
export function addTransferCommands(program: CliCommand, context: CliContext): void {
  const exporting = program
    .command('export')
    .onPage('transfer')
    .description('writes jobs as lines of extended JSON, in the order of their ids');
  addFilterOptions(exporting, context.io.now)
    .option('--output <file>', 'into a file, in place of stdout')
    .option('--resume', 'go on with a file that an export was writing')
    .option('--after <id>', 'only jobs behind this id')
    .option('--archived', 'the archive')
    .example('everything, into a file', 'monque export --output jobs.jsonl')
    .endsWith([INTERRUPTED])
    .action(
      context.runs(async (session, options: ExportOptions) =>
        (await import('../transfer/export.ts')).exportJobs(session, options),
      ),
    );
  program
    .command('import')
    .onPage('transfer')
    .description('stores jobs from lines of extended JSON; run again, it stores none twice')
    .argument('<file>', 'what `monque export` wrote; - for stdin')
    .option('--dry-run', 'read and report, store nothing')
    .endsWith([PARTLY, INTERRUPTED])
    .action(
      context.runs(async (session, file: string, options: { readonly dryRun?: boolean }) =>
        (await import('../transfer/import.ts')).importJobs(session, file, options),
      ),
    );
  addMigrate(program, context);
}

function addMigrate(program: CliCommand, context: CliContext): void {
  const collect = (text: string, before: readonly string[] = []): string[] => [...before, text];
  program
    .command('migrate')
    .onPage('transfer')
    .description(
      "copies the jobs of another queue into Monque's collection; also as monque-migrate",
    )
    .option('--from <collection>', 'the collection of the other queue, such as agendaJobs')
    .option('--from-database <name>', 'its database, if that is another')
    .option('--format <format>', 'agenda (4 to 6), or plain: one with a state and a due time')
    .option('--dry-run', 'read and report, write nothing')
    .option('--finished <which>', 'which finished jobs to take: leave, failed or all (leave)')
    .option(
      '--locked <what>',
      'whether jobs that a worker had taken run again: import or leave (import)',
    )
    .option('--timezone <zone>', 'of cron expressions that state none (UTC)')
    .option('--cron <name=expression>', 'the plan of a recurring job; may be repeated', collect)
    .option('--key <name=key>', 'the uniqueKey that schedule() is given; may be repeated', collect)
    .option('--max-payload-size <bytes>', 'the most bytes of data a job may have (1048576)')
    .option('--batch-size <number>', 'documents read and written at a time (500)')
    .option('--left-to <file>', 'append what was left to a file, one line of JSON a document')
    .option('--field <ours=theirs>', 'of plain: where something is kept; may be repeated', collect)
    .option('--status <ours=theirs>', 'of plain: the values of a state; may be repeated', collect)
    .option('--name <name>', 'of plain: the name of all jobs, if the documents have none')
    .option('--priority-order <order>', 'of plain: lowerFirst or higherFirst (lowerFirst)')
    .endsWith({
      [ExitCode.DONE]: 'all was stored, or left on purpose',
      [ExitCode.FOUND]: 'it did not come to its end; run it again',
      [ExitCode.USAGE]: 'some was left for a reason to look at, or the command was not understood',
    })
    .action(
      context.runs(async (session, options: MigrateOptions) =>
        (await import('../transfer/migrate.ts')).migrate(session, options),
      ),
    );
}
