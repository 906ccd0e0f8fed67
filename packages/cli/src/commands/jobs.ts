/**
 * The commands on jobs.
 *
 * @module
 */
import { Option } from 'commander';
import type { CliCommand } from '../context/command.ts';
import type { CliContext } from '../context/context.ts';
import { ExitCode } from '../context/exit-codes.ts';
import { addReasonOption } from '../context/reason.ts';
import { futureTime, integer, milliseconds, pair, TIME_FORMS } from '../context/values.ts';
import type { BulkOptions } from '../jobs/bulk.ts';
import type { EnqueueArguments } from '../jobs/enqueue.ts';
import type { ListOptions } from '../jobs/look.ts';
import { addFilterOptions } from '../jobs/selection.ts';

const { MISSING, REFUSED, PARTLY, TIMEOUT, ENDED_BADLY, WAITS, STUCK, INTERRUPTED } = ExitCode;

/** Adds `jobs`, `why`, `enqueue` and `wait`. */
export function addJobCommands(program: CliCommand, context: CliContext): void {
  const jobs = program.command('jobs').description('look at jobs, and change them').onPage('jobs');
  addLooks(jobs, context);
  addVerbs(jobs, context);
  addEnqueue(program, context);
  program
    .command('why')
    .onPage('jobs')
    .description('says why a job runs or does not')
    .argument('<id>', 'the id of a job')
    .example('explain a job', 'monque why 665f1f77bcf86cd799439011')
    .endsWith({
      [ExitCode.DONE]: 'it runs, or has completed',
      [MISSING]: 'there is no such job',
      [ENDED_BADLY]: 'it failed, or was cancelled',
      [WAITS]:
        'it waits as planned: for its time, its next try, or its turn; for parents, or for room in its group or a limit',
      [STUCK]: 'it waits until somebody does something',
    })
    .action(
      context.runs(async (session, id: string) =>
        (await import('../jobs/why.ts')).why(session, id),
      ),
    );
}

function addLooks(jobs: CliCommand, context: CliContext): void {
  const load = () => import('../jobs/look.ts');
  addFilterOptions(jobs.command('list').description('lists jobs'), context.io.now)
    .option('--limit <number>', 'how many at most', integer(1, 10_000), 100)
    .addOption(
      new Option('--sort <field>', 'what they are sorted by')
        .choices(['id', 'due', 'created', 'updated'])
        .default('id'),
    )
    .option('--desc', 'the last first')
    .option('--cursor <cursor>', 'go on behind an earlier page')
    .option('--archived', 'list the archive')
    .example(
      'the newest failures of a name',
      'monque jobs list --name email --status failed --desc',
    )
    .action(
      context.runs(async (session, options: ListOptions) =>
        (await load()).listJobs(session, options),
      ),
    );
  addFilterOptions(jobs.command('count').description('counts jobs, up to a bound'), context.io.now)
    .option('--limit <number>', 'count no further', integer(1, 1_000_000), 10_000)
    .option('--archived', 'count the archive')
    .action(
      context.runs(async (session, options: ListOptions) =>
        (await load()).countJobs(session, options),
      ),
    );
  jobs
    .command('get')
    .description('shows a job, also from the archive')
    .argument('<id>', 'the id of the job')
    .endsWith([MISSING])
    .action(context.runs(async (session, id: string) => (await load()).getJob(session, id)));
  jobs
    .command('history')
    .description('shows what happened to a job')
    .argument('<id>', 'the id of the job')
    .endsWith([MISSING])
    .action(context.runs(async (session, id: string) => (await load()).showHistory(session, id)));
}

