import { expect, test } from 'vitest';
import { makeJob } from '../testing/index.ts';
import { changeMetadata } from './metadata-change.ts';

const now = new Date(0);
const job = makeJob({ claimToken: 'token', metadata: { region: 'eu' } });
const params = { jobId: job._id, now };

test('changed keys join the others, and nothing is left of none', () => {
  const changes = { team: 'a' };
  const metadata = { region: 'eu', team: 'a' };
  expect(changeMetadata(job, { ...params, changes })).toEqual({ outcome: 'written', metadata });
  const gone = changeMetadata(job, { ...params, changes: { region: null } });
  expect(gone).toEqual({ outcome: 'written' });
});

test('a claim that does not stand changes nothing, however large the change is', () => {
  const changes = { text: 'x'.repeat(100_000) };
  const refused = { outcome: 'refused' };
  expect(changeMetadata(job, { ...params, changes, claimToken: 'other' })).toEqual(refused);
  expect(changeMetadata(job, { ...params, changes, claimToken: 'token' })).toEqual({
    outcome: 'full',
  });
});
