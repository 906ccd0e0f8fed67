/**
 * Answers what the pages beside the jobs show: the snapshot, errors, counts, metrics, and who may do what.
 *
 * @module
 */
import manifest from '../../package.json' with { type: 'json' };
import { openApiOf } from '../api/openapi.ts';
import type {
  ActivityAnswer,
  CapabilitiesAnswer,
  ErrorsAnswer,
  HealthAnswer,
  InstancesAnswer,
  JobsQuery,
  MetricsAnswer,
  NameRequest,
  NamesAnswer,
  OverviewAnswer,
  PausedAnswer,
  ReasonsAnswer,
  RulesAnswer,
  StatsAnswer,
} from '../api/types.ts';
import { timeOf } from '../clock.ts';
import type { Call, Handlers } from '../server/call.ts';
import { groupErrors } from '../server/error-groups.ts';
import { filterOfQuery } from '../server/filters.ts';
import { summaryOf } from '../server/job-views.ts';
import { masked } from '../server/masking.ts';
import { metricsOf, prometheusOf } from '../server/metrics.ts';
import { instancesOf, namesOf, overviewOf, withoutLeaseOf } from '../server/overview.ts';
import { forbidden } from '../server/problems.ts';
import { actionsOf, sees } from '../server/scope.ts';

import { lastMinuteOf } from './throughput.ts';

const FEATURES = [
  ...['operations', 'audit', 'metrics', 'activity', 'events'],
  ...['limits', 'groups', 'orders', 'deadLetters'],
];
const DEFAULT_WINDOW = 1_000;

async function getCapabilities(call: Call): Promise<CapabilitiesAnswer> {
  const { server, monque, readOnly, actorId } = call;
  const { environment } = server.options;
  const { scope } = await call.look();
  const names = [...scope.names].map(async (name) => {
    return { name, actions: await actionsOf(monque, readOnly, name) };
  });
  return {
    ...{ actor: actorId, title: server.title, readOnly, allNames: scope.seesAll },
    ...(environment !== undefined && { environment }),
    actions: await actionsOf(monque, readOnly),
    names: await Promise.all(names),
    version: manifest.version,
    features: [
      ...FEATURES,
      ...((await seesFlows(monque)) ? ['flows'] : []),
      ...(scope.seesAll ? Object.keys(server.ledgers) : []),
    ],
  };
}

/** True for who may list flows, and read one with its jobs. */
async function seesFlows(monque: Call['monque']): Promise<boolean> {
  const verbs = ['readFlows', 'readFlow', 'findJobs'] as const;
  return (await Promise.all(verbs.map((verb) => monque.can(verb)))).every((may) => may);
}

/** Of the process that serves this, as far as its names are seen. */
async function getHealth(call: Call): Promise<HealthAnswer> {
  const health = call.server.options.monque.health();
  const seesAll = await call.monque.can('findJobs');
  const paused = health.pausedNames.map(async (name) => {
    return seesAll || (await call.monque.can('findJobs', name)) ? [name] : [];
  });
  const { running, connected, hints, queueLagMs, runningJobs, bufferedJobs, unsettledJobs } =
    health;
  const { lastError } = health;
  return {
    at: call.at,
    // One that was not started holds no lease, and is not expected to.
    status: connected || !running ? 'ok' : 'degraded',
    ...{ running, connected, hints, queueLagMs, runningJobs, bufferedJobs, unsettledJobs },
    pausedNames: (await Promise.all(paused)).flat(),
    alerts: [...health.alerts],
    ...(health.lastClaimAt && { lastClaimAt: timeOf(health.lastClaimAt) }),
    ...(lastError &&
      seesAll && {
        lastError: {
          code: String(Reflect.get(lastError.error, 'code') ?? lastError.error.name),
          message: masked(lastError.error.message),
          at: timeOf(lastError.at),
        },
      }),
  };
}

async function getErrors(call: Call): Promise<ErrorsAnswer> {
  const { name, window = DEFAULT_WINDOW } = call.query as {
    readonly name?: string | readonly string[];
    readonly window?: number;
  };
  const names = name ?? (await call.names());
  if (names?.length === 0) return { at: call.at, groups: [], examined: 0, isComplete: true };
  const { jobs, nextCursor } = await call.monque.getJobsWithCursor({
    ...(names !== undefined && { name: names }),
    ...{ status: 'failed', orderBy: '_id', direction: 'descending', limit: window },
    timeout: call.server.timeoutMs,
  });
  return {
    at: call.at,
    groups: groupErrors(jobs.map((job) => summaryOf(job, call.eyes))),
    examined: jobs.length,
    isComplete: nextCursor === null,
  };
}