/** A verb on jobs by their ids, or by a filter. */
function bulkCommand(
  jobs: CliCommand,
  name: string,
  says: string,
  context: CliContext,
): CliCommand {
  const command = jobs
    .command(name)
    .description(says)
    .argument('[ids...]', 'the ids of the jobs')
    .endsWith([MISSING, REFUSED, PARTLY, INTERRUPTED]);
  return addReasonOption(addFilterOptions(command, context.io.now))
    .option('--all', 'every job')
    .option('--yes', 'do not ask')
    .option('--dry-run', 'show the jobs, change nothing');
}

function addVerbs(jobs: CliCommand, context: CliContext): void {
  const load = () => import('../jobs/verbs.ts');
  bulkCommand(jobs, 'cancel', 'cancels jobs; running ones are asked to end', context).action(
    context.runs(async (session, ids: string[], options: BulkOptions) =>
      (await load()).cancelJobs(session, ids, options),
    ),
  );
  bulkCommand(jobs, 'retry', 'makes failed and cancelled jobs pending again', context)
    .example(
      'retry everything that failed with ECONNRESET since noon',
      'monque jobs retry --status failed --failed-with ECONNRESET --finished-from noon',
    )
    .action(
      context.runs(async (session, ids: string[], options: BulkOptions) =>
        (await load()).retryJobs(session, ids, options),
      ),
    );
  bulkCommand(jobs, 'reschedule', 'moves pending jobs to another time', context)
    .requiredOption('--to <time>', `when: now, ${TIME_FORMS} from now`, futureTime(context.io.now))
    .action(
      context.runs(async (session, ids: string[], options: BulkOptions & { readonly to: Date }) =>
        (await load()).rescheduleJobs(session, ids, options),
      ),
    );
  bulkCommand(jobs, 'delete', 'deletes jobs that do not run', context).action(
    context.runs(async (session, ids: string[], options: BulkOptions) =>
      (await load()).deleteJobs(session, ids, options),
    ),
  );
}

function addEnqueue(program: CliCommand, context: CliContext): void {
  const load = () => import('../jobs/enqueue.ts');
  program
    .command('enqueue')
    .onPage('jobs')
    .description('stores a job, and prints its id')
    .argument('<name>', 'the name of the worker that is to run it')
    .option('--data <value>', 'extended JSON; @file reads a file, - reads stdin')
    .option('--at <time>', `not before: ${TIME_FORMS} from now`, futureTime(context.io.now))
    .option('--delay <duration>', 'so long from now, by the clock of the database', milliseconds)
    .option('--key <key>', 'a unique key')
    .option('--key-hold <hold>', 'untilDone, untilStarted, or a window in milliseconds')
    .option('--when-taken <what>', 'keep, replace, throttle or throw')
    .option('--order <key>', 'it runs behind the jobs of its name with the same key')
    .option('--group <group>', 'it takes turns with the other groups of its name')
    .option('--priority <number>', 'from -100 (first) to 100 (last)', integer(-100, 100))
    .option('--meta <name=value>', 'metadata; may be repeated', pair)
    .option(
      '--max-retries <number>',
      'failures after which it has failed for good',
      integer(1, 1_000_000),
    )
    .option('--run-timeout <duration>', 'after which a run is aborted', milliseconds)
    .option('--dry-run', 'check everything, store nothing')
    .example('a job with data', `monque enqueue email --data '{ "to": "user@example.com" }'`)
    .example('in ten minutes, once', 'monque enqueue report --delay 10m --key daily')
    .endsWith([REFUSED, ExitCode.UNKNOWN])
    .action(
      context.runs(async (session, name: string, options: EnqueueArguments) =>
        (await load()).enqueue(session, name, options),
      ),
    );
  program
    .command('wait')
    .onPage('jobs')
    .description('waits until a job is finished, and prints its result')
    .argument('<id>', 'the id of the job')
    .option('--for <duration>', 'how long at most', milliseconds, 30_000)
    .endsWith([MISSING, TIMEOUT, ENDED_BADLY])
    .action(
      context.runs(async (session, id: string, options: { readonly for: number }) =>
        (await load()).wait(session, id, options),
      ),
    );
}
