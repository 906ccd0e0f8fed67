import { expect, test } from 'vitest';
import { MOST_HISTORY } from '../job/job.ts';
import { makeJob } from '../testing/index.ts';
import { isAsSeen, repairChange, repaired } from './repair-change.ts';

const now = new Date('2026-01-01T00:00:00Z');
const job = makeJob({ uniqueLock: 'a', progress: 3, updatedAt: new Date(0) });
const { status, fence, updatedAt } = job;
const params = {
  jobId: job._id,
  seen: { status, fence, updatedAt },
  changes: { set: { priority: 7 }, clear: ['uniqueLock'] },
  rule: 'locks',
  now,
} as const;

test('what is set and cleared is, and the history names the rule', () => {
  const entry = { verb: 'repair', at: now, reason: 'locks' };
  const { uniqueLock: _, ...kept } = job;
  expect(repaired(job, repairChange(params))).toEqual({
    ...kept,
    priority: 7,
    updatedAt: now,
    history: [entry],
  });
});

test('the oldest entry of a full history gives way', () => {
  const old = { verb: 'retry', at: new Date(0) };
  const full = { ...job, history: Array.from({ length: MOST_HISTORY }, () => old) };
  const { history } = repaired(full, repairChange({ ...params, changes: {} }));
  expect(history).toHaveLength(MOST_HISTORY);
  expect(history?.at(-1)).toMatchObject({ verb: 'repair' });
});

test.each([
  ['its state', { status: 'failed' as const }],
  ['its fence', { fence: 9 }],
  ['its time', { updatedAt: new Date(5) }],
])('a job is not as it was seen when %s is another', (_, other) => {
  expect(isAsSeen(job, params)).toBe(true);
  expect(isAsSeen({ ...job, ...other }, params)).toBe(false);
});
