/** What every write to a job must obey. */
import type { Job, JobStatus } from '../../../src/index.ts';
import type { JobVerb } from '../../../src/job/job-lifecycle.ts';
import { LOCK_FIELDS } from '../../../src/job/unique-locks.ts';
import { claimKey, type Facts, type JobWrite, SETTLE_VERBS, taskOf } from '../facts.ts';
import { OUTBOX_NAME, OUTBOX_RETRIES } from '../features/outbox-work.ts';
import { WALL_START_MS } from '../machine.ts';
import { MAX_RETRIES, RESCUE_LIMIT } from '../profile.ts';
import type { Rule, Violate } from './rule.ts';

/** Written down a second time on purpose: the table of the engine is what it is held against. */
const LEGAL: Readonly<
  Record<
    JobVerb,
    { readonly from: readonly (JobStatus | 'new')[]; readonly to: JobStatus | 'gone' | 'stays' }
  >
> = {
  enqueue: { from: ['new'], to: 'pending' },
  enqueueClaimed: { from: ['new'], to: 'processing' },
  enqueueWaiting: { from: ['new'], to: 'blocked' },
  releaseChild: { from: ['blocked'], to: 'pending' },
  failByParent: { from: ['blocked'], to: 'failed' },
  redriveToWait: { from: ['failed', 'cancelled'], to: 'blocked' },
  removeParent: {
    from: ['pending', 'blocked', 'completed', 'failed', 'cancelled'],
    to: 'gone',
  },
  claim: { from: ['pending'], to: 'processing' },
  claimInOrder: { from: ['pending'], to: 'processing' },
  note: { from: ['processing'], to: 'processing' },
  complete: { from: ['processing'], to: 'completed' },
  repeat: { from: ['processing'], to: 'pending' },
  repeatAfterFailure: { from: ['processing'], to: 'pending' },
  retry: { from: ['processing'], to: 'pending' },
  snooze: { from: ['processing'], to: 'pending' },
  release: { from: ['processing'], to: 'pending' },
  fail: { from: ['processing'], to: 'failed' },
  discard: { from: ['processing'], to: 'failed' },
  cancelled: { from: ['processing'], to: 'cancelled' },
  cancelByHandler: { from: ['processing'], to: 'cancelled' },
  rescue: { from: ['processing'], to: 'pending' },
  rescueToFailed: { from: ['processing'], to: 'failed' },
  rescueToCancelled: { from: ['processing'], to: 'cancelled' },
  rescueToNextRun: { from: ['processing'], to: 'pending' },
  bury: { from: ['processing'], to: 'pending' },
  rescueToDeadLetter: { from: ['processing'], to: 'pending' },
  redriveDeadLetter: { from: ['pending', 'failed', 'cancelled'], to: 'pending' },
  checkpoint: { from: ['processing'], to: 'processing' },
  block: { from: ['processing'], to: 'blocked' },
  unblock: { from: ['blocked'], to: 'pending' },
  openGate: { from: ['pending', 'processing', 'blocked'], to: 'stays' },
  expireGate: { from: ['blocked'], to: 'failed' },
  expireGateToNextRun: { from: ['blocked'], to: 'pending' },
  recover: { from: ['processing'], to: 'pending' },
  recoverToCancelled: { from: ['processing'], to: 'cancelled' },
  cancel: { from: ['pending', 'blocked'], to: 'cancelled' },
  requestCancel: { from: ['processing'], to: 'processing' },
  skipRun: { from: ['pending', 'blocked'], to: 'pending' },
  endSeries: { from: ['pending', 'blocked'], to: 'cancelled' },
  endSeriesAfterRun: { from: ['processing'], to: 'processing' },
  replan: { from: ['pending'], to: 'pending' },
  replanRunning: { from: ['processing', 'blocked'], to: 'stays' },
  amend: { from: ['pending'], to: 'pending' },
  redrive: { from: ['failed', 'cancelled'], to: 'pending' },
  remove: { from: ['pending', 'blocked', 'completed', 'failed', 'cancelled'], to: 'gone' },
  prune: { from: ['completed', 'failed', 'cancelled'], to: 'gone' },
};

/** How long an instance takes to notice that its clocks moved, and to ask for the time. */
const RESAMPLED_WITHIN_MS = 4_000;
/** The drift that is not noticed, and the time that messages take. */
const LARGEST_OFFSET_MS = 500 + 100;

