/**
 * Answers what the pages of the work ledgers show. A ledger has no names of jobs, so it is shown to who sees jobs of all
 * names.
 *
 * @module
 */
import type {
  BoardAnswer,
  BoardQuery,
  StepAnswer,
  StepsAnswer,
  StepsQuery,
  TaskAnswer,
} from '../api/types.ts';
import type { LedgerSource } from '../ledgers/ledger-source.ts';
import { stepDetails, stepsOf } from '../ledgers/step-views.ts';
import { boardOf, taskDetails } from '../ledgers/task-views.ts';
import type { Call, Handlers } from '../server/call.ts';
import { forbidden, notFound } from '../server/problems.ts';

async function look<T>(call: Call, source: LedgerSource<T> | undefined): Promise<T> {
  if (!(await call.monque.can('findJobs'))) {
    throw forbidden('ACCESS_DENIED', 'Ledgers are shown to who may see jobs of all names');
  }
  if (source === undefined) throw notFound('This dashboard was given no ledger of this kind');
  return await source.read();
}

async function listSteps(call: Call): Promise<StepsAnswer> {
  const seen = await look(call, call.server.ledgers.verification);
  return { at: call.at, ...stepsOf(seen, call.query as StepsQuery, call.eyes) };
}

async function getStep(call: Call): Promise<StepAnswer> {
  const seen = await look(call, call.server.ledgers.verification);
  const found = seen.find(({ step }) => step.id === call.id);
  if (found === undefined) throw notFound('The ledger has no step with this id');
  return { at: call.at, step: stepDetails(found, call.eyes) };
}

async function getBoard(call: Call): Promise<BoardAnswer> {
  const seen = await look(call, call.server.ledgers.coordination);
  return { at: call.at, ...boardOf(seen, call.query as BoardQuery, call.eyes) };
}

async function getTask(call: Call): Promise<TaskAnswer> {
  const seen = await look(call, call.server.ledgers.coordination);
  const task = seen.tasks.get(call.id);
  if (task === undefined) throw notFound('The ledger has no task with this id');
  return { at: call.at, task: taskDetails(task, seen, call.eyes) };
}

/** The handlers. */
export const LEDGER_HANDLERS: Handlers<'listSteps' | 'getStep' | 'getBoard' | 'getTask'> = {
  ...{ listSteps, getStep, getBoard, getTask },
};
