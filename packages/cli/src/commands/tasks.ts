/**
 * The commands on tasks.
 *
 * @module
 */
import { Option } from 'commander';
import type { CliCommand } from '../context/command.ts';
import type { CliContext, Work } from '../context/context.ts';
import { ExitCode } from '../context/exit-codes.ts';
import { addReasonOption } from '../context/reason.ts';
import { futureTime, integer } from '../context/values.ts';
import type { LedgerOptions } from '../ledgers/open.ts';
import type { TaskOptions } from '../ledgers/tasks.ts';
import { collect, ledgerGroup } from './ledgers.ts';

const { FOUND, MISSING, REFUSED } = ExitCode;
const MOST = 10_000;
const STATES = [
  'defined',
  'assigned',
  'in_progress',
  'peer_review',
  'revisions',
  'blocked',
  'completed',
];

/** The verbs that need nothing but the task. */
const VERBS = {
  start: 'begins a task: by its assignee, when what it depends on is completed',
  review: 'hands a task in for review: by its assignee',
  approve: 'approves a task: by its reviewer',
  revise: 'asks for changes: by its reviewer, with --reason',
  resume: 'goes back to work after changes were asked for: by its assignee',
  complete: 'completes a task that is approved and has every box ticked',
  block: 'puts a task aside, with --reason',
  unblock: 'puts a task back to where it was blocked',
  unassign: 'takes a task back that was not started',
} as const;

/** What each is called in the library. */
const METHODS = {
  start: 'start',
  review: 'submit',
  approve: 'approve',
  revise: 'requestRevisions',
  resume: 'resume',
  complete: 'complete',
  block: 'block',
  unblock: 'unblock',
  unassign: 'unassign',
} as const;

/** Adds `tasks`. */
export function addTaskCommands(program: CliCommand, context: CliContext): void {
  const load = () => import('../ledgers/tasks.ts');
  const group = program
    .command('tasks')
    .description('keeps a coordination ledger: tasks that somebody does and somebody else reviews')
    .onPage('ledgers');
  const command = ledgerGroup(group, 'TASKS.md');
  const runs = <Args extends unknown[]>(work: Work<Args>) => context.runs(work);
  command('init', 'makes the file, if there is none').action(
    runs(async (session, options: LedgerOptions) => (await load()).initTasks(session, options)),
  );
  addReasonOption(
    command('add', 'adds a task')
      .argument('<id>', 'its id, such as CRIT-001')
      .argument('<title>', 'its title'),
  )
    .addOption(
      new Option('--priority <word>', 'how urgent it is').choices(['critical', 'high', 'normal']),
    )
    .option('--reviewer <name>', 'who reviews it')
    .option('--deadline <time>', 'by when', futureTime(context.io.now))
    .option('--depends-on <id>', 'a task that comes before it; again for more', collect)
    .option('--criterion <text>', 'what it must fulfil; again for more', collect)
    .option('--done <text>', 'an item of its definition of done; again for more', collect)
    .endsWith([REFUSED])
    .action(
      runs(async (session, id: string, title: string, options: TaskOptions) =>
        (await load()).addTask(session, id, title, options),
      ),
    );
  addLists(command, runs, load);
  addReasonOption(
    command('assign', 'gives a task to somebody')
      .argument('<id>', 'the id of the task')
      .argument('<assignee>', 'who does it'),
  )
    .option('--reviewer <name>', 'who reviews it')
    .endsWith([MISSING, REFUSED])
    .action(
      runs(async (session, id: string, assignee: string, options: TaskOptions) => {
        const { reviewer } = options;
        const people = { assignee, ...(reviewer !== undefined && { reviewer }) };
        return (await load()).changeTask(session, options, (ledger, by) =>
          ledger.assign(id, people, by),
        );
      }),
    );
  addVerbs(command, runs, load);
  addChanges(command, runs, load);
  command('render', 'prints the ledger as Markdown with every computed part right')
    .option('--write', 'replace the file by it')
    .action(
      runs(async (session, options: LedgerOptions & { readonly write?: boolean }) =>
        (await load()).renderTasks(session, options),
      ),
    );
  command('check', 'says what is wrong with the file: for CI')
    .endsWith({ [FOUND]: 'something is' })
    .action(
      runs(async (session, options: LedgerOptions) => (await load()).checkTasks(session, options)),
    );
}

type Make = ReturnType<typeof ledgerGroup>;
type Runs = CliContext['runs'];
type Load = () => Promise<typeof import('../ledgers/tasks.ts')>;

function addLists(command: Make, runs: Runs, load: Load): void {
  command('list', 'lists the tasks')
    .addOption(new Option('--status <state>', 'in this state').choices(STATES))
    .option('--assignee <name>', 'of this assignee')
    .option('--limit <number>', 'how many at most', integer(1, MOST), MOST)
    .action(
      runs(async (session, options: LedgerOptions & { readonly limit: number }) =>
        (await load()).listTasks(session, options),
      ),
    );
  command('show', 'shows a task')
    .argument('<id>', 'the id of the task')
    .endsWith([MISSING])
    .action(
      runs(async (session, id: string, options: LedgerOptions) =>
        (await load()).showTask(session, id, options),
      ),
    );
  command('stats', 'shows the figures of all tasks').action(
    runs(async (session, options: LedgerOptions) =>
      (await load()).showStatistics(session, options),
    ),
  );
  command(
    'critical-path',
    'lists the longest chain of open tasks that depend on each other',
  ).action(
    runs(async (session, options: LedgerOptions) =>
      (await load()).showCriticalPath(session, options),
    ),
  );
}

function addVerbs(command: Make, runs: Runs, load: Load): void {
  for (const verb of Object.keys(VERBS) as (keyof typeof VERBS)[]) {
    addReasonOption(command(verb, VERBS[verb]).argument('<id>', 'the id of the task'))
      .endsWith([MISSING, REFUSED])
      .action(
        runs(async (session, id: string, options: LedgerOptions) =>
          (await load()).changeTask(session, options, (ledger, by) =>
            ledger[METHODS[verb]](id, by),
          ),
        ),
      );
  }
}

function addChanges(command: Make, runs: Runs, load: Load): void {
  command('log', 'adds a line to the progress log of a task')
    .argument('<id>', 'the id of the task')
    .argument('<line>', 'what to note')
    .endsWith([MISSING])
    .action(
      runs(async (session, id: string, line: string, options: LedgerOptions) =>
        (await load()).changeTask(session, options, (ledger, by) => ledger.log(id, line, by)),
      ),
    );
  addReasonOption(command('tick', 'ticks boxes of a task').argument('<id>', 'the id of the task'))
    .option('--criterion <text>', 'an acceptance criterion; again for more', collect)
    .option('--done <text>', 'an item of the definition of done; again for more', collect)
    .endsWith([MISSING, REFUSED])
    .action(
      runs(async (session, id: string, options: TaskOptions) => {
        const { criterion = [], done = [] } = options;
        const ticks = { acceptanceCriteria: criterion, definitionOfDone: done };
        return (await load()).changeTask(session, options, (ledger, by) =>
          ledger.tick(id, ticks, by),
        );
      }),
    );
  addReasonOption(
    command('depend', 'sets what a task depends on')
      .argument('<id>', 'the id of the task')
      .argument('[other...]', 'tasks that come before it'),
  )
    .endsWith([MISSING, REFUSED])
    .action(
      runs(async (session, id: string, others: readonly string[], options: LedgerOptions) =>
        (await load()).changeTask(session, options, (ledger, by) => ledger.depend(id, others, by)),
      ),
    );
}
