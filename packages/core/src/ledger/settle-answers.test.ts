import { describe, expect, test } from 'vitest';
import { makeJob } from '../testing/index.ts';
import {
  answerUnmatched,
  historyEntries,
  rescueFailReason,
  settlementParams,
} from './settle-answers.ts';
import type { Settlement } from './verbs/settle.ts';

const job = makeJob({ status: 'processing', claimToken: 'mine', fence: 3 });
const settlement: Settlement = { verb: 'complete', jobId: job._id, claimToken: 'mine', fence: 3 };

describe('answerUnmatched', () => {
  test('a job that is gone says nothing', () => {
    expect(answerUnmatched(settlement, null)).toBe('unknown');
  });

  test('an earlier try that landed has left its token', () => {
    const stored = { status: 'pending', fence: 3, lastToken: 'mine' } as const;
    expect(answerUnmatched(settlement, stored)).toBe('settled');
    expect(answerUnmatched(settlement, { ...stored, status: 'processing', fence: 4 })).toBe(
      'settled',
    );
  });

  test('a claim that still stands was refused, or met a request to cancel', () => {
    expect(answerUnmatched(settlement, job)).toBe('refused');
    const asked = { ...job, cancelRequestedAt: new Date(0) };
    expect(answerUnmatched(settlement, asked)).toBe('cancelRequested');
  });

  test('a claim that still stands under another plan was computed with an old one', () => {
    const ofSeries = { ...settlement, seriesVersion: 2 };
    const replanned = { ...job, seriesVersion: 3 };
    expect(answerUnmatched(ofSeries, replanned)).toBe('replanned');
    expect(answerUnmatched(settlement, replanned)).toBe('replanned');
    expect(answerUnmatched(ofSeries, job)).toBe('replanned');
    expect(answerUnmatched(ofSeries, { ...job, seriesVersion: 2 })).toBe('refused');
    // The request is met when the end is computed again.
    const asked = { ...replanned, cancelRequestedAt: new Date(0) };
    expect(answerUnmatched(ofSeries, asked)).toBe('replanned');
  });

  test('a plan that changed after the claim was ended says nothing of the claim', () => {
    const ofSeries = { ...settlement, seriesVersion: 2 };
    const rescued = { status: 'pending', fence: 3, seriesVersion: 3 } as const;
    expect(answerUnmatched(ofSeries, rescued)).toBe('lost');
    expect(answerUnmatched(ofSeries, { ...rescued, lastToken: 'mine' })).toBe('settled');
  });

  test('a claim that others ended is lost', () => {
    const rescued = { status: 'pending', fence: 3, lastToken: 'older' } as const;
    expect(answerUnmatched(settlement, rescued)).toBe('lost');
    const next = { status: 'processing', fence: 4, claimToken: 'next' } as const;
    expect(answerUnmatched(settlement, next)).toBe('lost');
  });

  test('a job that went further says nothing certain', () => {
    const ended = { status: 'completed', fence: 4, lastToken: 'next' } as const;
    expect(answerUnmatched(settlement, ended)).toBe('unknown');
    const further = { status: 'processing', fence: 5, claimToken: 'third' } as const;
    expect(answerUnmatched(settlement, further)).toBe('unknown');
  });
});

describe('settlementParams', () => {
  test('gives the rows what they refer to', () => {
    const now = new Date(9);
    const retry = { nextRunAt: new Date(10), failReason: 'Boom', lastFailCount: 4 };
    expect(settlementParams({ ...settlement, ...retry, verb: 'retry' }, now)).toEqual({
      ...retry,
      now,
      claimToken: 'mine',
    });
  });

  test('a record becomes an entry of the history, and none is made without one', () => {
    const now = new Date(9);
    const record = { reason: 'Boom', duration: 3 };
    const params = settlementParams({ ...settlement, verb: 'fail', record }, now);
    expect(params.historyEntries).toEqual([{ verb: 'fail', at: now, ...record }]);
    expect(params).not.toHaveProperty('record');
    expect(settlementParams(settlement, now)).not.toHaveProperty('historyEntries');
  });
});

test('a history entry says what happened, and when', () => {
  expect(historyEntries('redrive', new Date(4), {})).toEqual([
    { verb: 'redrive', at: new Date(4) },
  ]);
});

test('the reason of a job that was rescued too often says how often', () => {
  expect(rescueFailReason(5)).toContain('5 times');
});
