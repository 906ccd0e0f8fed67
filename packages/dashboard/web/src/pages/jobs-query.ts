import type { BulkFilter, Ejson, JobsQuery, Status } from '../../../src/api/types.ts';
import type { Query } from '../api/client.ts';
import { snapshot } from '../api/live.ts';
import { capabilities } from '../app/capabilities.ts';
import { go, href, params, path } from '../app/router.ts';
import { STATUSES } from '../ui/state.tsx';
import type { Token, TokenKind } from '../ui/token-filter.tsx';

/** What the URL calls a token of the filter. The URL says it as the API does. */
const PARAMETERS: Readonly<Record<string, string>> = {
  name: 'name',
  status: 'status',
  key: 'uniqueKey',
  group: 'group',
  order: 'order',
  flow: 'flow',
  'dead-letters-of': 'deadLettersOf',
  from: 'createdFrom',
  before: 'createdBefore',
  error: 'failReason',
  instance: 'claimedBy',
  ended: 'finishedFrom',
  'ended-before': 'finishedBefore',
};

const AGO = /^(\d+)\s*(m|h|d)$/;
const UNIT_MS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `2h` is two hours ago; everything else is read as a date. */
function readTime(text: string): string | undefined {
  const [, count, unit] = AGO.exec(text) ?? [];
  if (count && unit) {
    return new Date(
      Date.now() - Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS],
    ).toISOString();
  }
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : new Date(time).toISOString();
}

/** The names that are known now. */
export function knownNames(): readonly string[] {
  const all = [...(snapshot.value?.names ?? []), ...(capabilities.value?.names ?? [])].map(
    ({ name }) => name,
  );
  return [...new Set(all)].sort();
}

/** What jobs can be filtered by. */
export function jobTokenKinds(): readonly TokenKind[] {
  return [
    { key: 'name', help: 'The name of the worker', values: knownNames(), isMany: true },
    { key: 'status', help: 'The state', values: STATUSES, isMany: true },
    { key: 'key', help: 'The unique key' },
    { key: 'group', help: 'The group it takes turns in' },
    { key: 'order', help: 'The key of its order' },
    { key: 'flow', help: 'The id of its flow' },
    {
      key: 'dead-letters-of',
      help: 'The name under which it failed for good',
      values: knownNames(),
      isMany: true,
    },
    { key: 'error', help: 'The beginning of the last failure' },
    { key: 'instance', help: 'The instance that holds it' },
    { key: 'meta.', help: 'A value of the metadata: meta.tenant:acme' },
    {
      key: 'from',
      help: 'Created since: 2h, 3d or a date',
      values: ['1h', '24h', '7d'],
      read: readTime,
    },
    {
      key: 'before',
      help: 'Created before: 2h, 3d or a date',
      values: ['1h', '24h', '7d'],
      read: readTime,
    },
    {
      key: 'ended',
      help: 'Finished since: 2h, 3d or a date',
      values: ['1h', '24h', '7d'],
      read: readTime,
    },
    {
      key: 'ended-before',
      help: 'Finished before: 2h, 3d or a date',
      values: ['1h', '24h', '7d'],
      read: readTime,
    },
  ];
}

/** The tokens that the URL states. */
export function tokensOf(search: URLSearchParams): readonly Token[] {
  return [...search].flatMap(([parameter, value]) => {
    if (parameter.startsWith('meta.')) return [{ key: parameter, value }];
    const key = Object.keys(PARAMETERS).find((token) => PARAMETERS[token] === parameter);
    return key === undefined ? [] : [{ key, value }];
  });
}

/** States the tokens in the URL, in place of those there were; the page of the list begins again. */
export function setTokens(tokens: readonly Token[]): void {
  const next = new URLSearchParams();
  for (const [parameter, value] of params.value) {
    if (['orderBy', 'direction', 'archived'].includes(parameter)) next.append(parameter, value);
  }
  for (const { key, value } of tokens) next.append(PARAMETERS[key] ?? key, value);
  go(`${href(path.value)}?${next}`);
}

/** The question to the API that the URL stands for. */
export function jobsQueryOf(search: URLSearchParams): Query {
  const query: Record<string, string | string[]> = { direction: 'descending' };
  for (const key of new Set(search.keys())) {
    const values = search.getAll(key);
    query[key] = values.length > 1 ? values : (values[0] ?? '');
  }
  return query satisfies Query as Query & JobsQuery;
}

/** The same jobs, as a bulk action names them. */
export function bulkFilterOf(tokens: readonly Token[]): BulkFilter {
  const many = (key: string): readonly string[] =>
    tokens.filter((token) => token.key === key).map(({ value }) => value);
  const one = (key: string): string | undefined => many(key)[0];
  const metadata = tokens
    .filter(({ key }) => key.startsWith('meta.'))
    .map(({ key, value }) => [key.slice('meta.'.length), ejsonOr(value)] as const);
  const filter: BulkFilter = {
    ...(many('name').length > 0 && { name: many('name') }),
    ...(many('status').length > 0 && { status: many('status') as Status[] }),
    ...(one('key') !== undefined && { uniqueKey: one('key') }),
    ...(one('group') !== undefined && { group: one('group') }),
    ...(one('order') !== undefined && { order: one('order') }),
    ...(one('flow') !== undefined && { flow: one('flow') }),
    ...(many('dead-letters-of').length > 0 && { deadLettersOf: many('dead-letters-of') }),
    ...(one('error') !== undefined && { failReason: one('error') }),
    ...(one('instance') !== undefined && { claimedBy: one('instance') }),
    ...(one('ended') !== undefined && { finishedFrom: one('ended') }),
    ...(one('ended-before') !== undefined && { finishedBefore: one('ended-before') }),
    ...(one('from') !== undefined && { createdFrom: one('from') }),
    ...(one('before') !== undefined && { createdBefore: one('before') }),
    ...(metadata.length > 0 && { metadata: Object.fromEntries(metadata) }),
  };
  return Object.keys(filter).length === 0 ? { all: true } : filter;
}

function ejsonOr(text: string): Ejson {
  try {
    return JSON.parse(text) as Ejson;
  } catch {
    return text;
  }
}
