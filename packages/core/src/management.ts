/**
 * A scheduler as an actor may use it: the verbs of a management API, each asked for first.
 *
 * @module
 */
import type { EngineContext } from './context/scheduler-context.ts';
import type { JobTypes, UntypedJobs } from './job/typed-jobs.ts';
import type { Actor, LedgerRepository } from './ledger/ledger-repository.ts';
import { boundTo, checkActor } from './ledger/views/actor-view.ts';
import type { MonquePublicAPI } from './public-api.ts';

/** The verbs that an actor has. */
export type ManagementVerb =
  | 'enqueue'
  | 'now'
  | 'enqueueMany'
  | 'schedule'
  | 'unschedule'
  | 'getSchedules'
  | 'getJob'
  | 'getJobs'
  | 'getJobsWithCursor'
  | 'getHistory'
  | 'setMetadata'
  | 'cancelJob'
  | 'retryJob'
  | 'rescheduleJob'
  | 'deleteJob'
  | 'openGate'
  | 'cancelJobs'
  | 'retryJobs'
  | 'deleteJobs'
  | 'getQueueStats'
  | 'pause'
  | 'resume'
  | 'waitFor';

const VERBS: Readonly<Record<ManagementVerb, true>> = {
  enqueue: true,
  now: true,
  enqueueMany: true,
  schedule: true,
  unschedule: true,
  getSchedules: true,
  getJob: true,
  getJobs: true,
  getJobsWithCursor: true,
  getHistory: true,
  setMetadata: true,
  cancelJob: true,
  retryJob: true,
  rescheduleJob: true,
  deleteJob: true,
  openGate: true,
  cancelJobs: true,
  retryJobs: true,
  deleteJobs: true,
  getQueueStats: true,
  pause: true,
  resume: true,
  waitFor: true,
};

/**
 * What {@link MonquePublicAPI.as} gives: verbs on jobs, but not those that run a scheduler.
 *
 * @typeParam Types - the names of the jobs with the types of their data and results; without it any name goes
 */
export type MonqueManagement<Types extends JobTypes = UntypedJobs> = Pick<
  MonquePublicAPI<Types>,
  ManagementVerb
>;

/** These verbs of a scheduler, and nothing else of it. */
export function managementOf<Types extends JobTypes>(
  monque: MonquePublicAPI<Types>,
): MonqueManagement<Types> {
  const verbs = Object.keys(VERBS) as ManagementVerb[];
  const bound = verbs.map((verb) => [verb, Reflect.get(monque, verb).bind(monque)]);
  return Object.freeze(Object.fromEntries(bound));
}

/** The ledger as an actor may use it. The hook of the scheduler goes before one that its ledger was given. */
export function ledgerFor(
  { ledger, options, emit }: Pick<EngineContext, 'ledger' | 'options' | 'emit'>,
  actor: Actor,
): LedgerRepository {
  const { access = ledger.access } = options;
  return boundTo(ledger, checkActor('actor', actor), {
    may: (question) => access.may(question),
    onDenied: ({ actorId, verb, jobName: name }) => {
      emit('access:denied', { actor: actorId, verb, ...(name !== undefined && { name }) });
    },
  });
}
