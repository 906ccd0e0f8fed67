// What was read before and has not changed is not sent again.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { toNodeListener } from '../src/node.ts';
import { inMemory, ORIGIN, requestOf, TestDashboard, withPages } from './dashboards.ts';
import { everyRoute } from './every-route.ts';

describe('an answer that was read before', () => {
  /** What is answered to who has the answer with a tag. */
  const asked = (dashboard: TestDashboard, path: string, tag: string): Promise<Response> =>
    dashboard.handler(requestOf(`/api/v1/${path}`, { headers: { 'if-none-match': tag } }));

  test('is not sent again by any route while nothing but its time is new', async () => {
    const monque = inMemory();
    const { _id } = await monque.enqueue('mail', { n: 1 });
    const dashboard = new TestDashboard(monque);
    const reads = everyRoute(String(_id)).filter(
      ({ route }) => route.method === 'GET' && typeof route.answer === 'string',
    );
    const sent: string[] = [];
    const refused: string[] = [];
    for (const { routeId, path } of reads) {
      const first = await dashboard.ask(path);
      if (first.status !== 200) {
        refused.push(routeId);
        continue;
      }
      const again = await asked(dashboard, path, first.headers.get('etag') ?? '');
      if (again.status !== 304) sent.push(routeId);
      else {
        expect([routeId, await again.text()]).toEqual([routeId, '']);
        expect(again.headers.get('etag')).toBe(first.headers.get('etag'));
        expect([routeId, again.headers.has('x-monque-at')]).toEqual([routeId, 'at' in first.body]);
      }
      expect(again.headers.get('cache-control')).toBe('no-store');
    }
    // What a look at the ledger took is among what was measured; how long a job waits is among what explains it.
    expect(sent.filter((id) => !['getMetrics', 'explainJob'].includes(id))).toEqual([]);
    // There is no operation, series, flow, ledger or cron expression to be read here.
    expect(refused).toEqual([
      ...['getOperation', 'getSeries', 'getOccurrences', 'readCron', 'listSteps', 'getStep'],
      ...['getBoard', 'getTask', 'getFlow', 'getFlowGraph'],
    ]);
  });

  test('is sent again when a job has changed', async () => {
    const monque = inMemory();
    const { _id } = await monque.enqueue('mail');
    const dashboard = new TestDashboard(monque);
    const tag = (await dashboard.ask('jobs')).headers.get('etag') ?? '';
    expect((await asked(dashboard, 'jobs', tag)).status).toBe(304);
    await monque.cancelJob(_id);
    const changed = await asked(dashboard, 'jobs', tag);
    expect(changed.status).toBe(200);
    expect(changed.headers.get('etag')).not.toBe(tag);
    expect(await changed.json()).toMatchObject({ jobs: [{ status: 'cancelled' }] });
  });

  test('is known by any of several tags, and by none to who changes something', async () => {
    const dashboard = new TestDashboard(inMemory());
    const { headers } = await dashboard.ask('series');
    const tag = headers.get('etag') ?? '';
    expect(tag).toMatch(/^W\/"[\w-]+"$/);
    for (const had of [`"other", ${tag}`, tag.replace('W/', ''), '*']) {
      expect([had, (await asked(dashboard, 'series', had)).status]).toEqual([had, 304]);
    }
    expect((await asked(dashboard, 'series', '"other"')).status).toBe(200);
    expect((await asked(dashboard, 'nonsense', '*')).status).toBe(404);
    const json = { name: 'mail' };
    const stored = await dashboard.ask('jobs', {
      ...{ method: 'POST', json, headers: { 'if-none-match': '*' } },
    });
    expect([stored.status, stored.headers.has('etag')]).toEqual([201, false]);
  });

  test('is not taken for what another actor sees', async () => {
    const monque = inMemory({ access: { may: ({ actor }) => actor === 'ann' } });
    await monque.enqueue('mail');
    const tagOf = async (actor: string): Promise<string | null> => {
      const answer = await new TestDashboard(monque, { actor: () => actor }).ask('jobs');
      return answer.headers.get('etag');
    };
    const [ann, bob] = [await tagOf('ann'), await tagOf('bob')];
    expect(ann).not.toBe(bob);
  });
});

test('pages, files and answers are not sent again through a server of Node.js', async () => {
  const handler = withPages({ monque: inMemory(), actor: () => 'ann' });
  const server = createServer(toNodeListener(handler));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const get = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`http://127.0.0.1:${port}${path}`, { headers });
  try {
    for (const path of ['/-/jobs', '/assets/a-1.js', '/assets/b-2.png', '/api/v1/jobs']) {
      const first = await get(path);
      const tag = first.headers.get('etag') ?? '';
      // A proxy that compresses marks it as weak.
      const again = await get(path, { 'if-none-match': tag.replace(/^"/, 'W/"') });
      expect([path, first.status, again.status, await again.text()]).toEqual([path, 200, 304, '']);
      expect(again.headers.get('content-security-policy')).toBe(
        first.headers.get('content-security-policy'),
      );
    }
    const elsewhere = await get('/-/jobs/1', {
      'if-none-match': (await get('/-/jobs')).headers.get('etag') ?? '',
    });
    // Its way back to the mount is another.
    expect(elsewhere.status).toBe(200);
  } finally {
    server.close();
    server.closeAllConnections();
  }
});

test('a package without pages says so to everybody', async () => {
  const none = withPages({ monque: inMemory(), actor: () => 'ann' }, {});
  const page = await none(new Request(`${ORIGIN}/`, { headers: { 'if-none-match': '*' } }));
  expect(page.status).toBe(503);
});
