/**
 * Handlers that do what no handler may, by chance, beside jobs that do nothing wrong.
 *
 * @module
 */
import { expect } from 'vitest';
import type { BatchHandler, Job, JobContext, JobHandler, Monque } from '../../src/index.ts';
import { SeededRandom } from '../../src/testing/index.ts';

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

function block(forMs: number): void {
  const end = performance.now() + forMs;
  while (performance.now() < end);
}

const circle: Record<string, unknown> = {};
circle.self = circle;

type Misdeed = (job: Job, context: JobContext) => unknown;

/** What a handler may do to the process and to what it is given; those that detach leave a promise or a timer. */
const MISDEEDS: readonly Misdeed[] = [
  () => {
    throw new Error('no');
  },
  () => {
    throw revoked();
  },
  () => {
    throw null;
  },
  () => Promise.reject(undefined),
  () => Promise.reject(revoked()),
  () => Promise.reject(new Error('x'.repeat(100_000))),
  () => circle,
  () => revoked(),
  () => new RegExp(String.fromCharCode(0)),
  () => '😀'.slice(1),
  () => Symbol('no'),
  () => 2n ** 80n,
  () => 'x'.repeat(2_000_000),
  () => ({ brand: 'monque.HandlerOutcome', outcome: { kind: 'snoozed', delayMs: 9e15 } }),
  // biome-ignore lint/suspicious/noThenProperty: a thenable that never calls back properly.
  () => ({ then: (_: unknown, reject: (error: unknown) => void) => reject(circle) }),
  () => block(1),
  (job) => {
    for (const field of Object.keys(job)) Reflect.set(job, field, 'spoilt');
  },
  (job) => void Object.defineProperty(job, '_id', { get: () => revoked() }),
  (_job, { log }) => void log(revoked() as never),
  (_job, { progress }) => progress(circle),
  (_job, { setMetadata }) => setMetadata({ a: circle as never }),
  (_job, { complete }) => complete({ session: {} as never }),
  (_job, { progress }) => {
    queueMicrotask(() => void Promise.resolve(progress(1)).catch(() => undefined));
  },
  () => new Promise(() => undefined),
];

/** What the handler of a batch may do. */
const BATCH_MISDEEDS: readonly BatchHandler[] = [
  () => {
    throw revoked();
  },
  () => [revoked(), circle],
  (jobs) => jobs.map(() => new RegExp(String.fromCharCode(0))),
  (jobs) => jobs.map(() => ({ brand: 'monque.HandlerOutcome', outcome: { kind: 'cancelled' } })),
  (jobs, { fail }) => fail(jobs[0] as Job, revoked()),
  (_jobs, { of }) => void of(revoked() as Job),
  (jobs) => {
    for (const job of jobs) {
      for (const field of Object.keys(job)) Reflect.set(job, field, 'spoilt');
    }
  },
  () => new Promise(() => undefined),
];

/** What `publish` may do; the outbox itself needs transactions, so its messages are enqueued as it enqueues them. */
const PUBLISH_MISDEEDS: readonly ((messages: readonly object[]) => unknown)[] = [
  () => Promise.reject(circle),
  () => {
    throw null;
  },
  (messages) => {
    for (const message of messages) {
      for (const field of Object.keys(message)) Reflect.set(message, field, 'spoilt');
    }
    (messages as object[]).length = 0;
  },
  () => new Promise(() => undefined),
];

/** One in so many never ends: each keeps a place until its timeout. */
const ONE_NEVER_ENDS_OF = 97;

/** How many misdeeds beside how many innocent jobs, and the seed that draws them. */
export interface Trial {
  readonly misdeeds: number;
  readonly innocents: number;
  readonly seed: number;
}

/** The indexes of the misdeeds of a trial: the same for the same seed. */
export function drawMisdeeds({ misdeeds, seed }: Pick<Trial, 'misdeeds' | 'seed'>): number[] {
  const random = new SeededRandom(seed);
  const neverEnds = MISDEEDS.length - 1;
  return Array.from({ length: misdeeds }, () =>
    random.fraction() < 1 / ONE_NEVER_ENDS_OF
      ? neverEnds
      : Math.floor(random.fraction() * neverEnds),
  );
}

/**
 * Batches, messages, flows, groups and orders of which every call goes wrong.
 *
 * @returns the names of their workers
 */
