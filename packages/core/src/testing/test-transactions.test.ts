import { describe, expect, test } from 'vitest';
import { InvalidArgumentError, Monque, UnsupportedError } from '../index.ts';
import type { Session } from '../types-api.ts';
import { makeTestMonque } from './test-monque.ts';
import { makeTestSession } from './test-session.ts';

describe('a unit of work in a test scheduler', () => {
  test('stores all of its jobs and series when it resolves, and none when it rejects', async () => {
    const { monque, assertEnqueued, assertNotEnqueued } = makeTestMonque();
    const work = async (session: Session): Promise<string> => {
      await monque.enqueue('mail', 1, { session });
      const entries = [
        { name: 'mail', data: 2 },
        { name: 'mail', data: 3, options: { uniqueKey: 'a' } },
        { name: 'mail', data: 4, options: { uniqueKey: 'a' } },
        { name: 'mail', data: 5, options: { uniqueKey: 'a', whenTaken: 'throw' } },
      ] as const;
      const results = await monque.enqueueMany(entries, { session });
      expect(results.map(({ status }) => status)).toEqual([
        ...['enqueued', 'enqueued', 'existing', 'failed'],
      ]);
      await monque.schedule('0 3 * * *', 'report', 6, { session });
      return 'done';
    };
    const failed = monque.transaction<string, Session>(async (session) => {
      await work(session);
      throw new Error('No');
    });
    await expect(failed).rejects.toThrow('No');
    await assertNotEnqueued('mail');
    expect(await monque.getSchedules()).toEqual([]);
    expect(await monque.transaction<string, Session>(work)).toBe('done');
    await assertEnqueued('mail', 3);
    expect(await monque.getJobs({ name: 'mail' })).toHaveLength(3);
    expect(await monque.getSchedules()).toMatchObject([{ name: 'report', data: 6 }]);
  });

  test('changes a series and its metadata when it commits', async () => {
    const { monque } = makeTestMonque();
    await monque.schedule('0 3 * * *', 'report', 1, { uniqueKey: 'a', metadata: { of: 1 } });
    const change = async (session: Session): Promise<void> => {
      const options = { uniqueKey: 'a', metadata: { of: 2 }, session };
      const job = await monque.schedule('0 4 * * *', 'report', 2, options);
      expect(job).toMatchObject({ repeatInterval: '0 4 * * *', data: 2, metadata: { of: 2 } });
      expect(await monque.getSchedules()).toMatchObject([{ cron: '0 3 * * *', data: 1 }]);
    };
    await monque.transaction<void, Session>(change);
    const [series] = await monque.getSchedules();
    expect(series).toMatchObject({ cron: '0 4 * * *', data: 2, metadata: { of: 2 } });
    // Without a transaction that is on, a session changes nothing.
    const session = makeTestSession();
    await monque.schedule('0 5 * * *', 'report', 2, {
      uniqueKey: 'a',
      metadata: { of: 3 },
      session,
    });
    expect(await monque.getSchedules()).toMatchObject([{ cron: '0 5 * * *', metadata: { of: 3 } }]);
  });

  test('makes a series that is changed again in the same transaction', async () => {
    const { monque } = makeTestMonque();
    await monque.transaction<void, Session>(async (session) => {
      await monque.schedule('0 3 * * *', 'report', 1, { uniqueKey: 'a', session });
      const metadata = { of: 'x'.repeat(5_000) };
      await expect(
        monque.schedule('0 3 * * *', 'report', 1, { uniqueKey: 'a', session, metadata }),
      ).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
      await monque.schedule('0 4 * * *', 'report', 2, { uniqueKey: 'a', session });
    });
    expect(await monque.getSchedules()).toMatchObject([{ cron: '0 4 * * *', data: 2 }]);
  });

  test('is refused by a ledger that has no transactions', async () => {
    const monque = Monque.inMemory();
    const work = async (): Promise<void> => undefined;
    await expect(monque.transaction(work)).rejects.toThrow(UnsupportedError);
    const session = { inTransaction: () => true, endSession: async () => undefined };
    await expect(monque.inbox('a').once('1', session, work)).rejects.toThrow(UnsupportedError);
    const schedule = (metadata = {}) =>
      monque.schedule('0 3 * * *', 'a', 1, { session, metadata, uniqueKey: 'a' });
    await expect(schedule()).rejects.toThrow(UnsupportedError);
    await expect(monque.enqueueMany([{ name: 'a' }], { session })).rejects.toThrow(
      UnsupportedError,
    );
    await monque.schedule('0 3 * * *', 'a', 1, { uniqueKey: 'a' });
    await expect(schedule({ a: 1 })).rejects.toThrow(UnsupportedError);
    const test = makeTestMonque().monque;
    await expect(test.inbox('a').once('1', session, work)).rejects.toThrow('makeTestSession');
  });

  test.each([
    ['work', (monque: Monque) => monque.transaction(7 as never)],
    ['options.session', (monque: Monque) => monque.enqueueMany([], { session: 7 as never })],
    ['options', (monque: Monque) => monque.enqueueMany([], { at: 7 } as never)],
    [
      'options.session',
      (monque: Monque) => monque.schedule('* * * * *', 'a', 1, { session: {} as never }),
    ],
    ['name', async (monque: Monque) => monque.inbox('')],
    ['options.keepFor', async (monque: Monque) => monque.inbox('a', { keepFor: 7 })],
    ['id', (monque: Monque) => once(monque, { id: 7 as never })],
    ['session', (monque: Monque) => once(monque, { session: makeTestSession() })],
    ['session', (monque: Monque) => once(monque, { session: null as never })],
    ['work', (monque: Monque) => once(monque, { work: 'go' as never })],
  ])('refuses a wrong `%s` by its name', async (field, call) => {
    const { monque } = makeTestMonque();
    const error = await call(monque).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect(String(error)).toContain(`\`${field}\``);
  });
});

