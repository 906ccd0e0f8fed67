import { describe, expect, test } from 'vitest';
import type { Job } from '../../job/job.ts';
import { makeJob } from '../../testing/index.ts';
import { type JobPlaces, withJobs } from './job-places.ts';
import { placesOf } from './verb-table.ts';

const job = makeJob({ data: 'stored' });
const read = (one: Job): Job => ({ ...one, data: 'read' });

describe('where answers hold jobs', () => {
  test('an answer with a job under a field that no verb had before does not compile without it', () => {
    interface Handover {
      readonly heir: Job | null;
      readonly others: readonly { readonly rival?: Job; readonly at: Date }[];
    }
    // @ts-expect-error - it holds jobs
    const none: JobPlaces<Handover> = 'none';
    // @ts-expect-error - the jobs of `others` are left out
    const some: JobPlaces<Handover> = { fields: { heir: 'job' } };
    // @ts-expect-error - a count holds no jobs
    const tooMany: JobPlaces<{ readonly count: number }> = { fields: { count: 'job' } };
    expect([none, some, tooMany]).toHaveLength(3);
    const places: JobPlaces<Handover> = {
      fields: { heir: 'job', others: { each: { fields: { rival: 'job' } } } },
    };
    const at = new Date(0);
    const answer: Handover = { heir: job, others: [{ rival: job, at }, { at }] };
    expect(withJobs(answer, places, read)).toEqual({
      heir: read(job),
      others: [{ rival: read(job), at }, { at }],
    });
  });

  test('what only looks like a job is left as it is', () => {
    const lookalike = { _id: 1, fence: 1, status: 'pending' };
    const answer = { outcome: 'redriven' as const, job, lookalike, holder: undefined };
    const seen = withJobs(answer, placesOf('redrive'), read);
    expect(seen).toEqual({ ...answer, job: read(job) });
    expect(seen.lookalike).toBe(lookalike);
    expect(withJobs([lookalike], placesOf('readHistory'), read)).toEqual([lookalike]);
  });

  test('there may be no job', () => {
    expect(withJobs(null, placesOf('getJob'), read)).toBeNull();
    expect(withJobs({ outcome: 'missing', job: null }, placesOf('cancel'), read)).toEqual({
      outcome: 'missing',
      job: null,
    });
  });
});