async function doMisdeedsOfFeatures(monque: Monque): Promise<string[]> {
  let calls = 0;
  const next = <T>(misdeeds: readonly T[]): T => {
    calls += 1;
    return misdeeds[calls % misdeeds.length] as T;
  };
  const once = { maxRetries: 1, timeout: 100 };
  const batch: BatchHandler = (jobs, context) => next(BATCH_MISDEEDS)(jobs, context);
  monque.worker('batch', { batch, size: 7, wait: 0 }, { ...once, concurrency: 5 });
  const publish = (messages: readonly object[]): unknown => next(PUBLISH_MISDEEDS)(messages);
  monque.outbox('message', { publish, batch: { size: 10 }, ...once });
  monque.worker('parent', () => Promise.reject(revoked()), { ...once, deadLetter: 'buried' });
  monque.worker('child', () => circle, { ...once, groups: { concurrency: 3 }, order: {} });
  const entries = Array.from({ length: 200 }, (_, data) => [
    { name: 'batch', data },
    { name: 'message', data: { data }, options: { order: `key ${data}` } },
    { name: 'child', data, options: { group: `group ${data % 9}` } },
    { name: 'child', data, options: { order: `order ${data % 9}` } },
  ]).flat();
  await monque.enqueueMany(entries);
  for (let flow = 0; flow < 10; flow += 1) {
    await monque.enqueueFlow({
      jobs: {
        first: { name: 'parent' },
        last: { name: 'child', after: [{ ref: 'first', onFailure: 'continue' }] },
      },
    });
  }
  return ['batch', 'message', 'parent', 'child'];
}

/** How many flows go on beside the misdeeds, each of three jobs. */
const INNOCENT_FLOWS = 30;

/** Flows that do nothing wrong; gives what the last job of each made of the results of its parents. */
async function runInnocentFlows(monque: Monque): Promise<unknown[]> {
  const flows = Array.from({ length: INNOCENT_FLOWS }, (_, data) =>
    monque.enqueueFlow({
      jobs: {
        left: { name: 'innocent', data },
        right: { name: 'innocent', data },
        both: { name: 'sum', after: ['left', 'right'] },
      },
    }),
  );
  const ends = (await Promise.all(flows)).map(({ jobs }) => monque.waitFor(jobs.both as Job));
  return Promise.all(ends);
}

/** Runs many misdeeds beside innocent jobs; gives how long the innocent ones and flows took. */
export async function runMisdeeds(monque: Monque, trial: Trial): Promise<number> {
  const { misdeeds, innocents } = trial;
  const handler: JobHandler<number> = (job, context) => MISDEEDS[job.data]?.(job, context);
  // What never ends is ended by its timeout.
  monque.worker('misdeed', handler, { concurrency: 200, maxRetries: 1, timeout: 100 });
  monque.worker('innocent', ({ data }) => data, { concurrency: 50 });
  monque.worker('sum', async (_job, { parentResults }) => {
    const { left, right } = await parentResults();
    return Number(left) + Number(right);
  });
  const ofFeatures = await doMisdeedsOfFeatures(monque);
  const spoiled: Error[] = [];
  monque.on('job:error', ({ error }) => void spoiled.push(error));
  monque.on('job:fail', () => {
    throw revoked();
  });
  monque.on('job:complete', ({ job }) => void Reflect.set(job, '_id', 'spoilt'));
  const ofMisdeeds = drawMisdeeds(trial).map((data) => ({ name: 'misdeed', data }));
  for (let from = 0; from < misdeeds; from += 2_000) {
    await monque.enqueueMany(ofMisdeeds.slice(from, from + 2_000));
  }
  await monque.start();
  const begunMs = performance.now();
  const entries = Array.from({ length: innocents }, (_, data) => ({ name: 'innocent', data }));
  const flows = runInnocentFlows(monque);
  const answers = await monque.enqueueMany(entries);
  const results = await Promise.all(
    answers.map((answer) => {
      if (!('job' in answer)) throw new Error('Expected a stored job');
      return monque.waitFor(answer.job);
    }),
  );
  expect(await flows).toEqual(Array.from({ length: INNOCENT_FLOWS }, (_, data) => 2 * data));
  const tookMs = performance.now() - begunMs;
  expect(results).toEqual(entries.map(({ data }) => data));
  expect(monque.isHealthy()).toBe(true);
  const left = { name: ['misdeed', ...ofFeatures], status: ['pending', 'processing'] } as const;
  while ((await monque.getJobs({ ...left, limit: 1 })).length > 0) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  await monque.stop();
  expect(monque.health().unsettledJobs).toBe(0);
  expect(spoiled.every((error) => error instanceof Error)).toBe(true);
  return tookMs;
}
