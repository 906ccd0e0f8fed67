/**
 * The operations on what says when jobs run: limits, groups, orders, flows and dead letters.
 *
 * @module
 */
import { COSTS, type Route } from './route.ts';
import { BOOLEAN, described, ID, integer } from './schema.ts';
import { GROUP, LIMIT_KEY, NAME, NAMES, ORDER } from './schemas.ts';

const AFTER = 'Only those behind this one, for the next page.';
const PAGE = described(integer(1, 500), 'How many a page holds; 100 when left out.');

/** The id of one of these operations. */
export type ControlRouteId =
  | 'listLimits'
  | 'setLimit'
  | 'listGroups'
  | 'setGroup'
  | 'listOrders'
  | 'listFlows'
  | 'getFlow'
  | 'getFlowGraph'
  | 'listDeadLetters'
  | 'redriveDeadLetter';

/** Every one of them by its id. */
export const CONTROL_ROUTES: Readonly<Record<ControlRouteId, Route>> = {
  listLimits: {
    ...{ method: 'GET', path: 'limits', answer: 'LimitsAnswer' },
    query: { after: described(LIMIT_KEY, AFTER), limit: PAGE },
    summary: 'The limits by key, with who holds and who wants what of them',
    cost: 'One read of all limits.',
  },
  setLimit: {
    ...{ method: 'PUT', path: 'limits', body: 'LimitRequest', answer: 'LimitAnswer' },
    changes: true,
    summary: 'Sets what jobs under a limit may do, of all processes together',
    cost: 'One write, and one read of all limits.',
  },
  listGroups: {
    ...{ method: 'GET', path: 'groups', answer: 'GroupsAnswer' },
    query: { name: NAME, after: described(GROUP, AFTER), limit: PAGE },
    summary: 'The groups of a name with what waits and runs; without a name the fullest of all',
    cost: 'One read within an index; without a name that of the shared snapshot.',
  },
  setGroup: {
    ...{ method: 'PATCH', path: 'groups', body: 'GroupRequest', answer: 'GroupSetAnswer' },
    changes: true,
    summary: 'Sets what a group may do, of all processes together, or pauses it',
    cost: 'One write.',
  },
  listOrders: {
    ...{ method: 'GET', path: 'orders', answer: 'OrdersAnswer' },
    query: {
      name: NAME,
      halted: described(BOOLEAN, 'Only those that a failed job holds up.'),
      after: described(ORDER, `${AFTER} With a name alone.`),
      limit: PAGE,
    },
    summary: 'The orders of a name of which a job was started; without a name those of all',
    cost: 'One read within an index; without a name one for each of the first 50 names.',
  },
  listFlows: {
    ...{ method: 'GET', path: 'flows', answer: 'FlowsAnswer' },
    query: {
      after: described(ID, AFTER),
      limit: described(integer(1, 50), 'How many a page holds; 20 when left out.'),
    },
    summary: 'The flows, the newest first',
    cost: 'One read of the page, and three for each flow that is shown, which count its jobs within an index.',
  },
  getFlow: {
    ...{ method: 'GET', path: 'flows/{id}', answer: 'FlowAnswer' },
    query: { after: described(ID, AFTER), limit: PAGE },
    summary: 'A flow with a page of its jobs, parents before their children',
    cost: 'Counts the jobs of the flow within an index, and reads the page.',
  },
  getFlowGraph: {
    ...{ method: 'GET', path: 'flows/{id}/graph', answer: 'FlowGraphAnswer' },
    summary: 'What waits for what in a flow; jobs with the same parents and children are one node',
    cost: 'Counts the jobs of the flow, and reads at most 10,000 of them.',
  },
  listDeadLetters: {
    ...{ method: 'GET', path: 'dead-letters', answer: 'DeadLettersAnswer' },
    query: {
      name: described(NAMES, 'The names that they wait under; those of the workers when left out.'),
      window: described(integer(1, 10_000), 'Jobs to look at.'),
    },
    summary: 'Dead letters, grouped by where they failed and by what went wrong',
    cost: 'Gives at most `window` jobs (1000 when left out); looks at all where dead letters are rarer than that. Bounded in time.',
  },
  redriveDeadLetter: {
    ...{ method: 'POST', path: 'jobs/{id}/actions/redrive', body: 'ReasonRequest' },
    ...{ answer: 'JobAnswer', changes: true },
    summary: 'Gives a dead letter its own name back, pending and due at once',
    cost: COSTS.byId,
  },
};
