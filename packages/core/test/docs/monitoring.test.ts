import { expect, test } from 'vitest';
import { COUNTERS, GAUGES, HISTOGRAMS } from '../../src/index.ts';
import {
  DEFAULT_FAILURE_MINIMUM,
  DEFAULT_FAILURE_WINDOW,
} from '../../src/options/alert-options.ts';
import type { MetricDefinition } from '../../src/types-api.ts';
import { readPage, tableRows } from './pages.ts';
import { membersOf } from './sources.ts';

const page = await readPage('docs/ledger/monitoring.md');

/** The tables below the heading, in their order. */
function rowsOf(kind: string): string[][] {
  const from = page.slice(page.indexOf(`| ${kind} |`));
  return tableRows(`## ${kind}\n${from}`, `## ${kind}`);
}

function unquoted(text = ''): string {
  return text.replaceAll('`', '');
}

test.each<[string, Readonly<Record<string, MetricDefinition>>]>([
  ['counter', COUNTERS],
  ['histogram', HISTOGRAMS],
])('the page lists every %s with its labels, and no other', (kind, definitions) => {
  const listed = rowsOf(kind).map(([name, labels]) => [unquoted(name), unquoted(labels)]);
  const declared = Object.entries(definitions).map(([name, { labels }]) => [
    name,
    labels.join(', '),
  ]);
  expect(listed).toEqual(declared);
});

test('the page lists every gauge, and no other', () => {
  expect(rowsOf('gauge').map(([name]) => unquoted(name))).toEqual(Object.keys(GAUGES));
});

test('the page lists every threshold, and the defaults of what goes with one', async () => {
  const options = await membersOf('AlertOptions');
  const listed = rowsOf('threshold').map(([name]) => unquoted(name));
  expect([...listed, 'failureWindow', 'failureMinimum'].sort()).toEqual(options.sort());
  expect(page).toContain(`\`failureWindow\` (${DEFAULT_FAILURE_WINDOW} ms)`);
  expect(page).toContain(`\`failureMinimum\` (${DEFAULT_FAILURE_MINIMUM})`);
});
