/**
 * Listing: pages of jobs, by filter and order.
 *
 * @module
 */
import assert from 'node:assert/strict';
import type { Job } from '../../job/job.ts';
import type { FindJobsParams, JobFilter, JobOrder } from '../../ledger/ledger-repository.ts';
import { assertSameJob, type ContractTests, idsOf, type Subject } from './subject.ts';

const ORDERS = ['_id', 'createdAt', 'updatedAt', 'nextRunAt'] as const;
const DIRECTIONS = ['ascending', 'descending'] as const;
const MINUTE_MS = 60_000;

const orders: ContractTests = Object.fromEntries(
  ORDERS.flatMap((orderBy) =>
    DIRECTIONS.flatMap((direction) => [
      [
        `jobs are listed by ${orderBy}, ${direction}, and those alike by their ids`,
        (subject: Subject) => testOrder(subject, { orderBy, direction }),
      ],
      [
        `pages by ${orderBy}, ${direction}, show each job once, although jobs come and go`,
        (subject: Subject) => testPages(subject, { orderBy, direction }),
      ],
    ]),
  ),
);

export const listingTests: ContractTests = {
  ...orders,

  'a ledger without jobs lists none': async (subject) => {
    assert.deepEqual(await find(subject), []);
  },

  'jobs are listed with all of their fields': async (subject) => {
    const job = await subject.putClaimed({ data: { a: [1, 2n] }, uniqueKey: 'k' });
    const [shown] = await find(subject);
    assert.ok(shown);
    assertSameJob(shown, job);
  },

  'a list skips and ends where it is told': async (subject) => {
    const jobs = byOrder(await subject.put({}, {}, {}, {}, {}), '_id');
    assert.deepEqual(idsOf(await find(subject, { limit: 2 })), idsOf(jobs.slice(0, 2)));
    assert.deepEqual(idsOf(await find(subject, { skip: 3 })), idsOf(jobs.slice(3)));
    assert.deepEqual(idsOf(await find(subject, { skip: 1, limit: 2 })), idsOf(jobs.slice(1, 3)));
    assert.deepEqual(await find(subject, { skip: 5 }), []);
  },

  'a list may skip behind a place': async (subject) => {
    const jobs = byOrder(await subject.put({}, {}, {}, {}), '_id');
    const [first] = jobs;
    assert.ok(first);
    const found = await find(subject, { after: { jobId: first._id }, skip: 1 });
    assert.deepEqual(idsOf(found), idsOf(jobs.slice(2)));
  },

  'jobs are listed by their ids, those that are there': async (subject) => {
    const [a, b] = await subject.put({}, { name: 'b' }, {});
    const gone = await subject.putOne();
    assert.ok(a && b);
    await subject.ledger.remove({ jobId: gone._id });
    const jobIds = [b, gone, a, b].map(({ _id }) => _id);
    const shown = idsOf(await find(subject, { filter: { jobIds } }));
    assert.deepEqual(shown, idsOf(byOrder([a, b], '_id')));
    assert.deepEqual(await filtered(subject, { jobIds, names: ['b'] }), sorted([b]));
    assert.deepEqual(await filtered(subject, { jobIds: [] }), []);
  },

  'jobs are listed by name': async (subject) => {
    const [a, b] = await subject.put({ name: 'a' }, { name: 'b' }, { name: 'c' });
    assert.deepEqual(await filtered(subject, { names: ['a'] }), sorted([a]));
    assert.deepEqual(await filtered(subject, { names: ['a', 'b', 'none'] }), sorted([a, b]));
    assert.deepEqual(await filtered(subject, { names: ['none'] }), []);
    assert.deepEqual(await filtered(subject, { names: [] }), []);
  },

  'jobs are listed by state': async (subject) => {
    const processing = await subject.putClaimed();
    const completed = await subject.putClaimed();
    await subject.settle('complete', completed);
    const failed = await subject.putClaimed();
    await subject.settle('fail', failed);
    const cancelled = await subject.putOne();
    await subject.cancel(cancelled);
    const pending = await subject.putOne();
    const all = { pending, processing, completed, failed, cancelled };
    for (const [status, job] of Object.entries(all)) {
      const statuses = [status as Job['status']];
      assert.deepEqual(await filtered(subject, { statuses }), sorted([job]), status);
    }
    const statuses = ['failed', 'pending'] as const;
    assert.deepEqual(await filtered(subject, { statuses }), sorted([failed, pending]));
    assert.deepEqual(await filtered(subject, { statuses: [] }), []);
    assert.deepEqual(await filtered(subject, {}), sorted(Object.values(all)));
  },

  'jobs are listed by their unique key, finished ones too': async (subject) => {
    const locked = { uniqueKey: 'key', uniqueLock: 'key:key' };
    const done = await subject.putClaimed(locked);
    await subject.settle('complete', done);
    const next = await subject.putOne(locked);
    await subject.put({ uniqueKey: 'other' }, {});
    assert.deepEqual(await filtered(subject, { uniqueKey: 'key' }), sorted([done, next]));
    assert.deepEqual(await filtered(subject, { uniqueKey: '$ne' }), []);
  },

  'jobs are listed by the time of their creation': async (subject) => {
    const [first, second, third] = await subject.put(
      ...[0, 1, 2].map((count) => created(subject, count)),
    );
    assert.ok(first && second && third);
    const [createdFrom, createdBefore] = [subject.at(MINUTE_MS), subject.at(2 * MINUTE_MS)];
    assert.deepEqual(await filtered(subject, { createdFrom }), sorted([second, third]));
    assert.deepEqual(await filtered(subject, { createdBefore }), sorted([first, second]));
    assert.deepEqual(await filtered(subject, { createdFrom, createdBefore }), sorted([second]));
  },

  'jobs are listed by the time of their end': async (subject) => {
    const [first, second] = await subject.put({}, {}, {});
    assert.ok(first && second);
    await subject.ledger.cancel({ jobId: first._id, now: subject.at(MINUTE_MS) });
    await subject.ledger.cancel({ jobId: second._id, now: subject.at(2 * MINUTE_MS) });
    const finishedFrom = subject.at(2 * MINUTE_MS);
    const finishedBefore = subject.at(3 * MINUTE_MS);
    assert.deepEqual(await filtered(subject, { finishedFrom }), sorted([second]));
    assert.deepEqual(await filtered(subject, { finishedBefore }), sorted([first, second]));
    const none = { finishedFrom: finishedBefore, finishedBefore };
    assert.deepEqual(await filtered(subject, none), []);
  },

  'jobs are listed by the beginning of their last failure, which is no pattern': async (
    subject,
  ) => {
    const [dots] = await subject.put(
      { failReason: 'No (route) to h.st' },
      { failReason: 'no (route)' },
      {},
    );
    assert.deepEqual(await filtered(subject, { failReason: 'No (route) to h.s' }), sorted([dots]));
    for (const failReason of ['.*', '^No', 'No (route) to hos', '(route)']) {
      assert.deepEqual(await filtered(subject, { failReason }), [], failReason);
    }
  },

  'jobs are listed by the instance that holds them': async (subject) => {
    const held = await subject.putClaimed();
    await subject.putOne();
    assert.deepEqual(
      await filtered(subject, { claimedBy: String(held.claimedBy) }),
      sorted([held]),
    );
    assert.deepEqual(await filtered(subject, { claimedBy: 'nobody' }), []);
  },

  'filters are joined': async (subject) => {
    const [wanted] = await subject.put(
      { name: 'a', uniqueKey: 'k' },
      { name: 'b', uniqueKey: 'k' },
      { name: 'a', uniqueKey: 'x' },
    );
    await subject.claim({ name: 'b' });
    const filter = { names: ['a', 'b'], statuses: ['pending'], uniqueKey: 'k' } as const;
    assert.deepEqual(await filtered(subject, filter), sorted([wanted]));
  },

  'a filter keeps to its jobs from page to page': async (subject) => {
    const jobs = await subject.put(...Array.from({ length: 9 }, (_, i) => ({ name: `n${i % 2}` })));
    const filter = { names: ['n1'] };
    const wanted = byOrder(
      jobs.filter(({ name }) => name === 'n1'),
      '_id',
    );
    const first = await find(subject, { filter, limit: 3 });
    const last = first.at(-1);
    assert.ok(last);
    const second = await find(subject, { filter, limit: 3, after: { jobId: last._id } });
    assert.deepEqual([...idsOf(first), ...idsOf(second)], idsOf(wanted));
  },
};

