import { expect, test } from 'vitest';
import { makeJob } from '../../testing/index.ts';
import { fromDocument } from './job-document.ts';

test('a document is the job', () => {
  const job = makeJob({ data: { a: 1 } });
  expect(fromDocument({ ...job })).toEqual(job);
});

test('numbers that another program stored as 64-bit integers are numbers', () => {
  const document = {
    ...makeJob(),
    ...{ priority: -5n, failCount: 1n, fence: 2n, rescueCount: 3n, documentVersion: 1n },
  };
  expect(fromDocument(document)).toMatchObject({
    ...{ priority: -5, failCount: 1, fence: 2, rescueCount: 3, documentVersion: 1 },
  });
});

test('a bigint in the data stays what it is', () => {
  expect(fromDocument({ ...makeJob({ data: { big: 2n } }) }).data).toEqual({ big: 2n });
});

test('a field that is absent stays absent', () => {
  expect(fromDocument({ ...makeJob() })).not.toHaveProperty('rescueCount');
});
