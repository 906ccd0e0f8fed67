/**
 * The commands on flow control: limits, groups, orders and flows.
 *
 * @module
 */
import type { CliCommand } from '../context/command.ts';
import type { CliContext } from '../context/context.ts';
import { ExitCode } from '../context/exit-codes.ts';
import { addReasonOption, type ReasonOption } from '../context/reason.ts';
import { integer, orDefault, startRate } from '../context/values.ts';
import type { FlowListOptions, FlowShowOptions, FlowVerbOptions } from '../flow/flows.ts';
import type { GroupListOptions, GroupSetOptions } from '../flow/groups.ts';
import type { LimitSetOptions } from '../flow/limits.ts';
import type { OrderListOptions } from '../flow/orders.ts';

const { MISSING, PARTLY, INTERRUPTED } = ExitCode;
const MOST = 1_000_000;

/** Adds `limits`, `groups`, `orders` and `flows`. */
export function addFlowCommands(program: CliCommand, context: CliContext): void {
  addLimits(program, context);
  addGroups(program, context);
  program
    .command('orders')
    .onPage('flow')
    .description('lists the orders of a name that are under way or held up')
    .argument('<name>', 'the name of the jobs')
    .option('--halted', 'only those that a failed job holds up')
    .option('--after <key>', 'those behind this key, for the next page')
    .option('--limit <number>', 'how many at most', integer(1, 1_000), 100)
    .action(
      context.runs(async (session, name: string, options: OrderListOptions) =>
        (await import('../flow/orders.ts')).listOrders(session, name, options),
      ),
    );
  addFlows(program, context);
}

function addLimits(program: CliCommand, context: CliContext): void {
  const load = () => import('../flow/limits.ts');
  const limits = program
    .command('limits')
    .description('look at the limits of all processes together, and set these')
    .onPage('flow');
  limits
    .command('list', { isDefault: true })
    .description('lists the limits with who holds and wants what of them')
    .action(context.runs(async (session) => (await load()).listLimits(session)));
  addReasonOption(
    limits.command('set').description('sets a limit, for all processes, while they run'),
  )
    .argument('<key>', 'the key that workers name')
    .option('--concurrency <number>', 'how many jobs run at once', integer(0, MOST))
    .option('--rate <starts/duration>', 'how many start in a time, such as 100/1m', startRate)
    .option('--burst <number>', 'how many start at once after a quiet time', integer(1, MOST))
    .option('--unbounded', 'bound nothing any more')
    .action(
      context.runs(async (session, key: string, options: LimitSetOptions) =>
        (await load()).setLimit(session, key, options),
      ),
    );
}

function addGroups(program: CliCommand, context: CliContext): void {
  const load = () => import('../flow/groups.ts');
  const groups = program
    .command('groups')
    .description('look at the groups of a name, and set what each may do')
    .onPage('flow');
  groups
    .command('list', { isDefault: true })
    .description('lists the groups that have unfinished jobs or settings of their own')
    .argument('<name>', 'the name of the jobs')
    .option('--after <group>', 'those behind this one, for the next page')
    .option('--limit <number>', 'how many at most', integer(1, 1_000), 100)
    .action(
      context.runs(async (session, name: string, options: GroupListOptions) =>
        (await load()).listGroups(session, name, options),
      ),
    );
  const one = (name: string, says: string): CliCommand =>
    addReasonOption(groups.command(name).description(says))
      .argument('<name>', 'the name of the jobs')
      .argument('<group>', 'the group');
  const back = 'or default, for what the worker says';
  one('set', 'sets what a group may do, for all processes, while they run')
    .option(
      '--concurrency <number>',
      `how many jobs run at once, ${back}`,
      orDefault(integer(0, MOST)),
    )
    .option(
      '--rate <starts/duration>',
      `how many start in a time, such as 100/1m, ${back}`,
      orDefault(startRate),
    )
    .option('--burst <number>', 'how many start at once after a quiet time', integer(1, MOST))
    .option(
      '--weight <number>',
      `how many are claimed at each of its turns, ${back}`,
      orDefault(integer(1, 1_000)),
    )
    .example('three times the turns for a tenant', 'monque groups set email acme --weight 3')
    .action(
      context.runs(async (session, name: string, group: string, options: GroupSetOptions) =>
        (await load()).setGroup(session, [name, group], options),
      ),
    );
  for (const [verb, says] of [
    ['pause', 'lets no more jobs of a group start, in any process'],
    ['resume', 'lets jobs of a group start again'],
  ] as const) {
    one(verb, says).action(
      context.runs(async (session, name: string, group: string, options: ReasonOption) =>
        (await load()).setGroupPaused(session, [name, group], verb === 'pause', options),
      ),
    );
  }
}

function addFlows(program: CliCommand, context: CliContext): void {
  const load = () => import('../flow/flows.ts');
  const flows = program
    .command('flows')
    .description('look at flows, cancel them and run again what failed')
    .onPage('flow');
  flows
    .command('list', { isDefault: true })
    .description('lists the flows, the newest first')
    .option('--after <id>', 'those that are older than this one, for the next page')
    .option('--limit <number>', 'how many at most', integer(1, 1_000), 100)
    .action(
      context.runs(async (session, options: FlowListOptions) =>
        (await load()).listFlows(session, options),
      ),
    );
  flows
    .command('show')
    .description('shows a flow with its jobs, parents before their children')
    .argument('<id>', 'the id of the flow')
    .option('--after <id>', 'the jobs behind this one, for the next page')
    .option('--limit <number>', 'how many jobs at most', integer(1, 1_000), 100)
    .endsWith({ [MISSING]: 'there is no such flow' })
    .action(
      context.runs(async (session, id: string, options: FlowShowOptions) =>
        (await load()).showFlow(session, id, options),
      ),
    );
  const verb = (name: string, says: string): CliCommand =>
    addReasonOption(flows.command(name).description(says))
      .argument('<id>', 'the id of the flow')
      .option('--yes', 'do not ask')
      .option('--dry-run', 'count the jobs, change nothing')
      .endsWith({ [MISSING]: 'there is no such flow' })
      .endsWith([PARTLY, INTERRUPTED]);
  verb('cancel', 'cancels what has not started, and asks what runs to end').action(
    context.runs(async (session, id: string, options: FlowVerbOptions) =>
      (await load()).cancelFlow(session, id, options),
    ),
  );
  verb('redrive', 'runs again what failed or was cancelled, behind its parents').action(
    context.runs(async (session, id: string, options: FlowVerbOptions) =>
      (await load()).redriveFlow(session, id, options),
    ),
  );
}
