/**
 * The commands on work ledgers.
 *
 * @module
 */
import { Option } from 'commander';
import type { CliCommand } from '../context/command.ts';
import type { CliContext, Work } from '../context/context.ts';
import { ExitCode } from '../context/exit-codes.ts';
import { addReasonOption } from '../context/reason.ts';
import { integer } from '../context/values.ts';
import type { LedgerOptions } from '../ledgers/open.ts';
import type { StepOptions } from '../ledgers/steps.ts';

const { FOUND, MISSING, REFUSED } = ExitCode;
const MOST = 10_000;
const STEP_STATES = [
  'not_started',
  'in_progress',
  'completed_pending_verification',
  'verified',
  'drift_detected',
];

/** Every time an option is given, its value is added. */
export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/** Makes the commands under one name, each with the option for the file. */
export function ledgerGroup(group: CliCommand, file: string) {
  return (name: string, says: string): CliCommand =>
    group
      .command(name)
      .description(says)
      .option(
        '--file <path>',
        `the Markdown file; MongoDB when --uri is known and no file is named (${file})`,
      )
      .option(
        '--secret <variable>',
        'a variable of the environment whose value is kept and shown nowhere, as those of .env; may be repeated',
        collect,
      );
}

type Make = ReturnType<typeof ledgerGroup>;
type Runs = CliContext['runs'];
type Load = () => Promise<typeof import('../ledgers/steps.ts')>;

/** Adds `ledger`. */
export function addLedgerCommands(program: CliCommand, context: CliContext): void {
  const load = () => import('../ledgers/steps.ts');
  const group = program
    .command('ledger')
    .description('keeps a verification ledger: steps that later runs verify again')
    .onPage('ledgers');
  const command = ledgerGroup(group, 'LEDGER.md');
  const runs = <Args extends unknown[]>(work: Work<Args>) => context.runs(work);
  addLists(command, runs, load);
  addTexts(command, runs, load);
  addWork(command, runs, load);
  addChecks(command, runs, load);
}

function withRun(command: CliCommand): CliCommand {
  return addReasonOption(
    command.option('--run <id>', 'the run in which it is done (MONQUE_RUN; one named by the time)'),
  );
}

function addLists(command: Make, runs: Runs, load: Load): void {
  command('init', 'makes the file, if there is none').action(
    runs(async (session, options: LedgerOptions) => (await load()).initSteps(session, options)),
  );
  command('list', 'lists the steps')
    .addOption(new Option('--status <state>', 'in this state').choices(STEP_STATES))
    .option('--limit <number>', 'how many at most', integer(1, MOST), MOST)
    .action(
      runs(async (session, options: LedgerOptions & { readonly limit: number }) =>
        (await load()).listSteps(session, options),
      ),
    );
  command('show', 'shows a step')
    .argument('<id>', 'the id of the step')
    .endsWith([MISSING])
    .action(
      runs(async (session, id: string, options: LedgerOptions) =>
        (await load()).showStep(session, id, options),
      ),
    );
}

function addTexts(command: Make, runs: Runs, load: Load): void {
  const saying = (one: CliCommand): CliCommand =>
    addReasonOption(
      one.option(
        '--invariant <text :: command>',
        'what must be so, and the command that checks it; again for more',
        collect,
      ),
    );
  saying(
    command('add', 'adds a step')
      .argument('<id>', 'its id, such as S07')
      .argument('<title>', 'its title'),
  )
    .example(
      'a step with a check',
      `monque ledger add S07 'Retries' --invariant 'The tests pass :: npm test'`,
    )
    .endsWith([REFUSED])
    .action(
      runs(async (session, id: string, title: string, options: StepOptions) =>
        (await load()).addStep(session, id, title, options),
      ),
    );
  saying(
    command('amend', 'changes a step that is worked on').argument('<id>', 'the id of the step'),
  )
    .option('--title <text>', 'its title')
    .endsWith([MISSING, REFUSED])
    .action(
      runs(async (session, id: string, options: StepOptions) =>
        (await load()).amendStep(session, id, options),
      ),
    );
}

function addWork(command: Make, runs: Runs, load: Load): void {
  const verbs = {
    start: 'begins a step; refused while another one waits to be verified or has drifted',
    complete: 'ends the work on a step, which a later run verifies',
    fix: 'goes back to work on a step that has drifted or is not verified yet',
    reopen: 'goes back to work on a step that is verified',
  } as const;
  for (const verb of ['start', 'complete', 'fix', 'reopen'] as const) {
    withRun(command(verb, verbs[verb]).argument('<id>', 'the id of the step'))
      .endsWith([MISSING, REFUSED])
      .action(
        runs(async (session, id: string, options: LedgerOptions) =>
          (await load()).moveStep(session, verb, id, options),
        ),
      );
  }
}

function addChecks(command: Make, runs: Runs, load: Load): void {
  withRun(command('verify', 'runs the checks of completed steps, and records what they find'))
    .argument('[id...]', 'only these steps')
    .endsWith({
      [FOUND]: 'a step has drifted, or could not be checked',
      [MISSING]: 'there is no such step',
      [ExitCode.INTERRUPTED]: 'ended by Ctrl-C or SIGTERM; nothing is recorded of this run',
    })
    .action(
      runs(async (session, ids: readonly string[], options: LedgerOptions) =>
        (await load()).verifySteps(session, ids, options),
      ),
    );
  command('drift', 'lists steps that wait to be verified or have drifted, as they were found last')
    .endsWith({ [FOUND]: 'there are some' })
    .action(
      runs(async (session, options: LedgerOptions) => (await load()).showDrift(session, options)),
    );
  command('render', 'prints the ledger as a new Markdown file').action(
    runs(async (session, options: LedgerOptions) => (await load()).renderSteps(session, options)),
  );
  command('check', 'says what is wrong with the file, waits to be verified or has drifted: for CI')
    .endsWith({ [FOUND]: 'something is' })
    .action(
      runs(async (session, options: LedgerOptions) => (await load()).checkSteps(session, options)),
    );
}
