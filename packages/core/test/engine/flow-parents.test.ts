import { ObjectId } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { parentsOfRun, resultsOfRun } from '../../src/engine/running/parents.ts';
import { type FlowGraph, InvalidArgumentError, type Job, MonqueError } from '../../src/index.ts';
import { storingToken, tokenOf } from '../../src/job/flow-tokens.ts';
import type { ClaimedJob } from '../../src/job/job.ts';
import { InMemoryLedgerRepository } from '../../src/ledger/memory/in-memory-ledger-repository.ts';
import { makeJob } from '../../src/testing/index.ts';
import type { JobTrace } from '../../src/types-api.ts';
import { makeOne, payloads } from './kit.ts';

const FLOW = new ObjectId();
const TOKEN = tokenOf(FLOW, 'fail', 0);

/** A ledger with so many completed parents of one job. */
async function withParents(count: number) {
  const ledger = new InMemoryLedgerRepository();
  const parents = Array.from({ length: count }, (_, index) =>
    makeJob({ flow: FLOW, ref: `parent ${index}`, feeds: [TOKEN], result: index }),
  );
  await ledger.enqueue({ jobs: parents });
  const job = makeJob({ flow: FLOW, waitsFor: [TOKEN], status: 'processing' }) as ClaimedJob;
  return { ledger, job, parents };
}

describe('the parents of a job', () => {
  test('are read by page', async () => {
    const { ledger, job, parents } = await withParents(5);
    const first = await parentsOfRun({ ledger }, job, { limit: 3 });
    expect(first.next).toEqual(parents[2]?._id);
    const after = first.next as ObjectId;
    const second = await parentsOfRun({ ledger }, job, { limit: 3, after });
    expect(second.next).toBeNull();
    const refs = [...first.parents, ...second.parents].map(({ ref }) => ref);
    expect(refs).toEqual(parents.map(({ ref }) => ref));
  });

  test('are none of a job that waited for nobody', async () => {
    const { ledger } = await withParents(1);
    const alone = makeJob({ status: 'processing' }) as ClaimedJob;
    expect(await parentsOfRun({ ledger }, alone)).toEqual({ parents: [], next: null });
    expect(await resultsOfRun({ ledger }, alone)).toEqual({});
  });

  test('are too many to give all results of when there are more than 1,000', async () => {
    const { ledger, job } = await withParents(1_001);
    await expect(resultsOfRun({ ledger }, job)).rejects.toThrow('more than 1000 parents');
    await expect(resultsOfRun({ ledger }, job)).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  });
});

describe('a job that waits is explained', () => {
  const blocked = (ref: string, ...waitsFor: string[]): Job => ({
    ...makeJob({ name: 'step', flow: FLOW, ref, waitsFor }),
    status: 'blocked',
  });

  test('by some of its parents, and by how many more there are', async () => {
    const { monque, ledger } = makeOne();
    const child = blocked('child', TOKEN);
    const parents = (count: number): Job[] =>
      Array.from({ length: count }, (_, index) =>
        makeJob({ name: 'step', flow: FLOW, ref: `p${index}`, feeds: [TOKEN] }),
      );
    await ledger.enqueue({ jobs: [child, ...parents(2)] });
    const { message } = await monque.explain(child._id);
    expect(message).toBe("It waits for its parents 'p0', which is pending; 'p1', which is pending");
    await ledger.enqueue({ jobs: parents(11) });
    const { message: longer, details } = await monque.explain(child._id);
    expect(longer).toMatch(/; and more$/);
    expect(details).toMatchObject({ hasMore: true });
    await monque.stop();
  });

  test('by its flow while that is being stored, and without its parents among many', async () => {
    const { monque, ledger } = makeOne();
    const first = blocked('first', storingToken(FLOW));
    await ledger.enqueue({ jobs: [first] });
    expect((await monque.explain(first._id)).message).toBe(
      'It waits until its flow is stored, or starts in a moment: no parent holds it up',
    );
    const { reasons } = await monque.explainMany({});
    expect(reasons).toMatchObject([
      {
        ...{ reason: 'parentsOpen', count: 1 },
        message: 'It waits for its parents; explain the job alone to see which',
      },
    ]);
    await monque.stop();
  });
});

