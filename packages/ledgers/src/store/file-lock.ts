/**
 * One writer of a file at a time, in all processes of a machine.
 *
 * A process that is killed leaves its lock behind; others take it over once it was not renewed for a while. One that only
 * stood still for so long may see too late that it lost it: what it can do then, `replacement.ts` decides.
 *
 * @module
 */
import { realpath } from 'node:fs/promises';
import { lock } from 'proper-lockfile';
import { LedgerBusyError } from '../foundation/errors.ts';
import { Turns } from './turns.ts';

/** After how many milliseconds without a sign of life a lock is taken over. */
const STALE_MS = 5000;
/** How often the holder gives a sign of life, in milliseconds. */
const RENEW_MS = 1000;
/** How often the lock is asked for, every 20 to 200 ms: about a minute in all. */
const ASK = { retries: 400, factor: 1.5, minTimeout: 20, maxTimeout: 200, randomize: true };

/** Callers in this process wait in a queue instead of asking for the lock again and again. */
const queues = new Map<string, { readonly turns: Turns; waiting: number }>();

type Locked<T> = (file: string, isHeld: () => boolean) => Promise<T>;

/**
 * Runs the work while no other caller holds the file.
 *
 * @param path - of a file that is there
 * @param work - is given the path without symbolic links, and a function that says whether the lock is still held
 * @throws LedgerBusyError when others hold the file for about a minute
 */
export async function withFileLock<T>(path: string, work: Locked<T>): Promise<T> {
  const file = await realpath(path);
  const queue = queues.get(file) ?? { turns: new Turns(), waiting: 0 };
  queues.set(file, queue);
  queue.waiting += 1;
  try {
    return await queue.turns.take(() => locked(file, work));
  } finally {
    queue.waiting -= 1;
    if (queue.waiting === 0) queues.delete(file);
  }
}

async function locked<T>(file: string, work: Locked<T>): Promise<T> {
  let isHeld = true;
  const options = { stale: STALE_MS, update: RENEW_MS, retries: ASK, realpath: false };
  const lose = (): void => {
    isHeld = false;
  };
  const release = await lock(file, { ...options, onCompromised: lose }).catch((error: unknown) => {
    const message = `Another program holds ${file}.lock; try again, or remove it if none runs`;
    throw new LedgerBusyError(message, { cause: error });
  });
  try {
    return await work(file, () => isHeld);
  } finally {
    // It fails when the lock was lost, which the work was notified of.
    await release().catch(lose);
  }
}
