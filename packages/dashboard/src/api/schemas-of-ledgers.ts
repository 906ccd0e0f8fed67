/**
 * The named schemas of what the pages of the work ledgers show, as `types-of-ledgers.ts` says it to the compiler.
 *
 * @module
 */
import {
  BOOLEAN,
  COUNT,
  integer,
  list,
  NUMBER,
  object,
  oneOf,
  ref,
  type Schema,
  STRING,
  TIME,
} from './schema.ts';

const STEP_STATES = [
  ...['not_started', 'in_progress', 'completed_pending_verification', 'verified'],
  'drift_detected',
];

const TASK_STATES = [
  ...['defined', 'assigned', 'in_progress', 'peer_review', 'revisions', 'blocked', 'completed'],
];

/** The state of a step. */
export const STEP_STATE: Schema = oneOf(...STEP_STATES);

const TASK_STATE = oneOf(...TASK_STATES);
const TEXTS = list(STRING);

const STEP_REQUIRED = {
  id: STRING,
  title: STRING,
  status: STEP_STATE,
  checks: object({ passed: COUNT, failed: COUNT, notRun: COUNT, without: COUNT }),
};

const STEP_OPTIONAL = {
  run: STRING,
  completedAt: TIME,
  updatedAt: TIME,
  verification: ref('VerificationOfStep'),
};

const TASK_REQUIRED = {
  id: STRING,
  title: STRING,
  status: TASK_STATE,
  priority: oneOf('critical', 'high', 'normal'),
  isOverdue: BOOLEAN,
  waitsFor: COUNT,
};

const TASK_OPTIONAL = {
  assignee: STRING,
  reviewer: STRING,
  deadline: TIME,
  blockedReason: STRING,
  updatedAt: TIME,
};

const ITEMS = list(object({ text: STRING, done: BOOLEAN }));
const OTHER_TASKS = list(object({ id: STRING }, { title: STRING, status: TASK_STATE }));
const RATE = object({ count: COUNT, of: COUNT });
const TASKS = list(ref('TaskSummary'));

/** The schemas. */
export const SCHEMAS_OF_LEDGERS: Readonly<Record<string, Schema>> = {
  VerificationOfStep: object(
    { outcome: oneOf('verified', 'drift'), at: TIME, run: STRING },
    { notes: STRING },
  ),
  StepSummary: object(STEP_REQUIRED, STEP_OPTIONAL),
  ResultOfCheck: object(
    { passed: BOOLEAN, at: TIME, run: STRING, durationMs: NUMBER },
    { exitCode: integer(0, 255), fault: STRING, output: STRING },
  ),
  HistoryEntryOfRecord: object(
    { verb: STRING },
    { at: TIME, from: STRING, to: STRING, actor: STRING, run: STRING, reason: STRING },
  ),
  StepDetails: object(
    {
      ...STEP_REQUIRED,
      invariants: list(object({ text: STRING }, { check: STRING, result: ref('ResultOfCheck') })),
      scope: list(object({ name: STRING, items: TEXTS })),
      ...{ summary: TEXTS, edgeCases: TEXTS, concerns: TEXTS, stillNeeded: TEXTS },
      verifications: list(ref('VerificationOfStep')),
      history: list(ref('HistoryEntryOfRecord')),
    },
    STEP_OPTIONAL,
  ),
  StepsAnswer: object({
    at: TIME,
    counts: object(Object.fromEntries(STEP_STATES.map((state) => [state, COUNT]))),
    steps: list(ref('StepSummary')),
    nextAfter: { type: ['string', 'null'] },
    isCut: BOOLEAN,
  }),
  StepAnswer: object({ at: TIME, step: ref('StepDetails') }),
  TaskSummary: object(TASK_REQUIRED, TASK_OPTIONAL),
  TaskDetails: object(
    {
      ...TASK_REQUIRED,
      acceptanceCriteria: ITEMS,
      definitionOfDone: ITEMS,
      requirements: list(object({ name: STRING, text: STRING })),
      dependsOn: OTHER_TASKS,
      neededBy: OTHER_TASKS,
      revisionCount: COUNT,
      history: list(ref('HistoryEntryOfRecord')),
    },
    {
      ...TASK_OPTIONAL,
      ...{ createdAt: TIME, startedAt: TIME, submittedAt: TIME, approvedBy: STRING },
      ...{ approvedAt: TIME, completedAt: TIME, blockedAt: TIME },
    },
  ),
  TaskFigures: object({
    total: COUNT,
    byPriority: object({ critical: COUNT, high: COUNT, normal: COUNT }),
    overdue: COUNT,
    completedThisWeek: COUNT,
    completedInWeeks: list(COUNT),
    approvals: RATE,
    rework: RATE,
    byAssignee: list(object({ assignee: STRING, open: COUNT, completed: COUNT, overdue: COUNT })),
  }),
  BoardAnswer: object({
    at: TIME,
    columns: list(object({ status: TASK_STATE, count: COUNT, tasks: TASKS })),
    criticalPath: object({ count: COUNT, tasks: TASKS }),
    figures: ref('TaskFigures'),
    isCut: BOOLEAN,
  }),
  TaskAnswer: object({ at: TIME, task: ref('TaskDetails') }),
};
