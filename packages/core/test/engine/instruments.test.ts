import type { ClientSession } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { type Instrumentation, InvalidArgumentError, type Job } from '../../src/index.ts';
import type { JobTrace, ObservationEnd } from '../../src/types-api.ts';
import { makeOne, payloads } from './kit.ts';

const TRACE: JobTrace = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` };

/** Notes down how everything ended. */
function recording(trace?: JobTrace) {
  const enqueues: { readonly names: readonly string[]; readonly end?: ObservationEnd }[] = [];
  const runs: { readonly job: Job; readonly end: ObservationEnd }[] = [];
  const instrumentation: Instrumentation = {
    enqueuing: (names) => ({
      ...(trace && { trace }),
      ended: (end) => enqueues.push({ names, end }),
    }),
    running: (job) => ({ ended: (end) => runs.push({ job, end }) }),
  };
  return { enqueues, runs, instrumentation };
}

describe('an instrument', () => {
  test('sees each enqueue with the jobs it brought, and each run with its outcome', async () => {
    const { monque, clock } = makeOne();
    const { enqueues, runs, instrumentation } = recording();
    monque.instrument(instrumentation);
    monque.worker('work', ({ data }) => {
      if (data === 'fail') throw new Error('failed');
    });
    await monque.start();
    const job = await monque.enqueue('work');
    await monque.enqueueMany([{ name: 'work', data: 'fail' }, { name: 'other' }]);
    await clock.advance(10);
    expect(enqueues).toMatchObject([
      { names: ['work'], end: { jobs: [{ _id: job._id }] } },
      { names: ['work', 'other'], end: { jobs: [{ data: 'fail' }, { name: 'other' }] } },
    ]);
    const ends = runs.map(({ end }) => [end.outcome, end.error?.message]);
    expect(ends).toHaveLength(2);
    expect(ends).toContainEqual(['completed', undefined]);
    expect(ends).toContainEqual(['failed', 'failed']);
    await monque.stop();
  });

  test('sees a run that completed in a transaction of its handler as completed', async () => {
    const { monque, clock, faulty, ledger } = makeOne();
    const { runs, instrumentation } = recording();
    faulty.completeInSession = async ({ settlement, now }) => {
      await ledger.settle({ settlements: [settlement], now });
      return true;
    };
    monque.instrument(instrumentation);
    const session = { inTransaction: () => true } as ClientSession;
    monque.worker('work', (_job, { complete }) => complete({ session }));
    await monque.start();
    await monque.enqueue('work');
    await clock.advance(10);
    expect(runs.map(({ end }) => end.outcome)).toEqual(['completed']);
    await monque.stop();
  });

  test('gives a trace that is stored with the job and comes with every run', async () => {
    const { monque, clock } = makeOne({ baseRetryInterval: 1 });
    const state = { ...TRACE, tracestate: 'vendor=1' };
    const { runs, instrumentation } = recording(state);
    monque.instrument(instrumentation);
    monque.worker('work', ({ failCount }) => {
      if (failCount === 0) throw new Error('first');
    });
    const job = await monque.enqueue('work');
    const [entry] = await monque.enqueueMany([{ name: 'work' }]);
    expect(job.trace).toEqual(state);
    expect(entry).toMatchObject({ status: 'enqueued', job: { trace: state } });
    await monque.start();
    await clock.advance(2_000);
    expect(runs.map((run) => run.job.trace)).toEqual([state, state, state, state]);
    await monque.stop();
  });

  test.each([{ traceparent: '' }, { traceparent: 'x'.repeat(257) }, { traceparent: 7 }, {}, null])(
    'cannot store a trace that is none: %j',
    async (trace) => {
      const { monque } = makeOne();
      monque.instrument({ enqueuing: () => ({ trace: trace as never }) });
      monque.instrument({
        enqueuing: () => ({ trace: { ...TRACE, tracestate: 'x'.repeat(513) } }),
      });
      expect((await monque.enqueue('work')).trace).toEqual(TRACE);
    },
  );

  test('is told why an enqueue failed, and the caller gets that error', async () => {
    const { monque, faulty } = makeOne();
    const { enqueues, instrumentation } = recording();
    monque.instrument(instrumentation);
    faulty.plan('enqueue', { onArrival: () => Promise.reject(new Error('bug')) }, 2);
    await expect(monque.enqueue('work')).rejects.toThrow('bug');
    const [failed] = await monque.enqueueMany([{ name: 'work' }]);
    expect(failed?.status).toBe('failed');
    expect(enqueues).toMatchObject([
      { end: { jobs: [], error: { message: 'bug' } } },
      { end: { jobs: [] } },
    ]);
  });

  test('is not called any more once it was taken away', async () => {
    const { monque } = makeOne();
    const { enqueues, instrumentation } = recording();
    const counted: string[] = [];
    const end = monque.instrument({
      ...instrumentation,
      metrics: { counted: (metric) => counted.push(metric) },
    });
    await monque.enqueue('work');
    end();
    await monque.enqueue('work');
    expect(enqueues).toHaveLength(1);
    expect(counted).toEqual(['enqueued']);
  });

  test('may watch nothing at all', async () => {
    const { monque, clock, events } = makeOne();
    monque.instrument({});
    monque.instrument({ enqueuing: () => undefined, running: () => ({}) });
    monque.worker('work', () => undefined);
    await monque.start();
    expect((await monque.enqueue('work')).trace).toBe(undefined);
    await clock.advance(10);
    expect(payloads(events, 'job:complete')).toHaveLength(1);
    expect(payloads(events, 'job:error')).toEqual([]);
    await monque.stop();
  });

  test('surrounds the handler, the first outermost', async () => {
    const { monque, clock } = makeOne();
    const entered: string[] = [];
    for (const name of ['outer', 'inner']) {
      monque.instrument({
        running: () => ({
          within: (work) => {
            entered.push(name);
            return work();
          },
        }),
      });
    }
    monque.worker('work', () => void entered.push('handler'));
    await monque.start();
    await monque.enqueue('work');
    await clock.advance(10);
    expect(entered).toEqual(['outer', 'inner', 'handler']);
    await monque.stop();
  });

  test.each([
    [{ runing: () => undefined }, 'did you mean `running`'],
    [{ running: 7 }, 'instrumentation.running'],
    [{ metrics: { counted: 7 } }, 'instrumentation.metrics.counted'],
    [null, 'instrumentation'],
  ])('that is none is refused: %o', (wrong, message) => {
    const { monque } = makeOne();
    expect(() => monque.instrument(wrong as never)).toThrow(InvalidArgumentError);
    expect(() => monque.instrument(wrong as never)).toThrow(message);
  });
});

describe('an instrument that throws hurts no job:', () => {
  const broken = (): never => {
    throw new Error('broken instrument');
  };
  const brokenLater = async (): Promise<never> => broken();
  test.each<[string, Instrumentation]>([
    ['when an enqueue begins', { enqueuing: broken }],
    ['when a run begins', { running: broken }],
    ['around an enqueue', { enqueuing: () => ({ within: broken }) }],
    ['around a run', { running: () => ({ within: broken }) }],
    [
      'after it called the handler',
      {
        running: () => ({
          within: (work) => {
            work();
            return broken();
          },
        }),
      },
    ],
    ['by calling nothing', { running: () => ({ within: () => undefined as never }) }],
    [
      'by calling twice',
      {
        running: () => ({
          within: (work) => {
            work();
            return work();
          },
        }),
      },
    ],
    ['at the end of an enqueue', { enqueuing: () => ({ ended: broken }) }],
    ['at the end of a run', { running: () => ({ ended: broken }) }],
    ['by answering null before an enqueue', { enqueuing: () => null as never }],
    ['by answering null before a run', { running: () => null as never }],
    ['by a promise before a run', { running: brokenLater as never }],
    ['by a promise around a run', { running: () => ({ within: brokenLater as never }) }],
    ['by a promise at the end of an enqueue', { enqueuing: () => ({ ended: brokenLater }) }],
    ['at each measurement', { metrics: { counted: broken, recorded: broken } }],
  ])('%s', async (_, instrumentation) => {
    const { monque, clock, events } = makeOne();
    monque.instrument(instrumentation);
    let calls = 0;
    monque.worker('work', () => {
      calls += 1;
      return 'done';
    });
    await monque.start();
    await monque.enqueue('work');
    await clock.advance(100);
    expect(calls).toBe(1);
    expect(payloads(events, 'job:complete')).toMatchObject([{ result: 'done' }]);
    const errors = payloads(events, 'job:error').map(({ error }) => error.message);
    expect(new Set(errors).size).toBeLessThanOrEqual(1);
    await monque.stop();
  });
});
