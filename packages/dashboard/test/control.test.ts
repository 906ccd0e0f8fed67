import { InMemoryLedgerRepository, Monque, type MonqueOptions } from '@monque/core';
import { describe, expect, test } from 'vitest';
import { until } from '../../core/test/setup/until.ts';
import { held, make } from './control-kit.ts';
import { inMemory, TestDashboard } from './dashboards.ts';
import { everyRoute } from './every-route.ts';

describe('limits', () => {
  test('are set while jobs run, and show who holds and who wants what', async () => {
    const { work, end } = held();
    const ledger = new InMemoryLedgerRepository();
    const instances = [1, 2].map(() => new Monque(ledger, { logger: false }));
    const [monque] = instances as [Monque];
    const dashboard = new TestDashboard(monque);
    const set = (json: object) => dashboard.ask('limits', { method: 'PUT', json });
    const made = await set({ key: 'api', concurrency: 1, reason: 'a quota' });
    expect(made.body.limit).toEqual({
      ...{ key: 'api', isOfWorker: false, concurrency: 1, held: 0, wanted: 0, free: 1 },
      holders: [],
    });
    for (const one of instances) {
      one.worker('call', work, { limits: ['api'] });
      one.worker('own', () => 1, { limit: { concurrency: 2 } });
      await one.start();
    }
    await monque.enqueueMany([{ name: 'call' }, { name: 'call' }]);
    const row = await until('one that waits', async () => {
      const { limits } = (await dashboard.ask('limits')).body;
      return limits.find((limit: { wanted: number }) => limit.wanted > 0);
    });
    expect(row).toMatchObject({ key: 'api', held: 1, free: 0 });
    expect(row.holders.some(({ wants }: { wants: number }) => wants > 0)).toBe(true);
    const rate = { limit: 5, per: 1_000, burst: 7 };
    const raised = await set({ key: 'api', concurrency: 2, rate });
    expect(raised.body.limit).toMatchObject({ concurrency: 2, rate });
    await until('both to run', async () => {
      return (await monque.getJobs({ status: 'processing' })).length === 2;
    });
    const started = (await dashboard.ask('limits')).body.limits;
    expect(started).toMatchObject([{ nextStartAt: expect.any(String) }, { isOfWorker: true }]);
    end();
    await Promise.all(instances.map((one) => one.stop()));
    const activity = (await dashboard.ask('activity')).body.entries;
    expect(activity[0]).toMatchObject({ action: 'setLimit', outcome: 'done', actor: 'ann' });
  });

  test('come by page, and one that cannot be is refused with its field', async () => {
    const { monque, dashboard } = make();
    for (const key of ['c', 'a', 'b']) await monque.setLimit(key, { concurrency: 1 });
    const first = (await dashboard.ask('limits?limit=2')).body;
    expect([first.limits.map(({ key }: { key: string }) => key), first.next]).toEqual([
      ['a', 'b'],
      'b',
    ]);
    const second = (await dashboard.ask('limits?limit=2&after=b')).body;
    expect([second.limits.map(({ key }: { key: string }) => key), second.next]).toEqual([
      ['c'],
      null,
    ]);
    const refused = await dashboard.ask('limits', { method: 'PUT', json: { key: 'worker:mail' } });
    expect([refused.status, refused.body.field]).toEqual([400, 'key']);
    const odd = { key: 'a', rate: { limit: 100, per: 1 } };
    const fast = await dashboard.ask('limits', { method: 'PUT', json: odd });
    expect([fast.status, fast.body.field]).toEqual([400, 'limit.rate']);
  });

  test('that were backed off from say until when, and one that is not stored yet holds nothing', async () => {
    const { monque, dashboard } = make();
    await monque.setLimit('api', {});
    monque.worker('call', (_job, { backOff }) => backOff('api', 60_000), { limits: ['api'] });
    await monque.start();
    await monque.waitFor(await monque.enqueue('call'));
    const { limits, at } = (await dashboard.ask('limits')).body;
    expect(Date.parse(limits[0].blockedUntil)).toBeGreaterThan(Date.parse(at));
    await monque.stop();
    const source = inMemory();
    const forgetful = new TestDashboard({
      ...{ health: () => source.health(), metrics: () => source.metrics() },
      inspect: () => source.inspect(),
      as: (actor) => ({
        ...{ limits: async () => [], setLimit: async () => {} },
        can: (verb: 'findJobs') => source.as(actor).can(verb),
      }),
    });
    const answered = await forgetful.ask('limits', { method: 'PUT', json: { key: 'new' } });
    expect(answered.body.limit).toMatchObject({ key: 'new', held: 0, holders: [] });
  });
});

