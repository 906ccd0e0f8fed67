import { describe, expect, test } from 'vitest';
import type { ClaimedJob, Job } from '../../job/job.ts';
import { makeJob } from '../../testing/index.ts';
import type { Outcome } from '../../workers/handler-outcome.ts';
import { bareEnd, CANCELLED, type EndedRun, sureRetry } from './ended-run.ts';
import { settlementOf } from './settlement-of-run.ts';

const NOW = new Date('2026-06-01T10:30:00Z');
const AT_ELEVEN = new Date('2026-06-01T11:00:00Z');
const AT_TWELVE = new Date('2026-06-01T12:00:00Z');

const RETRY = {
  maxRetries: 3,
  backoff: { type: 'fixed', delay: 60_000 },
  maxBackoffDelayMs: 3_600_000,
} as const;

const COMPLETED: Outcome = { kind: 'completed', result: 'paid' };
const FAILED: Outcome = { kind: 'failed', error: new Error('no'), isFinal: false };
const BLOCKED: Outcome = { kind: 'blocked', gate: 'signed', stagesBefore: ['drafted'] };
const SNOOZED: Outcome = { kind: 'snoozed', delayMs: 45 * 60_000 };

function makeClaimed(fields: Partial<Job> = {}): ClaimedJob {
  return makeJob({ status: 'processing', ...fields }) as ClaimedJob;
}

function makeOfSeries(fields: Partial<Job> = {}): ClaimedJob {
  const scheduledFor = new Date('2026-06-01T10:00:00Z');
  const plan = { repeatInterval: '0 * * * *', timezone: 'UTC', seriesVersion: 1 };
  return makeClaimed({ ...plan, scheduledFor, ...fields });
}

function makeEnded(outcome: Outcome, fields: Partial<EndedRun> = {}): EndedRun {
  const job = fields.job ?? makeClaimed();
  return { job, outcome, retry: RETRY, fraction: 0, durationMs: 12.6, notes: {}, ...fields };
}

function afterNow(ms: number): Date {
  return new Date(NOW.getTime() + ms);
}

describe('what is written of a run', () => {
  test('names the claim that it ends, and the version of a series alone', () => {
    const job = makeOfSeries({ fence: 7 });
    const { _id: jobId, claimToken } = job;
    expect(settlementOf(makeEnded(COMPLETED, { job }), NOW)).toMatchObject({
      ...{ jobId, claimToken, fence: 7, seriesVersion: 1 },
    });
    expect(settlementOf(makeEnded(COMPLETED), NOW)).not.toHaveProperty('seriesVersion');
  });

  test('holds what the handler reported and is not stored yet', () => {
    const notes = { progress: 99, logLines: ['almost done'] };
    expect(settlementOf(makeEnded(COMPLETED, { notes }), NOW)).toMatchObject({
      ...{ verb: 'complete', result: 'paid', name: 'test-job', progress: 99 },
      logLines: ['almost done'],
    });
  });

  test('is the same for the same run, and leaves the run as it was', () => {
    const ended = makeEnded(FAILED, { fraction: 0.25 });
    const before = structuredClone(ended);
    expect(settlementOf(ended, NOW)).toEqual(settlementOf(ended, NOW));
    expect(ended).toEqual(before);
  });

  test.each<[string, Outcome, string]>([
    ['was cancelled on request', CANCELLED, 'cancelled'],
    ['was given up by its handler', { kind: 'cancelled', by: 'handler' }, 'cancelByHandler'],
    ['never started', { kind: 'released', hadStarted: false }, 'release'],
    ['came to a gate', BLOCKED, 'block'],
    ['was put off', SNOOZED, 'snooze'],
    ['was missed', { kind: 'missed' }, 'cancelByHandler'],
    ['completed in its own transaction', { kind: 'confirmed', of: COMPLETED }, 'complete'],
    ['cannot succeed', { ...FAILED, isFinal: true } as Outcome, 'discard'],
  ])('when it %s, takes one verb', (_how, outcome, verb) => {
    expect(settlementOf(makeEnded(outcome), NOW).verb).toBe(verb);
  });

  test('when it waits at a gate for a time, says until when', () => {
    const outcome: Outcome = { ...BLOCKED, timeoutMs: 5_000 };
    expect(settlementOf(makeEnded(outcome), NOW).blockedUntil).toEqual(afterNow(5_000));
  });
});

describe('a run that failed', () => {
  test('is tried again by the plan of its worker, with why and how long it took', () => {
    expect(settlementOf(makeEnded(FAILED), NOW)).toMatchObject({
      ...{ verb: 'retry', failReason: 'no', lastFailCount: 2, nextRunAt: afterNow(60_000) },
      record: { by: 'test-instance', reason: 'no', duration: 13 },
    });
  });

  test('is tried again by its own plan first', () => {
    const job = makeClaimed({ backoff: { type: 'exponential', delay: 1_000, jitter: 0.5 } });
    const ended = makeEnded(FAILED, { job, fraction: 0.5 });
    expect(settlementOf(ended, NOW).nextRunAt).toEqual(afterNow(1_500));
  });

  test('is tried again by the function of its worker, no later than the longest delay', () => {
    const retry = (delayMs: number) => ({ ...RETRY, backoff: () => delayMs });
    const soon = settlementOf(makeEnded(FAILED, { retry: retry(1_234.4) }), NOW);
    const late = settlementOf(makeEnded(FAILED, { retry: retry(1e12) }), NOW);
    expect(soon.nextRunAt).toEqual(afterNow(1_234));
    expect(late.nextRunAt).toEqual(afterNow(RETRY.maxBackoffDelayMs));
  });

  test('has failed for good when it was the last, of its own number before that of its worker', () => {
    const third = makeEnded(FAILED, { job: makeClaimed({ failCount: 2 }) });
    const only = makeEnded(FAILED, { job: makeClaimed({ maxRetries: 1 }) });
    expect(settlementOf(third, NOW)).toMatchObject({ verb: 'fail', lastFailCount: 2 });
    expect(settlementOf(only, NOW)).toMatchObject({ verb: 'fail', lastFailCount: 0 });
  });
});

