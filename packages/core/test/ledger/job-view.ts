/** How a ledger shows a job, in the words of the model. */
import type { Job } from '../../src/job/job.ts';
import type { Hold, JobView } from './model-step.ts';

/** Time zero of the model. */
export const START_MS: number = Date.UTC(2025, 0, 1);

/** What the model says of a job; a field that neither has is left out. */
export function view(job: Job): JobView {
  const ms = (time: Date): number => time.getTime() - START_MS;
  const entries = Object.entries({
    status: job.status,
    name: job.name,
    priority: job.priority,
    dueMs: ms(job.nextRunAt),
    fence: job.fence,
    failCount: job.failCount,
    failReason: job.failReason,
    rescueCount: job.rescueCount ?? 0,
    updatedMs: ms(job.updatedAt),
    token: job.claimToken,
    instance: job.claimedBy,
    lastToken: job.lastToken,
    startedMs: job.startedAt && ms(job.startedAt),
    askedMs: job.cancelRequestedAt && ms(job.cancelRequestedAt),
    finishedMs: job.finishedAt && ms(job.finishedAt),
    key: job.uniqueKey,
    hold: job.uniqueKey === undefined ? undefined : holdOf(job),
    uniqueLock: job.uniqueLock,
    startLock: job.startLock,
    windowLock: job.windowLock,
    windowEndMs: job.windowUntil && ms(job.windowUntil),
    repeats: job.repeatInterval !== undefined,
    version: job.seriesVersion,
    scheduledMs: job.scheduledFor && ms(job.scheduledFor),
    seriesEndMs: job.endAt && ms(job.endAt),
    result: job.result,
    progress: job.progress,
    stages: (job.stages ?? []).map(({ name, at }) => [name, ms(at)]),
    gates: (job.gates ?? []).map(({ name }) => name),
    blockedBy: job.blockedBy,
    blockedMs: job.blockedAt && ms(job.blockedAt),
    blockedUntilMs: job.blockedUntil && ms(job.blockedUntil),
    history: (job.history ?? []).map(({ verb }) => verb),
  });
  return Object.fromEntries(
    entries.filter(([, value]) => value !== undefined),
  ) as unknown as JobView;
}

function holdOf({ uniqueHold, seriesVersion }: Job): Hold {
  if (uniqueHold === 'untilStarted') return 'started';
  if (uniqueHold === 'window') return 'window';
  return seriesVersion === undefined ? 'done' : 'series';
}
