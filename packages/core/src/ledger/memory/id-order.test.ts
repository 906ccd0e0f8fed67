import { ObjectId } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { makeJob } from '../../testing/index.ts';
import { IdOrder } from './id-order.ts';
import { copyIn, type StoredJob } from './stored-job.ts';

/** A map that counts what is done with it. */
class CountingMap extends Map<string, StoredJob> {
  reads = 0;
  sorts = 0;

  override get(id: string): StoredJob | undefined {
    this.reads += 1;
    return super.get(id);
  }

  override keys(): MapIterator<string> {
    this.sorts += 1;
    return super.keys();
  }
}

function stored(second: number): StoredJob {
  return copyIn(makeJob({ _id: ObjectId.createFromTime(second) }));
}

function fill(seconds: readonly number[]): { jobs: CountingMap; order: IdOrder } {
  const jobs = new CountingMap();
  const order = new IdOrder(jobs);
  for (const second of seconds) add(jobs, order, second);
  return { jobs, order };
}

function add(jobs: CountingMap, order: IdOrder, second: number): void {
  const job = stored(second);
  jobs.set(job.id, job);
  order.added(job.id);
}

function remove(jobs: CountingMap, order: IdOrder, id: string): void {
  jobs.delete(id);
  order.deleted();
}

function seconds(walk: Iterable<StoredJob>): number[] {
  return [...walk].map(({ job }) => job._id.getTimestamp().getTime() / 1_000);
}

describe('the order of ids', () => {
  test('is walked in both directions, from the first or from behind any id', () => {
    const { order } = fill([3, 1, 4, 2]);
    expect(seconds(order.walk('ascending'))).toEqual([1, 2, 3, 4]);
    expect(seconds(order.walk('descending'))).toEqual([4, 3, 2, 1]);
    expect(seconds(order.walk('ascending', stored(2).id))).toEqual([3, 4]);
    expect(seconds(order.walk('descending', stored(2).id))).toEqual([1]);
    expect(seconds(order.walk('ascending', stored(9).id))).toEqual([]);
    expect(seconds(order.walk('descending', stored(9).id))).toEqual([4, 3, 2, 1]);
    expect(seconds(order.walk('descending', stored(0).id))).toEqual([]);
    expect(seconds(fill([]).order.walk('ascending'))).toEqual([]);
  });

  test('takes in what comes, at the end or before it, and what comes again', () => {
    const { jobs, order } = fill([]);
    expect(seconds(order.walk('ascending'))).toEqual([]);
    add(jobs, order, 2);
    add(jobs, order, 4);
    expect(seconds(order.walk('ascending'))).toEqual([2, 4]);
    expect(jobs.sorts).toBe(1);
    add(jobs, order, 3);
    expect(seconds(order.walk('ascending'))).toEqual([2, 3, 4]);
    remove(jobs, order, stored(4).id);
    expect(seconds(order.walk('ascending'))).toEqual([2, 3]);
    add(jobs, order, 4);
    expect(seconds(order.walk('ascending'))).toEqual([2, 3, 4]);
    expect(jobs.sorts).toBe(3);
  });

  test('costs one read a job through all pages, and few sorts, although the jobs are deleted', () => {
    const count = 4_000;
    const { jobs, order } = fill(Array.from({ length: count }, (_, second) => second));
    expect(jobs.sorts).toBe(0);
    let walked = 0;
    for (let after: string | undefined; jobs.size > 0; ) {
      const page: StoredJob[] = [];
      for (const job of order.walk('ascending', after)) if (page.push(job) === 100) break;
      for (const { id } of page) remove(jobs, order, id);
      walked += page.length;
      after = page.at(-1)?.id;
    }
    expect(walked).toBe(count);
    expect(jobs.reads).toBe(count);
    expect(jobs.sorts).toBeLessThanOrEqual(Math.log2(count));
  });
});
