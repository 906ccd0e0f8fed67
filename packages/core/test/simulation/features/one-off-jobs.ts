/** Jobs that run once: enqueued one by one or many at a time, later, urgent, or unique. */
import { UnknownOutcomeError } from '../../../src/foundation/errors.ts';
import type { EnqueueOptions, Job } from '../../../src/index.ts';
import type { Chance } from '../chance.ts';
import { type EnqueueCall, type Task, taskOf } from '../facts.ts';
import type { Host } from '../host.ts';
import { WALL_START_MS } from '../machine.ts';
import type { Observer } from '../observer.ts';
import { LONGEST_RUN_MS } from '../profile.ts';
import { enqueueRule, stopRule } from '../rules/call-rules.ts';
import {
  claimRule,
  failureRule,
  lockRule,
  rescueRule,
  timeRule,
  transitionRule,
} from '../rules/job-rules.ts';
import { deadLeaseRule, knownClaimRule, livingRule, stuckRule } from '../rules/lease-rules.ts';
import { crowdRule, outcomeRule, repeatRule, reportRule } from '../rules/run-rules.ts';
import { type Feature, JOB_NAMES, pickHost, type Users } from './users.ts';

const UNIQUE_KEYS = ['a', 'b', 'c'];
const MOST_ENTRIES = 5;
/** Short ones end while the job is there, long ones when it would be old enough to leave. */
const WINDOWS_MS = [1_000, 10_000];

/** Jobs that run once. */
export const oneOffJobs: Feature = {
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
    failureRule,
    claimRule,
    rescueRule,
    lockRule,
    timeRule,
    livingRule,
    deadLeaseRule,
    knownClaimRule,
    stuckRule,
    repeatRule,
    outcomeRule,
    crowdRule,
    reportRule,
    enqueueRule,
    stopRule,
  ],
};

/** What a handler is to do, drawn again. */
export function drawTask({ chance, profile }: Users, number: number): Task {
  const isPoison = chance.happens(profile.poisonRate);
  const drawn = chance.fraction();
  const base = { number, failures: chance.between(1, 2), heedsSignal: chance.happens(0.5) };
  if (isPoison) return { ...base, kind: 'poison', runMs: chance.between(0, 40) };
  if (drawn < 0.36) return { ...base, kind: 'quick', runMs: 0 };
  if (drawn < 0.75) return { ...base, kind: 'working', runMs: chance.between(1, 150) };
  if (drawn < 0.8) return { ...base, kind: 'long', runMs: chance.between(500, LONGEST_RUN_MS) };
  if (drawn < 0.9) return { ...base, kind: 'flaky', runMs: chance.between(0, 60) };
  if (drawn < 0.94) return { ...base, kind: 'snoozing', runMs: chance.between(0, 60) };
  if (drawn < 0.96) return { ...base, kind: 'cancelling', runMs: chance.between(0, 60) };
  if (drawn < 0.98) return { ...base, kind: 'discarding', runMs: chance.between(0, 60) };
  return { ...base, kind: 'doomed', runMs: chance.between(0, 60) };
}

/** What a job says of its own runs. */
export function drawRunOptions(
  chance: Chance,
): Pick<EnqueueOptions, 'priority' | 'maxRetries' | 'backoff' | 'timeout'> {
  return {
    ...(chance.happens(0.3) && { priority: chance.between(-2, 2) }),
    ...(chance.happens(0.1) && { maxRetries: chance.between(1, 3) }),
    ...(chance.happens(0.1) && {
      backoff: { type: 'fixed' as const, delay: chance.between(0, 200) },
    }),
    ...(chance.happens(0.1) && { timeout: chance.between(20, 200) }),
  };
}

function drawOptions({ world, chance }: Users): EnqueueOptions {
  const unique = chance.happens(0.2) ? drawUnique(chance) : {};
  const mayBeLater = typeof unique.whenTaken !== 'object';
  const laterMs = mayBeLater && chance.happens(0.15) ? chance.between(1, 3_000) : 0;
  return {
    ...(laterMs > 0 && { runAt: new Date(WALL_START_MS + world.nowMs + laterMs) }),
    ...unique,
    ...drawRunOptions(chance),
  };
}

