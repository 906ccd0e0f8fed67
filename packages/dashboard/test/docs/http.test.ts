import { Validator } from '@seriousme/openapi-schema-validator';
import { expect, test } from 'vitest';
import { expectGenerated, readPage, tableRows } from '../../../core/test/docs/pages.ts';
import { openApiOf } from '../../src/api/openapi.ts';
import type { Route } from '../../src/api/route.ts';
import { ROUTE_LIST } from '../../src/api/routes.ts';
import { DEFAULT_REDACTED_KEYS } from '../../src/index.ts';

function rowOf(route: Route): string {
  const { method, path, query = {}, queryPattern, body, answer, summary, cost } = route;
  const names = [...Object.keys(query), ...(queryPattern ? ['meta.*'] : [])];
  const takes = [...(body ? [`\`${body}\``] : []), ...names.map((name) => `\`${name}\``)];
  const gives = typeof answer === 'string' ? answer : answer.media;
  return `| \`${method} ${path}\` | ${summary} | ${takes.join(', ')} | \`${gives}\` | ${cost} |`;
}

test('the page lists every operation, and no other', async () => {
  const head = ['| | | takes | gives | cost |', '|---|---|---|---|---|'];
  const rows = ROUTE_LIST.map(([, route]) => rowOf(route));
  await expectGenerated('docs/api/http.md', 'operations', `${[...head, ...rows].join('\n')}\n`);
});

test('the description is an OpenAPI document', async () => {
  const document = JSON.parse(JSON.stringify(openApiOf('Monque')));
  expect(await validate(document)).toEqual([]);
});

/** What is wrong with a document. */
async function validate(document: Record<string, unknown>): Promise<unknown> {
  const { valid, errors } = await new Validator().validate(document);
  return valid ? [] : errors;
}

test('the guide lists every option, and the keys that are taken out', async () => {
  const guide = await readPage('docs/guides/dashboard.md');
  const listed = tableRows(guide, '## Options').map(([name = '']) => name.replaceAll('`', ''));
  const source = await readPage('packages/dashboard/src/options.ts');
  const [, members = ''] = /interface DashboardOptions \{(.*?)^\}/ms.exec(source) ?? [];
  const declared = [...members.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, name]) => name);
  expect(listed.sort()).toEqual(declared.sort());
  for (const key of DEFAULT_REDACTED_KEYS) expect(guide).toContain(`\`${key}\``);
});
