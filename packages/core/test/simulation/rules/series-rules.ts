/** What must hold of series. */
import type { Job } from '../../../src/index.ts';
import type { JobVerb } from '../../../src/job/job-lifecycle.ts';
import { type Facts, type JobWrite, type SeriesCall, seriesOf, taskOf } from '../facts.ts';
import { WALL_START_MS } from '../machine.ts';
import { LEASE_MS } from '../profile.ts';
import { describe } from './job-rules.ts';
import type { Rule, Violate } from './rule.ts';

const GOES_ON = new Set<JobVerb>(['repeat', 'repeatAfterFailure', 'rescueToNextRun', 'skipRun']);
const SETS_RUN = new Set<JobVerb>([...GOES_ON, 'enqueue', 'replan']);
const REPLANS = new Set<JobVerb>(['replan', 'replanRunning']);
const ENDS = new Set<JobVerb>(['endSeries', 'endSeriesAfterRun', 'remove']);
const UNFINISHED = new Set(['pending', 'processing', 'blocked']);

/** Two samples of the time in a row may differ by this. */
const TIME_STEP_MS = 1_200;
/** A request that was sent is carried out within this time, or never. */
const LONGEST_WAY_MS = 3 * LEASE_MS;
/** How late a run may be when nothing goes wrong any more. */
const LATEST_RUN_MS = 10_000;

/** There is one unfinished job of a series at a time, and it ends only when somebody wants that, or with its plan. */
export function oneSeriesRule(facts: Facts, violate: Violate): Rule {
  const jobs = new Map<string, string>();
  return {
    jobWritten({ verb, before, after, params }) {
      const series = seriesOf((after ?? before) as Job);
      if (series === undefined) return;
      const id = ((after ?? before) as Job)._id.toHexString();
      if (isAlive(after)) {
        const other = jobs.get(series) ?? id;
        if (other !== id) violate('a series has two jobs', `${describe(after)} and ${other}`);
        jobs.set(series, id);
        return;
      }
      if (jobs.get(series) === id) jobs.delete(series);
      if (!isAlive(before)) return;
      const detail = `${verb} ${describe(before)}`;
      const isWanted =
        ENDS.has(verb) &&
        facts.seriesCalls.some((call) => call.kind === 'end' && call.series === series);
      const { endAt, scheduledFor } = before;
      const nowMs = Math.max((params.now as Date | undefined)?.getTime() ?? 0, worldNow(facts));
      const following = followingMs(before, scheduledFor?.getTime() ?? nowMs);
      const isOver =
        endAt !== undefined && Math.max(following, nowMs + stepMs(before)) > endAt.getTime();
      if (!isWanted && !isOver) violate('a series stops', detail);
    },
  };
}

/** When the times of the plan were changed last while a run was on. */
function changedMs(job: Job | undefined): number {
  const changes = (job?.history ?? []).filter(
    ({ verb, scheduledFor }) => verb === 'replanRunning' && scheduledFor !== undefined,
  );
  return changes.at(-1)?.at.getTime() ?? 0;
}

/** Each run stands for a later time of the plan that holds, the next one unless that was missed. */
export function planRule(_facts: Facts, violate: Violate): Rule {
  const done = new Set<string>();
  return {
    jobWritten(write) {
      const { verb, before, after, params } = write;
      if (after === undefined || seriesOf(after) === undefined) return;
      const [fromMs, toMs] = [before, after].map((job) => job?.scheduledFor?.getTime() ?? 0);
      const detail = `${verb} ${describe(after)}: ${fromMs} -> ${toMs}`;
      if (fromMs === undefined || toMs === undefined) return;
      if (!SETS_RUN.has(verb) && fromMs !== toMs) violate('a run stands for another time', detail);
      const isSet = SETS_RUN.has(verb) && fromMs !== toMs;
      if (isSet && isAlive(after) && (toMs - anchorMs(after)) % stepMs(after) !== 0) {
        violate('a run is not of the plan', `${detail}, ${after.repeatInterval}`);
      }
      if (isSet && after.nextRunAt.getTime() !== toMs) violate('a run is not due on time', detail);
      if (GOES_ON.has(verb)) {
        if (toMs <= fromMs) violate('a series goes back', detail);
        if (!isAlive(before)) violate('a series that was ended goes on', detail);
        // A plan that was changed during the run says nothing of the time before the change.
        const following = followingMs(after, Math.max(fromMs, changedMs(before)));
        // What had passed when the run was claimed is covered by it, also for a request that was sent before.
        const passedMs = Math.max(
          (params.now as Date).getTime(),
          before?.startedAt?.getTime() ?? 0,
        );
        const isToCome = following > passedMs + TIME_STEP_MS;
        if (isToCome && toMs !== following) violate('a series skips a time', detail);
        if (after.missed === 'all' && toMs !== following) violate('a series skips a time', detail);
      }
      if (verb !== 'complete' && verb !== 'repeat') return;
      const key = `${after._id.toHexString()} ${before?.seriesVersion} ${fromMs}`;
      if (done.has(key)) violate('a run of a series is done twice', detail);
      done.add(key);
    },
  };
}

