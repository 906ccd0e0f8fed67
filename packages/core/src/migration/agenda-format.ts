/**
 * How Agenda, versions 4 to 6, keeps its jobs.
 *
 * A document has no state; it follows from times. Agenda sets `lastRunAt` and the next `nextRunAt` (null for a job that
 * runs once) when a run starts, and `lastFinishedAt` when it ends. So a run that started after the last one that ended
 * never heard of: its worker still has it, or died, or was stopped.
 *
 * @module
 */
import type { Document } from 'mongodb';
import { parseCron } from '../job/cron.ts';
import { everyMsOf } from '../job/interval-plan.ts';
import type { ResolvedMigration, SeriesChoice } from './migration-options.ts';
import {
  dateIn,
  isLeft,
  type Left,
  left,
  numberIn,
  type ReadSource,
  type SourceJob,
  type SourceSeries,
  type SourceStatus,
  textIn,
  UnknownShape,
  valueIn,
  withTimezone,
} from './source-job.ts';

const TYPES: ReadonlySet<unknown> = new Set(['normal', 'single', 'once']);

/** The words that older versions took, and some wrote. */
const PRIORITIES: Readonly<Record<string, number>> = {
  lowest: -20,
  low: -10,
  normal: 0,
  high: 10,
  highest: 20,
};

interface Times {
  readonly nextRunAt?: Date | undefined;
  readonly lockedAt?: Date | undefined;
  readonly lastRunAt?: Date | undefined;
  readonly lastFinishedAt?: Date | undefined;
  readonly failedAt?: Date | undefined;
}

interface State {
  readonly status: SourceStatus;
  readonly dueAt: Date;
}

type Plan = Required<Pick<SourceJob, 'series' | 'notes'>>;

/** Reads documents of Agenda. */
export function agendaReader(options: Pick<ResolvedMigration, 'series' | 'timezone'>): ReadSource {
  return (document, bornAt) => {
    const name = textIn(document, 'name');
    if (name === undefined || !TYPES.has(document.type)) {
      throw new UnknownShape('Expected a `name`, and a `type` of normal or single');
    }
    const choice = Object.hasOwn(options.series, name) ? options.series[name] : undefined;
    const plan = planOf(document, choice, options.timezone);
    const state = stateOf(document, bornAt, plan !== undefined);
    if (isLeft(state)) return state;
    if (state.status === 'completed' || state.status === 'failed') {
      return toSourceJob(document, name, bornAt, state);
    }
    if (document.disabled === true) {
      return left('disabled', 'The job is disabled; enable it, or schedule it again');
    }
    if (plan !== undefined && isLeft(plan)) return plan;
    const lock = plan === undefined && document.type === 'single' ? { uniqueKey: name } : {};
    return { ...toSourceJob(document, name, bornAt, state), ...lock, ...plan };
  };
}

function toSourceJob(document: Document, name: string, createdAt: Date, state: State): SourceJob {
  const startedAt = dateIn(document, 'lastRunAt');
  const finishedAt = dateIn(document, 'lastFinishedAt') ?? dateIn(document, 'failedAt');
  const failReason = textIn(document, 'failReason');
  return {
    ...state,
    name,
    // Agenda stores null for a job without data.
    ...(document.data !== null && { data: document.data }),
    priority: -priorityOf(document),
    createdAt,
    ...(startedAt && { startedAt }),
    ...(finishedAt && { finishedAt }),
    ...(failReason !== undefined && { failReason }),
    notes: [],
  };
}

/** How far the job had come, and when it is due. */
function stateOf(document: Document, bornAt: Date, isSeries: boolean): State | Left {
  const times = timesOf(document);
  const { nextRunAt, lockedAt, lastRunAt, lastFinishedAt, failedAt } = times;
  const endedAt = lastFinishedAt ?? failedAt;
  const isStarted = lastRunAt !== undefined && (endedAt === undefined || endedAt < lastRunAt);
  if (isStarted && (lockedAt !== undefined || nextRunAt === undefined)) {
    return { status: 'interrupted', dueAt: lastRunAt };
  }
  if (lockedAt !== undefined) return { status: 'interrupted', dueAt: nextRunAt ?? lockedAt };
  if (nextRunAt !== undefined) return { status: 'pending', dueAt: nextRunAt };
  if (isSeries) return endedSeries(document);
  if (failedAt !== undefined && failedAt >= (lastFinishedAt ?? failedAt)) {
    return { status: 'failed', dueAt: bornAt };
  }
  if (lastFinishedAt !== undefined) return { status: 'completed', dueAt: bornAt };
  return left('neverDue', 'Expected `nextRunAt` to be a Date, got none');
}

function timesOf(document: Document): Times {
  return {
    nextRunAt: dateIn(document, 'nextRunAt'),
    lockedAt: dateIn(document, 'lockedAt'),
    lastRunAt: dateIn(document, 'lastRunAt'),
    lastFinishedAt: dateIn(document, 'lastFinishedAt'),
    failedAt: dateIn(document, 'failedAt'),
  };
}

function endedSeries(document: Document): Left {
  const endDate = dateIn(document, 'endDate');
  return endDate === undefined
    ? left('neverDue', 'Expected `nextRunAt` of a recurring job to be a Date, got none')
    : left('finished', `The series has no run before its end at ${endDate.toISOString()}`);
}

function priorityOf(document: Document): number {
  const { priority } = document;
  if (typeof priority === 'string' && Object.hasOwn(PRIORITIES, priority)) {
    return Number(PRIORITIES[priority]);
  }
  return numberIn(document, 'priority') ?? 0;
}

/** The plan of a recurring job; undefined for a job that runs once. */
function planOf(
  document: Document,
  choice: SeriesChoice | undefined,
  assumedTimezone: string,
): Plan | Left | undefined {
  const interval = valueIn(document, 'repeatInterval') ?? undefined;
  const repeatAt = textIn(document, 'repeatAt');
  if (interval === undefined && repeatAt === undefined) return undefined;
  const timezone = choice?.timezone ?? textIn(document, 'repeatTimezone');
  const bounds = boundsOf(document);
  if (choice?.cron !== undefined) {
    return withTimezone({ plan: choice.cron, ...bounds }, timezone, assumedTimezone);
  }
  if (skipsDays(document)) {
    return left('interval', `Skips days of the week (${document.skipDays}); ${ADVICE}`);
  }
  if (interval === undefined) return left('interval', `Repeats at '${repeatAt}'; ${ADVICE}`);
  if (typeof interval === 'string' && isCron(interval)) {
    return withTimezone({ plan: interval, ...bounds }, timezone, assumedTimezone);
  }
  const everyMs = everyMsOf(interval);
  if (everyMs !== undefined) return { series: { plan: everyMs, ...bounds }, notes: [] };
  return left('interval', `Cannot read the interval '${String(interval)}'; ${ADVICE}`);
}

const ADVICE = 'name a cron expression for it with the option `series`';

/** A list of numbers in version 6, a text in older ones. */
function skipsDays({ skipDays }: Document): boolean {
  return skipDays !== undefined && skipDays !== null && String(skipDays) !== '';
}

function boundsOf(document: Document): Partial<SourceSeries> {
  const startAt = dateIn(document, 'startDate');
  const endAt = dateIn(document, 'endDate');
  return { ...(startAt && { startAt }), ...(endAt && { endAt }) };
}

function isCron(text: string): boolean {
  try {
    parseCron('repeatInterval', text);
    return true;
  } catch {
    return false;
  }
}