interface Given {
  readonly id?: string;
  readonly session?: Session;
  readonly work?: () => unknown;
}

async function once(monque: Monque, { id = '1', session, work }: Given): Promise<boolean> {
  const inbox = monque.inbox('a');
  const run = async (own: Session): Promise<boolean> => {
    return inbox.once(id, session === undefined ? own : session, work ?? (() => undefined));
  };
  return monque.transaction<boolean, Session>(run);
}

describe('an inbox', () => {
  test('does the work of a message once, by its name and id', async () => {
    const { monque } = makeTestMonque();
    const done: string[] = [];
    const receive = (name: string, id: string): Promise<boolean> =>
      monque.transaction<boolean, Session>((session) =>
        monque.inbox(name).once(id, session, () => done.push(`${name} ${id}`)),
      );
    expect(await receive('billing', '1')).toBe(true);
    expect(await receive('billing', '1')).toBe(false);
    expect(await receive('billing', '2')).toBe(true);
    expect(await receive('stock', '1')).toBe(true);
    expect(done).toEqual(['billing 1', 'billing 2', 'stock 1']);
  });

  test('does it once in one transaction, and again after that was aborted', async () => {
    const { monque } = makeTestMonque();
    const inbox = monque.inbox('billing');
    const session = makeTestSession();
    session.startTransaction();
    expect(await inbox.once('1', session, () => undefined)).toBe(true);
    expect(await inbox.once('1', session, () => undefined)).toBe(false);
    await session.abortTransaction();
    session.startTransaction();
    const work = async (): Promise<never> => {
      throw new Error('No stock');
    };
    await expect(inbox.once('1', session, work)).rejects.toThrow('No stock');
    await session.abortTransaction();
    session.startTransaction();
    expect(await inbox.once('1', session, () => undefined)).toBe(true);
    await session.commitTransaction();
  });
});
