/** What the handlers of simulated jobs do. */
import { sleep } from '../../src/clock.ts';
import type { Job, JobContext } from '../../src/index.ts';
import { taskOf } from './facts.ts';
import type { Host } from './host.ts';
import type { Machine } from './machine.ts';
import type { Observer } from './observer.ts';

/** Makes the one handler of all simulated jobs. */
export function makeRunHandler(
  observer: Observer,
): (host: Host, machine: Machine, job: Job, context: JobContext) => unknown {
  return (host, machine, job, context) => {
    // A process that is gone runs to the end of its turn; nothing it does there can be seen.
    if (machine.isCrashed) return new Promise(() => undefined);
    const run = observer.runStarted(machine, job);
    const task = taskOf(job);
    const finish = (): void => {
      if (machine.isCrashed) return;
      const throws =
        task.kind === 'doomed' ||
        (task.kind === 'flaky' && job.failCount < task.failures) ||
        (task.heedsSignal && context.signal.aborted);
      observer.runEnded(run, throws ? 'threw' : 'returned');
      if (throws) throw new Error('the handler fails, on purpose');
    };
    if (task.runMs === 0 && task.kind !== 'poison') return finish();
    const signal = task.heedsSignal ? context.signal : undefined;
    return sleep(machine.userClock, task.runMs, signal).then(() => {
      if (task.kind === 'poison') host.crash();
      return machine.isCrashed ? new Promise(() => undefined) : finish();
    });
  };
}
