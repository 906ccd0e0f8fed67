/**
 * Series: one for each name and key, however many processes ask for it.
 *
 * A series is one job that goes back to pending, with its next time, whenever a run ends. What always holds: asking
 * again for what stands already changes nothing, so that a process that boots moves no waiting run; and a change is
 * written only over the version that it was computed with.
 *
 * @module
 */
import { BSON } from 'mongodb';
import type { EngineContext } from '../context/scheduler-context.ts';
import { checkFields, checkJobName } from '../foundation/argument-checks.ts';
import type { Session } from '../foundation/driver-shapes.ts';
import { InvalidArgumentError, MonqueError } from '../foundation/errors.ts';
import { parseCron } from '../job/cron.ts';
import {
  everyMsOf,
  type Interval,
  keyOfInterval,
  planText,
  readInterval,
  toEveryMs,
} from '../job/interval-plan.ts';
import { DEFAULT_PRIORITY, DOCUMENT_VERSION, type Job } from '../job/job.ts';
import { JOB_LIFECYCLE } from '../job/job-lifecycle.ts';
import { copyMetadata, type JobMetadata, metadataFull } from '../job/metadata.ts';
import { firstRun, type MissedPolicy, type SeriesPlan } from '../job/next-run.ts';
import { copyPayload } from '../job/payload.ts';
import { seriesLock } from '../job/unique-locks.ts';
import type { SeriesFields } from '../ledger/ledger-repository.ts';
import { checkReason, type ManualVerbOptions } from '../options/manual-verb-options.ts';
import { checkUniqueKey } from '../options/run-options.ts';
import { checkScheduleOptions, type ScheduleOptions } from '../options/schedule-options.ts';
import type { Producer } from './enqueue.ts';

const MOST_RACES = 10;
const MOST_SCHEDULES = 10_000;

/** A series as it stands. */
export interface Schedule<T = unknown> {
  /** The id of its job, which stays the same from run to run. */
  readonly jobId: Job['_id'];
  readonly name: string;
  readonly uniqueKey: string;
  /** The plan as its job has it: the cron expression, or a text such as `every 5 minutes from` and its anchor. */
  readonly repeatInterval: string;
  /** The cron expression; absent when the series was made with an interval. */
  readonly cron?: string;
  /** The interval in milliseconds; absent when the series was made with a cron expression. */
  readonly everyMs?: number;
  /** UTC for an interval. */
  readonly timezone: string;
  readonly startAt?: Date;
  readonly endAt?: Date;
  readonly missed: MissedPolicy;
  readonly data: T;
  readonly metadata?: JobMetadata;
  /** `processing` while a run is on. */
  readonly status: Job['status'];
  /** When the waiting run is due, which may be a retry; of a run that is on, when it was due. */
  readonly nextRunAt: Date;
  /** The time of the plan that run stands for. */
  readonly scheduledFor: Date;
}

/** Which series of a name are ended, and why. */
export interface UnscheduleOptions extends ManualVerbOptions {
  /** The key of one series; without it all of the name are meant. */
  readonly uniqueKey?: string;
}

type Plan = SeriesPlan & SeriesFields & { readonly priority: number };

/** What a series has beside its times. */
const OF_EACH_RUN = ['missed', 'data', 'priority', 'maxRetries', 'backoff', 'timeout'] as const;

/** Makes, changes, ends and lists series. */
export class Schedules {
  readonly #context: EngineContext;
  readonly #producer: Producer;
  readonly #onChanged: (job: Job) => void;

  /** @param onChanged - called with a job whose next time was set again */
  constructor(context: EngineContext, producer: Producer, onChanged: (job: Job) => void) {
    this.#context = context;
    this.#producer = producer;
    this.#onChanged = onChanged;
  }

