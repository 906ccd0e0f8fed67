/**
 * What the compiler accepts and refuses of limits, groups, orders, dead letters, what supersedes, and units of work.
 * `tsc` checks this file; the tests run it as well, in memory.
 */
import type { ClientSession, ObjectId } from 'mongodb';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { type Explanation, Monque, type MonqueEventMap } from '../../src/index.ts';
import { makeTestMonque } from '../../src/testing/index.ts';
import type { FlowSummary, InspectedGroup, WorkerInfo } from '../../src/types-api.ts';

interface Jobs {
  sync: { tenant: string };
  'sync.dead': { tenant: string };
  tidy: undefined;
}

/** As another copy of the driver declares it, such as the one of Mongoose. */
declare class OtherSession {
  protected readonly own: string;
  inTransaction(): boolean;
  endSession(options?: { force?: boolean }): Promise<void>;
  readonly ofMongoose: true;
}

const declared = () => Monque.inMemory<Jobs>();

/** Compiled, and never called. */
const uncalled = (...calls: (() => unknown)[]): void => expect(calls.length).toBeGreaterThan(0);

describe('with declared jobs', () => {
  test('groups, orders, pauses and limits take the names that there are', async () => {
    const monque = declared();
    await monque.setGroup('sync', 'acme', { concurrency: 2, rate: null, paused: true });
    await monque.enqueue('sync', { tenant: 'acme' }, { group: 'acme' });
    await monque.enqueue('sync', { tenant: 'acme' }, { order: 'acme' });
    expect(await monque.groups('sync')).toMatchObject([{ group: 'acme', paused: true }]);
    expect(await monque.orders('sync', { halted: true })).toEqual([]);
    uncalled(
      // @ts-expect-error No such name.
      () => monque.setGroup('syncs', 'acme', { weight: 2 }),
      // @ts-expect-error No such name.
      () => monque.groups('syncs'),
      // @ts-expect-error No such name.
      () => monque.orders('syncs'),
      // @ts-expect-error No such name.
      () => monque.as('ann').orders('syncs'),
      // @ts-expect-error A pause is taken back with false.
      () => monque.setGroup('sync', 'acme', { paused: null }),
      // @ts-expect-error No such setting.
      () => monque.setLimit('api', { concurrent: 2 }),
      // @ts-expect-error The data is of another type.
      () => monque.enqueue('sync', { tenant: 1 }, { group: 'acme' }),
    );
  });

  test('a dead letter has its source, and the data of its name', () => {
    const monque = declared();
    monque.worker('sync', () => undefined, { deadLetter: 'sync.dead' });
    monque.worker('sync.dead', (job) => {
      expectTypeOf(job.data).toEqualTypeOf<{ tenant: string }>();
      expectTypeOf<NonNullable<typeof job.source>['name']>().toEqualTypeOf<string>();
      expectTypeOf<NonNullable<typeof job.source>['failedAt']>().toEqualTypeOf<Date>();
    });
    uncalled(
      // @ts-expect-error A name is a text.
      () => monque.worker('tidy', () => undefined, { deadLetter: 7 }),
      // @ts-expect-error It counts jobs.
      () => monque.redriveDeadLetters({}, { perSecond: '5' }),
    );
  });

  test('what supersedes has a key, and says what becomes of the one that runs', async () => {
    const monque = declared();
    const supersede = { key: 'a', running: 'finish' } as const;
    const job = await monque.enqueue('sync', { tenant: 'a' }, { supersede });
    expectTypeOf(job.data).toEqualTypeOf<{ tenant: string }>();
    uncalled(
      // @ts-expect-error The key is missing.
      () => monque.enqueue('sync', { tenant: 'a' }, { supersede: {} }),
      // @ts-expect-error It is cancelled, or finishes.
      () => monque.enqueue('sync', { tenant: 'a' }, { supersede: { key: 'a', running: 'stop' } }),
    );
  });

  test('flows are listed without their jobs', async () => {
    const monque = declared();
    const { id } = await monque.enqueueFlow({ jobs: { a: { name: 'tidy' } } });
    const flows = await monque.getFlows();
    expectTypeOf(flows).toEqualTypeOf<FlowSummary[]>();
    expectTypeOf<FlowSummary['id']>().toEqualTypeOf<ObjectId>();
    expectTypeOf<FlowSummary['state']>().toEqualTypeOf<'storing' | 'stored' | 'abandoned'>();
    expectTypeOf<FlowSummary>().not.toHaveProperty('jobs');
    expect(flows.map((flow) => flow.id)).toEqual([id]);
  });
});

