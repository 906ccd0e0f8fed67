import { ObjectId } from 'mongodb';
import { describe, expect, test } from 'vitest';
import {
  type FlowGraph,
  InvalidArgumentError,
  type Job,
  type JobContext,
  Monque,
  UnsupportedError,
} from '../../src/index.ts';
import type { FlowJob, FlowParent } from '../../src/types-api.ts';

interface World {
  readonly monque: Monque;
  /** What ran, in order. */
  readonly runs: string[];
}

/** A scheduler in memory whose jobs note down that they ran, and do what is said of them. */
function setUp(doing: Record<string, (job: Job, context: JobContext) => unknown> = {}): World {
  const runs: string[] = [];
  const monque = Monque.inMemory({ baseRetryInterval: 1, retryJitter: 0, maxRetries: 1 });
  monque.worker('step', (job, context) => {
    runs.push(job.ref ?? '');
    return doing[job.ref ?? '']?.(job, context);
  });
  return { monque, runs };
}

/** A flow whose jobs are called by whatever a test says. */
function flowOf(jobs: FlowGraph['jobs']): FlowGraph {
  return { jobs };
}

function step(...after: FlowParent[]): FlowJob {
  return after.length === 0 ? { name: 'step' } : { name: 'step', after };
}

function fails(): never {
  throw new Error('Boom');
}

const finished = (monque: Monque, jobs: readonly (Job | undefined)[]) =>
  Promise.all(
    jobs.map(async (job) => {
      await monque.waitFor(job as Job, { timeout: 15_000 }).catch(() => undefined);
      return (await monque.getJob((job as Job)._id))?.status;
    }),
  );

