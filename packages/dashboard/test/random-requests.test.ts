import fc from 'fast-check';
import { expect, test } from 'vitest';
import { volume } from '../../core/test/setup/volume.ts';
import { checkAnswer, inMemory, ORIGIN, readAnswer, withPages } from './dashboards.ts';
import { ADDRESS, BODIES, everyRoute, NOBODY, SECRET } from './every-route.ts';

const REQUESTS = volume(10_000, 1_000);

test('random requests give no 500 and no leak', { timeout: 120_000 }, async () => {
  const errors: unknown[] = [];
  const monque = inMemory();
  const job = await monque.enqueue('mail', { url: ADDRESS });
  const handler = withPages({
    monque,
    actor: () => 'ann',
    onError: (error) => errors.push(error),
  });
  const paths = everyRoute(String(job._id)).filter(({ route }) => !route.endless);
  const text = fc.oneof(
    fc.string({ maxLength: 30 }),
    fc.constantFrom('', '0', '-1', '__proto__', 'null', '%', '../..'),
  );
  const asked = fc.record({
    row: fc.constantFrom(...paths),
    id: fc.oneof(fc.constant(String(job._id)), fc.constant(NOBODY), text),
    odd: fc.option(fc.webPath(), { nil: undefined, freq: 8 }),
    method: fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD'),
    fits: fc.boolean(),
    sound: fc.boolean(),
    query: fc.dictionary(
      fc.oneof(
        fc.constantFrom(
          'limit',
          'cursor',
          'name',
          'meta.a',
          'status',
          'from',
          'expression',
          'window',
          'scan',
        ),
        text,
      ),
      text,
      { maxKeys: 3 },
    ),
    body: fc.oneof(
      fc.json({ maxDepth: 4 }),
      fc.string(),
      fc.constantFrom(...Object.values(BODIES).map((body) => JSON.stringify(body))),
    ),
    more: fc.dictionary(
      fc.constantFrom(
        'data',
        'filter',
        'metadata',
        'cron',
        'runAt',
        'changes',
        'evidence',
        'kind',
        'ids',
      ),
      fc.jsonValue({ maxDepth: 3 }),
      { maxKeys: 2 },
    ),
  });
  const samples = fc.sample(asked, { numRuns: REQUESTS, seed: 18 });
  let served = 0;
  for (const { row, id, odd, method, fits, sound, query, body, more } of samples) {
    const path = row.route.path.replace('{id}', encodeURIComponent(sound ? String(job._id) : id));
    const used = fits ? row.route.method : method;
    const address = `${ORIGIN}/api/v1/${(fits ? undefined : odd) ?? path}?${new URLSearchParams(fits ? known(query, row.route.query, sound) : query)}`;
    const hasBody = used !== 'GET' && used !== 'HEAD';
    const given =
      fits && row.asking.json
        ? JSON.stringify({ ...Object(row.asking.json), ...(sound ? {} : more) })
        : body;
    const request = new Request(address, {
      method: used,
      headers: { 'content-type': 'application/json' },
      ...(hasBody && { body: given }),
    });
    const answered = await readAnswer(await handler(request));
    const shown = JSON.stringify([answered.body, ...answered.headers]);
    if (answered.status >= 500 && answered.body.code !== 'BUSY') {
      expect.unreachable(`${used} ${address} ${given}: ${shown}`);
    }
    if (answered.status >= 400 && used !== 'HEAD') checkAnswer(used, path, answered);
    if (answered.status < 300) served += 1;
    expect(shown).not.toContain(SECRET);
    expect(shown).not.toMatch(/\bat .*\.(ts|js|mjs|cjs):\d+|node_modules|node:internal/);
  }
  expect(errors).toEqual([]);
  // A test of refusals alone would show little.
  expect(served).toBeGreaterThan(REQUESTS / 10);
});

/** Values that parameters take. */
const SOUND: Readonly<Record<string, string>> = {
  ...{ limit: '5', window: '5', name: 'mail', status: 'failed', scan: 'true' },
  ...{ from: '2026-01-01T00:00:00Z', expression: '0 * * * *' },
};

/** The parameters that a route has, so that their values are what is refused, or with values that they take. */
function known(
  query: Readonly<Record<string, string>>,
  has: Readonly<Record<string, unknown>> = {},
  isSound: boolean,
): Record<string, string> {
  const kept = Object.entries(query).filter(([name]) => Object.hasOwn(has, name));
  return Object.fromEntries(kept.map(([name, value]) => [name, (isSound && SOUND[name]) || value]));
}