/** Who asks for what stands already moves nothing, and a change of the data alone moves no waiting run. */
export function replanRule(_facts: Facts, violate: Violate): Rule {
  return {
    jobWritten({ verb, before, after }: JobWrite) {
      if (!REPLANS.has(verb) || before === undefined || after === undefined) return;
      const detail = `${verb} ${describe(after)}: ${planOf(after)}`;
      if (planOf(before) === planOf(after)) violate('what stands already is written again', detail);
      const isMoved = before.nextRunAt.getTime() !== after.nextRunAt.getTime();
      if (timesOf(before) === timesOf(after) && isMoved) {
        violate('a waiting run is moved without need', detail);
      }
    },
  };
}

/** What was asked for last is there in the end, unless it was ended, and its runs are on time. */
export function lastingRule(facts: Facts, violate: Violate): Rule {
  return {
    drained() {
      const alive = [...facts.jobs.values()].filter(isAlive);
      for (const job of alive) {
        const lateMs = worldNow(facts) - job.nextRunAt.getTime();
        if (job.status === 'pending' && lateMs > LATEST_RUN_MS) {
          violate('a series stops', `${describe(job)} is late by ${lateMs} ms`);
        }
      }
      const bySeries = new Map(alive.map((job) => [seriesOf(job), job]));
      for (const call of facts.seriesCalls) {
        if (call.kind !== 'schedule' || call.answer !== 'done') continue;
        const others = facts.seriesCalls.filter(
          (other) => other !== call && other.series === call.series && !isOverBefore(other, call),
        );
        if (others.some(({ kind }) => kind === 'end')) continue;
        const job = bySeries.get(call.series);
        const isEnding =
          call.plan?.includes('endAt') || others.some(({ plan }) => plan?.includes('endAt'));
        if (job === undefined) {
          if (!isEnding) violate('a series stops', `series ${call.series}`);
        } else if (others.length === 0 && planOf(job) !== call.plan) {
          violate('a plan is lost', `${describe(job)}: ${planOf(job)}, not ${call.plan}`);
        }
      }
    },
  };
}

/** A plan as it is compared: that of a job, or one that is asked for. */
export function planOf(
  job: Pick<Job, 'repeatInterval' | 'startAt' | 'endAt' | 'missed' | 'data'>,
): string {
  const { variant } = taskOf(job as Job);
  const times = JSON.parse(timesOf(job));
  const asked = { ...times, repeatInterval: job.repeatInterval?.replace(/ from .*$/, '') };
  return JSON.stringify({ ...asked, missed: job.missed, variant });
}

function timesOf({
  repeatInterval,
  startAt,
  endAt,
}: Pick<Job, 'repeatInterval' | 'startAt' | 'endAt'>): string {
  return JSON.stringify({ repeatInterval, startAt, endAt });
}

function isAlive(job: Job | undefined): job is Job {
  return job?.repeatInterval !== undefined && UNFINISHED.has(job.status);
}

/** True when nothing of a call can come after another. */
function isOverBefore(
  { machine, answer, answeredMs }: SeriesCall,
  { calledMs }: SeriesCall,
): boolean {
  if (answer === 'done' || answer === 'refused') return (answeredMs ?? 0) <= calledMs;
  const lastMs = answeredMs ?? machine.crashedMs ?? Number.POSITIVE_INFINITY;
  return lastMs + LONGEST_WAY_MS < calledMs;
}

/** The distance of the runs: simulated series run every so many seconds. */
function stepMs({ repeatInterval }: Job): number {
  const [, seconds = '1'] = /^(?:\*\/|every )(\d+) /.exec(repeatInterval ?? '') ?? [];
  return Number(seconds) * 1_000;
}

/** What an interval is counted from. */
function anchorMs({ repeatInterval }: Job): number {
  const [, from = ''] = / from (.*)$/.exec(repeatInterval ?? '') ?? [];
  return Date.parse(from) || 0;
}

/** The next time of the plan. */
function followingMs(job: Job, afterMs: number): number {
  const step = stepMs(job);
  const startMs = job.startAt === undefined ? 0 : job.startAt.getTime() - 1;
  const anchor = anchorMs(job);
  const from = Math.max(afterMs, startMs, anchor - 1);
  return anchor + (Math.floor((from - anchor) / step) + 1) * step;
}

function worldNow({ world }: Facts): number {
  return WALL_START_MS + world.nowMs;
}