interface ListOrder {
  readonly orderBy: JobOrder;
  readonly direction: 'ascending' | 'descending';
}

async function testOrder(subject: Subject, order: ListOrder): Promise<void> {
  const jobs = await putMixed(subject);
  assert.deepEqual(idsOf(await find(subject, order)), expected(jobs, order));
}

/** Behind each page a job comes in before the place and one that was shown leaves: neither moves the rest. */
async function testPages(subject: Subject, order: ListOrder): Promise<void> {
  const jobs = await putMixed(subject);
  const edge = order.direction === 'ascending' ? -9 : 9;
  const shown: string[] = [];
  let last: Job | undefined;
  for (let page = 0; page < 4; page += 1) {
    const found = await find(subject, {
      ...order,
      limit: 2,
      ...(last && { after: placeOf(last, order) }),
    });
    shown.push(...idsOf(found));
    last = found.at(-1);
    if (last === undefined) break;
    await subject.put(created(subject, edge));
    const [first] = found;
    assert.ok(first);
    await subject.ledger.remove({ jobId: first._id });
  }
  assert.deepEqual(shown, expected(jobs, order));
}

function placeOf(job: Job, { orderBy }: ListOrder): NonNullable<FindJobsParams['after']> {
  return orderBy === '_id' ? { jobId: job._id } : { at: job[orderBy], jobId: job._id };
}