/** A request to cancel concerns one run, and a redrive takes it back. */
const MAY_FORGET_REQUEST = new Set<JobVerb>([
  'repeat',
  'repeatAfterFailure',
  'rescueToNextRun',
  'redrive',
  'redriveDeadLetter',
]);

/** The verbs that begin a claim, that put a finished job back, and that change one that waits. */
const RAISES_FENCE = new Set<JobVerb>([
  'claim',
  'claimInOrder',
  'enqueueClaimed',
  'redrive',
  'redriveDeadLetter',
  'amend',
  'redriveToWait',
]);

const COUNTS_A_FAILURE = new Set<JobVerb>(['retry', 'fail', 'discard']);
const FORGETS_FAILURES = new Set<JobVerb>([
  'repeat',
  'repeatAfterFailure',
  'rescueToNextRun',
  'expireGateToNextRun',
  'skipRun',
  'replan',
  'redrive',
  'redriveToWait',
  'bury',
  'rescueToDeadLetter',
  'redriveDeadLetter',
]);
/** The verbs that say when a job is due; of any other it stays due when it was. */
const SETS_DUE_TIME = new Set<JobVerb>([
  'enqueue',
  'repeat',
  'repeatAfterFailure',
  'rescueToNextRun',
  'expireGateToNextRun',
  'unblock',
  'retry',
  'snooze',
  'skipRun',
  'replan',
  'amend',
  'redrive',
  'redriveToWait',
  'releaseChild',
  'bury',
  'rescueToDeadLetter',
  'redriveDeadLetter',
]);

/** State, fence and claim fields change only as the verbs say. */
export function transitionRule(_facts: Facts, violate: Violate): Rule {
  return {
    jobWritten({ verb, before, after }) {
      const { from, to } = LEGAL[verb];
      const wasIn = before?.status ?? 'new';
      const isIn = after?.status ?? 'gone';
      const change = `${verb} ${describe(before ?? after)}: ${wasIn} -> ${isIn}`;
      const isAllowed = from.includes(wasIn) && (to === 'stays' ? wasIn : to) === isIn;
      if (!isAllowed) violate('a transition is illegal', change);
      if (after === undefined) return;
      const fence = (before?.fence ?? 0) + (RAISES_FENCE.has(verb) ? 1 : 0);
      if (after.fence !== fence) violate('a fence goes wrong', `${change}, fence ${after.fence}`);
      const claimFields = [after.claimToken, after.claimedBy, after.lockedAt];
      const areRight = claimFields.every(
        (field) => (field !== undefined) === (isIn === 'processing'),
      );
      if (!areRight) violate('a transition is illegal', `${change} and its claim fields disagree`);
      if ((after.rescueCount ?? 0) > RESCUE_LIMIT) violate('a limit is passed', change);
      if (before === undefined) return;
      const isMoved = after.nextRunAt.getTime() !== before.nextRunAt.getTime();
      if (isMoved && !SETS_DUE_TIME.has(verb)) violate('a job is moved to another time', change);
    },
  };
}

/** Failures are counted, and a job fails for good with the last that it may have. */
export function failureRule(_facts: Facts, violate: Violate): Rule {
  return {
    jobWritten({ verb, before, after, params }) {
      if (before === undefined || after === undefined) return;
      const most =
        before.maxRetries ?? (before.name === OUTBOX_NAME ? OUTBOX_RETRIES : MAX_RETRIES);
      const change = `${verb} ${describe(before)}: ${before.failCount} -> ${after.failCount} of ${most}`;
      const counted = before.failCount + (COUNTS_A_FAILURE.has(verb) ? 1 : 0);
      const expected = FORGETS_FAILURES.has(verb) ? 0 : counted;
      if (after.failCount !== expected) violate('failures are counted wrongly', change);
      const isLast = after.failCount >= most;
      if (verb === 'retry' && isLast) violate('a limit is passed', change);
      if (verb === 'fail' && !isLast) violate('a job fails too soon', change);
      if (verb !== 'retry' || before.backoff === undefined) return;
      const delayMs = after.nextRunAt.getTime() - (params.now as Date).getTime();
      if (delayMs > before.backoff.delay + LARGEST_OFFSET_MS) {
        violate('a retry is put off for too long', `${change}, by ${delayMs} ms`);
      }
    },
  };
}

