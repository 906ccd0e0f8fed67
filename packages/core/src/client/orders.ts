/**
 * The orders of a name: who holds each, and how many wait behind it.
 *
 * @module
 */
import type { EngineContext } from '../context/scheduler-context.ts';
import { checkFields, checkJobName, integer, oneOf } from '../foundation/argument-checks.ts';
import type { OrderRecord } from '../ledger/ledger-repository.ts';
import { checkOrder } from '../options/run-options.ts';

const MOST_ORDERS = 1_000;
const DEFAULT_ORDERS = 100;

/** Which orders are read. */
export interface OrdersOptions {
  /** Only those that a failed job holds up. @default false */
  readonly halted?: boolean;
  /** Those behind this key, for the next page: the key of the last one of the page before. */
  readonly after?: string;
  /** How many at most, from 1 to 1000. @default 100 */
  readonly limit?: number;
}

/** One order of which a job was started and is not finished, or has failed and holds it up. */
export type OrderInfo = OrderRecord;

/**
 * A page of the orders of a name.
 *
 * @throws InvalidArgumentError naming the field
 */
export async function readOrders(
  { ledger, ready }: Pick<EngineContext, 'ledger' | 'ready'>,
  name: string,
  options: OrdersOptions,
): Promise<OrderInfo[]> {
  checkJobName('name', name);
  checkFields('options', options, {
    halted: oneOf(true, false),
    after: checkOrder,
    limit: integer(1, MOST_ORDERS),
  });
  const { halted = false, limit = DEFAULT_ORDERS, after } = options;
  await ready();
  const page = { name, halted, limit, ...(after !== undefined && { after }) };
  return [...(await ledger.readOrders(page))];
}
