import { expect, test } from 'vitest';
import { InvalidArgumentError } from '../../src/index.ts';
import { makeOne } from './kit.ts';

test('flows are listed by page, the newest first, each as it was stored', async () => {
  const { monque, faulty } = makeOne();
  const jobs = { one: { name: 'a' }, two: { name: 'a', after: ['one'] } } as const;
  const first = await monque.enqueueFlow({ jobs }, { uniqueKey: 'key' });
  const second = await monque.enqueueFlow({ jobs });
  const all = await monque.getFlows();
  expect(all).toEqual([
    { id: second.id, state: 'stored', createdAt: expect.any(Date), size: 2 },
    { id: first.id, state: 'stored', createdAt: expect.any(Date), size: 2, uniqueKey: 'key' },
  ]);
  expect(await monque.getFlows({ limit: 1 })).toEqual(all.slice(0, 1));
  const before = faulty.calls('readFlows');
  expect(await monque.getFlows({ after: second.id.toHexString() })).toEqual(all.slice(1));
  expect(await monque.as('ann').getFlows({ after: first.id })).toEqual([]);
  expect(faulty.calls('readFlows') - before).toBe(2);
});

test.each([
  ['options.limit', { limit: 0 }],
  ['options.after', { after: 'x' }],
])('a list of flows names %s when it is wrong, before anything is read', async (field, options) => {
  const { monque, faulty } = makeOne();
  const refused = monque.getFlows(options);
  await expect(refused).rejects.toThrow(InvalidArgumentError);
  await expect(refused).rejects.toMatchObject({ field });
  expect(faulty.calls('readFlows')).toBe(0);
});
