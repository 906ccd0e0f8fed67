// The bound of one call: it ends the call, and what was sent is stored all the same.
import { describe, expect, test } from 'vitest';
import { type Monque, type MonqueManagement, UnknownOutcomeError } from '../../src/index.ts';
import { makeOne } from './kit.ts';

const PAIR = {
  jobs: { first: { name: 'step' }, last: { name: 'step', after: ['first'] } },
} as const;

interface Bound {
  readonly callTimeout: number;
}

/** Each call that stores jobs, and may be made again. */
const CALLS: Readonly<Record<string, (verbs: MonqueManagement, bound: Bound) => Promise<unknown>>> =
  {
    enqueue: (verbs, bound) => verbs.enqueue('greet', 1, { ...bound, uniqueKey: 'once' }),
    enqueueFlow: (verbs, bound) => verbs.enqueueFlow(PAIR, { ...bound, uniqueKey: 'once' }),
    schedule: (verbs, bound) => verbs.schedule('0 0 * * *', 'greet', 1, bound),
  };

const WHO: Readonly<Record<string, (monque: Monque) => MonqueManagement>> = {
  'a scheduler': (monque) => monque,
  'an actor': (monque) => monque.as({ id: 'ann' }),
};

const WHO_CALLS = Object.keys(WHO).flatMap((who) =>
  Object.keys(CALLS).map((verb) => [verb, who] as const),
);

const idsIn = async (monque: Monque): Promise<readonly string[]> =>
  (await monque.getJobs()).map(({ _id }) => _id.toHexString()).sort();

describe('the callTimeout', () => {
  test.each(WHO_CALLS)(
    'ends %s of %s in an outage, and what it stores is stored once',
    async (verb, who) => {
      const { monque, network, clock } = makeOne();
      await monque.initialize();
      network.down = true;
      const begunMs = clock.now();
      const call = () =>
        CALLS[verb]?.((WHO[who] as (typeof WHO)[string])(monque), { callTimeout: 2_000 });
      const failed = call()?.catch((error: unknown) => error);
      await clock.advance(2_000);
      const error = await failed;
      expect(error).toBeInstanceOf(UnknownOutcomeError);
      expect(error).toMatchObject({ message: expect.stringContaining('callTimeout of 2000 ms') });
      expect(clock.now() - begunMs).toBe(2_000);
      network.down = false;
      await clock.advance(60_000);
      const ids = await idsIn(monque);
      expect(ids).toHaveLength(verb === 'enqueueFlow' ? 2 : 1);
      await call();
      expect(await idsIn(monque)).toEqual(ids);
      expect(clock.pendingTimers).toBe(0);
    },
  );

  test('ends the call of a job that was defined', async () => {
    const { monque, network, clock } = makeOne();
    const schema = {
      '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) },
    } as const;
    const greet = monque.define('greet', { schema });
    await monque.initialize();
    network.down = true;
    const failed = greet.enqueue(1, { callTimeout: 10 }).catch((error: unknown) => error);
    await clock.advance(10);
    expect(await failed).toBeInstanceOf(UnknownOutcomeError);
  });

  test('bounds the wish to cancel of a job that supersedes', async () => {
    const { monque, faulty, clock } = makeOne({ operationTimeout: 10_000 });
    await monque.initialize();
    faulty.plan('findAhead', { onArrival: () => new Promise(() => undefined) });
    const options = { callTimeout: 10, supersede: { key: 'page' } };
    const failed = monque.enqueue('render', 1, options).catch((error: unknown) => error);
    await clock.advance(10);
    expect(await failed).toBeInstanceOf(UnknownOutcomeError);
    expect(await monque.getJobs()).toHaveLength(1);
  });

  test.each(Object.keys(WHO))(
    'of enqueueMany answers %s that every entry is unknown',
    async (who) => {
      const { monque, network, clock } = makeOne();
      await monque.initialize();
      network.down = true;
      const entries = [{ name: 'a' }, { name: 'b', options: { uniqueKey: 'k' } }];
      const verbs = (WHO[who] as (typeof WHO)[string])(monque);
      const answered = verbs.enqueueMany(entries, { callTimeout: 50 });
      // A caller may use the list for the next call.
      entries.length = 0;
      await clock.advance(50);
      const unknown = { status: 'unknown', error: { code: 'UNKNOWN_OUTCOME' } };
      expect(await answered).toMatchObject([unknown, unknown]);
      network.down = false;
      await clock.advance(60_000);
      expect(await idsIn(monque)).toHaveLength(2);
      expect(clock.pendingTimers).toBe(0);
    },
  );

  test('of enqueueMany in a transaction ends the call with the error', async () => {
    const { monque, faulty, clock } = makeOne();
    await monque.initialize();
    faulty.plan('enqueue', { onArrival: () => new Promise(() => undefined) });
    const session = { inTransaction: () => true, endSession: () => undefined } as never;
    const entries = [{ name: 'a' }];
    const failed = monque
      .enqueueMany(entries, { session, callTimeout: 50 })
      .catch((error) => error);
    await clock.advance(50);
    expect(await failed).toBeInstanceOf(UnknownOutcomeError);
  });

  test('leaves answers and failures that come in time as they are', async () => {
    const { monque, faulty, clock } = makeOne();
    const bound = { callTimeout: 5 };
    const stored = await monque.enqueue('greet', 1, { ...bound, uniqueKey: 'a' });
    const taken = { ...bound, uniqueKey: 'a', whenTaken: 'throw' } as const;
    await expect(monque.enqueue('greet', 1, taken)).rejects.toMatchObject({ holderId: stored._id });
    expect(await monque.enqueueMany([{ name: 'a' }], bound)).toMatchObject([
      { status: 'enqueued' },
    ]);
    faulty.plan('openFlow', { onArrival: () => Promise.reject(new Error('no')) });
    await expect(monque.enqueueFlow(PAIR, bound)).rejects.toThrow('no');
    await expect(monque.schedule('0 0 31 2 *', 'greet', 1, bound)).rejects.toThrow();
    expect(clock.pendingTimers).toBe(0);
  });

  test('that is no time is refused by name, and so is one of an entry of many', async () => {
    const { monque, faulty } = makeOne();
    for (const callTimeout of [0, 1.5, -1, 86_400_001, Number.NaN, '2s' as never]) {
      const bound = { callTimeout };
      const calls = Object.values(CALLS).map((call) => call(monque, bound));
      for (const call of [...calls, monque.enqueueMany([{ name: 'a' }], bound)]) {
        await expect(call).rejects.toMatchObject({ field: 'options.callTimeout' });
      }
    }
    const entry = { name: 'greet', options: { callTimeout: 5 } as never };
    await expect(monque.enqueueMany([entry], { callTimeout: 5 })).rejects.toMatchObject({
      field: 'entries[0].options.callTimeout',
    });
    for (const given of [null, 7] as never[]) {
      for (const call of [
        ...[monque.enqueue('a', 1, given), monque.enqueueMany([], given)],
        ...[monque.enqueueFlow(PAIR, given), monque.schedule('@daily', 'a', 1, given)],
      ]) {
        await expect(call).rejects.toMatchObject({ field: 'options' });
      }
      await expect(monque.enqueueMany(given, { callTimeout: 5 })).rejects.toMatchObject({
        field: 'entries',
      });
    }
    expect(faulty.calls('enqueue') + faulty.calls('openFlow')).toBe(0);
  });
});
