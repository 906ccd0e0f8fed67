/**
 * A binary heap: the first item at hand in constant time, pushing and popping in logarithmic time.
 *
 * @module
 */

/** Items of one kind, of which the first by a given order can be taken. */
export class BinaryHeap<T> {
  readonly #precedes: (a: T, b: T) => boolean;
  #items: T[] = [];

  /** @param precedes - true when `a` comes out before `b` */
  constructor(precedes: (a: T, b: T) => boolean) {
    this.#precedes = precedes;
  }

  /** How many items it holds. */
  get size(): number {
    return this.#items.length;
  }

  /** The first item, which stays; undefined when there is none. */
  peek(): T | undefined {
    return this.#items[0];
  }

  /** Every item, in no order that means anything. */
  items(): readonly T[] {
    return this.#items;
  }

  /** Puts an item in. */
  push(item: T): void {
    this.#items.push(item);
    this.#rise(this.#items.length - 1, item);
  }

  /** Takes the first item out; undefined when there is none. */
  pop(): T | undefined {
    const first = this.#items[0];
    const last = this.#items.pop();
    if (last !== undefined && this.#items.length > 0) this.#sink(last);
    return first;
  }

  /** Drops the items that are not to be kept. */
  retain(isKept: (item: T) => boolean): void {
    // A sorted list is a heap.
    this.#items = this.#items
      .filter(isKept)
      .sort((a, b) => (this.#precedes(a, b) ? -1 : Number(this.#precedes(b, a))));
  }

  #rise(from: number, item: T): void {
    let index = from;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = this.#items[parentIndex] as T;
      if (!this.#precedes(item, parent)) break;
      this.#items[index] = parent;
      index = parentIndex;
    }
    this.#items[index] = item;
  }

  #sink(item: T): void {
    const { length } = this.#items;
    let index = 0;
    for (let child = 1; child < length; child = 2 * index + 1) {
      const right = child + 1;
      if (right < length && this.#precedes(this.#items[right] as T, this.#items[child] as T)) {
        child = right;
      }
      const smaller = this.#items[child] as T;
      if (!this.#precedes(smaller, item)) break;
      this.#items[index] = smaller;
      index = child;
    }
    this.#items[index] = item;
  }
}
