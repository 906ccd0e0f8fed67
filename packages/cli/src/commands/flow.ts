/**
 * The commands on flow control: limits and orders.
 *
 * @module
 */
import type { CliCommand } from '../context/command.ts';
import type { CliContext } from '../context/context.ts';
import { addReasonOption } from '../context/reason.ts';
import { integer, startRate } from '../context/values.ts';
import type { LimitSetOptions } from '../flow/limits.ts';
import type { OrderListOptions } from '../flow/orders.ts';

const MOST = 1_000_000;

/** Adds `limits` and `orders`. */
export function addFlowCommands(program: CliCommand, context: CliContext): void {
  addLimits(program, context);
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