  /** Makes the series, or makes the one that exists what is asked for. */
  async schedule(
    cron: string | Interval,
    name: string,
    data: unknown,
    options: ScheduleOptions,
  ): Promise<Job> {
    checkOrder(cron, name);
    checkJobName('name', name);
    checkScheduleOptions(options);
    const wanted = readWanted(cron, options);
    const copy = copyPayload('data', data, this.#context.options.maxGivenBytes);
    await this.#producer.checkData(name, copy);
    const metadata = options.metadata && copyMetadata('options.metadata', options.metadata);
    const given = {
      ...(metadata && { metadata }),
      ...(options.session && { session: options.session }),
    };
    await this.#context.ready();
    const plan = toPlan(wanted.textFrom(this.#context.ledgerTime.now()), copy, options);
    const { uniqueKey = wanted.key, session } = options;
    for (let race = 0; race < MOST_RACES; race += 1) {
      const { outcome, job } = await this.#storeOrFind(name, uniqueKey, plan, given);
      if (outcome === 'enqueued') return job;
      const updated = await this.#update(job, withAnchorOf(job, plan), session);
      if (updated !== null) return this.#setMetadata(updated, metadata, session);
    }
    throw new MonqueError('BUSY', `The series ${name} (${uniqueKey}) changed too often`);
  }

  /** Ends a series, or all of a name; gives how many were ended. */
  async unschedule(name: string, options: UnscheduleOptions): Promise<number> {
    checkJobName('name', name);
    checkFields('options', options, { uniqueKey: checkUniqueKey, reason: checkReason });
    const { uniqueKey, ...others } = options;
    await this.#context.ready();
    const ended = await this.#end(name, uniqueKey, others);
    const meant = uniqueKey === undefined ? undefined : keyMeantBy(uniqueKey);
    if (ended > 0 || meant === undefined || meant === uniqueKey) return ended;
    return this.#end(name, meant, others);
  }

  /** The series there are. */
  async list(name: string | undefined): Promise<Schedule[]> {
    const { ledger } = this.#context;
    const limit = MOST_SCHEDULES;
    const jobs = await ledger.findSeries({ ...(name !== undefined && { name }), limit });
    return jobs.filter(isSeries).map(toSchedule);
  }

  /** A new job; the one that stands when there is one, also when the plan has no run to come. */
  async #storeOrFind(
    name: string,
    uniqueKey: string,
    plan: Plan,
    { metadata, session }: Pick<ScheduleOptions, 'metadata' | 'session'>,
  ): Promise<{ readonly outcome: 'enqueued' | 'existing'; readonly job: Job }> {
    const { ledger, ledgerTime } = this.#context;
    const now = ledgerTime.now();
    const first = firstRun(plan, now);
    if (first === null) {
      const [standing] = await ledger.findSeries({ name, key: uniqueKey, limit: 1 });
      if (standing === undefined) throw noRunLeft(plan);
      return { outcome: 'existing', job: standing };
    }
    const { scheduledFor } = first;
    const job = this.#makeJob(
      { name, uniqueKey, ...plan, ...(metadata && { metadata }) },
      now,
      scheduledFor,
    );
    const answer = await this.#producer.storeJob(job, session);
    if ('error' in answer) throw answer.error;
    return answer;
  }

  /** The job after the change; null when the series changed meanwhile. */
  async #update(job: Job, plan: Plan, session: Session | undefined): Promise<Job | null> {
    const { ledger, ledgerTime } = this.#context;
    if (isSeries(job) && isSame(toFields(job), plan)) return job;
    const now = ledgerTime.now();
    const keepsTime = isSeries(job) && isSame(timesOf(job), timesOf(plan));
    const next = keepsTime ? null : firstRunOf(plan, now);
    const { outcome, job: after } = await ledger.replan({
      jobId: job._id,
      ...(job.seriesVersion !== undefined && { seriesVersion: job.seriesVersion }),
      series: plan,
      ...(next && { nextRun: { scheduledFor: next, nextRunAt: next } }),
      now,
      ...(session && { session }),
    });
    if (outcome !== 'written' || after === null) return null;
    if (session === undefined) this.#onChanged(after);
    return after;
  }