/** Jobs whose times go different ways, some alike. */
function putMixed(subject: Subject): Promise<readonly Job[]> {
  const times = [
    [0, 3, 1],
    [1, 2, 1],
    [2, 2, 4],
    [2, 0, 2],
    [3, 2, 0],
    [1, 5, 1],
  ] as const;
  return subject.put(
    ...times.map(([creation, update, due]) => ({
      ...created(subject, creation),
      updatedAt: subject.at(update * MINUTE_MS),
      nextRunAt: subject.at(due * MINUTE_MS),
    })),
  );
}

/** A job that was created so many minutes after the start, and is due and was changed then as well. */
function created(subject: Subject, minutes: number): Partial<Job> {
  return { createdAt: subject.at(minutes * MINUTE_MS) };
}

function expected(jobs: readonly Job[], { orderBy, direction }: ListOrder): readonly string[] {
  const ascending = idsOf(byOrder(jobs, orderBy));
  return direction === 'ascending' ? ascending : [...ascending].reverse();
}

function byOrder(jobs: readonly Job[], orderBy: JobOrder): readonly Job[] {
  const timeOf = (job: Job): number => (orderBy === '_id' ? 0 : job[orderBy].getTime());
  return [...jobs].sort((a, b) => timeOf(a) - timeOf(b) || Buffer.compare(a._id.id, b._id.id));
}

/** Lists up to a hundred jobs by their ids. */
function find(subject: Subject, choice: Partial<FindJobsParams> = {}): Promise<readonly Job[]> {
  return subject.ledger.findJobs({
    filter: {},
    orderBy: '_id',
    direction: 'ascending',
    limit: 100,
    ...choice,
  });
}

async function filtered(subject: Subject, filter: JobFilter): Promise<readonly string[]> {
  const found = await find(subject, { filter });
  assert.equal(await subject.ledger.countJobs({ filter, limit: 1_000 }), found.length);
  return [...idsOf(found)].sort();
}

function sorted(jobs: readonly Job[]): readonly string[] {
  return [...idsOf(jobs)].sort();
}
