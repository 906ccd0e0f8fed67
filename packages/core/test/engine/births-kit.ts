/**
 * A scheduler that has nothing to do, for tests of jobs that are born claimed.
 *
 * @module
 */
import type { Job, Monque, MonqueOptions } from '../../src/index.ts';
import { type Deferred, deferred, makeOne, type TestInstance, type TestWorld } from './kit.ts';

/** Jobs are born claimed where they can be. */
export const claiming = { claimOnEnqueue: true } as const;

/** A scheduler at rest, and what its handlers were given. */
export interface AtRest extends TestWorld, TestInstance {
  readonly started: Job[];
  readonly signals: AbortSignal[];
  /** Every handler ends when this is resolved. */
  readonly gate: Deferred<void>;
  readonly claimsBefore: number;
  claims(): number;
  /** Ends the handlers and the scheduler. */
  end(): Promise<void>;
}

/** A scheduler that has looked for jobs and found none. */
export async function atRest(
  options: MonqueOptions = {},
  names: readonly string[] = ['work'],
): Promise<AtRest> {
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