  async #end(
    name: string,
    uniqueKey: string | undefined,
    { reason }: ManualVerbOptions,
  ): Promise<number> {
    const { ledger, ledgerTime } = this.#context;
    let ended = 0;
    for (let race = 0; race < MOST_RACES; race += 1) {
      const found = await ledger.findSeries({
        name,
        ...(uniqueKey !== undefined && { key: uniqueKey }),
        limit: MOST_SCHEDULES,
      });
      const series = found.filter(isSeries);
      if (series.length === 0) return ended;
      for (const { _id: jobId, seriesVersion } of series) {
        const { outcome } = await ledger.endSeries({
          jobId,
          now: ledgerTime.now(),
          ...(seriesVersion !== undefined && { seriesVersion }),
          ...(reason !== undefined && { reason }),
        });
        if (outcome === 'written') ended += 1;
      }
    }
    throw new MonqueError('BUSY', `The series of ${name} changed too often`);
  }

  /** Keys that handlers and people added stay, so that a process that boots undoes nothing of theirs. */
  async #setMetadata(job: Job, metadata: JobMetadata = {}, session?: Session): Promise<Job> {
    const { ledger, ledgerTime } = this.#context;
    const current = pick(job.metadata ?? {}, Object.keys(metadata));
    if (isSame(current, metadata)) return job;
    const params = { jobId: job._id, changes: metadata, now: ledgerTime.now() };
    const { outcome, job: after } = await ledger.setMetadata({
      ...params,
      ...(session && { session }),
    });
    if (outcome === 'full') throw metadataFull('options.metadata');
    return after ?? job;
  }

  #makeJob(series: NewSeries, now: Date, scheduledFor: Date): Job {
    return {
      _id: this.#context.random.objectId(now.getTime()),
      uniqueLock: seriesLock(series.uniqueKey),
      data: undefined,
      ...series,
      seriesVersion: 1,
      scheduledFor,
      nextRunAt: scheduledFor,
      status: JOB_LIFECYCLE.initial,
      failCount: 0,
      fence: 0,
      createdAt: now,
      updatedAt: now,
      documentVersion: DOCUMENT_VERSION,
    };
  }
}

/** Other libraries take the name first. */
function checkOrder(cron: unknown, name: unknown): void {
  if (typeof cron !== 'string' || expressionOf(cron) !== undefined) return;
  const isPlan = typeof name === 'string' ? expressionOf(name) !== undefined : isInterval(name);
  if (!isPlan) return;
  const hint = 'the plan comes first: schedule(cron, name, data, options)';
  throw new InvalidArgumentError('cron', 'a cron expression, or `{ every }`', cron, hint);
}

function isInterval(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'every' in value;
}

/** What the first job of a series is made of. */
interface NewSeries extends Plan {
  readonly name: string;
  readonly uniqueKey: string;
  readonly metadata?: JobMetadata;
}

/** The times that are asked for. */
interface Wanted {
  /** The unique key of a series that is given none. */
  readonly key: string;
  /** The plan as a job keeps it. @param made - when a series is made that has no start */
  textFrom(made: Date): string;
}

function readWanted(cron: string | Interval, { timezone, startAt }: ScheduleOptions): Wanted {
  if (typeof cron !== 'object' || cron === null) {
    const { expression } = parseCron('cron', cron, timezone);
    return { key: expression, textFrom: () => expression };
  }
  const everyMs = toEveryMs(cron);
  if (timezone !== undefined) {
    const hint = 'an interval is the same in every time zone';
    throw new InvalidArgumentError('options.timezone', 'left out beside `every`', timezone, hint);
  }
  return { key: keyOfInterval(everyMs), textFrom: (made) => planText(everyMs, startAt ?? made) };
}

/** Who asks for the interval that stands, and for no start, moves none of its times. */
function withAnchorOf(job: Job, plan: Plan): Plan {
  const everyMs = readInterval(plan.repeatInterval)?.everyMs;
  const standing = isSeries(job) ? readInterval(job.repeatInterval)?.everyMs : undefined;
  const isAnchored = plan.startAt !== undefined || job.startAt !== undefined;
  if (everyMs === undefined || everyMs !== standing || isAnchored) return plan;
  return { ...plan, repeatInterval: job.repeatInterval as string };
}