describe('groups', () => {
  async function grouped() {
    const made = make();
    const { work, end } = held();
    made.monque.worker('sync', work, { groups: { concurrency: 1 }, concurrency: 5 });
    await made.monque.start();
    await made.monque.enqueueMany(
      ['acme', 'acme', 'acme', 'globex', 'hooli'].map((group) => ({
        name: 'sync',
        options: { group },
      })),
    );
    await until('one of each to run', async () => {
      return (await made.monque.getJobs({ status: 'processing' })).length === 3;
    });
    return { ...made, end };
  }

  test('show what waits and runs, the fullest of all or those of a name by page', async () => {
    const { dashboard, monque, end } = await grouped();
    const all = (await dashboard.ask('groups')).body;
    expect(all).toMatchObject({
      names: ['sync'],
      next: null,
      groupsAreCut: false,
      isComplete: false,
    });
    expect(all.groups[0]).toMatchObject({
      ...{ name: 'sync', group: 'acme', running: 1, paused: false, concurrency: 1 },
      ...{ waiting: { value: 2, isAtLeast: false }, oldestDueAt: expect.any(String) },
      holders: [expect.stringMatching(/^[0-9a-f]{24}$/)],
    });
    const pages: string[][] = [];
    let next: string | null = '';
    for (let after = ''; next !== null; after = `&after=${next}`) {
      const { body } = await dashboard.ask(`groups?name=sync&limit=2${after}`);
      pages.push(body.groups.map(({ group }: { group: string }) => group));
      next = body.next;
      expect(body.isComplete).toBe(next === null);
    }
    expect(pages.map(({ length }) => length)).toEqual([2, 1]);
    expect(pages.flat().sort()).toEqual(['acme', 'globex', 'hooli']);
    expect((await dashboard.ask('jobs?name=sync&group=acme')).body.jobs).toHaveLength(3);
    await monque.setGroup('sync', 'globex', { rate: { limit: 1, per: 60_000 }, concurrency: null });
    end();
    await monque.enqueue('sync', 1, { group: 'globex' });
    await until('its next start to be known', async () => {
      const { body } = await dashboard.ask('groups?name=sync');
      return body.groups.some(({ nextStartAt }: { nextStartAt?: string }) => nextStartAt);
    });
    end();
    await monque.stop();
  });

  test('are paused and set, also back, and a paused one is shown', async () => {
    const { dashboard, monque, end } = await grouped();
    const set = (json: object) =>
      dashboard.ask('groups', { method: 'PATCH', json: { name: 'sync', group: 'acme', ...json } });
    const rate = { limit: 1, per: 2_000 };
    const answered = await set({ paused: true, weight: 3, rate, reason: 'they asked for it' });
    expect(answered.body).toMatchObject({ name: 'sync', group: 'acme' });
    const [group] = (await dashboard.ask('groups')).body.groups;
    expect(group).toMatchObject({ paused: true, weight: 3, rate: { ...rate, burst: 1 } });
    const { attention } = (await dashboard.ask('overview')).body;
    expect(attention).toMatchObject([
      { kind: 'pausedGroup', name: 'sync', count: { value: 2, isAtLeast: false } },
    ]);
    await set({ paused: false, weight: null, rate: null, concurrency: 9 });
    const acme = await until('the others of the group', async () => {
      const { groups } = (await dashboard.ask('groups?name=sync')).body;
      return groups.find(({ running }: { running: number }) => running === 3);
    });
    expect(acme).toMatchObject({ group: 'acme', concurrency: 9, paused: false });
    expect([acme.weight, acme.rate]).toEqual([undefined, undefined]);
    end();
    await monque.stop();
  });
});

