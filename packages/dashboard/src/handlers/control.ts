/**
 * Answers what concerns limits, groups, orders and dead letters: what says when jobs run.
 *
 * @module
 */
import type { GroupInfo, OrderInfo } from '@monque/core';
import type {
  DeadLettersAnswer,
  GroupRequest,
  GroupSetAnswer,
  GroupsAnswer,
  JobAnswer,
  LimitAnswer,
  LimitRequest,
  LimitsAnswer,
  OrdersAnswer,
  ReasonRequest,
} from '../api/types.ts';
import { deadLetterGroups, groupRow, limitRow, orderRow } from '../control/views.ts';
import { type Call, found, type Handlers } from '../server/call.ts';
import { detailsOf, summaryOf } from '../server/job-views.ts';
import { workersOf } from '../server/overview.ts';
import { sees } from '../server/scope.ts';

const DEFAULT_PAGE = 100;
const DEFAULT_WINDOW = 1_000;
/** Names that are looked at when none is given, and how many orders of each. */
const MOST_NAMES = 50;
const MOST_OF_NAME = 20;

/** Of a page behind which there are more, so that it is not empty. */
function lastOf<T>(page: readonly T[]): T {
  return page.at(-1) as T;
}

interface PageQuery {
  readonly name?: string;
  readonly after?: string;
  readonly limit?: number;
  readonly halted?: boolean;
}

function why(reason: string | undefined): { readonly reason?: string } {
  return reason === undefined ? {} : { reason };
}

async function listLimits(call: Call): Promise<LimitsAnswer> {
  const { after = '', limit = DEFAULT_PAGE } = call.query as PageQuery;
  const all = (await call.monque.limits()).filter(({ key }) => key > after);
  const page = all.slice(0, limit);
  const next = all.length > limit ? lastOf(page).key : null;
  return { at: call.at, limits: page.map(limitRow), next };
}

async function setLimit(call: Call): Promise<LimitAnswer> {
  const { key, reason, ...bounds } = call.body as LimitRequest;
  await call.monque.setLimit(key, bounds, why(reason));
  const limits = await call.monque.limits();
  const stored = limits.find((limit) => limit.key === key);
  const none = { key, shares: [], held: 0, wanted: 0 };
  return { at: call.at, limit: limitRow(stored ?? none) };
}

async function listGroups(call: Call): Promise<GroupsAnswer> {
  const { name, after, limit = DEFAULT_PAGE } = call.query as PageQuery;
  const { snapshot, scope } = await call.look();
  const { instances, fullestGroups, groupsAreCut } = snapshot.inspection;
  const grouped = workersOf(instances).filter(
    (worker) => worker.groups === true && sees(scope, worker.name),
  );
  const names = [...new Set(grouped.map((worker) => worker.name))].sort();
  if (name === undefined) {
    const seen = fullestGroups.filter((group) => sees(scope, group.name));
    const groups = seen.map((group) => groupRow(group.name, group, call.eyes));
    return { at: call.at, groups, names, next: null, isComplete: false, groupsAreCut };
  }
  const options = { limit: limit + 1, ...(after !== undefined && { after }) };
  const groups = await call.monque.groups(name, options);
  return { at: call.at, names, ...groupsPage(call, name, groups, limit) };
}

/** Where the last one is not shown as it is stored, no further page is offered: its place would show it. */
function groupsPage(call: Call, name: string, found: readonly GroupInfo[], limit: number) {
  const page = found.slice(0, limit);
  const groups = page.map((group) => groupRow(name, group, call.eyes));
  const isCut = found.length > limit;
  const isOffered = isCut && !lastOf(groups).isRedacted;
  return { groups, next: isOffered ? lastOf(page).group : null, isComplete: !isCut };
}

async function setGroup(call: Call): Promise<GroupSetAnswer> {
  const { name, group, reason, ...settings } = call.body as GroupRequest;
  await call.monque.setGroup(name, group, settings, why(reason));
  call.server.snapshots.changed();
  return { at: call.at, name, group };
}

async function listOrders(call: Call): Promise<OrdersAnswer> {
  const { name, after, limit = DEFAULT_PAGE, halted = false } = call.query as PageQuery;
  if (name === undefined) return ordersOfAll(call, halted);
  const options = { halted, limit: limit + 1, ...(after !== undefined && { after }) };
  const all: OrderInfo[] = await call.monque.orders(name, options);
  const page = all.slice(0, limit);
  const orders = page.map((order) => orderRow(name, order, call.eyes));
  const isCut = all.length > limit;
  const isOffered = isCut && lastOf(orders).order === lastOf(page).order;
  const next = isOffered ? lastOf(page).order : null;
  return { at: call.at, orders, next, isComplete: !isCut };
}

/** Some of each name that is known; the halted ones first. */
async function ordersOfAll(call: Call, halted: boolean): Promise<OrdersAnswer> {
  const { scope } = await call.look();
  const names = [...scope.names].slice(0, MOST_NAMES);
  let isComplete = names.length === scope.names.size;
  const orders: OrdersAnswer['orders'][number][] = [];
  for (const name of names) {
    const limit = MOST_OF_NAME + 1;
    const of = await call.monque.orders(name, { halted, limit });
    isComplete &&= of.length < limit;
    orders.push(...of.slice(0, MOST_OF_NAME).map((order) => orderRow(name, order, call.eyes)));
  }
  orders.sort((a, b) => Number(b.isHalted) - Number(a.isHalted));
  return { at: call.at, orders, next: null, namesExamined: names.length, isComplete };
}

async function listDeadLetters(call: Call): Promise<DeadLettersAnswer> {
  const { name, window = DEFAULT_WINDOW } = call.query as {
    readonly name?: string | readonly string[];
    readonly window?: number;
  };
  const names = name === undefined ? await deadLetterNames(call) : [name].flat();
  if (names.length === 0) {
    return { at: call.at, groups: [], names, examined: 0, isComplete: true };
  }
  const { jobs, nextCursor } = await call.monque.getJobsWithCursor({
    ...{ name: names, status: ['pending', 'failed', 'cancelled'] },
    ...{ orderBy: '_id', direction: 'descending', limit: window },
    timeout: call.server.timeoutMs,
  });
  return {
    at: call.at,
    groups: deadLetterGroups(jobs.map((job) => summaryOf(job, call.eyes))),
    ...{ names, examined: jobs.length, isComplete: nextCursor === null },
  };
}

/** The names under which the jobs of the workers wait that have failed for good. */
async function deadLetterNames(call: Call): Promise<string[]> {
  const { snapshot, scope } = await call.look();
  const workers = workersOf(snapshot.inspection.instances);
  const names = workers.flatMap(({ deadLetter }) => deadLetter ?? []);
  const may = await Promise.all(
    names.map((name) => scope.seesAll || call.monque.can('findJobs', name)),
  );
  return [...new Set(names.filter((_, index) => may[index]))].sort();
}

async function redriveDeadLetter(call: Call): Promise<JobAnswer> {
  const { reason } = call.body as ReasonRequest;
  const job = found(await call.monque.redriveDeadLetter(call.id, why(reason)));
  return { at: call.at, job: detailsOf(job, call.eyes) };
}

/** The handlers. */
export const CONTROL_HANDLERS: Handlers<
  | 'listLimits'
  | 'setLimit'
  | 'listGroups'
  | 'setGroup'
  | 'listOrders'
  | 'listDeadLetters'
  | 'redriveDeadLetter'
> = {
  ...{ listLimits, setLimit, listGroups, setGroup, listOrders },
  ...{ listDeadLetters, redriveDeadLetter },
};
