/**
 * Answers what concerns series. One is addressed by the id of its job, which stays the same from run to run.
 *
 * @module
 */
import type { Job, Schedule, ScheduleOptions } from '@monque/core';
import type { Interval } from '@monque/core/types';
import type {
  CronAnswer,
  EndedAnswer,
  OccurrencesAnswer,
  SeriesAnswer,
  SeriesListAnswer,
  SeriesRequest,
  SeriesRow,
} from '../api/types.ts';
import { timeOf } from '../clock.ts';
import type { Call, Handlers } from '../server/call.ts';
import { intervalIn, inWords, planShown } from '../server/cron-words.ts';
import { fromEjson } from '../server/ejson.ts';
import { metadataFrom } from '../server/filters.ts';
import { badRequest, notFound, ProblemError } from '../server/problems.ts';
import type { Eyes } from '../server/redaction.ts';
import { checkSpan, isRecorded, occurrencesOf, timesOf } from './occurrences.ts';

const MOST_SERIES = 1_000;
const NEXT_TIMES = 5;
const DAY_MS = 86_400_000;

type SeriesJob = Job & { readonly repeatInterval: string };

async function seriesJob(call: Call): Promise<SeriesJob> {
  const job = await call.job();
  if (typeof job.repeatInterval === 'string') return job as SeriesJob;
  throw notFound('This job belongs to no series, or its series is over');
}

function rowOf(schedule: Schedule, { redaction, actor }: Eyes): SeriesRow {
  const { jobId, name, uniqueKey, timezone, missed, data, metadata, status } = schedule;
  const cron = planShown(schedule.repeatInterval);
  const job = { _id: jobId, name };
  const words = inWords(cron);
  return {
    ...{ id: String(jobId), name, cron, timezone, missed, status },
    uniqueKey: redaction.text(uniqueKey, 'uniqueKey', job, actor),
    ...(words !== undefined && { inWords: words }),
    ...(schedule.startAt && { startAt: timeOf(schedule.startAt) }),
    ...(schedule.endAt && { endAt: timeOf(schedule.endAt) }),
    ...(data !== undefined && { data: redaction.value(data, 'data', job, actor) }),
    ...(metadata && { metadata: redaction.value(metadata, 'metadata', job, actor) }),
    nextRunAt: timeOf(schedule.nextRunAt),
    scheduledFor: timeOf(schedule.scheduledFor),
  };
}

function scheduleOf(job: SeriesJob): Schedule {
  const { _id: jobId, name, repeatInterval, data, metadata, status, nextRunAt } = job;
  const { timezone = 'UTC', missed = 'once', startAt, endAt } = job;
  return {
    ...{ jobId, name, repeatInterval, timezone, missed, data, status, nextRunAt },
    uniqueKey: job.uniqueKey ?? repeatInterval,
    scheduledFor: job.scheduledFor ?? nextRunAt,
    ...(metadata && { metadata }),
    ...(startAt && { startAt }),
    ...(endAt && { endAt }),
  };
}

function answer(call: Call, job: SeriesJob): SeriesAnswer {
  const now = call.server.snapshots.now();
  return {
    at: call.at,
    series: rowOf(scheduleOf(job), call.eyes),
    next: nextTimes(job, now).map(timeOf),
  };
}

/** A plan that this process cannot read, since its zone is known to others alone, shows none. */
function nextTimes(job: SeriesJob, now: Date): readonly Date[] {
  try {
    return timesOf(job, now, undefined, NEXT_TIMES).times;
  } catch {
    return [];
  }
}

async function listSeries(call: Call): Promise<SeriesListAnswer> {
  const name = call.query.name as string | undefined;
  const names = name === undefined ? await seriesNames(call) : [name];
  const found: Schedule[] = [];
  if (names === undefined) found.push(...(await call.monque.getSchedules()));
  else for (const one of names) found.push(...(await call.monque.getSchedules({ name: one })));
  const series = found.slice(0, MOST_SERIES).map((schedule) => rowOf(schedule, call.eyes));
  return { at: call.at, series, isCut: found.length > MOST_SERIES };
}

async function seriesNames(call: Call): Promise<readonly string[] | undefined> {
  if (await call.monque.can('findSeries')) return undefined;
  const { scope } = await call.look();
  const asked = [...scope.names].map(async (name) => {
    return (await call.monque.can('findSeries', name)) ? [name] : [];
  });
  return (await Promise.all(asked)).flat();
}

/** An interval is counted from its start, so that it has no time zone. */
function planAskedFor({ cron, timezone }: Pick<SeriesRequest, 'cron' | 'timezone'>): {
  readonly plan: string | Interval;
  readonly zone?: { readonly timezone: string };
} {
  const every = intervalIn(cron);
  if (every !== undefined) return { plan: { every } };
  return { plan: cron, ...(timezone !== undefined && { zone: { timezone } }) };
}

