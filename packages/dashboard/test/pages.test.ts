import { describe, expect, test } from 'vitest';
import { createDashboard } from '../src/index.ts';
import { placeOf } from '../src/server/mount.ts';
import { ASSETS, inMemory, ORIGIN, TestDashboard, withPages } from './dashboards.ts';

const monque = inMemory();
const handler = withPages({ monque, actor: () => 'ann' });

function get(path: string, headers: Record<string, string> = {}): Promise<Response> {
  return handler(new Request(`${ORIGIN}${path}`, { headers }));
}

describe('the place where it is mounted is found in the path:', () => {
  test.each([
    ['/', 'page', './'],
    ['/-/', 'page', '../'],
    ['/-/jobs', 'page', '../'],
    ['/-/jobs/1', 'page', '../../'],
    ['/a/b/', 'page', './'],
    ['/a/b/-/jobs/1/x', 'page', '../../../'],
    ['/a/-/b/-/jobs', 'page', '../'],
    ['/api/v1/-/jobs', 'page', '../'],
    ['/a/b', 'bare', './b/'],
    ['//evil.example', 'bare', './evil.example/'],
    ['/api/v1/jobs', 'api', '/jobs'],
    ['/x/api/v1/jobs/1/raw', 'api', '/jobs/1/raw'],
    ['/api/v1/api/v1/names', 'api', '/names'],
    ['/x/assets/a.js', 'asset', 'assets/a.js'],
  ])('%s is for %s %s', (path, kind, what) => {
    const place = placeOf(path);
    const said = { page: 'base', bare: 'to', api: 'path', asset: 'path' }[place.kind];
    expect([place.kind, Reflect.get(place, said)]).toEqual([kind, what]);
  });
});

test('a page is the shell with the way back, whatever was in it', async () => {
  const page = await get('/x/-/jobs/1', { accept: 'text/html' });
  expect(page.status).toBe(200);
  expect(await page.text()).toBe(
    '<!doctype html><html><head><base href="../../"><title>M</title></head><body></body></html>',
  );
});

test('a page is given to who takes pages alone', async () => {
  expect((await get('/-/jobs', { accept: 'application/json' })).status).toBe(404);
  expect((await get('/-/jobs', { accept: '*/*' })).status).toBe(200);
  const posted = await handler(new Request(`${ORIGIN}/-/jobs`, { method: 'POST' }));
  expect(posted.status).toBe(405);
});

test('files are given as they were built, and not again to who has them', async () => {
  const script = await get('/x/assets/a-1.js');
  expect(await script.text()).toBe('go()');
  expect(script.headers.get('content-type')).toBe('text/javascript');
  expect(script.headers.get('cache-control')).toContain('immutable');
  const image = await get('/assets/b-2.png');
  expect([...new Uint8Array(await image.arrayBuffer())]).toEqual([0, 1, 2, 255]);
  const known = await get('/assets/a-1.js', { 'if-none-match': '"a1"' });
  expect([known.status, await known.text()]).toEqual([304, '']);
});

test('no file is found that was not built, whatever objects have', async () => {
  for (const name of [
    'none.js',
    '__proto__',
    'constructor',
    '../index.html',
    '%2e%2e/index.html',
  ]) {
    expect((await get(`/assets/${name}`, { accept: 'text/html' })).status).not.toBe(500);
  }
  expect((await get('/assets/none.js')).status).toBe(404);
});

test('an index in base64 is a page too, and a package without pages says so', async () => {
  const index = { type: 'text/html', hash: 'x', encoding: 'base64' as const };
  const body = Buffer.from('<html><head></head></html>').toString('base64');
  const own = withPages({ monque, actor: () => 'ann' }, { 'index.html': { ...index, body } });
  const page = await own(new Request(`${ORIGIN}/`));
  expect(await page.text()).toBe('<html><head><base href="./"></head></html>');
  const none = withPages({ monque, actor: () => 'ann' }, {});
  const said = await none(new Request(`${ORIGIN}/`));
  expect([said.status, await said.text()]).toEqual([503, expect.stringContaining('not built')]);
  expect(Object.keys(ASSETS)).toHaveLength(3);
});

test('what is no route of the API says so, and by which method it is asked', async () => {
  const dashboard = new TestDashboard(monque);
  expect((await dashboard.ask('nonsense')).body.code).toBe('NOT_FOUND');
  expect((await dashboard.ask('names', { method: 'DELETE' })).body.code).toBe('METHOD_NOT_ALLOWED');
  const head = await handler(new Request(`${ORIGIN}/api/v1/names`, { method: 'HEAD' }));
  expect([head.status, await head.text()]).toEqual([200, '']);
});

describe('options that are wrong are named:', () => {
  const right = { monque, actor: () => 'ann' };
  test.each<[string, unknown]>([
    ['options', undefined],
    ['options.monque', { actor: right.actor }],
    ['options.actor', { monque }],
    ['options.readOnly', { ...right, readOnly: 1 }],
    ['options.redact', { ...right, redact: [1] }],
    ['options.title', { ...right, title: 1 }],
    ['options.environment', { ...right, environment: 1 }],
    ['options.names', { ...right, names: 'mail' }],
    ['options.timeout', { ...right, timeout: 1 }],
    ['options.onError', { ...right, onError: 1 }],
    ['options.basePath', { ...right, basePath: '/admin' }],
  ])('%s', (field, options) => {
    expect(() => createDashboard(options as never)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', field }),
    );
  });
});