describe('a flow', () => {
  test('runs each job once its parents have completed, and gives it their results', async () => {
    const { monque, runs } = setUp({
      a: () => ({ rows: 1 }),
      b: () => ({ rows: 2 }),
      load: (_job, context) => context.parentResults(),
    });
    await monque.start();
    const { jobs, status } = await monque.enqueueFlow(
      flowOf({ done: step('load'), load: step('a', 'b'), a: step(), b: step() }),
    );
    expect(status).toBe('enqueued');
    expect(await monque.waitFor(jobs.load as Job)).toEqual({ a: { rows: 1 }, b: { rows: 2 } });
    expect(await finished(monque, [jobs.done])).toEqual(['completed']);
    await monque.stop();
    expect([...runs].sort()).toEqual(['a', 'b', 'done', 'load']);
    expect(runs.slice(2)).toEqual(['load', 'done']);
  });

  test('has its end reported by a job behind all others that goes on however they ended', async () => {
    const { monque, runs } = setUp({ bad: fails });
    await monque.start();
    const goesOn = (ref: string) => ({ ref, onFailure: 'continue' }) as const;
    const { id, jobs } = await monque.enqueueFlow(
      flowOf({
        bad: step(),
        below: step('bad'),
        good: step(),
        end: step(goesOn('bad'), goesOn('below'), goesOn('good')),
      }),
    );
    await monque.waitFor(jobs.end as Job);
    expect(runs.at(-1)).toBe('end');
    expect((await monque.getFlow(id))?.counts).toEqual({ failed: 2, completed: 2 });
    await monque.stop();
  });

  test('does to each child of a failed parent what the child says', async () => {
    const { monque, runs } = setUp({
      bad: fails,
      goes: (_job, context) => context.parents(),
    });
    await monque.start();
    const { id, jobs } = await monque.enqueueFlow(
      flowOf({
        bad: step(),
        fails: step('bad'),
        below: step('fails'),
        waits: step({ ref: 'bad', onFailure: 'wait' }),
        goes: step({ ref: 'bad', onFailure: 'continue' }),
        after: step({ ref: 'fails', onFailure: 'continue' }),
      }),
    );
    const ended = [jobs.bad, jobs.fails, jobs.below, jobs.goes, jobs.after];
    expect(await finished(monque, ended)).toEqual([
      ...['failed', 'failed', 'failed', 'completed', 'completed'],
    ]);
    const failed = await monque.getJob(jobs.below?._id as ObjectId);
    expect(failed?.failReason).toBe("The parent 'fails' failed");
    const { parents, next } = (await monque.waitFor(jobs.goes as Job)) as Awaited<
      ReturnType<JobContext['parents']>
    >;
    expect(parents).toMatchObject([{ ref: 'bad', status: 'failed', failReason: 'Boom' }]);
    expect(next).toBeNull();
    const explanation = await monque.explain(jobs.waits?._id as ObjectId);
    expect(explanation).toMatchObject({
      reason: 'parentsOpen',
      details: { flow: id, open: [{ ref: 'bad', status: 'failed' }] },
    });
    expect(explanation.message).toBe("It waits for its parent 'bad', which is failed");
    expect((await monque.getFlow(id))?.state).toBe('running');
    await monque.stop();
    expect([...runs].sort()).toEqual(['after', 'bad', 'goes']);
  });

  test('goes on where it failed when it is redriven', async () => {
    let isFixed = false;
    const { monque, runs } = setUp({ bad: () => (isFixed ? 'fine' : fails()) });
    await monque.start();
    const { id, jobs } = await monque.enqueueFlow(
      flowOf({ first: step(), bad: step('first'), last: step('bad'), end: step('last') }),
    );
    expect(await finished(monque, [jobs.end])).toEqual(['failed']);
    expect(await monque.getFlow(id)).toMatchObject({
      state: 'failed',
      counts: { completed: 1, failed: 3 },
    });
    isFixed = true;
    expect(await monque.redriveFlow(id)).toMatchObject({ matched: 3, changed: 3, left: [] });
    expect(await finished(monque, [jobs.end])).toEqual(['completed']);
    await monque.stop();
    expect((await monque.getFlow(id))?.state).toBe('completed');
    expect(runs).toEqual(['first', 'bad', 'bad', 'last', 'end']);
  });

  test('is cancelled as a whole, with what runs', async () => {
    const { monque, runs } = setUp({
      first: (_job, { signal }) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    });
    await monque.start();
    const started = new Promise((resolve) => monque.once('job:start', resolve));
    const { id, jobs } = await monque.enqueueFlow(
      flowOf({
        first: step(),
        next: step('first'),
        other: step({ ref: 'first', onFailure: 'continue' }),
        last: step('next', 'other'),
      }),
    );
    await started;
    expect(await monque.cancelFlow(id)).toMatchObject({ changed: 4, isComplete: true });
    expect(await finished(monque, Object.values(jobs))).toEqual([
      ...['cancelled', 'cancelled', 'cancelled', 'cancelled'],
    ]);
    await monque.stop();
    expect((await monque.getFlow(id))?.state).toBe('cancelled');
    expect(runs).toEqual(['first']);
  });

  test('waits for what a job of it adds while it runs', async () => {
    let tries = 0;
    const { monque, runs } = setUp({
      split: async (_job, context) => {
        const parts = { part1: { name: 'step', data: 1 }, part2: { name: 'step', data: 2 } };
        await context.addToFlow(parts);
        tries += 1;
        if (tries === 1) throw new Error('after they were added');
      },
      part1: ({ data }) => data,
      part2: ({ data }) => data,
      join: (_job, context) => context.parentResults(),
    });
    monque.worker('retried', (job, context) => {
      runs.push(job.ref ?? '');
      return context.addToFlow({ part3: { name: 'step' } });
    });
    await monque.start();
    const { id, jobs } = await monque.enqueueFlow(
      flowOf({
        split: { name: 'step', options: { maxRetries: 2 } },
        join: step('split'),
      }),
    );
    expect(await monque.waitFor(jobs.join as Job)).toEqual({
      ...{ part1: 1, part2: 2, split: undefined },
    });
    await monque.stop();
    expect(await monque.getFlow(id)).toMatchObject({ size: 2, counts: { completed: 4 } });
    expect([...runs].sort()).toEqual(['join', 'part1', 'part2', 'split', 'split']);
  });

  test('is found by its key while it is not finished, and its jobs by its id', async () => {
    const { monque } = setUp();
    const graph = flowOf({ only: step() });
    const first = await monque.enqueueFlow(graph, { uniqueKey: 'nightly' });
    const second = await monque.enqueueFlow(graph, { uniqueKey: 'nightly' });
    expect(second).toEqual({ id: first.id, status: 'existing', jobs: {} });
    const [job] = await monque.getJobs({ flow: first.id });
    expect(job?.ref).toBe('only');
    await monque.start();
    expect(await finished(monque, [first.jobs.only])).toEqual(['completed']);
    await monque.stop();
    expect((await monque.enqueueFlow(graph, { uniqueKey: 'nightly' })).status).toBe('enqueued');
  });

  test('is read by page', async () => {
    const { monque } = setUp();
    const jobs = Object.fromEntries(
      Array.from({ length: 5 }, (_, index) => [
        `job${index}`,
        step(...(index === 0 ? [] : [`job${index - 1}`])),
      ]),
    );
    const { id } = await monque.enqueueFlow(flowOf(jobs));
    const refs: (string | undefined)[] = [];
    let after: ObjectId | null | undefined;
    do {
      const page = await monque.getFlow(id, { limit: 2, ...(after && { after }) });
      refs.push(...(page?.jobs ?? []).map(({ ref }) => ref));
      after = page?.next;
    } while (after);
    expect(refs).toEqual(['job0', 'job1', 'job2', 'job3', 'job4']);
    expect(await monque.getFlow(new ObjectId())).toBeNull();
  });

  test('goes on when a parent is cancelled or deleted manually', async () => {
    const { monque } = setUp();
    const { jobs } = await monque.enqueueFlow(
      flowOf({ first: step(), goes: step({ ref: 'first', onFailure: 'continue' }) }),
    );
    await monque.cancelJob(jobs.first?._id as ObjectId);
    expect((await monque.getJob(jobs.goes?._id as ObjectId))?.status).toBe('pending');
    await expect(monque.deleteJob(jobs.first?._id as ObjectId)).rejects.toThrow(
      'it is cancelled, and it is a parent in a flow; deleteJob is allowed once its children are deleted',
    );
  });
});

