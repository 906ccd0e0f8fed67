/**
 * The commands that look after a database: diagnosis, audit, check, bench.
 *
 * @module
 */
import type { AuditCommandOptions } from '../care/audit.ts';
import type { BenchOptions } from '../care/bench.ts';
import type { CliCommand } from '../context/command.ts';
import type { CliContext } from '../context/context.ts';
import { ExitCode } from '../context/exit-codes.ts';
import { integer } from '../context/values.ts';

/** Adds `doctor`, `check`, `audit` and `bench`. */
export function addCareCommands(program: CliCommand, context: CliContext): void {
  program
    .command('doctor')
    .onPage('care')
    .description('looks for what is wrong with the database and the cluster, and says what to do')
    .endsWith({
      [ExitCode.DONE]: 'nothing must be done',
      [ExitCode.FOUND]: 'something must be done; it was shown',
    })
    .action(context.runs(async (session) => (await import('../care/doctor.ts')).doctor(session)));
  program
    .command('check')
    .onPage('care')
    .description(
      'checks the set-up of an application without a database: options, crons, schemas, names',
    )
    .argument('<module>', 'a module that exports `setup(monque)`, and perhaps `options`')
    .example('in CI', 'monque check ./dist/jobs.js')
    .endsWith({ [ExitCode.FOUND]: 'the set-up has faults; they were shown' })
    .action(
      context.runs(async (session, path: string) =>
        (await import('../care/check.ts')).check(session, path),
      ),
    );
  program
    .command('audit')
    .onPage('care')
    .description('looks at every stored job with the rules of the ledger')
    .option('--repair', 'repair what can be repaired')
    .option('--batch <number>', 'jobs read at once', integer(1, 5_000), 500)
    .endsWith({ [ExitCode.FOUND]: 'rules are broken', [ExitCode.INTERRUPTED]: 'ended by Ctrl-C' })
    .action(
      context.runs(async (session, options: AuditCommandOptions) =>
        (await import('../care/audit.ts')).audit(session, options),
      ),
    );
  program
    .command('bench')
    .onPage('care')
    .description('measures the library on this server, in collections that are dropped again')
    .option('--jobs <number>', 'jobs that are stored and run', integer(1, 1_000_000), 2_000)
    .option('--concurrency <number>', 'handlers at once', integer(1, 10_000), 20)
    .option('--samples <number>', 'jobs whose wait is measured', integer(1, 10_000), 50)
    .endsWith([ExitCode.INTERRUPTED])
    .action(
      context.runs(async (session, options: BenchOptions) =>
        (await import('../care/bench.ts')).bench(session, options),
      ),
    );
}
