import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { LEDGER_VERBS } from '../../src/ledger/verbs/verb-table.ts';
import * as ledger from '../../src/ledger-api.ts';
import { PACKAGE, ROOT } from '../package/built.ts';
import { codeBlocks, readPage, tableRows } from './pages.ts';

const page = await readPage('docs/ledger/extending.md');
/** Its whole text is the example of the ledger; the page shows what has to be understood. */
const FILES = ['-jobs', '-leases', '', '.test'].map((part) => `examples/plain-ledger${part}.ts`);

describe('what the page about a ledger of your own shows is a part, in order, of', () => {
  for (const file of FILES) {
    test(file, async () => {
      const blocks = codeBlocks(page).filter(({ title }) => title === file);
      expect(blocks.length).toBeGreaterThan(0);
      let rest = await readFile(join(ROOT, file), 'utf8');
      for (const { code } of blocks) {
        expect(rest).toContain(code);
        rest = rest.slice(rest.indexOf(code) + code.length);
      }
    });
  }

  test('these files and no other', () => {
    const titles = codeBlocks(page).map(({ title }) => title);
    expect([...new Set(titles)].sort()).toEqual([...FILES].sort());
  });
});

test('the page about a ledger of your own names every file of the example', async () => {
  const all = await readdir(join(ROOT, 'examples'));
  const names = all.filter((name) => /^plain-ledger(-\w+)?\.ts$/.test(name));
  const rows = tableRows(page, 'The example is these files:');
  const named = rows.flatMap(([cell = '']) =>
    [...cell.matchAll(/`([\w.-]+)`/g)].map(([, part = '']) => part.replace(/^-/, 'plain-ledger-')),
  );
  expect(named.sort()).toEqual(names.sort());
});

test('every helper that the page names is exported', () => {
  const rows = tableRows(page, 'They only store, and two rules make a ledger right:');
  const named = rows.flatMap(([cell = '']) =>
    [...cell.matchAll(/`(\w+)`/g)].map(([, n = '']) => n),
  );
  expect(named.length).toBeGreaterThan(10);
  expect(Object.keys(ledger)).toEqual(expect.arrayContaining(named));
});

test('the page about the interface lists every verb of a ledger, and no other', async () => {
  const interfacePage = await readPage('docs/ledger/interface.md');
  const headings = [
    'Life',
    'Jobs in',
    'Claims',
    'Stages and gates',
    'Manual verbs',
    'Limits',
    'Flows',
    'Series',
  ];
  const others = ['Reads', 'Housekeeping', 'Leases', 'Inspection', 'Hints'];
  const rows = [...headings, ...others].flatMap((of) => tableRows(interfacePage, `## ${of}`));
  const listed = rows.flatMap(([cell = '']) =>
    [...cell.matchAll(/`(\w+)[^`]*`/g)].map(([, name = '']) => name),
  );
  const classes = ['ledger-repository', 'guarded-calls'].map((file) => publicMethodsOf(file));
  const methods = (await Promise.all(classes)).flat();
  expect(listed.sort()).toEqual([...LEDGER_VERBS, ...methods].sort());
});

test('the page about a ledger of your own counts the verbs of each part', async () => {
  const heading =
    'You write the verbs, in parts as you like, and `gathered` makes them one object:';
  const rows = tableRows(page, heading).map(([part = '', count]) => [part, Number(count)]);
  const files = [...['verb-table', 'manual-verbs', 'orders', 'groups', 'flows', 'throughput']].map(
    (file) => join(PACKAGE, `src/ledger/verbs/${file}.ts`),
  );
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  const parts = texts
    .flatMap((text) => [
      ...ts.createSourceFile('verbs.ts', text, ts.ScriptTarget.Latest).statements,
    ])
    .filter(ts.isInterfaceDeclaration)
    .filter(({ name, members }) => /^[A-Z]\w+Verbs$/.test(name.text) && members.length > 0)
    .map(({ name, members }) => [`\`${name.text}\``, members.length]);
  expect(rows.sort()).toEqual(parts.sort());
});

/** The public methods of the class in a file. */
async function publicMethodsOf(file: string): Promise<string[]> {
  const text = await readFile(join(PACKAGE, `src/ledger/${file}.ts`), 'utf8');
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest);
  const isHidden = (member: ts.MethodDeclaration): boolean =>
    ts.isPrivateIdentifier(member.name) ||
    (member.modifiers ?? []).some(({ kind }) => kind === ts.SyntaxKind.ProtectedKeyword);
  const names = source.statements
    .filter(ts.isClassDeclaration)
    .flatMap(({ members }) => members.filter(ts.isMethodDeclaration))
    .filter((member) => !isHidden(member))
    .map(({ name }) => (ts.isIdentifier(name) ? name.text : ''));
  if (names.length === 0) throw new Error(`There is no class with methods in ${file}`);
  return names;
}
