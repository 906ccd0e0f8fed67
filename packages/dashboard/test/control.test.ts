import { InMemoryLedgerRepository, Monque, type MonqueOptions } from '@monque/core';
import { describe, expect, test } from 'vitest';
import { until } from '../../core/test/setup/until.ts';
import { inMemory, TestDashboard } from './dashboards.ts';
import { everyRoute, NOBODY } from './every-route.ts';

function make(options: MonqueOptions = {}) {
  const monque = inMemory(options);
  const dashboard = new TestDashboard(monque);
  const post = (path: string, json: object) => dashboard.ask(path, { method: 'POST', json });
  const done = async (json: object) => {
    const begun = await post('operations', json);
    expect(begun.status).toBe(202);
    return until('its end', async () => {
      const { operation } = (await dashboard.ask(`operations/${begun.body.operation.id}`)).body;
      return operation.state === 'running' ? undefined : operation;
    });
  };
  return { monque, dashboard, post, done };
}

/** Handlers that end when they are told to. */
function held() {
  const waiting: (() => void)[] = [];
  return {
    work: () => new Promise<void>((resolve) => void waiting.push(resolve)),
    end: () => {
      for (const resolve of waiting.splice(0)) resolve();
    },
  };
}

describe('limits', () => {
  test('are set while jobs run, and tell who holds and who wants what', async () => {
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

  test('tell what waits and runs, the fullest of all or those of a name by page', async () => {
    const { dashboard, monque, end } = await grouped();
    const all = (await dashboard.ask('groups')).body;
    expect(all).toMatchObject({ names: ['sync'], next: null, isComplete: false });
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

  test('are paused and set, also back, and a paused one is told of', async () => {
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

describe('dead letters', () => {
  async function buried() {
    const made = make({ maxRetries: 1 });
    const fail = (job: { readonly data: unknown }) => {
      throw new Error(`order ${job.data} is gone`);
    };
    made.monque.worker('mail', fail, { deadLetter: 'dead' });
    made.monque.worker('call', () => Promise.reject(new Error('no line')), { deadLetter: 'dead' });
    await made.monque.start();
    await made.monque.enqueueMany([
      ...[1, 2, 3].map((data) => ({ name: 'mail', data })),
      { name: 'call' },
    ]);
    await until('all to be dead letters', async () => {
      return (await made.monque.getJobs({ name: 'dead' })).length === 4;
    });
    await made.monque.enqueue('dead', 'enqueued as such');
    return made;
  }

  test('are grouped by where they failed and why', async () => {
    const { dashboard, monque } = await buried();
    const { body } = await dashboard.ask('dead-letters');
    expect(body).toMatchObject({ names: ['dead'], examined: 5, isComplete: true });
    expect(body.groups).toMatchObject([
      {
        ...{ name: 'dead', source: 'mail', pattern: 'order <n> is gone', count: 3 },
        sample: { status: 'pending', source: { name: 'mail', failCount: 0 } },
      },
      { name: 'dead', source: 'call', pattern: 'no line', count: 1 },
    ]);
    const [mail] = body.groups;
    expect(mail.firstAt <= mail.lastAt).toBe(true);
    expect((await dashboard.ask('dead-letters?name=mail')).body).toMatchObject({ groups: [] });
    const cut = (await dashboard.ask('dead-letters?name=dead&window=2')).body;
    expect([cut.examined, cut.isComplete]).toEqual([2, false]);
    const listed = await dashboard.ask('jobs?name=dead&deadLettersOf=call');
    expect(listed.body.jobs).toMatchObject([{ source: { name: 'call', reason: 'no line' } }]);
    await monque.stop();
  });

  test('are redriven one by one, and all at a rate after they were counted', async () => {
    const { dashboard, monque, post, done } = await buried();
    const [first] = await monque.getJobs({ deadLettersOf: 'call' });
    await monque.stop();
    const one = await post(`jobs/${first?._id}/actions/redrive`, { reason: 'the line is back' });
    expect(one.body.job).toMatchObject({ name: 'call', status: 'pending' });
    const { entries } = (await dashboard.ask(`jobs/${first?._id}/history`)).body;
    expect(entries.at(-1)).toMatchObject({ reason: 'the line is back', by: 'ann' });
    expect((await post(`jobs/${first?._id}/actions/redrive`, {})).status).toBe(409);
    const filter = { name: 'dead' };
    const preview = await post('operations/preview', { kind: 'redrive', filter });
    // One of the five was enqueued under that name.
    expect(preview.body).toMatchObject({ count: { value: 3 }, byStatus: { pending: 3 } });
    const before = Date.now();
    const operation = await done({ kind: 'redrive', filter, perSecond: 0.1, reason: 'again' });
    expect(operation).toMatchObject({ state: 'done', matched: 3, changed: 3 });
    const due = (await monque.getJobs({ name: 'mail' })).map(({ nextRunAt }) =>
      nextRunAt.getTime(),
    );
    expect(Math.max(...due) - before).toBeGreaterThanOrEqual(20_000);
    const odd = await post('operations', { kind: 'retry', filter, perSecond: 1 });
    expect([odd.status, odd.body.field]).toEqual([400, 'perSecond']);
    const all = await done({ kind: 'redrive', filter: { all: true }, limit: 1 });
    expect(all).toMatchObject({ matched: 0 });
  });

  test('are looked for under no name where no worker has one', async () => {
    const { dashboard } = make();
    expect((await dashboard.ask('dead-letters')).body).toMatchObject({
      ...{ groups: [], names: [], examined: 0, isComplete: true },
    });
  });
});

describe('flows', () => {
  test('are found by their jobs, and tell what waits for what', async () => {
    const { monque, dashboard } = make();
    const flow = await monque.enqueueFlow(
      {
        jobs: {
          a: { name: 'extract' },
          b: { name: 'extract' },
          load: { name: 'load', after: ['a', { ref: 'b', onFailure: 'continue' }] },
          tell: { name: 'tell', after: [{ ref: 'load', onFailure: 'wait' }] },
        },
      },
      { uniqueKey: 'nightly' },
    );
    await monque.enqueueFlow({ jobs: { alone: { name: 'load' } } });
    const { flows, isComplete, next } = (await dashboard.ask('flows')).body;
    expect([flows.length, isComplete, next]).toEqual([2, true, null]);
    expect(flows[1]).toMatchObject({
      ...{ id: String(flow.id), state: 'running', size: 4, uniqueKey: 'nightly' },
      counts: { pending: 2, blocked: 2 },
    });
    const page = (await dashboard.ask('flows?limit=1')).body;
    expect(page.flows).toMatchObject([{ size: 1 }]);
    const second = (await dashboard.ask(`flows?limit=1&after=${page.next}`)).body;
    expect([second.flows[0].id, second.next]).toEqual([String(flow.id), null]);
    const cut = (await dashboard.ask('flows?window=1')).body;
    expect(cut.isComplete).toBe(false);
    const read = (await dashboard.ask(`flows/${flow.id}?limit=3`)).body;
    expect(read.jobs).toMatchObject([{ ref: 'a', flow: String(flow.id) }, { ref: 'b' }, {}]);
    const rest = (await dashboard.ask(`flows/${flow.id}?limit=3&after=${read.next}`)).body;
    expect([rest.jobs.length, rest.next]).toEqual([1, null]);
    const graph = (await dashboard.ask(`flows/${flow.id}/graph`)).body;
    expect(graph).toMatchObject({ examined: 4, isComplete: true });
    const refOf = (id: string) =>
      graph.nodes.find((node: { id: string }) => node.id === id).job.ref;
    type Edge = { from: string; to: string; onFailure: string };
    const told = graph.edges.map((edge: Edge) =>
      [refOf(edge.from), refOf(edge.to), edge.onFailure].join(' '),
    );
    expect(told.sort()).toEqual(['a load fail', 'b load continue', 'load tell wait']);
    expect(graph.nodes.map(({ level }: { level: number }) => level)).toEqual([0, 0, 1, 2]);
    const jobs = (await dashboard.ask(`jobs?flow=${flow.id}`)).body.jobs;
    expect(jobs).toHaveLength(4);
    const why = (await dashboard.ask(`jobs/${flow.jobs.load?._id}/explanation`)).body;
    expect(why.details.open).toMatchObject([{ ref: 'a', status: 'pending' }, { ref: 'b' }]);
  });

  test('are cancelled and redriven as a whole, after they were counted', async () => {
    const { monque, post, done } = make();
    const flow = await monque.enqueueFlow({
      jobs: { a: { name: 'x' }, b: { name: 'x', after: ['a'] } },
    });
    const filter = { flow: String(flow.id) };
    const preview = await post('operations/preview', { kind: 'cancelFlow', filter });
    expect(preview.body.byStatus).toEqual({ pending: 1, blocked: 1 });
    expect(await done({ kind: 'cancelFlow', filter })).toMatchObject({ changed: 2 });
    expect((await monque.getFlow(flow.id))?.state).toBe('cancelled');
    const again = await post('operations/preview', { kind: 'redriveFlow', filter });
    expect(again.body.byStatus).toEqual({ cancelled: 2 });
    expect(await done({ kind: 'redriveFlow', filter, reason: 'a mistake' })).toMatchObject({
      changed: 2,
    });
    expect((await monque.getFlow(flow.id))?.state).toBe('running');
    const odd = await post('operations', { kind: 'cancelFlow', filter: { ...filter, name: 'x' } });
    expect([odd.status, odd.body.field]).toEqual([400, 'filter']);
    const none = await post('operations', { kind: 'redriveFlow', filter: { all: true } });
    expect(none.status).toBe(400);
  });

  test('that are not there are a 404, and one without a record is left out of the list', async () => {
    const { monque, dashboard } = make();
    for (const path of [`flows/${NOBODY}`, `flows/${NOBODY}/graph`]) {
      expect((await dashboard.ask(path)).status).toBe(404);
    }
    expect((await dashboard.ask('flows/no-id')).status).toBe(400);
    await monque.enqueueFlow({ jobs: { a: { name: 'x' } } });
    const forgetful = new TestDashboard({
      ...{ health: () => monque.health(), metrics: () => monque.metrics() },
      inspect: () => monque.inspect(),
      as: (actor) => {
        const verbs = monque.as(actor);
        return {
          can: (verb: 'findJobs') => verbs.can(verb),
          getJobsWithCursor: (options: object) => verbs.getJobsWithCursor(options),
          getFlow: async () => null,
        };
      },
    });
    expect((await forgetful.ask('flows')).body.flows).toEqual([]);
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
