import { expect, test } from 'vitest';
import type { Job } from '../../job/job.ts';
import { gathered } from './around.ts';

/** A part with a verb that needs the rest of it, and a method that is no verb. */
class Reads {
  readonly #found: Job | null = null;

  async getJob(): Promise<Job | null> {
    return this.#found;
  }

  isOpen(): boolean {
    return true;
  }
}

test('the verbs of parts are gathered with what they need, and nothing else', async () => {
  const verbs = gathered(new Reads(), { readTime: async () => new Date(7) });
  expect(Object.keys(verbs)).toEqual(['getJob', 'readTime']);
  expect(await verbs.getJob()).toBeNull();
  expect(await verbs.readTime()).toEqual(new Date(7));
});

test('a verb that two parts have is refused, since one of them would be lost', () => {
  const other = { getJob: async () => null };
  expect(() => gathered(new Reads(), other)).toThrow('two parts of the ledger have a verb getJob');
});
