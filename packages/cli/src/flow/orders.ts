/**
 * Orders: which keys of a name are under way, and which are held up.
 *
 * @module
 */
import type { OrderInfo } from '@monque/core';
import type { Session } from '../context/context.ts';
import { ExitCode } from '../context/exit-codes.ts';
import { plain } from '../context/json.ts';
import type { Column } from '../context/table.ts';
import { countedUpTo } from '../context/words.ts';

/** Options of `orders`. */
export interface OrderListOptions {
  readonly halted?: boolean;
  readonly after?: string;
  readonly limit: number;
}

const MOST_COUNTED = 1_000;

const COLUMNS: readonly Column<OrderInfo>[] = [
  { title: 'ORDER', text: ({ order }) => order },
  { title: 'HELD BY', text: ({ jobId }) => jobId.toHexString() },
  { title: 'STATE', text: ({ status }) => status },
  {
    title: 'WAITING',
    text: ({ waiting }) => countedUpTo(waiting, MOST_COUNTED),
    isRight: true,
  },
];

/** `monque orders` */
export async function listOrders(
  { output, open }: Session,
  name: string,
  { halted = false, after, limit }: OrderListOptions,
): Promise<ExitCode> {
  const { jobs } = await open();
  const orders = await jobs.orders(name, {
    ...{ halted, limit },
    ...(after !== undefined && { after }),
  });
  if (output.isJson) {
    for (const order of orders) await output.line(JSON.stringify(plain(order)));
  } else await output.table(orders, COLUMNS);
  const last = orders.at(-1);
  if (last === undefined)
    output.note(`No order of '${name}' is ${halted ? 'held up' : 'under way'}.`);
  else if (orders.length === limit) output.note(`There may be more: --after ${last.order}`);
  return ExitCode.DONE;
}