describe('a unit of work', () => {
  test('gives its work a session of the driver, and gives what that gives', async () => {
    const { monque } = makeTestMonque();
    const given = await monque.transaction(async (session) => {
      expectTypeOf(session).toEqualTypeOf<ClientSession>();
      await monque.enqueue('tidy', undefined, { session });
      await monque.outbox<{ id: number }>('told').add({ key: 'k', data: { id: 1 } }, { session });
      return monque.inbox('a').once('x', session, () => 'done');
    });
    expectTypeOf(given).toEqualTypeOf<boolean>();
    expect(given).toBe(true);
    uncalled(
      // @ts-expect-error The data is of another type.
      () => monque.outbox<{ id: number }>('told').add({ key: 'k', data: { id: 'one' } }),
      // @ts-expect-error The key is missing.
      () => monque.outbox<{ id: number }>('told').add({ data: { id: 1 } }),
    );
  });

  test('gives a session of another copy of the driver where that is asked for', () => {
    const monque = declared();
    uncalled(() =>
      monque.transaction(async (session: OtherSession) => {
        expectTypeOf(session.ofMongoose).toEqualTypeOf<true>();
        await monque.enqueue('tidy', undefined, { session });
        await monque.enqueueFlow({ jobs: { a: { name: 'tidy' } } }, { session });
      }),
    );
  });
});

describe('what is reported', () => {
  test('of events is narrowed by their name', () => {
    const monque = declared();
    monque.on('limit:full', (event) =>
      expectTypeOf(event).toEqualTypeOf<{ readonly limit: string }>(),
    );
    monque.on('limit:backedOff', ({ until }) => expectTypeOf(until).toEqualTypeOf<Date>());
    monque.on('group:paused', ({ name, group }) =>
      expectTypeOf([name, group]).toEqualTypeOf<string[]>(),
    );
    monque.on('order:halted', ({ job, order }) => {
      expectTypeOf(order).toEqualTypeOf<string>();
      if (job.name === 'tidy') expectTypeOf(job.data).toEqualTypeOf<undefined>();
    });
    monque.on('job:buried', ({ job }) => {
      if (job.name === 'sync.dead') expectTypeOf(job.data).toEqualTypeOf<{ tenant: string }>();
    });
    monque.on('job:superseded', ({ by }) => expectTypeOf(by).toEqualTypeOf<ObjectId>());
    expect(monque.listenerCount('job:buried')).toBe(1);
    // @ts-expect-error There is no such event.
    expectTypeOf<MonqueEventMap['limit:empty']>();
  });

  test('of limits is narrowed by the reason', () => {
    const holders = (explanation: Explanation) =>
      explanation.reason === 'limitFull' ? explanation.details.holders : [];
    expectTypeOf<ReturnType<typeof holders>[number]>().toEqualTypeOf<{
      readonly instanceId: string;
      readonly count: number;
      readonly wants: number;
    }>();
    const until = (explanation: Explanation) =>
      explanation.reason === 'limitBackedOff' ? explanation.details.until : undefined;
    expectTypeOf(until).returns.toEqualTypeOf<Date | undefined>();
    expectTypeOf<WorkerInfo['limits']>().toEqualTypeOf<readonly string[] | undefined>();
    expectTypeOf<InspectedGroup['name']>().toEqualTypeOf<string>();
    expect(holders).not.toBe(until);
  });
});
