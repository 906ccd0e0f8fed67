import { expect, test } from 'vitest';
import { makeJob } from '../testing/index.ts';
import { DOCUMENT_VERSION, type Job, NEWEST_VERSION, ORDERED_VERSION } from './job.ts';
import { unfitReason } from './unfit-reason.ts';

test('a job of this version, or of an older one, can be run', () => {
  for (const documentVersion of [DOCUMENT_VERSION, ORDERED_VERSION, 0]) {
    expect(unfitReason(makeJob({ documentVersion }))).toBeUndefined();
  }
});

test('a job with every field that is looked at can be run', () => {
  const time = new Date(0);
  const job = makeJob({
    ...{ maxRetries: 3, timeout: 100, rescueCount: 0, seriesVersion: 1 },
    ...{ uniqueKey: 'a', uniqueLock: 'a', repeatInterval: '@daily', timezone: 'UTC' },
    ...{ startAt: time, endAt: time, scheduledFor: time, missed: 'all' },
    ...{ stages: [{ name: 'a', at: time }], gates: [{ name: 'b', at: time, evidence: null }] },
    ...{ history: [], logs: [], claimToken: 't', claimedBy: 'i', lockedAt: time },
  });
  expect(unfitReason(job)).toBeUndefined();
  for (const type of ['fixed', 'exponential'] as const) {
    const plan = { type, delay: 5 };
    expect(unfitReason(makeJob({ backoff: plan }))).toBeUndefined();
    const whole = { ...plan, maxDelay: 9, jitter: 0.5 };
    expect(unfitReason(makeJob({ backoff: whole }))).toBeUndefined();
  }
});

test('a job of a newer version cannot be run, and the reason says what to do', () => {
  expect(unfitReason(makeJob({ documentVersion: NEWEST_VERSION + 1 }))).toBe(
    `Expected a stored job of version ${NEWEST_VERSION} or older, got version ${NEWEST_VERSION + 1}; upgrade the process, or let one of the newer version run it`,
  );
});

test('a field that does not fit is named in the reason', () => {
  expect(unfitReason(withField('maxRetries', 'three'))).toBe(
    "A field of the stored job does not fit: Expected `maxRetries` to be a number, got 'three' (string)",
  );
});

test.each<[keyof Job, unknown]>([
  ['priority', 'high'],
  ['failCount', Number.NaN],
  ['documentVersion', '1'],
  ['name', 7],
  ['name', ['a']],
  ['repeatInterval', 5],
  ['nextRunAt', 'soon'],
  ['nextRunAt', new Date(Number.NaN)],
  ['endAt', 1],
  ['history', {}],
  ['logs', 'line'],
  ['stages', 'first'],
  ['stages', [null]],
  ['gates', [{ name: 7 }]],
  ['backoff', 'slow'],
  ['backoff', { type: 'linear', delay: 1 }],
  ['backoff', { type: 'fixed' }],
  ['backoff', { type: 'fixed', delay: 1, maxDelay: 'long' }],
  ['backoff', { type: 'fixed', delay: 1, jitter: 'some' }],
])('a job whose %s is %j cannot be run', (field, value) => {
  expect(unfitReason(withField(field, value))).toContain(`\`${field}\``);
});

function withField(field: keyof Job, value: unknown): Job {
  return { ...makeJob(), [field]: value };
}
