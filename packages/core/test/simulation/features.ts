/**
 * What the simulated users do. A feature of the engine joins the simulation here: with what is done with it while
 * faults happen, and with the rules that must hold of it.
 */
import { UnknownOutcomeError } from '../../src/errors.ts';
import type { EnqueueOptions, Job } from '../../src/index.ts';
import type { Chance } from './chance.ts';
import { type EnqueueCall, type Task, taskOf } from './facts.ts';
import type { Host } from './host.ts';
import { WALL_START_MS } from './machine.ts';
import type { Observer } from './observer.ts';
import type { Profile } from './profile.ts';
import { enqueueRule, stopRule } from './rules/call-rules.ts';
import { claimRule, lockRule, rescueRule, timeRule, transitionRule } from './rules/job-rules.ts';
import { deadLeaseRule, livingRule, stuckRule } from './rules/lease-rules.ts';
import type { MakeRule } from './rules/rule.ts';
import { crowdRule, repeatRule, reportRule } from './rules/run-rules.ts';
import type { World } from './world.ts';

/** The names of simulated jobs. */
export const JOB_NAMES: readonly string[] = ['mail', 'image', 'report'];

const UNIQUE_KEYS = ['a', 'b', 'c'];
const MOST_ENTRIES = 5;

/** What a feature works with. */
export interface Users {
  readonly world: World;
  readonly chance: Chance;
  readonly profile: Profile;
  readonly observer: Observer;
  readonly hosts: readonly Host[];
}

/** Something the engine can do. */
export interface Feature {
  /** Plans what is done with it in the time of the faults. */
  readonly plan?: (users: Users) => void;
  readonly rules: readonly MakeRule[];
}

/** Jobs that run once: enqueued one by one or many at a time, later, urgent, or unique. */
const oneOffJobs: Feature = {
  plan(users) {
    const { world, chance, profile } = users;
    for (let number = 0; number < profile.jobs; ) {
      const isMany = chance.happens(0.35);
      const size = isMany ? Math.min(chance.between(2, MOST_ENTRIES), profile.jobs - number) : 1;
      const tasks = Array.from({ length: size }, (_, index) => drawTask(users, number + index));
      const atMs = chance.fraction() * profile.faultyMs;
      world.in(atMs, () => enqueue(users, tasks));
      number += size;
    }
  },
  rules: [
    transitionRule,
    claimRule,
    rescueRule,
    lockRule,
    timeRule,
    livingRule,
    deadLeaseRule,
    stuckRule,
    repeatRule,
    crowdRule,
    reportRule,
    enqueueRule,
    stopRule,
  ],
};

/** Verbs of the user's that end a job or take it away. */
const manualVerbs: Feature = {
  plan(users) {
    const { world, chance, profile } = users;
    const at = (part: number, act: (host: Host, job: Job) => Promise<unknown>): void => {
      for (let count = 0; count < profile.jobs * part; count += 1) {
        world.in(chance.fraction() * profile.faultyMs, () => {
          const jobs = [...users.observer.facts.jobs.values()];
          const host = pickHost(users);
          if (jobs.length === 0 || host === undefined) return;
          // That a verb does not apply, or was not answered, is for the caller to know.
          act(host, chance.pick(jobs)).catch(() => undefined);
        });
      }
    };
    at(1 / 8, (host, { _id }) => host.call((monque) => monque.cancelJob(_id)));
    at(1 / 16, (host, { _id }) => host.call((monque) => monque.deleteJob(_id)));
  },
  rules: [],
};

/** Everything that is simulated. */
export const FEATURES: readonly Feature[] = [oneOffJobs, manualVerbs];

function drawTask({ chance, profile }: Users, number: number): Task {
  const isPoison = chance.happens(profile.poisonRate);
  const drawn = chance.fraction();
  const base = { number, failures: chance.between(1, 2), heedsSignal: chance.happens(0.5) };
  if (isPoison) return { ...base, kind: 'poison', runMs: chance.between(0, 40) };
  if (drawn < 0.4) return { ...base, kind: 'quick', runMs: 0 };
  if (drawn < 0.82) return { ...base, kind: 'working', runMs: chance.between(1, 150) };
  if (drawn < 0.87) return { ...base, kind: 'long', runMs: chance.between(500, 4_500) };
  if (drawn < 0.98) return { ...base, kind: 'flaky', runMs: chance.between(0, 60) };
  return { ...base, kind: 'doomed', runMs: chance.between(0, 60) };
}

function drawOptions({ world, chance }: Users): EnqueueOptions {
  const laterMs = chance.happens(0.15) ? chance.between(1, 3_000) : 0;
  return {
    ...(laterMs > 0 && { runAt: new Date(WALL_START_MS + world.nowMs + laterMs) }),
    ...(chance.happens(0.15) && { uniqueKey: chance.pick(UNIQUE_KEYS) }),
    ...(chance.happens(0.3) && { priority: chance.between(-2, 2) }),
  };
}

/** Whoever happens to be there; a place that stopped its workers still enqueues. */
function pickHost({ hosts, chance }: Users): Host | undefined {
  const there = hosts.filter(({ machine }) => machine.isRunning);
  return there.length > 0 ? chance.pick(there) : undefined;
}

function enqueue(users: Users, tasks: readonly Task[]): void {
  const host = pickHost(users);
  const [first] = tasks;
  if (host === undefined || first === undefined) return;
  const { observer, world, chance } = users;
  const calls = tasks.map((task): EnqueueCall => {
    return { task, machine: host.machine, calledMs: world.nowMs };
  });
  for (const call of calls) observer.facts.enqueues.set(call.task.number, call);
  const entries = tasks.map((task) => {
    return { name: chance.pick(JOB_NAMES), data: task, options: drawOptions(users) };
  });
  const answered = (index: number, job: Job): void => {
    const call = calls[index] as EnqueueCall;
    const isOwn = taskOf(job).number === call.task.number;
    observer.enqueueAnswered(call, isOwn ? 'enqueued' : 'existing', job);
  };
  const failed = (index: number, error: unknown): void => {
    const answer = error instanceof UnknownOutcomeError ? 'unknown' : 'failed';
    observer.enqueueAnswered(calls[index] as EnqueueCall, answer, undefined);
  };
  if (entries.length === 1) {
    const [{ name, data, options } = { name: '', data: first, options: {} }] = entries;
    host
      .call((monque) => monque.enqueue(name, data, options))
      .then(
        (job) => answered(0, job),
        (error) => failed(0, error),
      );
    return;
  }
  host
    .call((monque) => monque.enqueueMany(entries))
    .then(
      (results) => {
        for (const [index, result] of results.entries()) {
          if (result.status === 'failed') failed(index, result.error);
          else answered(index, result.job);
        }
      },
      (error) => calls.forEach((_, index) => void failed(index, error)),
    );
}
