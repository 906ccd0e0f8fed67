import { gate, type MonqueOptions, stage } from '@monque/core';
import { afterEach, describe, expect, test } from 'vitest';
import { until } from '../../core/test/setup/until.ts';
import { inMemory, TestDashboard } from './dashboards.ts';

const stops: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

function make(options: MonqueOptions = {}, more = {}) {
  const monque = inMemory(options);
  stops.push(() => monque.stop());
  return { monque, dashboard: new TestDashboard(monque, more) };
}

describe('a job', () => {
  test('is enqueued, read, explained, moved, cancelled, retried and deleted', async () => {
    const { dashboard } = make();
    const stored = await dashboard.ask('jobs', {
      method: 'POST',
      json: {
        name: 'mail',
        data: { to: 'user@example.com' },
        priority: 5,
        metadata: { tenant: 'acme' },
        uniqueKey: 'k',
        delay: 60_000,
      },
    });
    expect(stored.body.job).toMatchObject({
      name: 'mail',
      status: 'pending',
      priority: 5,
      data: { to: 'user@example.com' },
      metadata: { tenant: 'acme' },
      uniqueKey: 'k',
    });
    const { id } = stored.body.job;
    const read = await dashboard.ask(`jobs/${id}`);
    expect(read.body.job).toEqual(stored.body.job);
    const why = await dashboard.ask(`jobs/${id}/explanation`);
    expect(why.body).toMatchObject({ jobId: id, state: 'pending', reason: 'notDue' });
    const runAt = '2030-01-01T00:00:00.000Z';
    const moved = await dashboard.ask(`jobs/${id}/actions/reschedule`, {
      method: 'POST',
      json: { runAt },
    });
    expect(moved.body.job.nextRunAt).toBe(runAt);
    const cancelled = await dashboard.ask(`jobs/${id}/actions/cancel`, {
      method: 'POST',
      json: { reason: 'wrong address' },
    });
    expect(cancelled.body.job.status).toBe('cancelled');
    const again = await dashboard.ask(`jobs/${id}/actions/retry`, { method: 'POST' });
    expect(again.body.job.status).toBe('pending');
    const history = await dashboard.ask(`jobs/${id}/history?limit=10`);
    expect(history.body.entries).toMatchObject([
      { verb: 'amend', by: 'ann' },
      { verb: 'cancel', by: 'ann', reason: 'wrong address' },
      { verb: 'redrive', by: 'ann' },
    ]);
    const changed = await dashboard.ask(`jobs/${id}/metadata`, {
      method: 'PATCH',
      json: { changes: { tenant: null, order: 7 } },
    });
    expect(changed.body.job.metadata).toEqual({ order: 7 });
    const gone = await dashboard.ask(`jobs/${id}`, { method: 'DELETE' });
    expect(gone.body.deleted).toBe(true);
    expect((await dashboard.ask(`jobs/${id}`)).status).toBe(404);
    expect((await dashboard.ask(`jobs/${id}`, { method: 'DELETE' })).status).toBe(404);
    const missing = await dashboard.ask(`jobs/${id}/explanation`);
    expect(missing.body.state).toBe('missing');
    expect((await dashboard.ask(`jobs/${id}/history`)).body.entries).toEqual([]);
  });

  test('that does not allow a verb answers with its state and advice', async () => {
    const { dashboard, monque } = make();
    const job = await monque.enqueue('mail');
    const path = `jobs/${job._id}`;
    const refused = await dashboard.ask(`${path}/actions/retry`, { method: 'POST' });
    expect(refused.status).toBe(409);
    expect(refused.body).toMatchObject({
      code: 'JOB_STATE',
      jobStatus: 'pending',
      jobId: String(job._id),
      advice: expect.stringContaining('Read the job again'),
    });
  });

  test('whose unique key is taken names the holder', async () => {
    const { dashboard, monque } = make();
    const holder = await monque.enqueue('mail', 1, { uniqueKey: 'k' });
    const refused = await dashboard.ask('jobs', {
      method: 'POST',
      json: { name: 'mail', uniqueKey: 'k', whenTaken: 'throw' },
    });
    expect(refused.status).toBe(409);
    expect(refused.body).toMatchObject({ code: 'UNIQUE_KEY_TAKEN', holderId: String(holder._id) });
  });

  test('that waits at a gate shows its stages, and goes on with evidence', async () => {
    const { dashboard, monque } = make();
    monque.worker('import', {
      stages: [stage('load', () => 41), gate('checked'), stage('write', () => 42)],
    });
    await monque.start();
    const { _id } = await monque.enqueue('import');
    const at = async () => (await dashboard.ask(`jobs/${_id}`)).body.job;
    await until('the gate', async () => (await at()).status === 'blocked');
    expect(await at()).toMatchObject({
      blockedBy: 'checked',
      stages: [{ name: 'load', result: 41 }],
    });
    const opened = await dashboard.ask(`jobs/${_id}/actions/open-gate`, {
      method: 'POST',
      json: { gate: 'checked', evidence: { seal: { $numberLong: '9007199254740993' } } },
    });
    expect(opened.body.job.gates).toMatchObject([
      { name: 'checked', by: 'ann', evidence: { seal: { $numberLong: '9007199254740993' } } },
    ]);
    await until('its end', async () => (await at()).status === 'completed');
    expect((await at()).result).toBe(42);
    const raw = await dashboard.ask(`jobs/${_id}/raw`);
    expect(raw.body.document).toMatchObject({
      _id: { $oid: String(_id) },
      status: 'completed',
      gates: [{ name: 'checked', at: { $date: expect.any(String) } }],
    });
  });
});