function toPlan(repeatInterval: string, data: unknown, options: ScheduleOptions): Plan {
  const { timezone, startAt, endAt, missed, maxRetries, backoff, timeout } = options;
  return {
    repeatInterval,
    ...(timezone !== undefined && { timezone }),
    ...(startAt && { startAt: new Date(startAt) }),
    ...(endAt && { endAt: new Date(endAt) }),
    ...(missed !== undefined && { missed }),
    priority: options.priority ?? DEFAULT_PRIORITY,
    ...(maxRetries !== undefined && { maxRetries }),
    ...(backoff && { backoff: { ...backoff } }),
    ...(timeout !== undefined && { timeout }),
    ...(data !== undefined && { data }),
  };
}

/** The text as the key of a series that was made without one; undefined when it is no plan. */
function keyMeantBy(uniqueKey: string): string | undefined {
  const [, interval] = /^every (.+)$/.exec(uniqueKey) ?? [];
  const everyMs = everyMsOf(interval);
  return everyMs === undefined ? expressionOf(uniqueKey) : keyOfInterval(everyMs);
}

function expressionOf(text: string): string | undefined {
  try {
    return parseCron('uniqueKey', text).expression;
  } catch {
    return undefined;
  }
}

function firstRunOf(plan: Plan, now: Date): Date {
  const first = firstRun(plan, now);
  if (first === null) throw noRunLeft(plan);
  return first.scheduledFor;
}

function noRunLeft({ startAt, endAt }: Plan): InvalidArgumentError {
  if (endAt === undefined) {
    const expected = 'before a time of the series to come';
    return new InvalidArgumentError('options.startAt', expected, startAt);
  }
  return new InvalidArgumentError('options.endAt', 'after a time of the series to come', endAt);
}

/** The unique key of a series that was ended during its last run is still held by that run. */
function isSeries(job: Job): job is Job & { readonly repeatInterval: string } {
  return job.repeatInterval !== undefined;
}

function toFields(job: Job & { readonly repeatInterval: string }): Plan {
  return { ...timesOf(job), ...pick(job, OF_EACH_RUN) } as Plan;
}

/** What the times of a series depend on. */
function timesOf(plan: SeriesPlan): Partial<Plan> {
  return pick(plan as Plan, ['repeatInterval', 'timezone', 'startAt', 'endAt']);
}

function pick<T extends object, K extends keyof T>(from: T, keys: readonly K[]): Partial<T> {
  const present = keys.filter((key) => from[key] !== undefined).map((key) => [key, from[key]]);
  return Object.fromEntries(present) as Partial<T>;
}

/** True when both would be stored alike, whatever the order of their fields on the first level. */
function isSame(a: object, b: object): boolean {
  const bytes = (value: object): string => {
    const sorted = Object.entries(value).sort(([x], [y]) => (x < y ? -1 : 1));
    return Buffer.from(
      BSON.serialize(Object.fromEntries(sorted), { ignoreUndefined: true }),
    ).toString('base64');
  };
  return bytes(a) === bytes(b);
}

function toSchedule(job: Job & { readonly repeatInterval: string }): Schedule {
  const { startAt, endAt, metadata, repeatInterval } = job;
  const everyMs = readInterval(repeatInterval)?.everyMs;
  return {
    jobId: job._id,
    name: job.name,
    uniqueKey: job.uniqueKey ?? repeatInterval,
    repeatInterval,
    ...(everyMs === undefined ? { cron: repeatInterval } : { everyMs }),
    timezone: job.timezone ?? 'UTC',
    missed: job.missed ?? 'once',
    data: job.data,
    status: job.status,
    nextRunAt: job.nextRunAt,
    scheduledFor: job.scheduledFor ?? job.nextRunAt,
    ...(startAt && { startAt }),
    ...(endAt && { endAt }),
    ...(metadata && { metadata }),
  };
}