/** How long the key is held, and what happens when it is taken. */
function drawUnique(chance: Chance): EnqueueOptions {
  const window = chance.pick(WINDOWS_MS);
  const uniqueHold = chance.pick(['untilDone', 'untilStarted', { window }] as const);
  const drawn = chance.pick(['keep', 'keep', 'replace', 'debounce', 'throttle'] as const);
  const uniqueKey = chance.pick(UNIQUE_KEYS);
  if (drawn === 'debounce') {
    const debounce = chance.between(20, 500);
    return { uniqueKey, uniqueHold, whenTaken: { debounce, maxWait: 2 * debounce } };
  }
  const canThrottle = typeof uniqueHold === 'object';
  return {
    uniqueKey,
    uniqueHold,
    whenTaken: drawn === 'throttle' && !canThrottle ? 'keep' : drawn,
  };
}

function enqueue(users: Users, tasks: readonly Task[]): void {
  const host = pickHost(users);
  if (host === undefined) return;
  const { chance } = users;
  const entries = tasks.map((task) => {
    return { name: chance.pick(JOB_NAMES), data: task, options: drawOptions(users) };
  });
  submit(users, host, entries);
}

/** What {@link planCalls} enqueues: so many jobs in all, up to `most` with one call, each as it is drawn. */
interface PlannedCalls {
  readonly jobs: number;
  readonly most: number;
  readonly draw: (index: number) => Entry;
}

/** Enqueues jobs, some with each call, at any time while faults happen. */
export function planCalls(users: Users, { jobs, most, draw }: PlannedCalls): void {
  const { world, chance, profile } = users;
  for (let count = 0; count < jobs; ) {
    const size = Math.min(chance.between(1, most), jobs - count);
    const entries = Array.from({ length: size }, (_, index) => draw(count + index));
    world.in(chance.fraction() * profile.faultyMs, () => {
      const host = pickHost(users);
      if (host !== undefined) submit(users, host, entries);
    });
    count += size;
  }
}

/** Enqueues, and notes what was asked for and what the caller learns. */
export function submit({ observer, world }: Users, host: Host, entries: readonly Entry[]): void {
  const calls = entries.map(({ data: task, options }): EnqueueCall => {
    const { whenTaken = 'keep', supersede } = options;
    const isMovable = whenTaken !== 'keep' || supersede !== undefined;
    return { task, isMovable, machine: host.machine, calledMs: world.nowMs };
  });
  for (const call of calls) observer.facts.enqueues.set(call.task.number, call);
  send(host, entries).then(
    (answers) => {
      for (const [index, answer] of answers.entries()) {
        tellAnswer(observer, calls[index] as EnqueueCall, answer);
      }
    },
    (error) => {
      for (const call of calls) tellAnswer(observer, call, { error });
    },
  );
}

/** One job to be enqueued. */
export interface Entry {
  readonly name: string;
  readonly data: Task;
  readonly options: EnqueueOptions;
}

interface EntryAnswer {
  readonly job?: Job;
  readonly error?: unknown;
}

async function send(host: Host, entries: readonly Entry[]): Promise<readonly EntryAnswer[]> {
  const [first] = entries;
  if (first !== undefined && entries.length === 1) {
    const { name, data, options } = first;
    return [{ job: await host.call((monque) => monque.enqueue(name, data, options)) }];
  }
  return host.call((monque) => monque.enqueueMany(entries));
}

function tellAnswer(observer: Observer, call: EnqueueCall, { job, error }: EntryAnswer): void {
  if (job === undefined) {
    const answer = error instanceof UnknownOutcomeError ? 'unknown' : 'failed';
    observer.enqueueAnswered(call, answer, undefined);
    return;
  }
  const { number } = call.task;
  const isAmended = observer.facts.amended.has(`${job._id.toHexString()} ${number}`);
  const isOwn = taskOf(job).number === number && !isAmended;
  observer.enqueueAnswered(call, isOwn ? 'enqueued' : 'existing', job);
}
