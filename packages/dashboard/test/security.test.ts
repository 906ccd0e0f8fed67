import type { Actor, MonqueOptions } from '@monque/core';
import { describe, expect, test } from 'vitest';
import { inMemory, ORIGIN, requestOf, TestDashboard } from './dashboards.ts';
import { ADDRESS, everyRoute, NOBODY, SECRET } from './every-route.ts';

describe('without an actor', () => {
  const monque = inMemory();
  const nobody = new TestDashboard(monque, { actor: () => null });

  test.each(everyRoute(NOBODY))('$routeId answers 401', async ({ path, asking }) => {
    const { status, body } = await nobody.ask(path, asking);
    expect([status, body.code]).toEqual([401, 'UNAUTHENTICATED']);
  });

  test('no page and no file is shown', async () => {
    for (const path of ['/', '/-/jobs', '/assets/a.js', '/bare']) {
      expect((await nobody.page(path)).status).toBe(401);
    }
  });

  test('an answer of the host is sent as it is', async () => {
    const login = new TestDashboard(monque, {
      actor: () => new Response(null, { status: 302, headers: { location: '/login' } }),
    });
    const response = await login.page('/-/jobs');
    expect([response.status, response.headers.get('location')]).toEqual([302, '/login']);
    expect(response.headers.get('referrer-policy')).toBe('no-referrer');
    const own = new TestDashboard(monque, {
      actor: () => new Response(null, { headers: { 'referrer-policy': 'origin' } }),
    });
    expect((await own.page('/')).headers.get('referrer-policy')).toBe('origin');
  });

  test('an actor who cannot be found out is no actor, and nothing is said of why', async () => {
    const errors: unknown[] = [];
    const broken = new TestDashboard(monque, {
      actor: () => Promise.reject(new Error(ADDRESS)),
      onError: (error) => errors.push(error),
    });
    const answered = await broken.ask('jobs');
    expect(answered.status).toBe(500);
    expect(JSON.stringify(answered.body)).not.toContain(SECRET);
    expect(errors).toHaveLength(1);
  });
});

describe('read-only', () => {
  test('nothing is changed by any route', async () => {
    const monque = inMemory();
    const job = await monque.enqueue('mail', { a: 1 });
    const failed = await monque.enqueue('mail', { a: 2 });
    await monque.cancelJob(failed._id);
    const series = await monque.schedule('0 * * * *', 'report');
    const state = async (): Promise<string> => {
      const jobs = await monque.getJobs();
      const { names } = await monque.inspect();
      return JSON.stringify([jobs, names.map(({ isPaused }) => isPaused)]);
    };
    const before = await state();
    for (const readOnly of [true, (actor: Actor) => actor === 'ann']) {
      const reader = new TestDashboard(monque, { readOnly });
      for (const id of [job, failed, series].map(({ _id }) => String(_id))) {
        for (const { route, path, asking } of everyRoute(id)) {
          if (route.endless) continue;
          const { status, body } = await reader.ask(path, asking);
          if (route.method === 'GET' || route.path === 'operations/preview') continue;
          expect(route.changes, path).toBe(true);
          expect([status, body.code], path).toEqual([403, 'READ_ONLY']);
        }
      }
      const may = await reader.ask('capabilities');
      expect(may.body).toMatchObject({ readOnly: true, actions: { see: true, delete: false } });
    }
    expect(await state()).toBe(before);
    const writer = new TestDashboard(monque, { readOnly: (actor) => actor !== 'ann' });
    const json = { name: 'mail' };
    expect((await writer.ask('jobs', { method: 'POST', json })).status).toBe(201);
  });
});

