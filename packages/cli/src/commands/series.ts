/**
 * The commands on series.
 *
 * @module
 */
import type { CliCommand } from '../context/command.ts';
import type { CliContext } from '../context/context.ts';
import { ExitCode } from '../context/exit-codes.ts';
import { addReasonOption } from '../context/reason.ts';
import { futureTime, integer } from '../context/values.ts';
import type { SeriesOptions } from '../series/series.ts';

const { MISSING, REFUSED } = ExitCode;
const MOST_TIMES = 1_000;

/** Adds `series` and `next`. */
export function addSeriesCommands(program: CliCommand, context: CliContext): void {
  const load = () => import('../series/series.ts');
  const series = program
    .command('series')
    .description('look at series, and change them')
    .onPage('series');
  series
    .command('list')
    .description('lists series')
    .option('--name <name>', 'of this name')
    .action(
      context.runs(async (session, options: { readonly name?: string }) =>
        (await load()).listSeries(session, options),
      ),
    );
  const one = (name: string, says: string): CliCommand =>
    series
      .command(name)
      .description(says)
      .argument('<name>', 'the name of the series')
      .option('--key <key>', 'which one, when there are several of the name')
      .endsWith([MISSING, REFUSED]);
  one('next', 'shows the next times of a series')
    .option('--count <number>', 'how many', integer(1, MOST_TIMES), 10)
    .action(
      context.runs(
        async (session, name: string, options: SeriesOptions & { readonly count: number }) =>
          (await load()).nextOfSeries(session, name, options),
      ),
    );
  addReasonOption(one('run', 'makes the waiting run due now, in place of its time')).action(
    context.runs(async (session, name: string, options: SeriesOptions) =>
      (await load()).runSeries(session, name, options),
    ),
  );
  addReasonOption(one('skip', 'passes over the waiting run; the series goes on')).action(
    context.runs(async (session, name: string, options: SeriesOptions) =>
      (await load()).skipRun(session, name, options),
    ),
  );
  addReasonOption(one('end', 'ends a series, or all of a name'))
    .option('--yes', 'do not ask')
    .action(
      context.runs(
        async (session, name: string, options: SeriesOptions & { readonly yes?: boolean }) =>
          (await load()).endSeries(session, name, options),
      ),
    );
  addNext(program, context);
}

function addNext(program: CliCommand, context: CliContext): void {
  type NextOptions = { readonly zone: string; readonly count: number; readonly from?: Date };
  program
    .command('next')
    .onPage('series')
    .description('shows the next times of a cron expression; needs no database')
    .argument('<cron>', 'five fields, six with seconds, or a name such as @daily')
    .option('--zone <zone>', 'its time zone', 'UTC')
    .option('--count <number>', 'how many', integer(1, MOST_TIMES), 10)
    .option('--from <time>', 'times later than this', futureTime(context.io.now))
    .example('a time that one day does not have', `monque next '30 2 * * *' --zone Europe/Berlin`)
    .action(
      context.runs(async (session, cron: string, options: NextOptions) =>
        (await import('../series/occurrences.ts')).next(session, cron, options),
      ),
    );
}