describe('orders', () => {
  async function ordered(keys: readonly string[]) {
    const made = make({ maxRetries: 1 });
    made.monque.worker(
      'ship',
      ({ data }) => {
        if (data === 'fails') throw new Error('no truck');
      },
      { order: { whenFailed: 'halt' } },
    );
    await made.monque.start();
    for (const order of keys) {
      await made.monque.enqueue('ship', 'fails', { order });
      await made.monque.enqueue('ship', 'next', { order });
    }
    await until('each to be halted', async () => {
      return (
        (await made.monque.orders('ship', { halted: true, limit: 1_000 })).length === keys.length
      );
    });
    return made;
  }

  test('say which job holds them up, and go on when it is deleted', async () => {
    const { dashboard, monque } = await ordered(['a', 'b', 'c']);
    const all = (await dashboard.ask('orders')).body;
    expect(all).toMatchObject({ namesExamined: 1, isComplete: true, next: null });
    expect(all.orders).toHaveLength(3);
    expect(all.orders[0]).toMatchObject({
      ...{ name: 'ship', status: 'failed', isHalted: true },
      waiting: { value: 1, isAtLeast: false },
    });
    const first = (await dashboard.ask('orders?name=ship&halted=true&limit=2')).body;
    expect([first.orders.length, first.isComplete]).toEqual([2, false]);
    const rest = (await dashboard.ask(`orders?name=ship&limit=2&after=${first.next}`)).body;
    expect([rest.orders.length, rest.next, rest.isComplete]).toEqual([1, null, true]);
    const { order, jobId } = all.orders[0];
    const of = (await dashboard.ask(`jobs?name=ship&order=${order}`)).body.jobs;
    expect(of.map((job: { order: string }) => job.order)).toEqual([order, order]);
    expect((await dashboard.ask(`jobs?order=${order}`)).body.code).toBe('WOULD_SCAN');
    await dashboard.ask(`jobs/${jobId}`, { method: 'DELETE' });
    await until('the next to be done', async () => {
      return (await monque.getJobs({ order, status: 'completed' })).length === 1;
    });
    expect((await dashboard.ask('orders?halted=true')).body.orders).toHaveLength(2);
    await monque.stop();
  });

  test('of many keys are cut, and that is said', async () => {
    const keys = Array.from({ length: 21 }, (_, index) => `k${index}`);
    const { dashboard, monque } = await ordered(keys);
    const { orders, isComplete } = (await dashboard.ask('orders')).body;
    expect([orders.length, isComplete]).toEqual([20, false]);
    await monque.stop();
  });
});

