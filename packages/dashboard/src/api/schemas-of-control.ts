/**
 * The named schemas of what says when jobs run, as `types-of-control.ts` says it to the compiler.
 *
 * @module
 */
import {
  BOOLEAN,
  COUNT,
  ID,
  integer,
  list,
  NUMBER,
  object,
  oneOf,
  record,
  ref,
  type Schema,
  STRING,
  TIME,
  text,
} from './schema.ts';

const YEAR_MS = 366 * 86_400_000;
const MOST = 1_000_000;

/** A reason that a person gives. */
export const REASON_TEXT: Schema = text(1_000);

const NEXT: Schema = { type: ['string', 'null'] };

const CONCURRENCY = integer(0, MOST);
const WEIGHT = integer(1, 1_000);

function orNull(schema: Schema): Schema {
  return { anyOf: [schema, { type: 'null' }] };
}

const BOUNDS_SHOWN = { concurrency: COUNT, rate: ref('RateOfStarts') };

/** The schemas. */
export const SCHEMAS_OF_CONTROL: Readonly<Record<string, Schema>> = {
  RateOfStarts: object(
    { limit: integer(1, MOST), per: integer(1, YEAR_MS) },
    { burst: integer(1, MOST) },
  ),
  LimitRow: object(
    {
      key: STRING,
      isOfWorker: BOOLEAN,
      held: COUNT,
      wanted: COUNT,
      holders: list(object({ instanceId: STRING, count: COUNT, wants: COUNT })),
    },
    { ...BOUNDS_SHOWN, free: NUMBER, blockedUntil: TIME, nextStartAt: TIME },
  ),
  LimitsAnswer: object({ at: TIME, limits: list(ref('LimitRow')), next: NEXT }),
  LimitRequest: object(
    { key: text(256) },
    { concurrency: CONCURRENCY, rate: ref('RateOfStarts'), reason: REASON_TEXT },
  ),
  LimitAnswer: object({ at: TIME, limit: ref('LimitRow') }),
  GroupRow: object(
    {
      name: STRING,
      group: STRING,
      waiting: ref('BoundedCount'),
      running: COUNT,
      holders: list(ID),
      paused: BOOLEAN,
    },
    {
      ...BOUNDS_SHOWN,
      isRedacted: { const: true },
      oldestDueAt: TIME,
      weight: COUNT,
      nextStartAt: TIME,
    },
  ),
  GroupsAnswer: object(
    {
      at: TIME,
      groups: list(ref('GroupRow')),
      names: list(STRING),
      next: NEXT,
      isComplete: BOOLEAN,
    },
    { groupsAreCut: BOOLEAN },
  ),
  GroupRequest: object(
    { name: text(256), group: text(256) },
    {
      concurrency: orNull(CONCURRENCY),
      rate: orNull(ref('RateOfStarts')),
      weight: orNull(WEIGHT),
      paused: BOOLEAN,
      reason: REASON_TEXT,
    },
  ),
  GroupSetAnswer: object({ at: TIME, name: STRING, group: STRING }),
  OrderRow: object({
    name: STRING,
    order: STRING,
    jobId: ID,
    status: STRING,
    isHalted: BOOLEAN,
    waiting: ref('BoundedCount'),
  }),
  OrdersAnswer: object(
    { at: TIME, orders: list(ref('OrderRow')), next: NEXT, isComplete: BOOLEAN },
    { namesExamined: COUNT },
  ),
  FlowRow: object(
    {
      id: ID,
      state: oneOf('storing', 'abandoned', 'running', 'completed', 'failed', 'cancelled'),
      createdAt: TIME,
      size: COUNT,
      counts: record(COUNT),
    },
    { uniqueKey: STRING },
  ),
  FlowsAnswer: object({ at: TIME, flows: list(ref('FlowRow')), next: NEXT }),
  FlowAnswer: object({ at: TIME, flow: ref('FlowRow'), jobs: list(ref('JobSummary')), next: NEXT }),
  FlowNode: object(
    { id: STRING, name: STRING, level: COUNT, count: COUNT, byStatus: record(COUNT) },
    { job: object({ id: ID, ref: STRING }) },
  ),
  FlowEdge: object({ from: STRING, to: STRING, onFailure: oneOf('fail', 'wait', 'continue') }),
  FlowGraphAnswer: object({
    at: TIME,
    nodes: list(ref('FlowNode')),
    edges: list(ref('FlowEdge')),
    examined: COUNT,
    isComplete: BOOLEAN,
  }),
  DeadLetterGroup: object({
    name: STRING,
    source: STRING,
    pattern: STRING,
    count: COUNT,
    firstAt: TIME,
    lastAt: TIME,
    sample: ref('JobSummary'),
    ids: list(ID),
  }),
  DeadLettersAnswer: object({
    at: TIME,
    groups: list(ref('DeadLetterGroup')),
    names: list(STRING),
    examined: COUNT,
    isComplete: BOOLEAN,
  }),
  ReasonRequest: object({}, { reason: REASON_TEXT }),
};
