/** Series that several machines ask for at any time, that are changed, ended, and of which runs are cancelled. */
import { UnknownOutcomeError } from '../../../src/foundation/errors.ts';
import type { ScheduleOptions } from '../../../src/index.ts';
import { keyOfInterval } from '../../../src/job/interval-plan.ts';
import type { Interval } from '../../../src/types-api.ts';
import { type SeriesCall, seriesOf, type Task } from '../facts.ts';
import type { Host } from '../host.ts';
import { WALL_START_MS } from '../machine.ts';
import { lastingRule, oneSeriesRule, planOf, planRule, replanRule } from '../rules/series-rules.ts';
import { drawRunOptions, drawTask } from './one-off-jobs.ts';
import { type Feature, JOB_NAMES, LAST_WORDS_MS, pickHost, type Users } from './users.ts';

const FIRST_NUMBER = 1_000_000;
const CALLS = 12;
const ENDS = 2;
const CANCELS = 3;
const VARIANTS = 3;
/** So that a minute is a whole number of each. */
const STEPS_S = [1, 2, 3, 5];
const MISSED = ['skip', 'once', 'all', undefined] as const;
const MOST_LASTING_MS = 8_000;

/** What is asked for. */
interface Wish {
  readonly plan: string | Interval;
  readonly data: Task;
  readonly options: ScheduleOptions;
}

/** One series with what may be wanted of it. */
interface Series {
  readonly name: string;
  readonly uniqueKey: string;
  readonly wishes: readonly Wish[];
}

/** Series. */
export const series: Feature = {
  plan(users) {
    const { world, chance, profile } = users;
    for (let index = 0; index < profile.series; index += 1) {
      const drawn = drawSeries(users, index);
      const [usual] = drawn.wishes as readonly [Wish];
      // Most ask for the same, as processes do that boot.
      const at = (count: number, act: () => void): void => {
        for (let call = 0; call < count; call += 1) {
          world.in(chance.fraction() * profile.faultyMs, act);
        }
      };
      at(CALLS, () => {
        schedule(users, drawn, chance.happens(0.6) ? usual : chance.pick(drawn.wishes));
      });
      at(chance.between(0, ENDS), () => unschedule(users, drawn));
      at(CANCELS, () => cancelRun(users, drawn));
      world.in(profile.faultyMs + LAST_WORDS_MS, () => {
        if (chance.happens(0.8)) schedule(users, drawn, chance.pick(drawn.wishes));
      });
    }
  },
  rules: [oneSeriesRule, planRule, replanRule, lastingRule],
};

/** Notes that something may end a series, and does it. */
export async function asEndOfSeries(
  { observer, world }: Users,
  { machine }: Host,
  name: string,
  act: () => Promise<unknown>,
): Promise<void> {
  const call: SeriesCall = { kind: 'end', series: name, machine, calledMs: world.nowMs };
  observer.seriesCalled(call);
  await act().then(
    () => observer.seriesAnswered(call, 'done'),
    (error) => observer.seriesAnswered(call, answerOf(error)),
  );
}

function drawSeries(users: Users, index: number): Series {
  const { chance } = users;
  const runOptions = drawRunOptions(chance);
  const uniqueKey = `series ${index}`;
  const wishes = Array.from({ length: VARIANTS }, (_, variant): Wish => {
    const missed = chance.pick(MISSED);
    const data = { ...drawTask(users, FIRST_NUMBER + index), variant };
    const lastsMs = chance.happens(0.1) ? chance.between(0, MOST_LASTING_MS) : undefined;
    const options: ScheduleOptions = {
      uniqueKey,
      ...(missed && { missed }),
      ...(lastsMs !== undefined && {
        endAt: new Date(WALL_START_MS + users.profile.faultyMs / 2 + lastsMs),
      }),
      ...runOptions,
    };
    const step = chance.pick(STEPS_S);
    const isInterval = users.profile.hasIntervals && (index + variant) % 2 === 1;
    const plan = isInterval ? { every: step * 1_000 } : `*/${step} * * * * *`;
    return { plan, data, options };
  });
  return { name: chance.pick(JOB_NAMES), uniqueKey, wishes };
}

/** What the job of a series keeps; what an interval is counted from is no part of what is asked for. */
function textOf(plan: string | Interval): string {
  return typeof plan === 'string' ? plan : keyOfInterval(Number(plan.every));
}

function schedule(users: Users, { name, uniqueKey }: Series, { plan, data, options }: Wish): void {
  const host = pickHost(users);
  if (host === undefined) return;
  const { observer, world } = users;
  const call: SeriesCall = {
    kind: 'schedule',
    series: `${name} ${uniqueKey}`,
    machine: host.machine,
    calledMs: world.nowMs,
    plan: planOf({ ...options, repeatInterval: textOf(plan), data }),
  };
  observer.seriesCalled(call);
  host
    .call((monque) => monque.schedule(plan, name, data, options))
    .then(
      () => observer.seriesAnswered(call, 'done'),
      (error) => observer.seriesAnswered(call, answerOf(error)),
    );
}

function unschedule(users: Users, { name, uniqueKey }: Series): void {
  const host = pickHost(users);
  if (host === undefined) return;
  void asEndOfSeries(users, host, `${name} ${uniqueKey}`, () =>
    host.call((monque) => monque.unschedule(name, { uniqueKey })),
  );
}

function cancelRun(users: Users, { name, uniqueKey }: Series): void {
  const host = pickHost(users);
  const jobs = [...users.observer.facts.jobs.values()];
  const job = jobs.find((other) => seriesOf(other) === `${name} ${uniqueKey}`);
  if (host === undefined || job === undefined) return;
  host.call((monque) => monque.cancelJob(job._id)).catch(() => undefined);
}

/** A refusal is clean only when nothing of the call was sent before. */
function answerOf(error: unknown): SeriesCall['answer'] {
  return error instanceof UnknownOutcomeError ? 'unknown' : 'refused';
}