test('what was stored as a key or a name of a place is taken out where it is shown', async () => {
  const secret = 'ann@example.com';
  const monque = inMemory({ maxRetries: 1 });
  const { work, end } = held();
  monque.worker('sync', work, { groups: { concurrency: 1 } });
  monque.worker('ship', () => Promise.reject(new Error('no truck')), {
    order: { whenFailed: 'halt' },
  });
  monque.worker('mail', () => Promise.reject(new Error(secret)), { deadLetter: 'dead' });
  await monque.start();
  const jobs: { readonly _id: unknown }[] = [
    await monque.enqueue('sync', 1, { group: secret }),
    await monque.enqueue('sync', 2, { group: secret }),
    await monque.enqueue('ship', 1, { order: secret }),
    await monque.enqueue('ship', 2, { order: secret }),
    await monque.enqueue('mail', 1, { uniqueKey: secret }),
  ];
  await monque.enqueue('ship', 1, { order: `${secret} 2` });
  await monque.setGroup('sync', `${secret} 2`, { paused: true });
  const flow = await monque.enqueueFlow({
    jobs: { [secret]: { name: 'other' }, b: { name: 'other', after: [secret] } },
  });
  jobs.push(...Object.values(flow.jobs).flatMap((job) => job ?? []));
  await until('all to be where they stay', async () => {
    const halted = await monque.orders('ship', { halted: true });
    const [dead] = await monque.getJobs({ name: 'dead' });
    const [group] = await monque.groups('sync');
    return halted.length === 2 && dead && group;
  });
  const dashboard = new TestDashboard(monque, {
    redact: (value, { field }) => (field === 'data' ? value : '[hidden]'),
  });
  const paths = [
    ...jobs.flatMap(({ _id }) => ['', '/raw', '/explanation'].map((end) => `jobs/${_id}${end}`)),
    ...['groups', 'groups?name=sync', 'groups?name=sync&limit=1', 'orders', 'orders?name=ship'],
    ...['orders?name=ship&limit=1', 'dead-letters', 'flows', `flows/${flow.id}`, 'reasons'],
    ...[`flows/${flow.id}/graph`, 'jobs', 'overview'],
  ];
  for (const path of paths) {
    const { status, body } = await dashboard.ask(path);
    expect([path, status]).toEqual([path, 200]);
    expect(JSON.stringify(body), path).not.toContain('ann@');
  }
  const cut = (await dashboard.ask('groups?name=sync&limit=1')).body;
  expect([cut.groups[0].isRedacted, cut.next, cut.isComplete]).toEqual([true, null, false]);
  const orders = (await dashboard.ask('orders?name=ship&limit=1')).body;
  expect([orders.next, orders.isComplete]).toEqual([null, false]);
  const raw = (await dashboard.ask(`jobs/${jobs[0]?._id}/raw`)).body.document;
  expect(raw.lane).toMatch(/^g[0-9a-f]{8}:\[hidden\]$/);
  end();
  await monque.stop();
});

test('an actor of some names sees groups, orders and dead letters of these, and no limits and flows', async () => {
  const may: NonNullable<MonqueOptions['access']>['may'] = ({ actor, name }) =>
    actor === 'root' || name === 'mail' || name === 'dead-mail';
  const monque = Monque.inMemory({ logger: false, maxRetries: 1, access: { may } });
  const fails = () => Promise.reject(new Error('no'));
  monque.worker('mail', fails, { groups: {}, deadLetter: 'dead-mail' });
  monque.worker('secret-plan', fails, { groups: {}, deadLetter: 'dead-plan' });
  await monque.start();
  await monque.enqueue('mail');
  await monque.enqueue('secret-plan');
  for (const name of ['mail', 'secret-plan']) {
    await monque.enqueue(name, 1, { group: 'acme', delay: 60_000 });
    await monque.setGroup(name, 'acme', { paused: true });
  }
  const flow = await monque.enqueueFlow({ jobs: { a: { name: 'secret-plan' } } });
  await until('both dead letters', async () => {
    return (await monque.getJobs({ name: ['dead-mail', 'dead-plan'] })).length >= 2;
  });
  const dashboard = new TestDashboard(monque, { actor: () => 'eve' });
  expect((await dashboard.ask('groups')).body).toMatchObject({
    ...{ names: ['mail'], groups: [{ name: 'mail', group: 'acme' }] },
  });
  expect((await dashboard.ask('dead-letters')).body).toMatchObject({
    ...{ names: ['dead-mail'], groups: [{ source: 'mail' }] },
  });
  const { attention } = (await dashboard.ask('overview')).body;
  expect(JSON.stringify(attention)).not.toContain('secret-plan');
  for (const path of ['limits', 'flows', `flows/${flow.id}`, 'groups?name=secret-plan']) {
    expect((await dashboard.ask(path)).status, path).toBe(403);
  }
  expect((await dashboard.ask('orders?name=secret-plan')).status).toBe(403);
  const features = async (of: TestDashboard) => (await of.ask('capabilities')).body.features;
  expect(await features(dashboard)).not.toContain('flows');
  expect(await features(new TestDashboard(monque, { actor: () => 'root' }))).toContain('flows');
  const routes = everyRoute(String(flow.jobs.a?._id)).filter(({ route }) => route.changes);
  const group = routes.find(({ routeId }) => routeId === 'setGroup');
  const json = { ...Object(group?.asking.json), name: 'secret-plan' };
  expect((await dashboard.ask('groups', { method: 'PATCH', json })).status).toBe(403);
  await monque.stop();
});
