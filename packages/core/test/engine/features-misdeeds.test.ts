/**
 * Batches, flows, outboxes, orders, groups, limits and dead letters hold to what plain jobs hold to: nothing that users
 * do, return or leave behind harms anything but itself.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import type { BatchHandler, Job } from '../../src/index.ts';
import { makeTestMonque } from '../../src/testing/test-monque.ts';
import type { Session } from '../../src/types-api.ts';
import { makeOne, payloads } from './kit.ts';

const user = new AsyncLocalStorage<string>();

/** What BSON has no place for. */
const nul = new RegExp(String.fromCharCode(0));

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

describe('what users are called with does not see the store of', () => {
  test('another batch, whatever that entered', async () => {
    const { monque, clock } = makeOne();
    const stores: unknown[] = [];
    const batch: BatchHandler = (jobs) => {
      stores.push(user.getStore());
      user.enterWith(`batch of ${jobs.length}`);
    };
    monque.worker('index', { batch, size: 2, wait: 0 });
    await monque.start();
    const entries = [1, 2, 3, 4].map((data) => ({ name: 'index', data }));
    await user.run('ann', () => monque.enqueueMany(entries));
    await clock.advance(1_000);
    await monque.stop();
    expect(stores).toEqual([undefined, undefined]);
  });

  test('another call of publish, nor of who added a message', async () => {
    const { monque, clock, advance } = makeTestMonque();
    const stores: unknown[] = [];
    const outbox = monque.outbox<number>('events', {
      publish: () => {
        stores.push(user.getStore());
        user.enterWith('left behind');
        return new Promise<void>((resolve) => clock.setTimer(resolve, 1_000));
      },
    });
    // Each comes while the one before it is being sent.
    for (const key of ['a', 'b', 'c']) {
      await user.run('ann', () => outbox.add({ key, data: 1 }));
      await advance(100);
    }
    await advance(5_000);
    await monque.stop();
    expect(stores).toEqual([undefined, undefined]);
  });

  test('who cancels a parent, retries it, redrives a dead letter, sets a limit or resumes a group', async () => {
    const { monque, clock } = makeOne();
    const seen = new Set<string>();
    const see = (what: string) => (): void => void seen.add(`${what}: ${user.getStore()}`);
    monque.on('job:cancelled', see('cancelled'));
    monque.worker('parent', see('parent'));
    monque.worker('child', see('child'));
    monque.worker('fails', () => Promise.reject(new Error('no')), {
      ...{ deadLetter: 'dead', maxRetries: 1 },
    });
    monque.worker('limited', see('limited'), { limits: ['key'] });
    monque.worker('grouped', see('grouped'), { groups: { concurrency: 1 } });
    await monque.setLimit('key', { concurrency: 0 });
    await monque.setGroup('grouped', 'g', { paused: true });
    await monque.start();
    const runAt = new Date(clock.now() + 3_600_000);
    const flow = await monque.enqueueFlow({
      jobs: {
        first: { name: 'parent', options: { runAt } },
        after: { name: 'child', after: [{ ref: 'first', onFailure: 'continue' }] },
      },
    });
    const failing = await monque.enqueue('fails');
    await monque.enqueue('limited');
    await monque.enqueue('grouped', 1, { group: 'g' });
    await clock.advance(5_000);
    expect([...seen]).toEqual([]);
    const first = flow.jobs.first as Job;
    await user.run('ann', () => monque.cancelJob(first._id));
    await clock.advance(5_000);
    await user.run('bob', () => monque.retryJob(first._id));
    monque.worker('dead', see('dead'));
    await clock.advance(5_000);
    await user.run('cy', () => monque.redriveDeadLetter(failing._id)).catch(() => undefined);
    await user.run('dee', () => monque.setLimit('key', { concurrency: 1 }));
    await user.run('eve', () => monque.setGroup('grouped', 'g', { paused: false }));
    await clock.advance(60_000);
    await monque.stop();
    const kinds = ['cancelled', 'child', 'dead', 'grouped', 'limited', 'parent'];
    expect([...seen].sort()).toEqual(kinds.map((kind) => `${kind}: undefined`));
  });
});