describe('a run of a series', () => {
  test('goes on with the next one, whether it succeeded or failed for good', () => {
    const next = { nextRunAt: AT_ELEVEN, scheduledFor: AT_ELEVEN };
    const job = makeOfSeries({ failCount: 2 });
    const [done, failed] = [COMPLETED, FAILED].map((outcome) =>
      settlementOf(makeEnded(outcome, { job }), NOW),
    );
    expect(done).toMatchObject({ verb: 'repeat', result: 'paid', ...next });
    expect(failed).toMatchObject({ verb: 'repeatAfterFailure', ...next, record: { reason: 'no' } });
  });

  test('gives way to the next one, which would come before its retry or its delay ends', () => {
    const job = makeOfSeries();
    const retry = { ...RETRY, backoff: { type: 'fixed', delay: 45 * 60_000 } } as const;
    const failed = settlementOf(makeEnded(FAILED, { job, retry }), NOW);
    const snoozed = settlementOf(makeEnded(SNOOZED, { job }), NOW);
    expect([failed.verb, snoozed.verb]).toEqual(['repeatAfterFailure', 'repeatAfterFailure']);
  });
});

describe('what the ledger said since the run ended', () => {
  test('that somebody asked to cancel: it ends as cancelled, however it ended', () => {
    for (const outcome of [FAILED, SNOOZED, BLOCKED]) {
      const settlement = settlementOf(makeEnded(outcome), NOW, { isCancelled: true });
      expect(settlement).toMatchObject({ verb: 'cancelled', record: { reason: 'Cancelled' } });
    }
  });

  test('that the gate was opened: it is given back and does not wait', () => {
    expect(settlementOf(makeEnded(BLOCKED), NOW, { isGateOpen: true })).toMatchObject({
      verb: 'release',
      record: { reason: 'The gate that it came to was opened meanwhile' },
    });
  });

  test('both: it is not given back, since nobody wants it any more', () => {
    const facts = { isGateOpen: true, isCancelled: true };
    expect(settlementOf(makeEnded(BLOCKED), NOW, facts).verb).toBe('cancelled');
  });

  test('that the plan of its series was changed: the next run is computed from the new one', () => {
    const job = makeOfSeries();
    const current = { ...job, repeatInterval: '0 12 * * *', seriesVersion: 2 };
    expect(settlementOf(makeEnded(COMPLETED, { job }), NOW, { current })).toMatchObject({
      ...{ verb: 'repeat', nextRunAt: AT_TWELVE, scheduledFor: AT_TWELVE, seriesVersion: 2 },
    });
  });

  test('leaves what the handler reported as it is', () => {
    const ended = makeEnded(FAILED, { notes: { progress: 50 } });
    expect(settlementOf(ended, NOW, { isCancelled: true }).progress).toBe(50);
  });
});

test('an end without a handler reports nothing and took no time', () => {
  const job = makeClaimed({ uniqueKey: 'k', uniqueHold: 'untilStarted' });
  const ended = bareEnd(job, { kind: 'released', hadStarted: false }, RETRY);
  const { _id: jobId, claimToken, fence } = job;
  expect(settlementOf(ended, NOW)).toEqual({
    ...{ jobId, claimToken, fence, verb: 'release' },
    startLock: expect.any(String),
  });
  expect(settlementOf(bareEnd(job, CANCELLED, RETRY), NOW).record).toMatchObject({ duration: 0 });
});

describe('a policy that always gives a delay', () => {
  test('is the same policy when it is a plan', () => {
    expect(sureRetry(RETRY, () => undefined)).toBe(RETRY);
  });

  test('gives what the function of the worker gives', () => {
    const { backoff } = sureRetry({ ...RETRY, backoff: (count) => count * 5 }, () => undefined);
    expect((backoff as (count: number, error: Error) => number)(3, new Error('no'))).toBe(15);
  });

  test.each([
    [
      'throws',
      () => {
        throw new Error('broken');
      },
    ],
    ['gives no delay', () => Number.NaN],
    ['gives one below zero', () => -1],
  ])('doubles from one second when the function %s, and reports it', (_how, broken) => {
    const reported: unknown[] = [];
    const retry = sureRetry({ ...RETRY, backoff: broken }, (error) => reported.push(error));
    const delays = [0, 1].map((failCount) => {
      const ended = makeEnded(FAILED, { job: makeClaimed({ failCount }), retry });
      return Number(settlementOf(ended, NOW).nextRunAt) - NOW.getTime();
    });
    expect(delays).toEqual([2_000, 4_000]);
    expect(reported).toEqual([expect.any(Error), expect.any(Error)]);
  });
});
