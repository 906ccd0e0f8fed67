/**
 * The rules of the house that can be counted, for the server of the dashboard; those for the core are in its own
 * `tidy.test.ts`.
 */
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';

const PACKAGE = join(import.meta.dirname, '..');
const MOST_LINES_A_FILE = 400;
const MOST_LINES_A_FUNCTION = 70;
const MOST_FILES_A_FOLDER = 28;

/** The rooms, the lowest first: a file imports from its own room and those before it. */
const ORDER = [
  'src/clock',
  'src/pages/',
  'src/api/',
  'src/assets.generated',
  'src/server/masking',
  'src/server/problems',
  'src/server/ejson',
  'src/server/redaction',
  'src/options',
  'src/ledgers/',
  'src/server/',
  'src/control/',
  'src/handlers/',
  'src/server/app',
  'src/dashboard',
  'src/index',
  'src/node',
];

const TIME =
  /^(Date\.now|new Date\(\)|performance\.\w+|(set|clear)(Timeout|Interval|Immediate)|AbortSignal\.timeout)$/;

interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly tree: ts.SourceFile;
}

const sources = await readFiles('src');
const tests = await readFiles('test');

async function readFiles(folder: string): Promise<SourceFile[]> {
  const found = (await readdir(join(PACKAGE, folder), { recursive: true })).sort();
  const paths = found.filter((path) => path.endsWith('.ts')).map((path) => join(folder, path));
  return Promise.all(
    paths.map(async (path) => {
      const text = await readFile(join(PACKAGE, path), 'utf8');
      return { path, text, tree: ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true) };
    }),
  );
}

function findings(file: SourceFile, says: (node: ts.Node) => string | undefined): string[] {
  const found: string[] = [];
  const see = (node: ts.Node): void => {
    const what = says(node);
    if (what !== undefined) found.push(`${file.path}: ${what}`);
    ts.forEachChild(node, see);
  };
  see(file.tree);
  return found;
}

/** Every import within the package, types included. */
const arrows = sources.flatMap(({ path, text }) =>
  [...text.matchAll(/from '(\.[^']+)'/g)].map(([, to = '']) => ({
    from: path,
    to: join(dirname(path), to),
  })),
);

function floorOf(path: string): number {
  const fits = ORDER.filter((room) => path.startsWith(room));
  return ORDER.indexOf(fits.reduce((best, room) => (room.length > best.length ? room : best), ''));
}

test('every file is in a room, and imports from no room above its own', () => {
  expect(sources.filter(({ path }) => floorOf(path) < 0).map(({ path }) => path)).toEqual([]);
  const upwards = arrows.filter(({ from, to }) => floorOf(to) > floorOf(from));
  expect(upwards.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  expect(arrows.length).toBeGreaterThan(80);
});

test('no files import each other in a circle but the files of the types, which are one', () => {
  const reach = (start: string): Set<string> => {
    const found = new Set<string>();
    const waiting = [start];
    for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
      for (const { to } of arrows.filter(({ from }) => from === path)) {
        if (found.has(to)) continue;
        found.add(to);
        waiting.push(to);
      }
    }
    return found;
  };
  const circular = sources.map(({ path }) => path).filter((path) => reach(path).has(path));
  const types = ['control', 'ledgers', 'operations', 'process', 'views']
    .map((room) => `src/api/types-of-${room}.ts`)
    .concat('src/api/types.ts');
  expect(circular).toEqual(types);
});

test('timers and clocks are used in clock.ts alone', () => {
  const found = sources.flatMap((file) =>
    findings(file, (node) => {
      if (ts.isNewExpression(node) && (node.arguments ?? []).length > 0) return undefined;
      if (!ts.isCallExpression(node) && !ts.isNewExpression(node)) return undefined;
      const name = ts.isNewExpression(node)
        ? `new ${node.expression.getText()}()`
        : node.expression.getText();
      return TIME.test(name) ? name : undefined;
    }),
  );
  expect(found.filter((finding) => !finding.startsWith('src/clock.ts'))).toEqual([]);
  expect(found.length).toBeGreaterThan(1);
});

test('files, functions and folders stay small', () => {
  const written = sources.filter(({ path }) => !path.includes('generated'));
  const long = [...written, ...tests].filter(
    ({ text }) => text.split('\n').length - 1 > MOST_LINES_A_FILE,
  );
  expect(long.map(({ path }) => path)).toEqual([]);
  const functions = written.flatMap((file) =>
    findings(file, (node) => {
      if (!ts.isFunctionLike(node) || !('body' in node)) return undefined;
      const lines = node.getText().split('\n').length;
      return lines > MOST_LINES_A_FUNCTION ? `${lines} lines` : undefined;
    }),
  );
  expect(functions).toEqual([]);
  const folders = new Set(sources.map(({ path }) => dirname(path)));
  const full = [...folders].filter(
    (folder) => sources.filter(({ path }) => dirname(path) === folder).length > MOST_FILES_A_FOLDER,
  );
  expect(full).toEqual([]);
});

test('nothing is exported as default, and nothing of a framework is imported', () => {
  const defaults = sources.filter(({ text }) => /^export default/m.test(text));
  expect(defaults.map(({ path }) => path)).toEqual([]);
  const packages = sources.flatMap(({ text }) =>
    [...text.matchAll(/from '([^.'][^']*)'/g)].map(([, from]) => from),
  );
  expect([...new Set(packages)].sort()).toEqual([
    '@hono/node-server',
    '@monque/core',
    '@monque/core/types',
    'ajv/dist/2020.js',
    'cronstrue',
    'hono',
    'mongodb',
    'node:crypto',
    'node:http',
  ]);
});

test('tests are honest: none is run alone or left out, none sleeps, and their names say what is so', () => {
  const patterns = /\.(only|skip|todo|fails)\(|\b(test|describe)[.(].*\bshould\b|setInterval\(/g;
  const own = tests.filter(({ path }) => !path.endsWith('tidy.test.ts'));
  const found = own.flatMap(({ path, text }) =>
    [...text.matchAll(patterns)].map(([what]) => `${path}: ${what}`),
  );
  expect(found).toEqual([]);
  expect(own.length).toBeGreaterThan(5);
});

test('every source file begins with what is in it', () => {
  const written = sources.filter(({ path }) => !path.includes('generated'));
  const without = written.filter(({ text }) => !/^\/\*\*\n.*? \* @module\n \*\//s.test(text));
  expect(without.map(({ path }) => path)).toEqual([]);
});
