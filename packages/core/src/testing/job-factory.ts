/**
 * Jobs for tests.
 *
 * @module
 */
import { systemRandom } from '../foundation/random.ts';
import { DEFAULT_PRIORITY, DOCUMENT_VERSION, type Job, JobStatus } from '../job/job.ts';
import { MANUAL_CLOCK_START } from './manual-clock.ts';

/**
 * A complete job with these fields; the rest is filled in to fit them. Without any it is a pending job, due since
 * {@link MANUAL_CLOCK_START}. A state brings the fields with it that a job in that state has, such as the claim of a
 * processing one. Each time is a `Date` of its own, which the caller may change.
 *
 * @typeParam T - what `data` holds
 */
export function makeJob<T = unknown>(overrides: Partial<Job<T>> = {}): Job<T> {
  const atMs = (overrides.createdAt ?? MANUAL_CLOCK_START).getTime();
  return {
    _id: systemRandom.objectId(atMs),
    name: 'test-job',
    data: undefined as T,
    status: JobStatus.PENDING,
    priority: DEFAULT_PRIORITY,
    nextRunAt: new Date(atMs),
    failCount: 0,
    fence: 0,
    createdAt: new Date(atMs),
    updatedAt: new Date(atMs),
    documentVersion: DOCUMENT_VERSION,
    ...fieldsOf(overrides.status ?? JobStatus.PENDING, atMs),
    ...overrides,
  };
}

function fieldsOf(status: JobStatus, atMs: number): Partial<Omit<Job, 'data'>> {
  const at = (): Date => new Date(atMs);
  switch (status) {
    case JobStatus.PENDING:
      return {};
    case JobStatus.PROCESSING:
      return {
        fence: 1,
        claimToken: 'test-token',
        claimedBy: 'test-instance',
        lockedAt: at(),
        startedAt: at(),
      };
    case JobStatus.BLOCKED:
      return {
        fence: 1,
        lastToken: 'test-token',
        startedAt: at(),
        blockedBy: 'test-gate',
        blockedAt: at(),
      };
    case JobStatus.COMPLETED:
      return { fence: 1, lastToken: 'test-token', startedAt: at(), finishedAt: at() };
    case JobStatus.FAILED:
      return {
        fence: 1,
        lastToken: 'test-token',
        startedAt: at(),
        finishedAt: at(),
        failCount: 1,
        failReason: 'Test failure',
      };
    case JobStatus.CANCELLED:
      return { finishedAt: at() };
  }
}
