/**
 * The rules of the house that can be counted, for this package; those for the core are in its own `tidy.test.ts`.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
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

test('the sources import the core and Ts.ED itself, and load the rest when it is needed', () => {
  const imported = sources.flatMap(({ text }) =>
    [...text.matchAll(/^(?:import|export|\}) .*?from '([^.'][^']*)'/gms)].map(([, from]) => from),
  );
  expect([...new Set(imported)].sort()).toEqual([
    '@monque/core',
    '@monque/core/types',
    '@tsed/core',
    '@tsed/di',
  ]);
  const loaded = sources.flatMap(({ text }) =>
    [...text.matchAll(/await import\('([^']+)'\)/g)].map(([, from]) => from),
  );
  expect(loaded).toEqual(['@tsed/json-mapper']);
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
  const declared = /(?<!\*\/\n)^export (?:async )?(?:function|class|interface|type|const) \w+/gm;
  expect(findings(sources, declared)).toEqual([]);
});

test('files stay small', () => {
  const long = [...sources, ...tests].filter(
    ({ text }) => text.split('\n').length - 1 > MOST_LINES,
  );
  expect(long.map(({ path }) => path)).toEqual([]);
  expect(sources.length).toBeGreaterThan(15);
});

test('tests are all run, do not sleep, and say what is so', () => {
  const others = tests.filter(({ path }) => path !== join('test', 'tidy.test.ts'));
  const pattern = /\b(?:test|describe)\.(?:only|skip|todo|fails)\b|setTimeout\(|\bshould\b/g;
  expect(findings(others, pattern)).toEqual([]);
  expect(others.length).toBeGreaterThan(10);
});
