import type { ObjectId } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { gate, type Job, type JobContext, stage } from '../../src/index.ts';
import { deferred, makeOne, makeWorld, payloads, type TestInstance } from './kit.ts';

const ONCE = { maxRetries: 1 } as const;
const ONE = { jobs: { only: { name: 'step' } } } as const;
const PAIR = {
  jobs: { first: { name: 'step' }, last: { name: 'step', after: ['first'] } },
} as const;

const outcomes = ({ events }: Pick<TestInstance, 'events'>) =>
  payloads(events, 'flow:ended').map(({ outcome }) => outcome);

const counted = ({ monque }: TestInstance) =>
  monque
    .metrics()
    .counters.flowsEnded.map(({ labels, value }) => [...Object.values(labels), value]);

/** A flow of one job was just stored where it can run. */
async function withOneStep() {
  const one = makeOne();
  one.monque.worker('step', () => undefined);
  await one.monque.start();
  const { id } = await one.monque.enqueueFlow(ONE);
  return { one, id };
}

describe('the end of a flow', () => {
  test('is told once among all processes, counted there, and seen in the flow', async () => {
    const { clock, makeInstance } = makeWorld();
    const all = [makeInstance(), makeInstance(), makeInstance()];
    for (const { monque } of all) {
      monque.worker('step', () => undefined, { concurrency: 1 });
      await monque.start();
    }
    const [first] = all as [TestInstance];
    const parts = Array.from({ length: 12 }, (_, index) => [`p${index}`, { name: 'step' }]);
    const flow = await first.monque.enqueueFlow(
      { jobs: Object.fromEntries(parts) },
      { uniqueKey: 'nightly' },
    );
    expect((await first.monque.getFlow(flow.id))?.endedAt).toBeUndefined();
    await clock.advance(30_000);
    const events = all.flatMap((one) => payloads(one.events, 'flow:ended'));
    expect(events).toEqual([{ flow: flow.id, outcome: 'completed', uniqueKey: 'nightly' }]);
    expect(all.flatMap(counted)).toEqual([['completed', 1]]);
    const read = await first.monque.getFlow(flow.id);
    expect(read).toMatchObject({ state: 'completed', endedAt: expect.any(Date) });
    expect(await first.monque.getFlows()).toEqual([
      {
        ...{ id: flow.id, state: 'stored', outcome: 'completed', size: 12, uniqueKey: 'nightly' },
        ...{ createdAt: read?.createdAt, endedAt: read?.endedAt },
      },
    ]);
    for (const { monque } of all) await monque.stop();
  });

  test('comes after that of a failed job and of all that fails with it, and again once it is redriven', async () => {
    const one = makeOne();
    const { monque, clock } = one;
    let isMended = false;
    monque.worker(
      'step',
      ({ ref }) => {
        if (ref === 'first' && !isMended) throw new Error('Boom');
      },
      ONCE,
    );
    await monque.start();
    const { id } = await monque.enqueueFlow(PAIR);
    await clock.advance(2_000);
    expect(outcomes(one)).toEqual(['failed']);
    expect((await monque.getFlow(id))?.counts).toEqual({ failed: 2 });
    await monque.pause('step');
    isMended = true;
    await monque.redriveFlow(id);
    await clock.advance(20_000);
    const running = await monque.getFlow(id);
    expect([running?.state, running?.endedAt]).toEqual(['running', undefined]);
    expect(outcomes(one)).toEqual(['failed']);
    await monque.resume('step');
    await clock.advance(20_000);
    expect(outcomes(one)).toEqual(['failed', 'completed']);
    expect((await monque.getFlow(id))?.state).toBe('completed');
    await monque.stop();
  });

  test('comes once with cancelFlow, in a process that runs nothing', async () => {
    const one = makeOne();
    const { monque } = one;
    const { id } = await monque.enqueueFlow(PAIR);
    await monque.cancelFlow(id);
    expect(outcomes(one)).toEqual(['cancelled']);
    await monque.redriveFlow(id);
    await monque.cancelFlow(id);
    expect(outcomes(one)).toEqual(['cancelled', 'cancelled']);
  });

  test('comes when the last of its jobs that was unfinished is deleted, and not when none is left', async () => {
    const one = makeOne();
    const { monque } = one;
    const { jobs } = await monque.enqueueFlow({
      jobs: { a: { name: 'step' }, b: { name: 'step' } },
    });
    const [a, b] = [jobs.a, jobs.b] as [Job, Job];
    await monque.cancelJob(a._id);
    expect(outcomes(one)).toEqual([]);
    await monque.deleteJob(b._id);
    expect(outcomes(one)).toEqual(['cancelled']);
    const other = await monque.enqueueFlow(ONE);
    await monque.deleteJob((other.jobs.only as Job)._id);
    expect(outcomes(one)).toEqual(['cancelled']);
    expect(await monque.getFlow(other.id)).toBeNull();
  });

  test('is noticed by others where a gate stayed closed, or the instances of a job died', async () => {
    const { clock, makeInstance } = makeWorld();
    const options = { leaseDuration: 3_000, rescueLimit: 1 };
    const [holder, other] = [makeInstance(options), makeInstance(options)];
    const stages = [stage('first', () => 1), gate('closed', { timeout: 60_000 })];
    holder.monque.worker('dies', () => deferred().promise);
    holder.monque.worker('waits', { stages });
    await holder.monque.start();
    const flows = [
      await holder.monque.enqueueFlow({ jobs: { only: { name: 'dies' } } }),
      await holder.monque.enqueueFlow({ jobs: { only: { name: 'waits' } } }),
    ];
    await clock.advance(100);
    other.monque.worker('waits', { stages });
    await other.monque.start();
    holder.network.down = true;
    await clock.advance(90_000);
    expect(payloads(other.events, 'flow:ended')).toEqual(
      flows.map(({ id: flow }) => ({ flow, outcome: 'failed' })),
    );
    expect(outcomes(holder)).toEqual([]);
    await other.monque.stop();
  });

  test('is noticed at once where a gate stayed closed and nobody had looked for flows since long', async () => {
    const one = makeOne();
    const { monque, clock } = one;
    monque.worker('waits', {
      stages: [stage('first', () => 1), gate('closed', { timeout: 60_000 })],
    });
    await monque.start();
    await clock.advance(20_000);
    await monque.enqueueFlow({ jobs: { only: { name: 'waits' } } });
    await clock.advance(70_000);
    expect(outcomes(one)).toEqual(['failed']);
    await monque.stop();
  });

  test('is not told when the answer was lost, and is seen in the flow', async () => {
    const { one, id } = await withOneStep();
    const { monque, faulty, clock } = one;
    faulty.plan('releaseWaiting', { fail: 'after' });
    await clock.advance(30_000);
    expect(payloads(one.events, 'job:error').length).toBeGreaterThan(0);
    expect(outcomes(one)).toEqual([]);
    expect(await monque.getFlow(id)).toMatchObject({ endedAt: expect.any(Date) });
    await monque.stop();
  });

  test('is found by a sweep when nobody could look at the end of the last job', async () => {
    const { one } = await withOneStep();
    const { monque, faulty, clock } = one;
    faulty.plan('releaseWaiting', { fail: 'before' }, 2);
    await clock.advance(60_000);
    expect(outcomes(one)).toEqual(['completed']);
    await monque.stop();
  });

  test('of one of which nothing could be stored is told as abandoned, and nothing is left of it', async () => {
    const one = makeOne();
    one.faulty.plan('enqueue', { onArrival: () => Promise.reject(new Error('bug')) });
    const failed = one.monque.enqueueFlow(PAIR).catch((error: unknown) => error);
    await one.clock.settle();
    expect(String(await failed)).toContain('bug');
    expect(outcomes(one)).toEqual(['abandoned']);
    expect(await one.monque.getFlows()).toEqual([]);
  });
});

