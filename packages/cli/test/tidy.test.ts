/**
 * The rules of the house that can be counted, for the command line.
 */
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';

const PACKAGE = join(import.meta.dirname, '..');
const MOST_LINES_A_FILE = 400;
const MOST_LINES_A_FUNCTION = 70;

/** The rooms, the lowest first: a file imports from its own room and those before it; `import()` may go anywhere. */
const ORDER = [
  'context/',
  'jobs/',
  'cluster/',
  'flow/',
  'series/',
  'care/',
  'transfer/',
  'ledgers/',
  'dashboard/',
  'top/',
  'commands/',
  'program',
  'reference/',
  'run',
  'index',
];

/** The completions' script is made of the tree that the command stands in, so it gets only a type from there. */
const UPWARDS = ['src/commands/completion.ts imports src/reference/completion.ts'];

interface Source {
  readonly path: string;
  readonly text: string;
  readonly tree: ts.SourceFile;
}

const sources = await read('src');
const tests = await read('test');

async function read(folder: string): Promise<Source[]> {
  const paths = await readdir(join(PACKAGE, folder), { recursive: true });
  return Promise.all(
    paths
      .filter((path) => path.endsWith('.ts'))
      .map(async (name) => {
        const path = join(folder, name);
        const text = await readFile(join(PACKAGE, path), 'utf8');
        return { path, text, tree: ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true) };
      }),
  );
}

function nodesOf({ tree }: Source): ts.Node[] {
  const nodes: ts.Node[] = [];
  const visit = (node: ts.Node): void => {
    nodes.push(node);
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return nodes;
}

interface Import {
  readonly from: string;
  readonly typesOnly: boolean;
}

function importsOf(source: Source): Import[] {
  return nodesOf(source).flatMap((node) => {
    if (!ts.isImportDeclaration(node) && !ts.isExportDeclaration(node)) return [];
    const { moduleSpecifier } = node;
    if (moduleSpecifier === undefined || !ts.isStringLiteral(moduleSpecifier)) return [];
    const typesOnly = ts.isImportDeclaration(node)
      ? node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword
      : node.isTypeOnly;
    return [{ from: moduleSpecifier.text, typesOnly }];
  });
}

function floorOf(path: string): number {
  return ORDER.findIndex((room) => path.startsWith(`src/${room}`));
}

/** The files of this package that a file imports. */
function neighbours(source: Source, isCounted: (one: Import) => boolean = () => true): string[] {
  const local = importsOf(source).filter(
    (one) => one.from.startsWith('./') || one.from.startsWith('../'),
  );
  return local.filter(isCounted).map(({ from }) => join(dirname(source.path), from));
}

describe('imports run one way:', () => {
  test('every file is in a room, and none imports from a room above its own', () => {
    expect(sources.filter(({ path }) => floorOf(path) < 0).map(({ path }) => path)).toEqual([]);
    const upwards = sources.flatMap((source) =>
      neighbours(source)
        .filter((to) => to.startsWith('src/') && floorOf(to) > floorOf(source.path))
        .map((to) => `${source.path} imports ${to}`),
    );
    expect(upwards).toEqual(UPWARDS);
    expect(sources.length).toBeGreaterThan(40);
  });

  test('what help and errors load needs neither the driver nor the library', () => {
    const byPath = new Map(sources.map((source) => [source.path, source]));
    const reached = new Set<string>();
    const waiting = ['src/index.ts'];
    for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
      const source = byPath.get(path);
      if (reached.has(path) || source === undefined) continue;
      reached.add(path);
      waiting.push(...neighbours(source, ({ typesOnly }) => !typesOnly));
    }
    const heavy = [...reached].flatMap((path) =>
      importsOf(byPath.get(path) as Source)
        .filter(({ from, typesOnly }) => !typesOnly && /^(mongodb|@monque\/)/.test(from))
        .map(({ from }) => `${path} imports ${from}`),
    );
    expect(heavy).toEqual([]);
    expect(reached.size).toBeGreaterThan(15);
    expect(reached.size).toBeLessThan(sources.length);
  });
});

test('files and functions stay small', () => {
  const long = [...sources, ...tests].filter(
    ({ text }) => text.split('\n').length - 1 > MOST_LINES_A_FILE,
  );
  expect(long.map(({ path }) => path)).toEqual([]);
  const functions = sources.flatMap((source) =>
    nodesOf(source).flatMap((node) => {
      if (!ts.isFunctionLike(node) || !('body' in node)) return [];
      const lineOf = (at: number) => source.tree.getLineAndCharacterOfPosition(at).line;
      const lines = lineOf(node.getEnd()) - lineOf(node.getStart()) + 1;
      return lines > MOST_LINES_A_FUNCTION ? [`${source.path}: ${lines} lines`] : [];
    }),
  );
  expect(functions).toEqual([]);
});

test('no test is left out or run alone, none sleeps, and their names say what is so', () => {
  const called = [...tests].flatMap((source) =>
    nodesOf(source)
      .filter((node) => ts.isCallExpression(node))
      .map((node) => ({ path: source.path, name: node.expression.getText(), node })),
  );
  const wrong =
    /^(test|it|describe)\b.*\.(skip|skipIf|runIf|todo|fails|only)\b|^(setTimeout|setInterval)$/;
  expect(
    called.filter(({ name }) => wrong.test(name)).map(({ path, name }) => `${path}: ${name}`),
  ).toEqual([]);
  const should = called.filter(({ name, node }) => {
    const [title] = node.arguments;
    return (
      /^(test|describe)/.test(name) && title !== undefined && /\bshould\b/.test(title.getText())
    );
  });
  expect(should.map(({ path }) => path)).toEqual([]);
  expect(called.length).toBeGreaterThan(100);
});

test('every source file begins with what is in it', () => {
  const without = sources.filter(({ text }) => !/^\/\*\*\n.*? \* @module\n \*\//s.test(text));
  expect(without.map(({ path }) => path)).toEqual([]);
});