describe('what a batch returns', () => {
  const run = async (batch: BatchHandler): Promise<readonly Job[]> => {
    const { monque, clock, events } = makeOne();
    monque.worker('index', { batch, size: 3, wait: 1_000 }, { maxRetries: 1 });
    await monque.start();
    const results = await monque.enqueueMany([1, 2, 3].map((data) => ({ name: 'index', data })));
    await clock.advance(3_000);
    const jobs = results.map((result) => (result as { readonly job: Job }).job);
    const ended = await Promise.all(jobs.map(({ _id }) => monque.getJob(_id) as Promise<Job>));
    expect(payloads(events, 'job:error').every(({ error }) => error instanceof Error)).toBe(true);
    await monque.stop();
    return ended;
  };
  const statuses = (jobs: readonly Job[]): string[] => jobs.map(({ status }) => status);

  test('for one job fails or spoils no other', async () => {
    const jobs = await run(() => [revoked(), 'fine', 3]);
    expect(jobs.slice(1)).toMatchObject([
      { status: 'completed', result: 'fine' },
      { status: 'completed', result: 3 },
    ]);
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    expect((await run(() => [circle, 'fine', 3]))[1]).toMatchObject({ result: 'fine' });
    const list = ['a', 'b', 'c'];
    Object.defineProperty(list, 1, {
      get: () => {
        throw new RangeError('no');
      },
    });
    const [first, second, third] = await run(() => list);
    expect([first, third]).toMatchObject([{ result: 'a' }, { result: 'c' }]);
    expect(second).toMatchObject({ status: 'failed', failReason: 'no' });
  });

  test('as an error of another realm, as in Jest, is the failure of its job', async () => {
    const [failed] = await run(() => [runInNewContext(`new TypeError('elsewhere')`), 2, 3]);
    expect(failed).toMatchObject({ status: 'failed', failReason: 'elsewhere' });
  });

  test('for a job that only looks like an outcome is its result', async () => {
    const looksLike = { brand: 'monque.HandlerOutcome', outcome: { kind: 'cancelled' } };
    const [first] = await run(() => [looksLike, 2, 3]);
    expect(first).toMatchObject({ status: 'completed', result: looksLike });
  });

  test('when it spoils the jobs it was given is recorded all the same', async () => {
    const jobs = await run((given) => {
      for (const job of given) {
        for (const field of Object.keys(job)) Reflect.set(job, field, 'spoilt');
      }
    });
    expect(statuses(jobs)).toEqual(['completed', 'completed', 'completed']);
  });
});

describe('what publish does', () => {
  test('to its messages, or throws, leaves them to be tried again and keeps no other back', async () => {
    const { monque, advance } = makeTestMonque({ maxRetries: 2, baseRetryInterval: 10 });
    const sent: string[] = [];
    const outbox = monque.outbox<number>('events', {
      publish: (messages) => {
        for (const message of messages) {
          const { key } = message;
          for (const field of Object.keys(message)) Reflect.set(message, field, 'spoilt');
          if (key === 'bad') throw revoked();
          sent.push(key);
        }
        (messages as unknown[]).length = 0;
      },
    });
    for (const key of ['a', 'bad', 'c']) await outbox.add({ key, data: 1 });
    await advance(60_000);
    const jobs = await monque.getJobs({ name: 'events' });
    expect(jobs.map(({ order, status }) => [order, status]).sort()).toEqual([
      ...[
        ['a', 'completed'],
        ['bad', 'failed'],
        ['c', 'completed'],
      ],
    ]);
    expect(new Set(sent)).toEqual(new Set(['a', 'c']));
    await monque.stop();
  });
});

