/**
 * The times of a series: what is planned, and how what passed went, as far as it is on record.
 *
 * @module
 */
import { InvalidArgumentError, type Job, type TransitionEntry } from '@monque/core';
import { nextRunOf } from '@monque/core/ledger';
import type { Occurrence } from '../api/types.ts';

/** The most times that are shown. */
const MOST = 1_000;

type Plan = Pick<Job, 'repeatInterval' | 'timezone' | 'startAt' | 'endAt'>;

/** Times of a plan. */
export interface Times {
  readonly times: readonly Date[];
  readonly isCut: boolean;
}

/** The times of a plan after one time and not after another; no more than `most`. */
export function timesOf(plan: Plan, after: Date, until: Date, most: number = MOST): Times {
  const times: Date[] = [];
  let last = after;
  while (times.length < most) {
    const next = timeAfter(plan, last);
    if (next === null || next > until) return { times, isCut: false };
    times.push(next);
    last = next;
  }
  return { times, isCut: true };
}

/** From a time on itself, as if nothing had been missed. */
function timeAfter(plan: Plan, after: Date): Date | null {
  const { repeatInterval, timezone, startAt, endAt } = plan;
  const own = {
    ...(repeatInterval !== undefined && { repeatInterval }),
    ...(timezone !== undefined && { timezone }),
    ...(startAt && { startAt }),
    ...(endAt && { endAt }),
  };
  return nextRunOf({ ...own, missed: 'skip', scheduledFor: after }, after)?.scheduledFor ?? null;
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
  const ended = new Map<number, TransitionEntry>();
  for (const entry of entries) {
    const time = entry.scheduledFor?.getTime();
    if (time !== undefined && Object.hasOwn(ENDS, entry.verb)) ended.set(time, entry);
  }
  const recorded = isRecorded(entries);
  const since = entries[0]?.at;
  const currentMs = job.scheduledFor?.getTime();
  return times.map((time) => {
    const at = time.toISOString();
    const entry = ended.get(time.getTime());
    if (entry !== undefined) {
      const endedAfterMs = entry.at.getTime() - time.getTime();
      return { at, state: ENDS[entry.verb] ?? 'unknown', endedAfterMs };
    }
    if (time.getTime() === currentMs) return { at, state: currentState(job, now) };
    if (time > now) return { at, state: 'planned' };
    // What is behind the run that waits, and not on record, was passed over.
    const isKnown = recorded && since !== undefined && time >= since;
    return { at, state: isKnown ? 'skipped' : 'unknown' };
  });
}

function currentState({ status, nextRunAt }: Job, now: Date): Occurrence['state'] {
  if (status === 'processing' || status === 'blocked') return 'running';
  if (status !== 'pending') return 'unknown';
  return nextRunAt > now ? 'planned' : 'late';
}
