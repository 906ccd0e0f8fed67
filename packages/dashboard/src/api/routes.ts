/**
 * The route table: every operation of the API, once. Requests are checked by it, the OpenAPI document is made from it,
 * and a handler that is missing does not compile. A route more is a row here, its schemas, and its handler.
 *
 * @module
 */

import { BY_METADATA, COSTS, FILTER_QUERY, LIMIT, type Route } from './route.ts';
import { CONTROL_ROUTES, type ControlRouteId } from './routes-of-control.ts';
import { BOOLEAN, described, ID, integer, list, oneOf, type Schema, TIME, text } from './schema.ts';
import { NAME, NAMES } from './schemas.ts';
import { STEP_STATE } from './schemas-of-ledgers.ts';

const { one, byId, snapshot, nothing, ledger } = COSTS;

/** The id of an operation of the API. */
export type RouteId =
  | 'getOpenApi'
  | 'getHealth'
  | 'getCapabilities'
  | 'getOverview'
  | 'getNames'
  | 'pauseName'
  | 'resumeName'
  | 'getInstances'
  | 'listJobs'
  | 'enqueueJob'
  | 'getJob'
  | 'getRawJob'
  | 'deleteJob'
  | 'explainJob'
  | 'getJobHistory'
  | 'cancelJob'
  | 'retryJob'
  | 'rescheduleJob'
  | 'openGate'
  | 'setMetadata'
  | 'previewOperation'
  | 'startOperation'
  | 'listOperations'
  | 'getOperation'
  | 'abortOperation'
  | 'listSeries'
  | 'putSeries'
  | 'getSeries'
  | 'endSeries'
  | 'getOccurrences'
  | 'runSeries'
  | 'skipSeries'
  | 'readCron'
  | 'getErrors'
  | 'countReasons'
  | 'getStats'
  | 'getRules'
  | 'getActivity'
  | 'getMetrics'
  | 'getPrometheus'
  | 'getThroughput'
  | 'streamEvents'
  | 'listSteps'
  | 'getStep'
  | 'getBoard'
  | 'getTask'
  | ControlRouteId;