describe('a flow to which a job adds others', () => {
  const adds = ({ ref }: Job, context: JobContext): unknown =>
    ref === 'only' && context.addToFlow({ part: { name: 'part' } });

  /** A flow that waits for what was added to it. */
  const setUp = async () => {
    const one = makeOne();
    const { monque, clock } = one;
    let fails = true;
    monque.worker('step', adds);
    monque.worker('part', () => (fails ? Promise.reject(new Error('Boom')) : undefined), ONCE);
    monque.pause('part');
    await monque.start();
    const { id } = await monque.enqueueFlow(ONE);
    await clock.advance(20_000);
    const mend = (): void => {
      fails = false;
    };
    return { one, monque, clock, id, mend };
  };

  const partOf = async ({ monque }: TestInstance, flow: ObjectId): Promise<Job> =>
    (await monque.getJobs({ flow, name: 'part' }))[0] as Job;

  test('ends with those, and again when one of them was retried', async () => {
    const { one, monque, clock, id, mend } = await setUp();
    expect((await partOf(one, id)).status).toBe('pending');
    expect(outcomes(one)).toEqual([]);
    await monque.resume('part');
    await clock.advance(10_000);
    expect(outcomes(one)).toEqual(['failed']);
    mend();
    await monque.retryJob((await partOf(one, id))._id);
    await clock.advance(10_000);
    expect(outcomes(one)).toEqual(['failed', 'completed']);
    await monque.stop();
  });
});