test('half a character is refused by its path in every key and name of the later features', async () => {
  const { monque } = makeTestMonque();
  const half = '😀'.slice(0, 1);
  const job = { name: 'a' };
  const outbox = monque.outbox('events');
  const inbox = monque.inbox('done');
  const calls: Record<string, () => unknown> = {
    'options.order': () => monque.enqueue('a', 1, { order: half }),
    'options.group': () => monque.enqueue('a', 1, { group: half }),
    'message.key': () => outbox.add({ key: half, data: 1 }),
    'message.id': () => outbox.add({ key: 'a', id: half, data: 1 }),
    'message.data.data': () => outbox.add({ key: 'a', data: [half] }),
    id: () => monque.transaction((session) => inbox.once(half, session, () => undefined)),
    name: () => monque.outbox(half),
    'name of an inbox': () => monque.inbox(half),
    'flow.jobs': () => monque.enqueueFlow({ jobs: { [half]: job } }),
    'flow.jobs.b.after[0]': () =>
      monque.enqueueFlow({ jobs: { b: { ...job, after: [half as never] } } }),
    'flow.jobs.b.data': () => monque.enqueueFlow({ jobs: { b: { ...job, data: half } } }),
    'flow.jobs.b.name': () => monque.enqueueFlow({ jobs: { b: { name: half } } }),
    'options.uniqueKey': () => monque.enqueueFlow({ jobs: { b: job } }, { uniqueKey: half }),
    'options.limits': () => monque.worker('b', () => 1, { limits: [half] }),
    'options.deadLetter': () => monque.worker('c', () => 1, { deadLetter: half }),
    key: () => monque.setLimit(half, { concurrency: 1 }),
    group: () => monque.setGroup('a', half, { paused: true }),
  };
  for (const [what, call] of Object.entries(calls)) {
    const error: unknown = await (async () => call())().catch((thrown: unknown) => thrown);
    expect(String(error), what).toContain('well-formed Unicode');
    const [field = ''] = what.split(' ');
    expect(String((error as { readonly field?: string }).field), what).toContain(field);
  }
  await monque.stop();
});

test('values of another realm are taken in the options of the later features', async () => {
  const { monque } = makeTestMonque();
  const { worker, flow, enqueue, message, limit, group } = runInNewContext(`({
    worker: { limits: ['key'], limit: { concurrency: 1, rate: { limit: 1, per: 10 } } },
    flow: { jobs: { a: { name: 'a', data: { at: new Date(0) } }, b: { name: 'b', after: ['a'] } } },
    enqueue: { supersede: { key: 'k', running: 'finish' }, metadata: { a: 1 } },
    message: { key: 'k', data: { at: new Date(0), bytes: new Uint8Array(2) } },
    limit: { concurrency: 1 },
    group: { rate: { limit: 1, per: 1000 } },
  })`);
  await monque.setLimit('key', limit);
  await monque.setGroup('g', 'one', group);
  monque.worker('limited', () => 1, worker);
  const { jobs } = await monque.enqueueFlow(flow);
  expect((jobs.a as Job).data).toEqual({ at: new Date(0) });
  await monque.enqueue('ordered', 1, enqueue);
  expect(await monque.outbox('events').add(message)).toBe(true);
  const [stored] = await monque.getJobs({ name: 'events' });
  expect(stored?.data).toMatchObject({ data: { at: new Date(0) } });
  await monque.stop();
});

describe('one bad value', () => {
  test('in a flow of 10,000 jobs is named by its path, and nothing is stored', async () => {
    const { monque, faulty, ledger } = makeOne();
    const jobs = Object.fromEntries(
      Array.from({ length: 10_000 }, (_, index) => [`job ${index}`, { name: 'a', data: index }]),
    );
    const bad = { ...jobs, 'job 7777': { name: 'a', data: { deep: [nul] } } };
    await expect(monque.enqueueFlow({ jobs: bad as never })).rejects.toMatchObject({
      field: 'flow.jobs.job 7777.data.deep[0]',
    });
    expect([faulty.calls('openFlow'), faulty.calls('enqueue'), ledger.size]).toEqual([0, 0, 0]);
  });

  test('beside others in a session is named by its path, and the transaction goes on', async () => {
    const { monque } = makeTestMonque();
    await monque.transaction(async (session: Session) => {
      const entries = [
        { name: 'a', data: 1 },
        { name: 'a', data: nul },
      ];
      const refused = monque.enqueueMany(entries, { session });
      await expect(refused).rejects.toMatchObject({ field: 'entries[1].data' });
      const flow = { jobs: { x: { name: 'a', data: nul } } };
      await expect(monque.enqueueFlow(flow as never, { session })).rejects.toMatchObject({
        field: 'flow.jobs.x.data',
      });
      await monque.enqueue('a', 2, { session });
    });
    expect((await monque.getJobs({ name: 'a' })).map(({ data }) => data)).toEqual([2]);
    await monque.stop();
  });
});
