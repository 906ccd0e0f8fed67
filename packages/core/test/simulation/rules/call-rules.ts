/** What callers were promised: by an enqueue, and by a stop. */
import { LOCK_FIELDS } from '../../../src/job/unique-locks.ts';
import { claimKey, type EnqueueCall, type Facts, seriesOf, taskOf } from '../facts.ts';
import { LONGEST_RUN_MS, OPERATION_TIMEOUT_MS, SHUTDOWN_TIMEOUT_MS } from '../profile.ts';
import { describe } from './job-rules.ts';
import type { Rule, Violate } from './rule.ts';

const FINISHED = new Set(['completed', 'failed', 'cancelled']);

/** Clocks that drift apart. */
const DRIFT = 1.01;

/** Handlers that were aborted, the last settlements, the last calls, and the pauses of the machine come on top. */
const STOP_MARGIN_MS = 500 + 5_000 + 4 * OPERATION_TIMEOUT_MS + 2_000;

/** An acknowledged enqueue made one job, which ends; one that was refused made none. */
export function enqueueRule(facts: Facts, violate: Violate): Rule {
  const idsByNumber = new Map<number, string>();
  const holdersOnce = new Set<string>();
  const told = (call: EnqueueCall): string => `job ${call.task.number}`;
  return {
    jobWritten({ verb, after }) {
      if (after === undefined) return;
      const id = after._id.toHexString();
      if (LOCK_FIELDS.some((field) => after[field] !== undefined)) holdersOnce.add(id);
      const isNew = verb === 'enqueue' || verb === 'enqueueClaimed';
      if (!isNew || seriesOf(after) !== undefined) return;
      const { number } = taskOf(after);
      const earlier = idsByNumber.get(number);
      if (earlier !== undefined && earlier !== id) {
        if (facts.enqueues.get(number)?.isMovable) facts.counts.unannounced += 1;
        else violate('an enqueue makes two jobs', describe(after));
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
        // A series never ends; the rules of series say what it does instead.
        if (!FINISHED.has(job.status) && job.repeatInterval === undefined)
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
        if (givenUp.has(run.job._id.toHexString()) || facts.isOverdue(run)) continue;
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
        if (run.ended !== undefined || !facts.isStanding(run) || facts.isOverdue(run)) continue;
        // Series go on while all else is quiet.
        const ranMs = run.machine.monotonic() - run.startedMs;
        const isOn = seriesOf(run.job) !== undefined && ranMs < LONGEST_RUN_MS * DRIFT;
        if (!isOn) violate('a handler never ends', key);
      }
    },
  };
}