describe('a flow', () => {
  const graph = (options?: unknown): FlowGraph =>
    ({ jobs: { a: { name: 'step', ...(options !== undefined && { options }) } } }) as FlowGraph;

  test.each([
    ['text', 'flow.jobs.a.options'],
    [null, 'flow.jobs.a.options'],
  ])('with %j for the options of a job is refused', async (options, field) => {
    const { monque } = makeOne();
    const stored = monque.enqueueFlow(graph(options));
    await expect(stored).rejects.toMatchObject({ name: 'InvalidArgumentError', field });
    expect(await monque.getJobs()).toEqual([]);
  });

  test('with more than a million parents in all is refused before they are looked at', async () => {
    const { monque } = makeOne();
    const after: 'a'[] = Array(1_000_001).fill('a');
    const stored = monque.enqueueFlow({
      jobs: { a: { name: 'step' }, b: { name: 'step', after } },
    });
    await expect(stored).rejects.toThrow(InvalidArgumentError);
    await expect(stored).rejects.toMatchObject({ field: 'flow.jobs' });
  });

  test('is refused with the error of the ledger, and not tried again, when that refuses its record', async () => {
    const { monque, faulty } = makeOne();
    const refused = new MonqueError('LEDGER_REFUSED', 'no');
    faulty.plan('openFlow', { onArrival: () => Promise.reject(refused) });
    await expect(monque.enqueueFlow(graph())).rejects.toBe(refused);
    expect(faulty.calls('openFlow')).toBe(1);
  });

  test('is stored though the first look at its jobs fails, which is reported', async () => {
    const { monque, faulty, clock, events } = makeOne();
    faulty.plan('releaseWaiting', { fail: 'before' });
    const { id } = await monque.enqueueFlow(graph());
    expect(payloads(events, 'job:error')).toMatchObject([{ error: { code: 'UNKNOWN_OUTCOME' } }]);
    expect((await monque.getFlow(id))?.counts).toEqual({ blocked: 1 });
    monque.worker('step', () => undefined);
    await monque.start();
    await clock.advance(10_000);
    expect((await monque.getFlow(id))?.state).toBe('completed');
    await monque.stop();
  });

  test('stores where it comes from with each of its jobs', async () => {
    const { monque } = makeOne();
    const trace: JobTrace = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` };
    const seen: unknown[] = [];
    monque.instrument({
      enqueuing: () => ({ trace, ended: ({ jobs }) => seen.push(...jobs.map(({ ref }) => ref)) }),
    });
    await monque.enqueueFlow(graph());
    expect(await monque.getJobs()).toMatchObject([{ ref: 'a', trace }]);
    expect(seen).toEqual(['a']);
  });

  test('is cancelled in part, and says so, where that is bounded', async () => {
    const { monque } = makeOne();
    const { id } = await monque.enqueueFlow({
      jobs: { a: { name: 'step' }, b: { name: 'step', after: ['a'] } },
    });
    const part = await monque.cancelFlow(id, { limit: 1 });
    expect(part).toMatchObject({ changed: 1, isComplete: false });
    const flow = await monque.getFlow(id);
    expect(flow?.counts).toEqual({ cancelled: 1, pending: 1 });
  });

  test('is not added to when the jobs that a run adds are refused', async () => {
    const { monque, faulty, clock } = makeOne({ maxRetries: 1 });
    const errors: unknown[] = [];
    monque.worker('step', async (_job, { addToFlow }) => {
      faulty.plan('enqueue', { onArrival: () => Promise.reject(new Error('no room')) });
      await addToFlow({ more: { name: 'step' } }).catch((error: unknown) => errors.push(error));
    });
    await monque.start();
    const { id } = await monque.enqueueFlow(graph());
    await clock.advance(1_000);
    expect(errors).toMatchObject([{ message: 'no room' }]);
    expect((await monque.getFlow(id))?.counts).toEqual({ completed: 1 });
    await monque.stop();
  });
});