/** Every operation by its id. */
const ROUTES: Readonly<Record<RouteId, Route>> = {
  getOpenApi: {
    ...{ method: 'GET', path: 'openapi.json', answer: { media: 'application/json' } },
    summary: 'This description',
    cost: nothing,
  },
  getHealth: {
    ...{ method: 'GET', path: 'health', answer: 'HealthAnswer' },
    summary: 'How the process that serves this is',
    cost: nothing,
  },
  getCapabilities: {
    ...{ method: 'GET', path: 'capabilities', answer: 'CapabilitiesAnswer' },
    summary: 'Who asks, and what that actor may do',
    cost: snapshot,
  },
  getOverview: {
    ...{ method: 'GET', path: 'overview', answer: 'OverviewAnswer' },
    summary: 'What needs attention, and everything at a glance',
    cost: snapshot,
  },
  getNames: {
    ...{ method: 'GET', path: 'names', answer: 'NamesAnswer' },
    summary: 'The job names with what waits',
    cost: snapshot,
  },
  pauseName: {
    ...{ method: 'POST', path: 'names/actions/pause', body: 'NameRequest', changes: true },
    answer: 'PausedAnswer',
    summary: 'Lets no more jobs of a name start, in any process',
    cost: 'One write.',
  },
  resumeName: {
    ...{ method: 'POST', path: 'names/actions/resume', body: 'NameRequest', changes: true },
    answer: 'PausedAnswer',
    summary: 'Lets jobs of a name start again',
    cost: 'One write.',
  },
  getInstances: {
    ...{ method: 'GET', path: 'instances', answer: 'InstancesAnswer' },
    summary: 'The instances with what they hold',
    cost: snapshot,
  },
  listJobs: {
    ...{ method: 'GET', path: 'jobs', answer: 'JobsAnswer', queryPattern: BY_METADATA },
    query: {
      ...FILTER_QUERY,
      orderBy: oneOf('_id', 'createdAt', 'updatedAt', 'nextRunAt'),
      direction: oneOf('ascending', 'descending'),
      cursor: text(1_000),
      limit: LIMIT,
      archived: BOOLEAN,
      scan: described(BOOLEAN, 'Take a list that no index serves; it is bounded in time.'),
    },
    summary: 'Jobs, page by page',
    cost: 'One bounded read; without `scan`, refused where no index serves it.',
  },
  enqueueJob: {
    ...{ method: 'POST', path: 'jobs', body: 'EnqueueRequest', changes: true, status: 201 },
    ...{ answer: 'JobAnswer', idempotent: true },
    summary: 'Stores a job',
    cost: 'One write; with an Idempotency-Key three reads more.',
  },
  getJob: {
    ...{ method: 'GET', path: 'jobs/{id}', answer: 'JobAnswer' },
    summary: 'A job, also from the archive',
    cost: one,
  },
  getRawJob: {
    ...{ method: 'GET', path: 'jobs/{id}/raw', answer: 'RawJobAnswer' },
    summary: 'The document of a job, without what was taken out',
    cost: one,
  },
  deleteJob: {
    ...{ method: 'DELETE', path: 'jobs/{id}', answer: 'DeletedAnswer', changes: true },
    summary: 'Deletes a job that is not processing',
    cost: byId,
  },
  explainJob: {
    ...{ method: 'GET', path: 'jobs/{id}/explanation', answer: 'ExplanationAnswer' },
    summary: 'Why a job runs or does not',
    cost: 'A few reads by id, and the leases.',
  },
  getJobHistory: {
    ...{ method: 'GET', path: 'jobs/{id}/history', answer: 'HistoryAnswer' },
    query: { limit: integer(1, 10_000) },
    summary: 'What happened to a job',
    cost: 'One read by the id of the job.',
  },
  cancelJob: {
    ...{ method: 'POST', path: 'jobs/{id}/actions/cancel', body: 'CancelRequest' },
    ...{ answer: 'JobAnswer', changes: true },
    summary: 'Cancels a job, or asks for it while it runs',
    cost: byId,
  },
  retryJob: {
    ...{ method: 'POST', path: 'jobs/{id}/actions/retry', answer: 'JobAnswer', changes: true },
    summary: 'Makes a failed or cancelled job pending again',
    cost: byId,
  },
  rescheduleJob: {
    ...{ method: 'POST', path: 'jobs/{id}/actions/reschedule', body: 'RescheduleRequest' },
    ...{ answer: 'JobAnswer', changes: true },
    summary: 'Moves a pending job to another time',
    cost: byId,
  },
  openGate: {
    ...{ method: 'POST', path: 'jobs/{id}/actions/open-gate', body: 'OpenGateRequest' },
    ...{ answer: 'JobAnswer', changes: true },
    summary: 'Opens a gate of a job',
    cost: byId,
  },
  setMetadata: {
    ...{ method: 'PATCH', path: 'jobs/{id}/metadata', body: 'MetadataRequest', changes: true },
    answer: 'JobAnswer',
    summary: 'Changes keys of the metadata of a job',
    cost: byId,
  },
  previewOperation: {
    ...{ method: 'POST', path: 'operations/preview', body: 'PreviewRequest' },
    answer: 'PreviewAnswer',
    summary: 'How many jobs a bulk action would meet, counted up to 1000',
    cost: 'A count of at most 1001 jobs for each state that is named, and a read of 10; without states one read of at most 1001 jobs. Bounded in time.',
  },
  startOperation: {
    ...{ method: 'POST', path: 'operations', body: 'OperationRequest', changes: true },
    ...{ answer: 'OperationAnswer', status: 202 },
    summary: 'Begins a bulk action or an audit',
    cost: 'A read for every 500 jobs, and a write for each that is changed.',
  },
  listOperations: {
    ...{ method: 'GET', path: 'operations', answer: 'OperationsAnswer' },
    summary: 'The bulk actions and audits of this server',
    cost: nothing,
  },
  getOperation: {
    ...{ method: 'GET', path: 'operations/{id}', answer: 'OperationAnswer' },
    summary: 'How far one of them is',
    cost: nothing,
  },
  abortOperation: {
    ...{ method: 'DELETE', path: 'operations/{id}', answer: 'OperationAnswer', changes: true },
    summary: 'Ends one of them after the jobs that are under way',
    cost: nothing,
  },
  listSeries: {
    ...{ method: 'GET', path: 'series', answer: 'SeriesListAnswer' },
    query: { name: NAME },
    summary: 'The series',
    cost: 'One read of the index of series.',
  },
  putSeries: {
    ...{ method: 'PUT', path: 'series', body: 'SeriesRequest', answer: 'SeriesAnswer' },
    changes: true,
    summary: 'Makes a series, or changes the one of that name and key',
    cost: 'One write.',
  },
  getSeries: {
    ...{ method: 'GET', path: 'series/{id}', answer: 'SeriesAnswer' },
    summary: 'One series with its next times',
    cost: one,
  },
  endSeries: {
    ...{ method: 'DELETE', path: 'series/{id}', answer: 'EndedAnswer', changes: true },
    summary: 'Ends a series: its waiting run is cancelled, a run that is on is the last',
    cost: byId,
  },
  getOccurrences: {
    ...{ method: 'GET', path: 'series/{id}/occurrences', answer: 'OccurrencesAnswer' },
    query: { from: TIME, to: TIME },
    summary: 'Its times, planned and past, with how each went',
    cost: 'One job by its id, and its history.',
  },
  runSeries: {
    ...{ method: 'POST', path: 'series/{id}/actions/run', answer: 'SeriesAnswer', changes: true },
    summary: 'Runs the waiting run now',
    cost: byId,
  },
  skipSeries: {
    ...{ method: 'POST', path: 'series/{id}/actions/skip', answer: 'SeriesAnswer', changes: true },
    summary: 'Passes over the waiting run',
    cost: byId,
  },
  readCron: {
    ...{ method: 'GET', path: 'cron', answer: 'CronAnswer' },
    query: { expression: text(1_000), timezone: text(64) },
    summary: 'What a cron expression means',
    cost: nothing,
  },
  getErrors: {
    ...{ method: 'GET', path: 'errors', answer: 'ErrorsAnswer' },
    query: { name: NAMES, window: described(integer(1, 10_000), 'Failed jobs to look at.') },
    summary: 'Failed jobs, grouped by what went wrong',
    cost: 'One read of at most `window` jobs (1000 when left out), bounded in time.',
  },
  countReasons: {
    ...{ method: 'GET', path: 'reasons', answer: 'ReasonsAnswer', queryPattern: BY_METADATA },
    query: { ...FILTER_QUERY, limit: described(integer(1, 10_000), 'Jobs to look at.') },
    summary: 'Why jobs run or do not, counted by the decisive reason',
    cost: 'One read of at most `limit` jobs (1000 when left out), bounded in time, and the leases.',
  },
  getStats: {
    ...{ method: 'GET', path: 'stats', answer: 'StatsAnswer', query: { name: NAME } },
    summary: 'Counts all jobs of a name, or of all',
    cost: 'Reads every job of the name, or of all, at most once a minute. Only when asked.',
  },
  getRules: {
    ...{ method: 'GET', path: 'rules', answer: 'RulesAnswer' },
    summary: 'The rules that were broken in this process',
    cost: nothing,
  },
  getActivity: {
    ...{ method: 'GET', path: 'activity', answer: 'ActivityAnswer' },
    summary: 'What was done through this server, and by whom',
    cost: nothing,
  },
  getMetrics: {
    ...{ method: 'GET', path: 'metrics', answer: 'MetricsAnswer' },
    summary: 'What this process counted and measured',
    cost: snapshot,
  },
  getPrometheus: {
    ...{ method: 'GET', path: 'metrics.prom', answer: { media: 'text/plain' } },
    summary: 'The same as Prometheus reads it, and what all processes did in the last minute',
    cost: 'The shared snapshot, and one read of a minute, which is empty without `throughputHistory`.',
  },
  getThroughput: {
    ...{ method: 'GET', path: 'throughput', answer: 'ThroughputAnswer' },
    query: {
      name: NAMES,
      from: TIME,
      before: TIME,
      step: integer(60_000, 86_400_000),
      perName: BOOLEAN,
    },
    summary: 'What happened in all processes, in steps of time; an hour by minute when left out',
    cost: 'One read of a small record for each minute and name of the range, bounded in time.',
  },
  streamEvents: {
    ...{ method: 'GET', path: 'events', answer: { media: 'text/event-stream' }, endless: true },
    query: { jobs: described(list(ID, { maxItems: 200 }), 'Jobs to hear of; repeat it.') },
    summary: 'The snapshot whenever there is a newer one, and the asked jobs as they change',
    cost: 'The shared snapshot, at most every 5 seconds; with `jobs` one read of these by their ids.',
  },
  listSteps: {
    ...{ method: 'GET', path: 'ledgers/verification', answer: 'StepsAnswer', cost: ledger },
    query: {
      status: STEP_STATE,
      after: described(text(100), 'Only steps whose id comes after this one.'),
      limit: described(integer(1, 500), 'Steps a page holds; 100 when left out.'),
    },
    summary: 'The steps of the verification ledger with what their checks found last',
  },
  getStep: {
    ...{ method: 'GET', path: 'ledgers/verification/{id}', answer: 'StepAnswer', cost: ledger },
    summary: 'One step with its invariants, verifications and history',
  },
  getBoard: {
    ...{ method: 'GET', path: 'ledgers/coordination', answer: 'BoardAnswer', cost: ledger },
    query: {
      assignee: text(100),
      limit: described(integer(1, 500), 'Tasks a state shows; 50 when left out.'),
    },
    summary: 'The tasks of the coordination ledger by state, the critical path and the figures',
  },
  getTask: {
    ...{ method: 'GET', path: 'ledgers/coordination/{id}', answer: 'TaskAnswer', cost: ledger },
    summary: 'One task with its criteria, dependencies and history',
  },
  ...CONTROL_ROUTES,
};

/** Every operation with its id. */
export const ROUTE_LIST: readonly (readonly [RouteId, Route])[] = Object.entries(ROUTES) as [
  RouteId,
  Route,
][];

/** The schema of every parameter in a path. */
export const PATH_PARAMETERS: Readonly<Record<string, Schema>> = { id: text(100) };
