/**
 * The times of a series: what is planned, and how what passed went, as far as it is on record.
 *
 * @module
 */
import { cronTimes, InvalidArgumentError, type Job } from '@monque/core';
import type { TransitionEntry } from '@monque/core/types';
import type { Occurrence } from '../api/types.ts';

/** The most times that are shown. */
const MOST = 1_000;

type Plan = Pick<Job, 'repeatInterval' | 'timezone' | 'startAt' | 'endAt'>;

/** Times of a plan. */
export interface Times {
  readonly times: readonly Date[];
  readonly isCut: boolean;
}

/**
 * The times of a plan after one time and not after another; no more than `most`.
 *
 * @throws InvalidCronError for an expression that cannot be read
 */
export function timesOf(plan: Plan, after: Date, until?: Date, most: number = MOST): Times {
  const { repeatInterval = '', timezone, startAt, endAt } = plan;
  const ends = [until, endAt].filter((end) => end !== undefined).map(Number);
  // The beginning of the plan itself counts.
  const from = Math.max(after.getTime(), (startAt?.getTime() ?? 0) - 1);
  const times = cronTimes(repeatInterval, {
    after: new Date(from),
    limit: most + 1,
    ...(ends.length > 0 && { until: new Date(Math.min(...ends)) }),
    ...(timezone !== undefined && { timezone }),
  });
  return { times: times.slice(0, most), isCut: times.length > most };
}

/** @throws InvalidArgumentError when the span is turned round */
export function checkSpan(from: Date, to: Date): void {
  if (from > to) throw new InvalidArgumentError('from', 'not later than `to`', from);
}

/** How a run ended, by the verb of its entry. */
const ENDS: Readonly<Record<string, Occurrence['state']>> = {
  complete: 'done',
  repeat: 'done',
  repeatAfterFailure: 'failed',
  fail: 'failed',
  discard: 'failed',
  rescueToFailed: 'failed',
  rescueToNextRun: 'failed',
  expireGate: 'failed',
  expireGateToNextRun: 'failed',
  cancel: 'cancelled',
  cancelled: 'cancelled',
  cancelByHandler: 'cancelled',
  skipRun: 'skipped',
};

/** The verbs that only a log of all transitions knows. */
const ONLY_LOGGED = new Set(['claim', 'repeat', 'complete', 'enqueue']);

/** True when every run is on record. */
export function isRecorded(entries: readonly TransitionEntry[]): boolean {
  return entries.some(({ verb }) => ONLY_LOGGED.has(verb));
}

/** Each time with how it went. */
export function occurrencesOf(
  times: readonly Date[],
  job: Job,
  entries: readonly TransitionEntry[],
  now: Date,
): Occurrence[] {
  const ended = endedRuns(times, entries);
  const recorded = isRecorded(entries);
  const since = entries[0]?.at;
  const currentMs = job.scheduledFor?.getTime();
  return times.map((time) => {
    const at = time.toISOString();
    const entry = ended.get(time.getTime());
    if (entry !== undefined) {
      const endedAfterMs = entry.at.getTime() - time.getTime();
      return { at, state: ENDS[entry.verb] as Occurrence['state'], endedAfterMs };
    }
    if (time.getTime() === currentMs) return { at, state: currentState(job, now) };
    if (time > now) return { at, state: 'planned' };
    // What is behind the run that waits, and not on record, was passed over.
    const isKnown = recorded && since !== undefined && time >= since;
    return { at, state: isKnown ? 'skipped' : 'unknown' };
  });
}

/**
 * The entry of the end of each run, by the time that the run stands for. An entry that does not say its time is of the
 * last time before the run was claimed first; of the next one, when that has its entry: such a run was moved ahead.
 */
function endedRuns(
  times: readonly Date[],
  entries: readonly TransitionEntry[],
): ReadonlyMap<number, TransitionEntry> {
  const ended = new Map<number, TransitionEntry>();
  let claimedAt: Date | undefined;
  for (const entry of entries) {
    if (entry.verb === 'claim') claimedAt ??= entry.at;
    if (!Object.hasOwn(ENDS, entry.verb)) continue;
    const time = entry.scheduledFor ?? timeOfClaim(times, claimedAt, ended);
    if (time !== undefined) ended.set(time.getTime(), entry);
    claimedAt = undefined;
  }
  return ended;
}

function timeOfClaim(
  times: readonly Date[],
  claimedAt: Date | undefined,
  ended: ReadonlyMap<number, TransitionEntry>,
): Date | undefined {
  if (claimedAt === undefined) return undefined;
  const before = times.findLastIndex((time) => time <= claimedAt);
  return times.slice(Math.max(0, before)).find((time) => !ended.has(time.getTime()));
}

function currentState({ status, nextRunAt }: Job, now: Date): Occurrence['state'] {
  if (status === 'processing' || status === 'blocked') return 'running';
  if (status !== 'pending') return 'unknown';
  return nextRunAt > now ? 'planned' : 'late';
}