describe('an actor of some names', () => {
  async function scoped() {
    const access: MonqueOptions['access'] = {
      may: ({ actor, name }) => actor === 'root' || name === 'mail',
    };
    const monque = inMemory({ access });
    const mail = await monque.enqueue('mail', 1, { uniqueKey: 'k' });
    const other = await monque.enqueue('secret-plan', 1);
    await monque.schedule('0 * * * *', 'secret-plan');
    await monque.schedule('0 * * * *', 'mail');
    await monque.pause('secret-plan');
    return { monque, mail, other, dashboard: new TestDashboard(monque, { actor: () => 'eve' }) };
  }

  test('sees and counts only those, by any route', async () => {
    const { dashboard, mail, other } = await scoped();
    for (const id of [mail, other].map(({ _id }) => String(_id))) {
      for (const { route, path, asking } of everyRoute(id)) {
        if (route.method !== 'GET' || route.endless) continue;
        const { body } = await dashboard.ask(path, asking);
        expect(JSON.stringify(body), path).not.toContain('secret-plan"');
        expect(JSON.stringify(body), path).not.toContain("secret-plan' ");
      }
    }
    const listed = await dashboard.ask('jobs');
    expect(listed.body.jobs).toHaveLength(2);
    expect(listed.body.names).toEqual(['mail']);
    expect((await dashboard.ask('overview')).body.totals).toMatchObject({ names: 1 });
    expect((await dashboard.ask('series')).body.series).toMatchObject([{ name: 'mail' }]);
    expect((await dashboard.ask('jobs?name=secret-plan')).status).toBe(403);
    expect((await dashboard.ask(`jobs/${other._id}`)).status).toBe(403);
    expect((await dashboard.ask(`jobs/${NOBODY}`)).status).toBe(403);
    expect((await dashboard.ask('stats')).status).toBe(403);
    expect((await dashboard.ask('stats?name=mail')).body.total).toBe(2);
    const filter = { all: true };
    const preview = await dashboard.ask('operations/preview', {
      method: 'POST',
      json: { kind: 'delete', filter },
    });
    expect(preview.body.count.value).toBe(2);
  });

  test('changes only those, also in bulk', async () => {
    const { dashboard, monque, mail, other } = await scoped();
    const ids = [String(mail._id), String(other._id)];
    const json = { kind: 'delete', filter: { ids } };
    const begun = await dashboard.ask('operations', { method: 'POST', json });
    const path = `operations/${begun.body.operation.id}`;
    await expect
      .poll(async () => (await dashboard.ask(path)).body.operation)
      .toMatchObject({
        state: 'done',
        matched: 1,
        changed: 1,
        left: [],
      });
    expect(await monque.getJob(mail._id)).toBeNull();
    expect(await monque.getJob(other._id)).not.toBeNull();
    const audit = await dashboard.ask('operations', { method: 'POST', json: { kind: 'audit' } });
    expect(audit.status).toBe(403);
    const stranger = new TestDashboard(monque, { actor: () => 'mallory' });
    expect((await stranger.ask(path)).status).toBe(404);
    const root = new TestDashboard(monque, { actor: () => 'root' });
    expect((await root.ask(path)).status).toBe(404);
  });

  test('who sees no name at all sees empty lists', async () => {
    const monque = inMemory({ access: { may: () => false } });
    await monque.enqueue('mail');
    const dashboard = new TestDashboard(monque, { names: ['mail'] });
    expect((await dashboard.ask('jobs')).body).toMatchObject({ jobs: [], names: [] });
    expect((await dashboard.ask('errors')).body).toMatchObject({ examined: 0, isComplete: true });
    expect((await dashboard.ask('overview')).body).toMatchObject({ names: [], instances: [] });
  });
});

describe('what another site makes a browser send is refused:', () => {
  const dashboard = new TestDashboard(inMemory());
  const json = { name: 'mail' };

  test.each<[string, Record<string, string>]>([
    ['across sites', { 'sec-fetch-site': 'cross-site' }],
    ['from a neighbour of the site', { 'sec-fetch-site': 'same-site' }],
    ['from another origin', { origin: 'https://evil.example' }],
    ['from a hidden origin', { origin: 'null' }],
    ['from another port', { origin: 'http://localhost:81' }],
  ])('%s', async (_, headers) => {
    const refused = await dashboard.ask('jobs', { method: 'POST', json, headers });
    expect([refused.status, refused.body.code]).toEqual([403, 'CROSS_SITE']);
  });

  test('as a form', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
      const headers = { 'content-type': type };
      const refused = await dashboard.ask('jobs', { method: 'POST', json, headers });
      expect([refused.status, refused.body.code]).toEqual([415, 'NOT_JSON']);
    }
  });

  test('but not what the own pages send, nor what is no browser', async () => {
    const own = [
      { 'sec-fetch-site': 'same-origin', origin: 'https://public.example' },
      { origin: ORIGIN },
      { 'sec-fetch-site': 'none' },
      {},
    ];
    for (const headers of own) {
      const taken = await dashboard.ask('jobs', { method: 'POST', json, headers: { ...headers } });
      expect(taken.status).toBe(201);
    }
    const headers = { 'content-type': 'text/plain', 'x-monque': '1' };
    expect((await dashboard.ask('jobs', { method: 'POST', json, headers })).status).toBe(201);
  });

  test('reading from elsewhere too', async () => {
    const headers = { 'sec-fetch-site': 'cross-site' };
    expect((await dashboard.ask('jobs', { headers })).status).toBe(403);
  });
});

