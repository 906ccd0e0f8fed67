import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BinaryHeap } from './binary-heap.ts';

function heapOf(items: readonly number[]): BinaryHeap<number> {
  const heap = new BinaryHeap<number>((a, b) => a < b);
  for (const item of items) heap.push(item);
  return heap;
}

function drain(heap: BinaryHeap<number>): number[] {
  const items: number[] = [];
  for (let item = heap.pop(); item !== undefined; item = heap.pop()) items.push(item);
  return items;
}

const sorted = (items: readonly number[]): number[] => [...items].sort((a, b) => a - b);

describe('BinaryHeap', () => {
  test('items come out in order, whatever order they went in', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -20, max: 20 })), (items) => {
        const heap = heapOf(items);
        expect(heap.size).toBe(items.length);
        expect(heap.peek()).toBe(sorted(items)[0]);
        expect(sorted(heap.items())).toEqual(sorted(items));
        expect(drain(heap)).toEqual(sorted(items));
        expect(heap.size).toBe(0);
      }),
    );
  });

  test('what is not retained never comes out', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -20, max: 20 })), fc.integer(), (items, last) => {
        const heap = heapOf(items);
        heap.retain((item) => item % 2 === 0);
        heap.push(last);
        const kept = items.filter((item) => item % 2 === 0);
        expect(drain(heap)).toEqual(sorted([...kept, last]));
      }),
    );
  });

  test('an empty heap has no first item', () => {
    const heap = heapOf([]);
    expect(heap.peek()).toBeUndefined();
    expect(heap.pop()).toBeUndefined();
  });
});