describe('a list', () => {
  test('is filtered, ordered and read page by page, to and fro', async () => {
    const { dashboard, monque } = make();
    for (let index = 0; index < 5; index += 1) {
      await monque.enqueue('mail', index, { metadata: { n: index, tenant: 'acme' } });
    }
    await monque.enqueue('other');
    const first = await dashboard.ask('jobs?name=mail&limit=2');
    expect(first.body.jobs).toHaveLength(2);
    expect(first.body.previousCursor).toBeNull();
    const second = await dashboard.ask(`jobs?name=mail&limit=2&cursor=${first.body.nextCursor}`);
    const back = await dashboard.ask(`jobs?name=mail&limit=2&cursor=${second.body.previousCursor}`);
    expect(back.body.jobs).toEqual(first.body.jobs);
    const both = await dashboard.ask('jobs?name=mail&name=other&status=pending&status=failed');
    expect(both.body.jobs).toHaveLength(6);
    const one = await dashboard.ask('jobs?name=mail&meta.n=3&meta.tenant=acme');
    expect(one.body.jobs.map((job: { metadata: unknown }) => job.metadata)).toEqual([
      { n: 3, tenant: 'acme' },
    ]);
    expect((await dashboard.ask('jobs?name=mail&meta.n=%223%22')).body.jobs).toEqual([]);
    const none = await dashboard.ask('jobs?createdBefore=2000-01-01T00:00:00Z&name=mail');
    expect(none.body.jobs).toEqual([]);
  });

  test('that no index serves is refused, with what to do, until it says that it scans', async () => {
    const { dashboard, monque } = make();
    await monque.enqueue('mail', 1, { uniqueKey: 'k' });
    for (const query of ['orderBy=updatedAt', 'uniqueKey=k', 'meta.a=1']) {
      const refused = await dashboard.ask(`jobs?${query}`);
      expect(refused.status).toBe(400);
      expect(refused.body).toMatchObject({ code: 'WOULD_SCAN', advice: expect.any(String) });
      expect((await dashboard.ask(`jobs?${query}&scan=true`)).status).toBe(200);
    }
    expect((await dashboard.ask('jobs?uniqueKey=k&name=mail')).body.jobs).toHaveLength(1);
  });

  test.each([
    ['jobs?limit=0', 'limit'],
    ['jobs?limit=x', 'limit'],
    ['jobs?limit=1&limit=2', 'limit'],
    ['jobs?status=unheard', 'status'],
    ['jobs?unknown=1', 'unknown'],
    ['jobs?createdFrom=yesterday', 'createdFrom'],
    ['jobs?cursor=nonsense', 'options.cursor'],
    ['jobs?archived=maybe', 'archived'],
    ['jobs/xyz', 'id'],
    ['errors?window=0', 'window'],
    ['cron', 'expression'],
  ])('%s is refused and names %s', async (path, field) => {
    const { status, body } = await make().dashboard.ask(path);
    expect(status).toBe(400);
    expect(body.field).toBe(field);
  });

  test.each([
    [{}, 'name'],
    [{ name: '' }, 'name'],
    [{ name: 'a', priority: 1_000 }, 'priority'],
    [{ name: 'a', unknown: 1 }, 'unknown'],
    [{ name: 'a', backoff: { type: 'fixed' } }, 'backoff.delay'],
    [{ name: 'a', data: { x: { $oid: 'zz' } } }, 'data.x'],
    [{ name: 'a', data: { x: [{ $redacted: true }] } }, 'data.x[0]'],
    [{ name: 'a', metadata: { 'a.b': 1 } }, 'options.metadata'],
    [{ name: 'a', runAt: '2030-01-01T00:00:00Z', delay: 1 }, 'options.delay'],
  ])('a job of %j is refused and names %s', async (json, field) => {
    const { dashboard } = make();
    const { status, body } = await dashboard.ask('jobs', { method: 'POST', json });
    expect([status, body.field]).toEqual([400, field]);
  });
});

