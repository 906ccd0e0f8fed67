/** What the handlers of simulated jobs do. */

import { sleep } from '../../src/foundation/clock.ts';
import type { Job, JobContext, StageContext } from '../../src/index.ts';
import type { BatchContext } from '../../src/workers/batches.ts';
import { cancel, discard, type HandlerOutcome, snooze } from '../../src/workers/handler-outcome.ts';
import { type Ended, type Run, type StageOfRun, type Task, taskOf } from './facts.ts';
import { resultInFlow, workInFlow } from './features/flow-work.ts';
import { resultOfStage, STAGES, taskOfStage } from './features/staged-work.ts';
import type { Host } from './host.ts';
import type { Machine } from './machine.ts';
import type { Observer } from './observer.ts';

const SNOOZE_MS = 300;
/** Runs from this length on tell of their progress. */
const NOTED_FROM_MS = 100;

/** What a handler returns to say how its run ended. */
const OUTCOMES: Readonly<Partial<Record<Ended, () => HandlerOutcome>>> = {
  snoozed: () => snooze(SNOOZE_MS),
  cancelled: () => cancel('no longer wanted'),
  discarded: () => discard('it cannot help to try again'),
};

/** Makes the one handler of all simulated jobs, and of all their stages. */
export function makeRunHandler(
  observer: Observer,
): (host: Host, machine: Machine, job: Job, context: JobContext | StageContext) => unknown {
  return (host, machine, job, context) => {
    // A process that is gone runs to the end of its turn; nothing it does there can be seen.
    if (machine.isCrashed) return new Promise(() => undefined);
    const stage = stageOf(context);
    const run = observer.runStarted(machine, job, stage);
    const task = stage === undefined ? taskOf(job) : taskOfStage(job, stage.name);
    if (task.runMs > NOTED_FROM_MS) context.progress({ of: task.runMs });
    const finish = (): unknown => {
      if (machine.isCrashed) return undefined;
      const ended = asStage(howItEnds(task, job, context), stage);
      observer.runEnded(run, ended, context.signal);
      if (ended === 'threw') throw new Error('the handler fails, on purpose');
      if (job.flow !== undefined && ended === 'returned') return resultInFlow(job);
      return OUTCOMES[ended]?.() ?? (stage && resultOfStage(job, stage.name));
    };
    if (isAtWork(job, task)) {
      const work = workInFlow(observer, job, context as JobContext);
      return work.then(
        () => takeTime(),
        (error) => {
          observer.runEnded(run, 'threw', context.signal);
          throw error;
        },
      );
    }
    return takeTime();

    function takeTime(): unknown {
      if (task.runMs === 0 && task.kind !== 'poison') return finish();
      const signal = task.heedsSignal ? context.signal : undefined;
      return sleep(machine.userClock, task.runMs, signal).then(() => {
        if (task.kind === 'poison' && isDeadly(observer, job)) host.crash();
        return machine.isCrashed ? new Promise(() => undefined) : finish();
      });
    }
  };
}

/** Makes the handler of several simulated jobs: each ends as its task says, all at the same time. */
export function makeRunBatch(
  observer: Observer,
): (host: Host, machine: Machine, jobs: readonly Job[], context: BatchContext) => unknown {
  return async (host, machine, jobs, context) => {
    if (machine.isCrashed) return new Promise(() => undefined);
    observer.batchStarted(machine, jobs);
    const runs = jobs.map((job) => observer.runStarted(machine, job));
    await Promise.all(
      jobs.map((job) => {
        const { runMs, heedsSignal } = taskOf(job);
        return sleep(machine.userClock, runMs, heedsSignal ? context.of(job).signal : undefined);
      }),
    );
    const isDeath = (job: Job): boolean => taskOf(job).kind === 'poison' && isDeadly(observer, job);
    if (jobs.some(isDeath)) host.crash();
    if (machine.isCrashed) return new Promise(() => undefined);
    return jobs.map((job, index) => {
      const own = context.of(job);
      const ended = howItEnds(taskOf(job), job, own);
      observer.runEnded(runs[index] as Run, ended, own.signal);
      if (ended !== 'threw') return OUTCOMES[ended]?.();
      const error = new Error('the handler fails, on purpose');
      // Both ways to say it.
      if (index % 2 === 0) return error;
      context.fail(job, error);
      return undefined;
    });
  };
}

/** True when it does something in its flow. */
function isAtWork({ flow }: Job, { adds, readsParents }: Task): boolean {
  return flow !== undefined && (adds !== undefined || readsParents === true);
}

function stageOf(context: JobContext | StageContext): StageOfRun | undefined {
  return 'stage' in context ? { name: context.stage, results: context.results } : undefined;
}

function asStage(ended: Ended, stage: StageOfRun | undefined): Ended {
  const isFollowed = stage !== undefined && stage.name !== STAGES.at(-1);
  return ended === 'returned' && isFollowed ? 'staged' : ended;
}

/** A series that crashed whoever runs it would do so for ever. */
function isDeadly({ facts: { world, profile } }: Observer, { repeatInterval }: Job): boolean {
  return repeatInterval === undefined || world.nowMs < profile.faultyMs;
}

function howItEnds({ kind, failures, heedsSignal }: Task, job: Job, context: JobContext): Ended {
  const throws =
    kind === 'doomed' ||
    (kind === 'flaky' && job.failCount < failures) ||
    (heedsSignal && context.signal.aborted);
  if (throws) return 'threw';
  // The fence grows with each claim, so two of three runs do the work.
  if (kind === 'snoozing' && job.fence % 3 === 1) return 'snoozed';
  if (kind === 'cancelling') return 'cancelled';
  return kind === 'discarding' ? 'discarded' : 'returned';
}
