/**
 * A scheduler that has nothing to do, for tests of jobs that are born claimed.
 *
 * @module
 */
import type { Job, Monque } from '../../src/index.ts';
import { deferred, makeOne } from './kit.ts';

/** Jobs are born claimed where they can be. */
export const claiming = { claimOnEnqueue: true } as const;

/** A scheduler that has looked for jobs and found none. */
export async function atRest(options: Parameters<typeof makeOne>[0] = {}, names = ['work']) {
  const one = makeOne({ ...claiming, ...options });
  const started: Job[] = [];
  const signals: AbortSignal[] = [];
  const gate = deferred();
  for (const name of names) {
    one.monque.worker(name, (job: Job, { signal }) => {
      started.push(job);
      signals.push(signal);
      return gate.promise;
    });
  }
  await one.monque.start();
  await one.clock.settle();
  const claims = (): number => one.faulty.calls('claim');
  const end = (): Promise<void> => {
    gate.resolve();
    return one.monque.stop();
  };
  return { ...one, started, signals, gate, claimsBefore: claims(), claims, end };
}

/** What the ledger says of a job. */
export async function statusOf(monque: Monque, { _id }: Job): Promise<string | undefined> {
  return (await monque.getJob(_id))?.status;
}