describe('a wrong flow is refused before anything is stored:', () => {
  const wrong: readonly (readonly [string, unknown, string])[] = [
    ['no jobs', { jobs: {} }, 'flow.jobs'],
    ['jobs that are a list', { jobs: [] }, 'flow.jobs'],
    ['a job without a name', { jobs: { a: {} } }, 'flow.jobs.a.name'],
    ['a parent that is not there', { jobs: { a: step('b') } }, 'flow.jobs.a.after[0]'],
    ['a parent twice', { jobs: { a: step(), b: step('a', 'a') } }, 'flow.jobs.b.after'],
    ['a job after itself', { jobs: { a: step('a') } }, 'flow.jobs.a.after'],
    ['a circle', { jobs: { a: step('c'), b: step('a'), c: step('b') } }, 'flow.jobs.a.after'],
    [
      'an unknown policy',
      { jobs: { a: step(), b: step({ ref: 'a', onFailure: 'no' as 'fail' }) } },
      'flow.jobs.b.after[0].onFailure',
    ],
    [
      'parents that are no list',
      { jobs: { a: { name: 'step', after: 'b' } } },
      'flow.jobs.a.after',
    ],
    [
      'a key of a job',
      { jobs: { a: { name: 'step', options: { uniqueKey: 'key' } } } },
      'flow.jobs.a.options.uniqueKey',
    ],
    [
      'an order of a job',
      { jobs: { a: { name: 'step', options: { order: 'key' } } } },
      'flow.jobs.a.options.order',
    ],
    [
      'a job that supersedes',
      { jobs: { a: { name: 'step', options: { supersede: { key: 'k' } } } } },
      'flow.jobs.a.options.supersede',
    ],
    [
      'a time for the call of one job',
      { jobs: { a: { name: 'step', options: { callTimeout: 5 } } } },
      'flow.jobs.a.options.callTimeout',
    ],
    [
      'more jobs than a flow has',
      { jobs: Object.fromEntries(Array.from({ length: 50_001 }, (_, n) => [`j${n}`, step()])) },
      'flow.jobs',
    ],
    ['a name of a wrong type', { jobs: { a: { name: 7 } } }, 'flow.jobs.a.name'],
    ['a parent of a wrong type', { jobs: { a: step(7 as never) } }, 'flow.jobs.a.after[0]'],
    [
      'a name in the flow that is too long',
      { jobs: { ['a'.repeat(257)]: step() } },
      `flow.jobs.${'a'.repeat(257)}`,
    ],
    [
      'a wrong option of a job',
      { jobs: { a: { name: 'step', options: { priority: 1_000 } } } },
      'flow.jobs.a.options.priority',
    ],
  ];

  test.each(wrong)('%s', async (_, graph, field) => {
    const { monque } = setUp();
    const error = await monque.enqueueFlow(graph as FlowGraph).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect((error as InvalidArgumentError).field).toBe(field);
    expect(await monque.getJobs()).toEqual([]);
  });

  test('a circle is reported by the jobs in it', async () => {
    const { monque } = setUp();
    const graph = flowOf({ r: step(), a: step('r', 'c'), b: step('a'), c: step('b') });
    await expect(monque.enqueueFlow(graph)).rejects.toThrow('a -> b -> c -> a');
  });

  test.each([
    ['uniqueKey', { uniqueKey: 7 }],
    ['uniqueKey', { uniqueKey: '' }],
    ['session', { session: {} }],
  ])('a wrong option of the flow: %s', async (field, options) => {
    const { monque } = setUp();
    const stored = monque.enqueueFlow(flowOf({ a: step() }), options as never);
    await expect(stored).rejects.toMatchObject({ field: `options.${field}` });
    expect(await monque.getJobs()).toEqual([]);
  });

  test('a transaction, where the ledger has none', async () => {
    const { monque } = setUp();
    const session = { inTransaction: () => true, endSession: async () => undefined };
    await expect(
      monque.enqueueFlow(flowOf({ a: step() }), { session: session as never }),
    ).rejects.toThrow(UnsupportedError);
  });

  test('jobs that are added by a job without a flow, or that have parents', async () => {
    const { monque } = setUp({
      '': (_job, context) => context.addToFlow({ a: { name: 'step' } }),
      split: (_job, context) => context.addToFlow({ a: { ...step('b') } }),
    });
    await monque.start();
    const alone = await monque.enqueue('step');
    await expect(monque.waitFor(alone)).rejects.toThrow('belongs to no flow');
    const { jobs } = await monque.enqueueFlow(flowOf({ split: step() }));
    await expect(monque.waitFor(jobs.split as Job)).rejects.toThrow('jobs.a.after');
    await monque.stop();
  });
});