describe('secrets are taken out', () => {
  test('everywhere, by the names of their keys', async () => {
    const monque = inMemory({ maxRetries: 1 });
    const data = {
      user: 'ann',
      API_Key: SECRET,
      deep: [{ 'x-password': 'kept', password: SECRET }],
      url: ADDRESS,
    };
    monque.worker('mail', async (_job, context) => {
      await context.progress({ token: SECRET });
      await context.log(`connects to ${ADDRESS}`);
      throw new Error(`cannot reach ${ADDRESS}`);
    });
    await monque.start();
    const job = await monque.enqueue('mail', data, { metadata: { secret: SECRET } });
    await monque.schedule('0 * * * *', 'report', { token: SECRET });
    await monque.waitFor(job).catch(() => undefined);
    const dashboard = new TestDashboard(monque);
    for (const { route, path, asking } of everyRoute(String(job._id))) {
      if (route.method !== 'GET' || route.endless) continue;
      const { body } = await dashboard.ask(path, asking);
      expect(JSON.stringify(body), path).not.toContain(SECRET);
    }
    const read = await dashboard.ask(`jobs/${job._id}`);
    expect(read.body.job.data).toEqual({
      user: 'ann',
      API_Key: { $redacted: true },
      deep: [{ 'x-password': 'kept', password: { $redacted: true } }],
      url: 'mongodb://***@db.internal:27017/jobs',
    });
    const events = await dashboard.handler(requestOf(`/api/v1/events?jobs=${job._id}`, {}));
    expect(await textUntil(events, 'event: jobs')).not.toContain(SECRET);
    await monque.stop();
  });

  test('by a function that sees each value, also where it fails', async () => {
    const monque = inMemory({ maxRetries: 1 });
    monque.worker('mail', () => {
      throw new Error(`it said ${SECRET}`);
    });
    await monque.start();
    const job = await monque.enqueue(
      'mail',
      { a: SECRET },
      { metadata: { b: SECRET }, uniqueKey: SECRET },
    );
    await monque.waitFor(job).catch(() => undefined);
    const asked: string[] = [];
    const byFunction = new TestDashboard(monque, {
      redact: (_value, { field, name, jobId, actor }) => {
        asked.push(`${field} ${name} ${jobId === String(job._id)} ${actor}`);
        return field === 'data' ? { shown: true } : field === 'metadata' ? undefined : '[hidden]';
      },
    });
    const failing = new TestDashboard(monque, {
      redact: () => {
        throw new Error(SECRET);
      },
    });
    for (const dashboard of [byFunction, failing]) {
      for (const { route, path, asking } of everyRoute(String(job._id))) {
        if (route.method !== 'GET' || route.endless) continue;
        const { body } = await dashboard.ask(path, asking);
        expect(JSON.stringify(body), path).not.toContain(SECRET);
      }
    }
    const read = (await byFunction.ask(`jobs/${job._id}`)).body.job;
    expect(read).toMatchObject({
      data: { shown: true },
      metadata: { $redacted: true },
      failReason: '[hidden]',
      uniqueKey: '[hidden]',
    });
    expect(new Set(asked)).toContain('data mail true ann');
    await monque.stop();
  });

  test('a value that was taken out is not stored in its place', async () => {
    const dashboard = new TestDashboard(inMemory());
    const json = { name: 'mail', data: { password: { $redacted: true } } };
    const refused = await dashboard.ask('jobs', { method: 'POST', json });
    expect([refused.status, refused.body.field]).toEqual([400, 'data.password']);
  });
});

test('the pages allow no script but their own, and answers are no pages', async () => {
  const dashboard = new TestDashboard(inMemory());
  const page = await dashboard.page('/-/jobs');
  const policy = page.headers.get('content-security-policy') ?? '';
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toMatch(/unsafe|http|\*/);
  const markup = '<script>alert(1)</script>';
  const json = { name: markup, data: markup };
  const stored = await dashboard.ask('jobs', { method: 'POST', json });
  expect(stored.headers.get('content-type')).toBe('application/json');
  expect(stored.headers.get('x-content-type-options')).toBe('nosniff');
  expect(stored.headers.get('cache-control')).toBe('no-store');
  const attribute = await dashboard.page(`/-/"><script>/${encodeURIComponent(markup)}`);
  expect(await attribute.text()).not.toContain('<script>');
  const elsewhere = await dashboard.page('//evil.example');
  const to = new URL(elsewhere.headers.get('location') ?? '', `${ORIGIN}//evil.example`);
  expect(to.host).toBe('localhost');
});

async function textUntil(response: Response, wanted: string): Promise<string> {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  let text = '';
  while (!text.includes(wanted) || !text.endsWith('\n\n')) {
    const { value, done } = await reader.read();
    if (done) break;
    text += Buffer.from(value).toString();
  }
  await reader.cancel();
  return text;
}
