import { ObjectId } from 'mongodb';
import { expect, test } from 'vitest';
import { newLane } from './group-queries.ts';

test('a job that is named again takes no second start of a rate', () => {
  const [named, other] = [new ObjectId(), new ObjectId()];
  const rate = { limit: 1, perMs: 100, burst: 5 };
  const lane = newLane(
    {
      ...{ name: 'sync', laneId: 'lane', concurrency: 5, rate },
      kept: [{ job: named, fence: 1 }],
      jobs: [
        { jobId: named, fenceBefore: 0 },
        { jobId: other, fenceBefore: 0 },
        { jobId: named, fenceBefore: 1 },
      ],
    },
    { claimToken: 'token', now: new Date(1_000) },
  );
  expect(lane).toMatchObject({
    usedUpMs: 1_200,
    held: [
      { job: named, fence: 1 },
      { job: other, fence: 1 },
      { job: named, fence: 2 },
    ],
  });
});
