import { expect, test, vi } from 'vitest';
import { until } from '../../core/test/setup/until.ts';
import { type Answered, inMemory, TestDashboard } from './dashboards.ts';

async function ended(dashboard: TestDashboard, begun: Answered) {
  expect(begun.status).toBe(202);
  const path = `operations/${begun.body.operation.id}`;
  return until('its end', async () => {
    const { operation } = (await dashboard.ask(path)).body;
    return operation.state === 'running' ? undefined : operation;
  });
}

async function make(jobs: number) {
  const monque = inMemory();
  const dashboard = new TestDashboard(monque);
  const entries = Array.from({ length: jobs }, (_, n) => ({
    name: 'mail',
    data: n,
    options: { metadata: { even: n % 2 === 0 } },
  }));
  await monque.enqueueMany(entries);
  const begin = (json: object) => dashboard.ask('operations', { method: 'POST', json });
  return { monque, dashboard, begin };
}

test('a bulk action is counted first, up to a bound, and then done with its progress', async () => {
  const { dashboard, begin } = await make(1_200);
  const filter = { name: 'mail', status: 'pending' };
  const preview = (of: object) =>
    dashboard.ask('operations/preview', { method: 'POST', json: { kind: 'cancel', filter: of } });
  const all = (await preview(filter)).body;
  expect(all).toMatchObject({
    count: { value: 1_000, isAtLeast: true },
    byStatus: { pending: 1_000 },
  });
  expect(all.sample).toHaveLength(10);
  const half = (await preview({ ...filter, metadata: { even: true } })).body;
  expect(half.count).toEqual({ value: 600, isAtLeast: false });
  const operation = await ended(dashboard, await begin({ kind: 'cancel', filter }));
  expect(operation).toMatchObject({ state: 'done', matched: 1_200, changed: 1_200, left: [] });
  const again = await ended(dashboard, await begin({ kind: 'retry', filter: { all: true } }));
  expect(again).toMatchObject({ changed: 1_200 });
  const none = await ended(dashboard, await begin({ kind: 'retry', filter: { all: true } }));
  expect(none).toMatchObject({ changed: 0, left: [{ reason: 'pending', count: 1_200 }] });
  const listed = (await dashboard.ask('operations')).body.operations;
  expect(listed).toHaveLength(3);
  expect(listed[0].id).toBe(none.id);
});

test('each state that is named is counted by itself, and all are read where none is', async () => {
  const { monque, dashboard } = await make(1_200);
  await monque.cancelJobs({ metadata: { even: true } });
  const asked = async (filter: object, kind = 'delete') => {
    const json = { kind, filter };
    return (await dashboard.ask('operations/preview', { method: 'POST', json })).body;
  };
  const both = await asked({ status: ['pending', 'cancelled', 'failed', 'pending'] });
  expect(both).toMatchObject({ count: { value: 1_000, isAtLeast: true } });
  // Both are below the bound, their sum is not.
  expect(both.byStatus).toEqual({ pending: 600, cancelled: 600 });
  expect(both.sample).toHaveLength(10);
  const one = await asked({ status: 'cancelled' });
  expect(one.count).toEqual({ value: 600, isAtLeast: false });
  const all = await asked({ name: 'mail' });
  expect(all).toMatchObject({
    count: { value: 1_000, isAtLeast: true },
    byStatus: { pending: 500, cancelled: 500 },
  });
  expect((await asked({ status: 'failed' })).byStatus).toEqual({});
  const letters = await asked({ deadLettersOf: 'call' }, 'redrive');
  expect(letters).toMatchObject({ count: { value: 0, isAtLeast: false }, byStatus: {} });
});

test('it is for the jobs that were selected, each once, whatever became of them', async () => {
  const { monque, dashboard, begin } = await make(3);
  const [first, second] = await monque.getJobs();
  const gone = '64b0c0ffee64b0c0ffee64b0';
  const ids = [String(first?._id), String(first?._id).toUpperCase(), String(second?._id), gone];
  const json = { kind: 'delete', filter: { ids } };
  const preview = await dashboard.ask('operations/preview', { method: 'POST', json });
  expect(preview.body.count).toEqual({ value: 2, isAtLeast: false });
  const operation = await ended(dashboard, await begin(json));
  expect(operation).toMatchObject({ matched: 2, changed: 2, left: [] });
  expect(await monque.getJobs()).toHaveLength(1);
});

