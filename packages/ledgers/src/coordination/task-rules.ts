/**
 * The rules of a coordination ledger beyond the table of its states.
 *
 * @module
 */
import type { RuleBreach } from '../foundation/errors.ts';
import type { LedgerRule, RuleContext } from '../record/rules.ts';
import type { Task } from './task.ts';
import { dependenciesOf, findCycle } from './task-graph.ts';
import type { TaskStatus } from './task-lifecycle.ts';

/** Where each way out of `blocked` leads to. */
const UNBLOCKED: Readonly<Record<string, TaskStatus>> = {
  unblockToDefined: 'defined',
  unblockToAssigned: 'assigned',
  unblockToInProgress: 'in_progress',
};

/** The rules. */
export const TASK_RULES: readonly LedgerRule<TaskStatus>[] = [
  {
    name: 'another one reviews',
    verbs: ['add', 'assign', 'handOver', 'nameReviewer'],
    check: reviewedByAnother,
  },
  { name: 'by its assignee', verbs: ['start', 'submit', 'resume'], check: byAssignee },
  { name: 'by its reviewer', verbs: ['approve', 'requestRevisions'], check: byReviewer },
  {
    name: 'dependencies completed',
    verbs: ['start', 'unblockToInProgress'],
    check: dependenciesCompleted,
  },
  { name: 'dependencies without a cycle', verbs: ['add', 'depend'], check: noCycle },
  { name: 'back to where it was', verbs: Object.keys(UNBLOCKED), check: backToWhereItWas },
  { name: 'everything checked', verbs: ['complete'], check: everythingChecked },
];

type Context = RuleContext<TaskStatus>;

function reviewedByAnother({ record, params }: Context): RuleBreach | undefined {
  const { assignee, reviewer } = { ...record, ...given(params) } as Task;
  if (assignee === undefined || assignee !== reviewer) return undefined;
  return {
    message: `cannot be reviewed by '${reviewer}', who does it`,
    advice: 'name another reviewer',
  };
}

/** Parameters that are left out leave their fields alone. */
function given(params: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(params).filter(([, value]) => value !== undefined));
}

function byAssignee({ record, by, verb }: Context): RuleBreach | undefined {
  const { assignee, reviewer } = record as Task;
  if (assignee !== by.actor) {
    return { message: `is assigned to ${shown(assignee)}, so '${by.actor}' cannot ${verb} it` };
  }
  if (verb !== 'submit' || reviewer !== undefined) return undefined;
  return { message: 'has no reviewer', advice: 'name one before it is submitted' };
}

function byReviewer({ record, by }: Context): RuleBreach | undefined {
  const { assignee, reviewer } = record as Task;
  if (assignee === by.actor) return { message: `is done by '${by.actor}', who cannot review it` };
  if (reviewer === by.actor) return undefined;
  return { message: `is reviewed by ${shown(reviewer)}, not by '${by.actor}'` };
}

function shown(name: string | undefined): string {
  return name === undefined ? 'nobody' : `'${name}'`;
}

async function dependenciesCompleted({ record, view }: Context): Promise<RuleBreach | undefined> {
  const { dependsOn } = record as Task;
  if (dependsOn.length === 0) return undefined;
  const found = (await view.list({ ids: dependsOn })) as readonly Task[];
  const byId = new Map(found.map((task) => [task.id, task]));
  const open = dependsOn.filter((id) => byId.get(id)?.status !== 'completed');
  if (open.length === 0) return undefined;
  return {
    message: `depends on ${open.length === 1 ? 'a task that is' : `${open.length} tasks that are`} not completed`,
    blockers: open.map((id) => blockerOf(id, byId.get(id))),
  };
}

function blockerOf(id: string, task: Task | undefined): string {
  return task === undefined
    ? `${id} is not in the ledger`
    : `${id} is ${task.status} (${task.assignee ?? 'nobody has it'})`;
}

async function noCycle({ record, params, view }: Context): Promise<RuleBreach | undefined> {
  const { id } = record;
  const dependsOn = (params.dependsOn ?? record.dependsOn) as readonly string[];
  if (dependsOn.length === 0) return undefined;
  const others = ((await view.list({})) as readonly Task[]).filter((task) => task.id !== id);
  const known = new Set([id, ...others.map((task) => task.id)]);
  const unknown = dependsOn.filter((other) => !known.has(other));
  if (unknown.length > 0)
    return { message: `cannot depend on ${unknown.join(', ')}: there is no such task` };
  const cycle = findCycle(dependenciesOf([...others, { ...(record as Task), dependsOn }]), id);
  if (cycle === undefined) return undefined;
  return { message: `would depend on itself: ${cycle.join(' → ')}` };
}

function backToWhereItWas({ record, verb }: Context): RuleBreach | undefined {
  const { blockedFrom = 'defined' } = record as Task;
  if (UNBLOCKED[verb] === blockedFrom) return undefined;
  return { message: `was ${blockedFrom} before it was blocked, and goes back there` };
}

function everythingChecked({ record }: Context): RuleBreach | undefined {
  const { acceptanceCriteria, definitionOfDone, approvedBy } = record as Task;
  const open = [...acceptanceCriteria, ...definitionOfDone].filter(({ done }) => !done);
  const blockers = [
    ...(approvedBy === undefined ? ['it is not approved'] : []),
    ...open.map(({ text }) => `not checked: ${text.split('\n')[0]}`),
  ];
  return blockers.length === 0 ? undefined : { message: 'cannot be completed', blockers };
}
