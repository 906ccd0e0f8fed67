/** What callers were promised: by an enqueue, and by a stop. */
import { claimKey, type EnqueueCall, type Facts, taskOf } from '../facts.ts';
import { OPERATION_TIMEOUT_MS, SHUTDOWN_TIMEOUT_MS } from '../profile.ts';
import { describe } from './job-rules.ts';
import type { Rule, Violate } from './rule.ts';

const FINISHED = new Set(['completed', 'failed', 'cancelled']);

/** Handlers that were aborted, the last settlements, the last calls, and the pauses of the machine come on top. */
const STOP_MARGIN_MS = 500 + 5_000 + 4 * OPERATION_TIMEOUT_MS + 2_000;

/** An acknowledged enqueue made one job, which ends; one that was refused made none. */
export function enqueueRule(facts: Facts, violate: Violate): Rule {
  const idsByNumber = new Map<number, string>();
  const holdersOnce = new Set<string>();
  const told = (call: EnqueueCall): string => `job ${call.task.number}`;
  return {
    jobWritten({ verb, after }) {
      if (verb !== 'enqueue' || after === undefined) return;
      const { number } = taskOf(after);
      const id = after._id.toHexString();
      if (after.uniqueLock !== undefined) holdersOnce.add(id);
      const earlier = idsByNumber.get(number);
      if (earlier !== undefined && earlier !== id) {
        violate('an enqueue makes two jobs', describe(after));
      }
      idsByNumber.set(number, id);
    },
    enqueueAnswered(call, job) {
      const isStored = idsByNumber.has(call.task.number);
      if (call.answer === 'enqueued' && !isStored) violate('an enqueue is lost', told(call));
      if (call.answer !== 'existing' || job === undefined) return;
      if (!holdersOnce.has(job._id.toHexString())) {
        violate('a holder is named that never was', told(call));
      }
    },
    drained() {
      facts.counts.revived = facts.revived.size;
      for (const call of facts.enqueues.values()) {
        const id = idsByNumber.get(call.task.number);
        const isGone = id === undefined || (!facts.jobs.has(id) && !facts.removed.has(id));
        if (call.answer === 'enqueued' && isGone) violate('an enqueue is lost', told(call));
        if (call.answer === 'failed' && id !== undefined) {
          violate('a refused enqueue is stored', told(call));
        }
        if (call.answer === 'existing' && id !== undefined) facts.counts.unannounced += 1;
        if (call.answer === undefined && !call.machine.isCrashed) {
          violate('an enqueue is never answered', told(call));
        }
      }
      for (const job of facts.jobs.values()) {
        if (!FINISHED.has(job.status))
          violate('a job never ends', `${describe(job)}: ${job.status}`);
      }
    },
  };
}

/** A stop waits for what it promised, for as long as it promised, and leaves no timer. */
export function stopRule(facts: Facts, violate: Violate): Rule {
  return {
    stopped({ machine, tookMs, givenUp, callsInFlight }) {
      for (const run of [...facts.runs.values()].flat()) {
        if (run.machine !== machine || run.ended !== undefined) continue;
        if (givenUp.has(run.job._id.toHexString())) continue;
        violate('a stop forgets a handler', `${machine.name} ${describe(run.job)} by ${run.token}`);
      }
      // A handler that was given up may still end, and its end is then sent once.
      if (callsInFlight + givenUp.size === 0 && machine.pendingTimers > 0) {
        violate('a stop leaves a timer', `${machine.name}, ${machine.pendingTimers} of them`);
      }
      const { troubledUntilMs } = machine;
      const startedMs = facts.world.nowMs - tookMs;
      const wellMs =
        facts.world.nowMs - Math.max(startedMs, troubledUntilMs, facts.troubledUntilMs);
      if (wellMs > SHUTDOWN_TIMEOUT_MS + STOP_MARGIN_MS) {
        violate('a stop takes too long', `${machine.name} took ${tookMs} ms`);
      }
    },
    drained() {
      for (const run of [...facts.runs.values()].flat()) {
        const key = claimKey(run.job, run.token);
        if (run.ended === undefined && facts.isStanding(run)) violate('a handler never ends', key);
      }
    },
  };
}