/** A write that ends a claim is made under that claim, once; a claim is new and of a job that is due. */
export function claimRule(facts: Facts, violate: Violate): Rule {
  const claims = new Set<string>();
  return {
    jobWritten({ verb, before, after, params }) {
      if (before === undefined) return;
      if (verb === 'claim' || verb === 'claimInOrder') {
        const key = claimKey(before, after?.claimToken);
        if (claims.has(key)) violate('a claim is made twice', describe(before));
        claims.add(key);
        if (before.nextRunAt.getTime() > (params.now as Date).getTime()) {
          violate('a job is claimed before its time', describe(before));
        }
      }
      if (!SETTLE_VERBS.has(verb) && verb !== 'note') return;
      const token = params.claimToken as string;
      if (before.claimToken !== token) {
        violate('a settle lands on another claim', `${verb} ${describe(before)} by ${token}`);
      }
      if (verb !== 'note' && facts.settles.has(claimKey(before, token))) {
        violate('a claim is settled twice', `${verb} ${describe(before)} by ${token}`);
      }
    },
  };
}

/** A rescue takes only from the dead, and a request to cancel is never forgotten. */
export function rescueRule(facts: Facts, violate: Violate): Rule {
  return {
    jobWritten({ verb, before, after }) {
      const isRescue = verb.startsWith('rescue');
      if (isRescue && facts.leases.get(before?.claimedBy ?? '')?.diedMs === undefined) {
        violate('a rescue takes from the living', `${describe(before)} of ${before?.claimedBy}`);
      }
      const isDropped = before?.cancelRequestedAt !== undefined && after?.status === 'pending';
      if (isDropped && !MAY_FORGET_REQUEST.has(verb)) {
        violate('a request to cancel is forgotten', `${verb} ${describe(before)}`);
      }
    },
  };
}

/** One lock has one holder, and finished jobs hold none, but for a window of time. */
export function lockRule(_facts: Facts, violate: Violate): Rule {
  const holders = new Map<string, string>();
  const locksOf = (job: Job | undefined): string[] =>
    LOCK_FIELDS.filter((field) => job?.[field] !== undefined).map(
      (field) => `${job?.name} ${field} ${job?.[field]}`,
    );
  return {
    jobWritten({ verb, before, after, params }: JobWrite) {
      const held = locksOf(after);
      if (verb === 'amend' && params.data !== undefined && locksOf(before).length === 0) {
        violate('a job is changed that does not hold the key', describe(before));
      }
      for (const lock of locksOf(before)) if (!held.includes(lock)) holders.delete(lock);
      if (after === undefined) return;
      const id = after._id.toHexString();
      for (const lock of held) {
        const holder = holders.get(lock) ?? id;
        if (holder !== id) violate('two jobs hold one lock', `${describe(after)} and ${holder}`);
        holders.set(lock, id);
      }
      const { uniqueLock, startLock, finishedAt, status } = after;
      if (finishedAt !== undefined && (uniqueLock ?? startLock) !== undefined) {
        violate('a finished job holds a lock', describe(after));
      }
      if (status === 'processing' && startLock !== undefined) {
        violate('a job that started holds its lock on', describe(after));
      }
    },
  };
}

/** An instance that is well knows the ledger's time, whatever its own clocks did before. */
export function timeRule(facts: Facts, violate: Violate): Rule {
  return {
    jobWritten({ verb, before, params }) {
      // Where answers come late, so does the time that they bring.
      if (verb !== 'claim' || facts.profile.lateRate > 0) return;
      const { nowMs } = facts.world;
      const machine = facts.leases.get(params.instanceId as string)?.machine;
      const wellMs = nowMs - Math.max(machine?.troubledUntilMs ?? 0, facts.troubledUntilMs);
      const offMs = (params.now as Date).getTime() - WALL_START_MS - nowMs;
      if (wellMs < RESAMPLED_WITHIN_MS || Math.abs(offMs) < LARGEST_OFFSET_MS) return;
      violate('the time is wrong', `claim ${describe(before)}: off by ${offMs.toFixed(0)} ms`);
    },
  };
}

/** How a job is named in what is told of a run. */
export function describe(job: Job | undefined): string {
  return job === undefined ? 'no job' : `job ${taskOf(job).number}`;
}
