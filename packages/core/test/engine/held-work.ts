import type { Monque } from '../../src/index.ts';
import { deferred } from './kit.ts';

export const NAME = 'work';

export interface HeldWork {
  /** How many runs are on. */
  running(): number;
  endOne(): void;
  endAll(): void;
}

/** A worker whose runs end when they are told to. */
export function workHeld(monque: Monque, options: { concurrency?: number } = {}): HeldWork {
  const held: (() => void)[] = [];
  let most = 0;
  let running = 0;
  const handler = async (): Promise<void> => {
    const { promise, resolve } = deferred();
    held.push(resolve);
    running += 1;
    most = Math.max(most, running);
    await promise;
    running -= 1;
  };
  monque.worker(NAME, handler, options);
  const endOne = (): void => held.shift()?.();
  return {
    running: () => running,
    endOne,
    endAll: () => held.splice(0).forEach((end) => void end()),
  };
}

/** Jobs for that worker. */
export async function enqueueSome(monque: Monque, count: number): Promise<void> {
  await monque.enqueueMany(Array.from({ length: count }, () => ({ name: NAME })));
}