describe('names', () => {
  test('are paused and resumed, and that is seen at once', async () => {
    const { dashboard, monque } = make();
    await monque.enqueue('mail');
    expect((await dashboard.ask('names')).body.names).toMatchObject([
      { name: 'mail', isPaused: false, due: { value: 1, isAtLeast: false } },
    ]);
    const json = { name: 'mail' };
    await dashboard.ask('names/actions/pause', { method: 'POST', json });
    expect((await dashboard.ask('names')).body.names).toMatchObject([
      { isPaused: true, pausedBy: 'ann', pausedAt: expect.any(String) },
    ]);
    const overview = await dashboard.ask('overview');
    expect(overview.body.attention).toMatchObject([{ kind: 'noInstance', severity: 'critical' }]);
    await dashboard.ask('names/actions/resume', { method: 'POST', json });
    expect((await dashboard.ask('names')).body.names).toMatchObject([{ isPaused: false }]);
  });
});

describe('a series', () => {
  test('is made, changed, listed, run, skipped and ended', async () => {
    const { dashboard, monque } = make();
    const json = { name: 'report', cron: '0 9 * * 1-5', uniqueKey: 'daily', data: { a: 1 } };
    const made = await dashboard.ask('series', { method: 'PUT', json });
    expect(made.body.series).toMatchObject({
      name: 'report',
      cron: '0 9 * * 1-5',
      inWords: 'At 09:00, Monday through Friday',
      timezone: 'UTC',
      data: { a: 1 },
    });
    expect(made.body.next).toHaveLength(5);
    const { id } = made.body.series;
    const zone = { ...json, timezone: 'Europe/Berlin', metadata: { team: 'x' }, missed: 'skip' };
    const changed = await dashboard.ask('series', { method: 'PUT', json: zone });
    expect(changed.body.series).toMatchObject({ id, timezone: 'Europe/Berlin', missed: 'skip' });
    const listed = await dashboard.ask('series?name=report');
    expect(listed.body.series).toMatchObject([{ id }]);
    expect((await dashboard.ask('series')).body.series).toHaveLength(1);
    const skipped = await dashboard.ask(`series/${id}/actions/skip`, { method: 'POST' });
    expect(skipped.body.series.scheduledFor > changed.body.series.scheduledFor).toBe(true);
    const run = await dashboard.ask(`series/${id}/actions/run`, { method: 'POST' });
    expect(run.body.series.nextRunAt < run.body.series.scheduledFor).toBe(true);
    const calendar = await dashboard.ask(`series/${id}/occurrences`);
    const states = calendar.body.occurrences.map(({ state }: { state: string }) => state);
    expect(states).toContain('planned');
    expect(states).toContain('skipped');
    expect(calendar.body.isRecorded).toBe(false);
    const ended = await dashboard.ask(`series/${id}`, { method: 'DELETE' });
    expect(ended.body.ended).toBe(1);
    expect((await dashboard.ask(`series/${id}`)).status).toBe(404);
    expect(await monque.getSchedules()).toEqual([]);
  });

  test('with an expression that cannot be read says where the fault is', async () => {
    const { dashboard } = make();
    const json = { name: 'report', cron: '0 25 * * *' };
    const { status, body } = await dashboard.ask('series', { method: 'PUT', json });
    expect(status).toBe(400);
    expect(body).toMatchObject({ code: 'INVALID_CRON', position: 2 });
  });

  test('is tried out before it is made', async () => {
    const { dashboard } = make();
    const cron = await dashboard.ask('cron?expression=*/5%20*%20*%20*%20*&timezone=Europe/Berlin');
    expect(cron.body).toMatchObject({ inWords: 'Every 5 minutes' });
    expect(cron.body.next).toHaveLength(5);
    for (const expression of ['nonsense', '0 0 1--100000000', '* * * * * * *']) {
      const path = `cron?expression=${encodeURIComponent(expression)}`;
      expect((await dashboard.ask(path)).status).toBe(400);
    }
  });
});