/** What the runs of a series have that no request names; it stays when the series is changed. */
async function keptOf(call: Call, name: string, uniqueKey: string): Promise<ScheduleOptions> {
  if (!(await call.monque.can('findSeries', name))) return {};
  const series = await call.monque.getSchedules({ name });
  const known = series.find((schedule) => schedule.uniqueKey === uniqueKey);
  const job = known && (await call.monque.getJob(known.jobId));
  if (!job) return {};
  const { priority, maxRetries, backoff, timeout } = job;
  return {
    priority,
    ...(maxRetries !== undefined && { maxRetries }),
    ...(backoff && { backoff }),
    ...(timeout !== undefined && { timeout }),
  };
}

async function putSeries(call: Call): Promise<SeriesAnswer> {
  const { name, cron, timezone, data, metadata, startAt, endAt, ...rest } =
    call.body as SeriesRequest;
  const { plan, zone } = planAskedFor({ cron, ...(timezone !== undefined && { timezone }) });
  const options: ScheduleOptions = {
    ...(await keptOf(call, name, rest.uniqueKey ?? cron)),
    ...rest,
    ...zone,
    ...(startAt !== undefined && { startAt: new Date(startAt) }),
    ...(endAt !== undefined && { endAt: new Date(endAt) }),
    ...(metadata !== undefined && {
      metadata: metadataFrom<NonNullable<ScheduleOptions['metadata']>>('metadata', metadata),
    }),
  };
  const value = data === undefined ? undefined : fromEjson('data', data);
  const job = await call.monque.schedule<unknown>(plan, name, value, options);
  return answer(call, job as SeriesJob);
}

async function endSeries(call: Call): Promise<EndedAnswer> {
  const { name, uniqueKey, repeatInterval } = await seriesJob(call);
  const ended = await call.monque.unschedule(name, { uniqueKey: uniqueKey ?? repeatInterval });
  return { ended };
}

/** The waiting run alone; what is on ends as it will. */
function checkWaiting({ status, _id }: Job): void {
  if (status === 'pending') return;
  throw new ProblemError({
    ...{ status: 409, code: 'JOB_STATE', jobId: String(_id), jobStatus: status },
    detail: 'No run of this series waits: one is on',
  });
}

async function runSeries(call: Call): Promise<SeriesAnswer> {
  checkWaiting(await seriesJob(call));
  await call.monque.rescheduleJob(call.id, call.server.snapshots.now());
  return answer(call, await seriesJob(call));
}

async function skipSeries(call: Call): Promise<SeriesAnswer> {
  checkWaiting(await seriesJob(call));
  await call.monque.cancelJob(call.id, { reason: 'skipped manually' });
  return answer(call, await seriesJob(call));
}

async function getOccurrences(call: Call): Promise<OccurrencesAnswer> {
  const job = await seriesJob(call);
  const now = call.server.snapshots.now();
  const { from, to } = call.query as { readonly from?: string; readonly to?: string };
  const start = from === undefined ? new Date(now.getTime() - DAY_MS) : new Date(from);
  const end = to === undefined ? new Date(now.getTime() + 7 * DAY_MS) : new Date(to);
  checkSpan(start, end);
  // The start itself counts.
  const { times, isCut } = timesOf(job, new Date(start.getTime() - 1), end);
  const entries = await call.monque.getHistory(call.id, { limit: 1_000 });
  return {
    ...{ at: call.at, from: timeOf(start), to: timeOf(end), isCut },
    occurrences: occurrencesOf(times, job, entries, now),
    isRecorded: isRecorded(entries),
  };
}

async function readCron(call: Call): Promise<CronAnswer> {
  const { expression, timezone } = call.query as {
    readonly expression?: string;
    readonly timezone?: string;
  };
  if (expression === undefined) throw badRequest('expression', '`expression` is missing');
  const now = call.server.snapshots.now();
  const isInterval = intervalIn(expression) !== undefined;
  // One that is made now is counted from now.
  const repeatInterval = isInterval
    ? `${planShown(expression)} from ${now.toISOString()}`
    : expression;
  const plan = { repeatInterval, ...(timezone !== undefined && { timezone }) };
  const { times } = timesOf(plan, now, undefined, NEXT_TIMES);
  const words = inWords(expression);
  return { expression, ...(words !== undefined && { inWords: words }), next: times.map(timeOf) };
}

/** The handlers. */
export const SERIES_HANDLERS: Handlers<
  | 'listSeries'
  | 'putSeries'
  | 'getSeries'
  | 'endSeries'
  | 'getOccurrences'
  | 'runSeries'
  | 'skipSeries'
  | 'readCron'
> = {
  listSeries,
  putSeries,
  endSeries,
  getOccurrences,
  runSeries,
  skipSeries,
  readCron,
  getSeries: async (call) => answer(call, await seriesJob(call)),
};
