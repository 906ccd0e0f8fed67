import { access } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { JOB_LIFECYCLE } from '../../src/job/job-lifecycle.ts';
import { ROOT } from '../package/built.ts';
import { pagePaths, readPage, tableRows } from './pages.ts';

const paths = await pagePaths();
const pages = new Map(
  await Promise.all(paths.map(async (path) => [path, await readPage(path)] as const)),
);

/** The anchors GitHub gives to the headings of a page. */
function anchors(page: string): string[] {
  const headings = page.replaceAll(/^```.*?^```$/gms, '').matchAll(/^#+ (.*)$/gm);
  return [...headings].map(([, text = '']) =>
    text
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}

async function exists(path: string): Promise<boolean> {
  return access(join(ROOT, path)).then(
    () => true,
    () => false,
  );
}

/** A link to a file or folder of this repository. */
const OWN_PAGE = /^https:\/\/github\.com\/monque\/monque\/(?:blob|tree)\/main\/(.+)$/;

describe('every link resolves:', () => {
  for (const [path, page] of pages) {
    test(path, async () => {
      for (const [, link = ''] of page.matchAll(/\]\(([^)\s]+)\)/g)) {
        const own = OWN_PAGE.exec(link)?.[1];
        // What lies outside of the repository is not for its tests to ask for.
        if (own === undefined && link.startsWith('https://')) continue;
        // A package page is read outside of the repository, where no path leads into it.
        if (path.startsWith('packages/')) expect(own, `${link} in ${path}`).toBeDefined();
        const [file = '', anchor] = (own ?? link).split('#');
        const beside = file === '' ? path : join(dirname(path), file);
        const target = own === undefined ? beside : file;
        expect(await exists(target), `${link} in ${path}`).toBe(true);
        if (anchor !== undefined) expect(anchors(pages.get(target) ?? '')).toContain(anchor);
      }
    });
  }
});

test('the index of the documentation leads to every page', () => {
  const index = pages.get('docs/README.md') ?? '';
  const inDocs = paths.filter((path) => path.startsWith('docs/') && path !== 'docs/README.md');
  for (const path of inDocs) expect(index).toContain(`(${path.slice('docs/'.length)})`);
});

test('the architecture stays readable in one sitting', () => {
  expect(pages.get('docs/architecture.md')?.split('\n').length).toBeLessThan(200);
});

test('the architecture lists the rooms that imports are held to, in their order', async () => {
  const [, order = ''] =
    /const ORDER = \[(.*?)\];/s.exec(await readPage('packages/core/test/tidy.test.ts')) ?? [];
  const rooms = [...order.matchAll(/'([^']+)'/g)].map(([, room = '']) => room);
  const paths = rooms.map((room) => (room.endsWith('/') ? room : `${room}.ts`));
  const rows = tableRows(pages.get('docs/architecture.md') ?? '', '## The rooms');
  expect(rows.map(([room]) => room?.replaceAll('`', ''))).toEqual(paths);
  expect(paths.length).toBeGreaterThan(20);
  for (const path of paths) expect(await exists(`packages/core/src/${path}`), path).toBe(true);
});

test('every event is listed in the quickstart, and no other', async () => {
  const map = await readPage('packages/core/src/context/events.ts');
  const declared = [...map.matchAll(/^ {2}'(job:\w+)': \[/gm)].map(([, name]) => name);
  const rows = tableRows(pages.get('docs/getting-started/quickstart.md') ?? '', '## Events');
  expect(declared.length).toBeGreaterThan(3);
  expect(rows.map(([name]) => name?.replaceAll('`', '')).sort()).toEqual(declared.sort());
});

test('every verb of the table is mapped in the glossary', () => {
  const rows = tableRows(
    pages.get('docs/glossary.md') ?? '',
    '## Public names and the verbs behind them',
  );
  const mapped = rows.map(([, verbs]) => verbs).join(' ');
  for (const verb of JOB_LIFECYCLE.verbs) expect(mapped).toContain(`\`${verb}\``);
});