test('it ends at its limit, and soon after it is aborted', async () => {
  const { monque, dashboard, begin } = await make(2_000);
  const filter = { all: true };
  const some = await ended(dashboard, await begin({ kind: 'cancel', filter, limit: 700 }));
  expect(some).toMatchObject({ state: 'done', matched: 700 });
  const begun = await begin({ kind: 'delete', filter });
  const { id } = begun.body.operation;
  const aborted = await dashboard.ask(`operations/${id}`, { method: 'DELETE' });
  expect(aborted.status).toBe(200);
  expect((await ended(dashboard, begun)).state).toBe('aborted');
  expect((await monque.getJobs({ limit: 2_000 })).length).toBeGreaterThan(0);
});

test('it chooses jobs by the beginning of their failure', async () => {
  const monque = inMemory({ maxRetries: 1 });
  const dashboard = new TestDashboard(monque);
  monque.worker<string>('mail', ({ data }) => {
    throw new Error(data);
  });
  await monque.start();
  for (const data of ['Mailbox 1 is full', 'Mailbox 2 is full', 'No route']) {
    await monque.waitFor(await monque.enqueue('mail', data)).catch(() => undefined);
  }
  const filter = { status: 'failed', failReason: 'Mailbox ' };
  const json = { kind: 'retry', filter };
  const preview = await dashboard.ask('operations/preview', { method: 'POST', json });
  expect(preview.body.count.value).toBe(2);
  await monque.stop();
  const operation = await ended(
    dashboard,
    await dashboard.ask('operations', { method: 'POST', json }),
  );
  expect(operation.changed).toBe(2);
});

test('every job is meant only when that is said', async () => {
  const { dashboard, begin } = await make(1);
  for (const filter of [undefined, {}]) {
    const refused = await begin({ kind: 'delete', ...(filter && { filter }) });
    expect([refused.status, refused.body.field]).toEqual([400, 'filter']);
  }
  const ids = ['64b0c0ffee64b0c0ffee64b0'];
  const both = await begin({ kind: 'delete', filter: { ids, name: 'mail' } });
  expect([both.status, both.body.field]).toEqual([400, 'filter.ids']);
  const audit = await begin({ kind: 'audit', filter: { all: true } });
  expect([audit.status, audit.body.field]).toEqual([400, 'filter']);
  expect((await dashboard.ask('operations/none')).status).toBe(404);
});

test('an audit takes nothing that narrows it', async () => {
  const { begin } = await make(1);
  for (const more of [{ filter: { all: true } }, { limit: 1 }, { perSecond: 1 }, { reason: 'x' }]) {
    const { status, body } = await begin({ kind: 'audit', ...more });
    expect([status, body.field]).toEqual([400, Object.keys(more)[0]]);
  }
});

test('an audit reports what it found', async () => {
  const { dashboard, begin } = await make(3);
  const operation = await ended(dashboard, await begin({ kind: 'audit' }));
  expect(operation).toMatchObject({
    state: 'done',
    matched: 3,
    audit: { audited: 3, repaired: 0, isComplete: true, findings: [] },
  });
});

test('what makes it fail is reported, and harms nobody', async () => {
  const { monque, dashboard, begin } = await make(1);
  vi.spyOn(monque, 'as').mockImplementationOnce((actor) => {
    const verbs = Object.getPrototypeOf(monque).as.call(monque, actor);
    const broken = { deleteJobs: () => Promise.reject(new Error('a fault')) };
    return Object.assign(Object.create(verbs), {
      ...broken,
      can: async () => true,
    });
  });
  const operation = await ended(dashboard, await begin({ kind: 'delete', filter: { all: true } }));
  expect(operation).toMatchObject({ state: 'failed', problem: { code: 'INTERNAL' } });
});

test('few go on at a time, and the next is told to wait', async () => {
  const { dashboard, begin } = await make(2_000);
  const filter = { all: true };
  const begun = [];
  for (let index = 0; index < 4; index += 1) begun.push(await begin({ kind: 'cancel', filter }));
  const refused = await begin({ kind: 'cancel', filter });
  expect([refused.status, refused.body.code]).toEqual([503, 'BUSY']);
  for (const one of begun) await ended(dashboard, one);
});