describe('errors', () => {
  test('are grouped by what they have in common', async () => {
    const { dashboard, monque } = make({ maxRetries: 1 });
    monque.worker<number>('mail', ({ data }) => {
      throw new Error(`Mailbox ${data} of 'user${data}' is full`);
    });
    monque.worker('other', () => {
      throw new Error('No route to host');
    });
    await monque.start();
    for (const data of [1, 22, 333]) await monque.enqueue('mail', data);
    await monque.enqueue('other');
    const read = async () => (await dashboard.ask('errors')).body;
    await until('the failures', async () => (await read()).examined === 4);
    expect(await read()).toMatchObject({
      isComplete: true,
      groups: [
        { name: 'mail', count: 3, pattern: 'Mailbox <n> of <text> is full', prefix: 'Mailbox ' },
        { name: 'other', count: 1, pattern: 'No route to host' },
      ],
    });
    const some = await dashboard.ask('errors?name=other&window=1');
    expect(some.body).toMatchObject({ examined: 1, groups: [{ name: 'other' }] });
  });
});

test('why jobs wait is counted', async () => {
  const { dashboard, monque } = make();
  await monque.enqueue('mail', 1, { metadata: { tenant: 'acme' } });
  await monque.enqueue('mail');
  await monque.cancelJob((await monque.enqueue('other'))._id, { reason: 'a secret' });
  const counted = await dashboard.ask('reasons');
  expect(counted.body).toMatchObject({
    explained: 3,
    isComplete: true,
    reasons: [
      { reason: 'noInstance', count: 2, message: expect.stringContaining('No instance') },
      { reason: 'cancelled', count: 1, message: '' },
    ],
  });
  const some = await dashboard.ask('reasons?meta.tenant=acme&limit=1');
  expect(some.body.explained).toBe(1);
  const named = await dashboard.ask('reasons?name=other');
  expect(named.body).toMatchObject({ explained: 1, reasons: [{ reason: 'cancelled' }] });
});

describe('what a process knows of itself', () => {
  test('is shown: health, instances, metrics, counts, rules and what was done', async () => {
    const { dashboard, monque } = make();
    monque.worker('mail', () => 'sent');
    await monque.start();
    const job = await monque.enqueue('mail');
    await monque.waitFor(job);
    expect((await dashboard.ask('health')).body).toMatchObject({ status: 'ok', running: true });
    const instances = await dashboard.ask('instances');
    expect(instances.body.instances).toMatchObject([
      {
        ...{ state: 'alive', isOwn: true, pid: process.pid, workers: [{ name: 'mail' }] },
        ...{ winRate: 1, alerts: [], violations: 0 },
      },
    ]);
    const metrics = await dashboard.ask('metrics');
    expect(metrics.body.counters.settled).toMatchObject([{ labels: { name: 'mail' }, value: 1 }]);
    const text = await dashboard.ask('metrics.prom');
    expect(text.body).toContain('monque_settled_total{name="mail",outcome="completed"} 1');
    expect((await dashboard.ask('stats')).body).toMatchObject({
      total: 1,
      counts: { completed: 1 },
    });
    expect((await dashboard.ask('stats?name=mail')).body.name).toBe('mail');
    expect((await dashboard.ask('rules')).body.rules).toEqual([]);
    await dashboard.ask('jobs', { method: 'POST', json: { name: 'mail' } });
    await dashboard.ask(`jobs/${job._id}/actions/retry`, { method: 'POST' });
    expect((await dashboard.ask('activity')).body.entries).toMatchObject([
      { actor: 'ann', action: 'retryJob', outcome: 'refused', code: 'JOB_STATE' },
      { actor: 'ann', action: 'enqueueJob', outcome: 'done', name: 'mail' },
    ]);
    const may = await dashboard.ask('capabilities');
    expect(may.body).toMatchObject({ actor: 'ann', title: 'Monque', allNames: true });
    expect(may.body.actions.delete).toBe(true);
    const api = await dashboard.ask('openapi.json');
    expect(api.body.openapi).toBe('3.1.0');
  });
});
