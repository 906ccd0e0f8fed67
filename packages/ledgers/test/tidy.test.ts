/**
 * The rules of the house that can be counted, for this package; those for the core are in its own `tidy.test.ts`.
 */
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

const PACKAGE = join(import.meta.dirname, '..');
const MOST_LINES = 400;

interface File {
  readonly path: string;
  readonly text: string;
}

const sources = await readFiles('src');
const tests = await readFiles('test');

async function readFiles(folder: string): Promise<File[]> {
  const paths = (await readdir(join(PACKAGE, folder), { recursive: true })).sort();
  const files = paths.filter((path) => path.endsWith('.ts')).map((path) => join(folder, path));
  return Promise.all(
    files.map(async (path) => ({ path, text: await readFile(join(PACKAGE, path), 'utf8') })),
  );
}

/** What matches in which file. */
function findings(files: readonly File[], pattern: RegExp): string[] {
  return files.flatMap(({ path, text }) =>
    [...text.matchAll(pattern)].map(([what]) => `${path}: ${what}`),
  );
}

function importsOf({ text }: File): string[] {
  return [...text.matchAll(/^(?:import|export|\}) .*?from '([^']+)'/gms)].map(
    ([, from = '']) => from,
  );
}

test('the sources import the core, what locks and writes files, and types of the driver alone', () => {
  const imported = sources.flatMap(importsOf).filter((from) => !/^(\.|node:)/.test(from));
  expect([...new Set(imported)].sort()).toEqual([
    ...['@monque/core', '@monque/core/ledger', 'mongodb', 'proper-lockfile'],
  ]);
  expect(findings(sources, /^import (?!type).*'mongodb'/gm)).toEqual([]);
});

/** The rooms, the lowest first: a file imports from its own room and those before it, and types from everywhere. */
const ORDER = [
  'foundation',
  'markdown',
  'record',
  'store',
  'checks',
  'verification',
  'coordination',
];
/** Files that belong to a lower room than their folder: what a record is, and how its fields are written. */
const LOWER: Readonly<Record<string, string>> = {
  'src/record/record.ts': 'foundation',
  'src/record/fields.ts': 'markdown',
  'src/checks/redactor.ts': 'foundation',
};

function floorOf(path: string): number {
  return ORDER.indexOf(LOWER[path] ?? path.split('/')[1] ?? '');
}

test('imports of what runs lead to the same room or a lower one', () => {
  const values = /^(?:import|export) (?!type)(?:(?!from ')[\s\S])*?from '(\.[^']+)'/gm;
  const arrows = sources
    .filter(({ path }) => path !== 'src/index.ts')
    .flatMap(({ path, text }) =>
      [...text.matchAll(values)].map(([, from = '']) => ({ path, to: join(dirname(path), from) })),
    );
  expect(arrows.length).toBeGreaterThan(50);
  const wrong = arrows.filter(({ path, to }) => floorOf(to) > floorOf(path));
  expect(wrong.map(({ path, to }) => `${path} imports ${to}`)).toEqual([]);
  const stores = arrows.filter(
    ({ path, to }) => /memory-|mongo-/.test(path) && /markdown-|memory-|mongo-/.test(to),
  );
  expect(stores).toEqual([]);
});

test('time, chance and ids are left to the core', () => {
  const pattern =
    /Date\.now|new Date\(\)|set(Timeout|Interval|Immediate)\(|performance\.|Math\.random|randomUUID|new ObjectId/g;
  expect(findings(sources, pattern)).toEqual([]);
});

test('every file begins with what it is', () => {
  const without = sources.filter(({ text }) => !/^\/\*\*\n.*? \* @module\n \*\//s.test(text));
  expect(without.map(({ path }) => path)).toEqual([]);
});

test('every export has a comment', () => {
  const declared =
    /(?<!\*\/\n)^export (?:async )?(?:abstract )?(?:function|class|interface|type|const) \w+/gm;
  expect(findings(sources, declared)).toEqual([]);
});

test('files stay small', () => {
  const long = [...sources, ...tests].filter(
    ({ text }) => text.split('\n').length - 1 > MOST_LINES,
  );
  expect(long.map(({ path }) => path)).toEqual([]);
  expect(sources.length).toBeGreaterThan(30);
});

test('tests are all run, do not sleep, and say what is so', () => {
  const others = tests.filter(({ path }) => path !== join('test', 'tidy.test.ts'));
  const pattern = /\b(?:test|describe)\.(?:only|skip|todo|fails)\b|setTimeout\(|\bshould\b/g;
  expect(findings(others, pattern)).toEqual([]);
  expect(others.length).toBeGreaterThan(10);
});