/** What was stored with a job may be taken out, so words that hold it are left to the pages of the jobs. */
async function countReasons(call: Call): Promise<ReasonsAnswer> {
  const { limit, ...query } = call.query as JobsQuery;
  const names = query.name === undefined ? await call.names() : undefined;
  if (names?.length === 0) return { at: call.at, explained: 0, isComplete: true, reasons: [] };
  const filter = filterOfQuery(query, names);
  const timeout = call.server.timeoutMs;
  const options = { timeout, ...(limit !== undefined && { limit }) };
  const { at, explained, isComplete, reasons } = await call.monque.explainMany(filter, options);
  return {
    ...{ at: timeOf(at), explained, isComplete },
    reasons: reasons.map(({ reason, count, message, jobId }) => {
      const words = WITH_STORED_WORDS.has(reason) ? '' : masked(message);
      return { reason, count, message: words, jobId: String(jobId) };
    }),
  };
}

/** Reasons whose words hold what was stored with one job: the message of a failure, its group, its order. */
const WITH_STORED_WORDS: ReadonlySet<string> = new Set([
  ...['failed', 'cancelled', 'retryWaits', 'failedBefore', 'unfit', 'deadLetter'],
  ...['groupFull', 'groupRate', 'groupPaused', 'behindInOrder'],
]);

async function getStats(call: Call): Promise<StatsAnswer> {
  const name = call.query.name as string | undefined;
  const may = await (name === undefined
    ? call.monque.can('readStats')
    : call.monque.can('readStats', name));
  if (!may) throw forbidden('ACCESS_DENIED', 'You may not count these jobs');
  const { server, monque } = call;
  const { stats, asOf } = await server.stats.read(name ?? '', server.snapshots.now(), () =>
    monque.getQueueStats(name === undefined ? {} : { name }),
  );
  return { asOf: timeOf(asOf), ...(name !== undefined && { name }), ...stats };
}

async function setPaused(call: Call, isPaused: boolean): Promise<PausedAnswer> {
  const { name } = call.body as NameRequest;
  await (isPaused ? call.monque.pause(name) : call.monque.resume(name));
  call.server.snapshots.changed();
  return { name, isPaused };
}

/** What is counted by name is shown for the names that are seen, the rest to those who see all. */
async function getMetrics(call: Call): Promise<MetricsAnswer> {
  const { scope } = await call.look();
  const isSeen = (labels: Readonly<Record<string, string>>): boolean =>
    scope.seesAll || (labels.name !== undefined && sees(scope, labels.name));
  return metricsOf(call.server.options.monque.metrics(), call.at, isSeen, scope.seesAll);
}

async function getRules(call: Call): Promise<RulesAnswer> {
  const isAllowed = await call.monque.can('findJobs');
  const points = isAllowed ? call.server.options.monque.metrics().counters.violations : [];
  const rules = points.map(({ labels, value }) => {
    return { rule: String(labels.rule), violations: value };
  });
  return { at: call.at, rules };
}

async function getActivity(call: Call): Promise<ActivityAnswer> {
  const seesAll = await call.monque.can('findJobs');
  const { actorId } = call;
  const entries = call.server.activity.read();
  return { entries: seesAll ? entries : entries.filter(({ actor }) => actor === actorId) };
}

/** The handlers. */
export const VIEW_HANDLERS: Handlers<
  | 'getOpenApi'
  | 'getHealth'
  | 'getCapabilities'
  | 'getOverview'
  | 'getNames'
  | 'pauseName'
  | 'resumeName'
  | 'getInstances'
  | 'countReasons'
  | 'getErrors'
  | 'getStats'
  | 'getRules'
  | 'getActivity'
  | 'getMetrics'
  | 'getPrometheus'
  | 'streamEvents'
> = {
  getHealth,
  getCapabilities,
  countReasons,
  getErrors,
  getStats,
  getMetrics,
  getRules,
  getActivity,
  getOpenApi: ({ server }) => openApiOf(server.title),
  getOverview: async (call): Promise<OverviewAnswer> => {
    const { snapshot, scope } = await call.look();
    return overviewOf(snapshot, scope);
  },
  getNames: async (call): Promise<NamesAnswer> => {
    const { snapshot, scope } = await call.look();
    const { at, namesAreCut } = snapshot.inspection;
    return { at: timeOf(at), names: namesOf(snapshot, scope), namesAreCut };
  },
  pauseName: (call) => setPaused(call, true),
  resumeName: (call) => setPaused(call, false),
  getInstances: async (call): Promise<InstancesAnswer> => {
    const { snapshot, scope } = await call.look();
    const at = timeOf(snapshot.inspection.at);
    return {
      ...{ at, instances: instancesOf(snapshot, scope) },
      withoutLease: withoutLeaseOf(snapshot, scope),
    };
  },
  getPrometheus: async (call) => {
    const text = prometheusOf(await getMetrics(call)) + (await lastMinuteOf(call));
    return new Response(text, { headers: { 'content-type': 'text/plain; version=0.0.4' } });
  },
  streamEvents: ({ server, query, actor, actorId, eyes, monque }) => {
    const jobIds = [query.jobs ?? []].flat().map((id) => String(id).toLowerCase());
    const stream = server.live.open({ actor, actorId, eyes, monque, jobIds });
    const headers = {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
    };
    return new Response(stream, { headers });
  },
};
