import { expect, test } from 'vitest';
import type { Job } from './job.ts';
import { storedHistory, storedList, storedRecords } from './stored-lists.ts';

const at = new Date(0);

test.each([undefined, null, {}, 'text', 7])('%j is an empty list', (stored) => {
  expect(storedList(stored)).toEqual([]);
  expect(storedHistory({ history: stored } as unknown as Job)).toEqual([]);
  expect(storedRecords(stored as never)).toEqual([]);
});

test('of a history those entries count that have a verb and a time', () => {
  const entries = [
    { verb: 'retry', at },
    { verb: 'repeat', at, scheduledFor: at },
  ];
  const others = [
    ...[null, 'text', { verb: 7, at }, { verb: 'retry', at: 'never' }],
    { verb: 'retry', at: new Date(Number.NaN) },
    { verb: 'repeat', at, scheduledFor: 'soon' },
  ];
  const history = [...others, ...entries];
  expect(storedHistory({ history } as unknown as Job)).toEqual(entries);
});

test('of stages and gates those count that have a name', () => {
  const stored = [null, 'text', { name: 7 }, { name: 'a' }];
  expect(storedRecords(stored as { readonly name: string }[])).toEqual([{ name: 'a' }]);
});
