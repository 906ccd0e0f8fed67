/**
 * A job as another queue describes it, before it is made one of Monque's.
 *
 * A format only reads: what it gives may still be refused, by the same checks that an enqueue makes.
 *
 * @module
 */
import type { Document } from 'mongodb';
import type { LeftReason, MigrationNote } from './migration-report.ts';

/** How far a job of another queue had come. */
export type SourceStatus =
  /** It waits for its time. */
  | 'pending'
  /** A worker took it and has not recorded how it ended. */
  | 'interrupted'
  | 'completed'
  | 'failed'
  | 'cancelled';

/** A job of another queue. */
export interface SourceJob {
  readonly status: SourceStatus;
  readonly name: string;
  /** Absent for a job without data. */
  readonly data?: unknown;
  /** Lower first, as Monque has it; neither whole nor within bounds yet. */
  readonly priority: number;
  readonly createdAt: Date;
  /** When it is due; for a job that is finished, when it was created. */
  readonly dueAt: Date;
  readonly startedAt?: Date;
  readonly finishedAt?: Date;
  readonly failReason?: string;
  /** The key that no second unfinished job of its name may have. */
  readonly uniqueKey?: string;
  readonly series?: SourceSeries;
  readonly notes: readonly MigrationNote[];
}

/** The plan of a job that comes again and again. */
export interface SourceSeries {
  /** A cron expression, or an interval in milliseconds. */
  readonly plan: string | number;
  readonly timezone?: string;
  readonly startAt?: Date;
  readonly endAt?: Date;
}

/** Why a document is left where it is. */
export interface Left {
  readonly left: LeftReason;
  readonly detail: string;
}

/** What a format makes of a document: a job, or why it stays. */
export type Reading = SourceJob | Left;

/**
 * Reads the documents of one queue.
 *
 * @param bornAt - when the document was made, as far as its id says
 * @throws UnknownShape for a document that is none of the queue's jobs
 */
export type ReadSource = (document: Document, bornAt: Date) => Reading;

/** True for a document that stays where it is. */
export function isLeft<T extends object>(reading: T | Left): reading is Left {
  return 'left' in reading;
}

/** Why a document is not taken. */
export function left(reason: LeftReason, detail: string): Left {
  return { left: reason, detail };
}

/** A document that is none of the queue's jobs, or of a form that is not known. */
export class UnknownShape extends Error {}

/** A time of a document; undefined when it is absent or null. */
export function dateIn(document: Document, path: string): Date | undefined {
  const value = valueIn(document, path);
  if (value === undefined || value === null) return undefined;
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value;
  throw new UnknownShape(`Expected \`${path}\` to be a Date, got ${typeof value}`);
}

/** A text of a document; undefined when it is absent or null. */
export function textIn(document: Document, path: string): string | undefined {
  const value = valueIn(document, path);
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  throw new UnknownShape(`Expected \`${path}\` to be a string, got ${typeof value}`);
}

/** A number of a document, whatever type MongoDB has it in; undefined when it is absent or null. */
export function numberIn(document: Document, path: string): number | undefined {
  const value = valueIn(document, path);
  if (value === undefined || value === null) return undefined;
  const number = typeof value === 'object' ? Number(value.toString()) : Number(value);
  if (typeof value !== 'string' && Number.isFinite(number)) return number;
  throw new UnknownShape(`Expected \`${path}\` to be a number, got ${typeof value}`);
}

/** The value at a path such as `meta.name`. */
export function valueIn(document: Document, path: string): unknown {
  let value: unknown = document;
  for (const key of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}

/** A plan in its own time zone, or in the one that is assumed. UTC is not stored. An interval has none. */
export function withTimezone(
  plan: SourceSeries,
  timezone: string | undefined,
  assumedTimezone: string,
): Required<Pick<SourceJob, 'series' | 'notes'>> {
  if (typeof plan.plan === 'number') return { series: plan, notes: [] };
  if (timezone !== undefined) return { series: { ...plan, timezone }, notes: [] };
  const assumed = assumedTimezone === 'UTC' ? {} : { timezone: assumedTimezone };
  return { series: { ...plan, ...assumed }, notes: ['timezoneAssumed'] };
}
