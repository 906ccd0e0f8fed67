/**
 * The rules of the house for the text of a file. Each exception stands in a list here, with its reason.
 */
import { relative } from 'node:path';
import ts from 'typescript';
import { afterAll, describe, expect, test } from 'vitest';
import {
  calledName,
  findings,
  forgetTrees,
  imports,
  match,
  outside,
  PACKAGE,
  type SourceFile,
  sources,
  tests,
} from './tidy-files.ts';

afterAll(forgetTrees);

const MOST_LINES_A_FILE = 400;
const MOST_LINES_A_FUNCTION = 70;

const TIME =
  /^(Date|Date\.now|performance\.\w+|process\.hrtime(\.bigint)?|AbortSignal\.timeout|(globalThis\.)?(setTimeout|setInterval|setImmediate|queueMicrotask|clearTimeout|clearInterval|clearImmediate))$/;
const CHANCE = /^(Math\.random|(crypto\.)?(randomUUID|randomBytes|randomInt|getRandomValues))$/;
const NEW_ID = /^new (BSON\.)?ObjectId(Class)?$/;

/** Where the doors are used directly, and why that is right. */
const DOORS: Readonly<Record<string, readonly string[]>> = {
  time: ['src/foundation/clock.ts'],
  chance: ['src/foundation/random.ts'],
  // payload.ts looks only at the version that the class stamps on its values.
  ids: ['src/foundation/random.ts', 'src/job/payload.ts'],
};

function hasNoArguments(node: ts.Node): boolean {
  return ts.isNewExpression(node) && (node.arguments ?? []).length === 0;
}

describe('the doors to time, chance and ids are the only ones:', () => {
  test('clocks and timers are used in clock.ts alone', () => {
    const found = sources.flatMap((file) =>
      findings(file, (node) => {
        const name = calledName(node) ?? '';
        const asksForNow = name === 'new Date' && hasNoArguments(node);
        return asksForNow || TIME.test(name) ? name : undefined;
      }),
    );
    expect(outside(DOORS.time, found)).toEqual([]);
    expect(found.length).toBeGreaterThan(0);
  });

  test('chance is used in random.ts alone', () => {
    const found = sources.flatMap((file) => findings(file, (node) => match(node, CHANCE)));
    expect(outside(DOORS.chance, found)).toEqual([]);
    expect(found.length).toBeGreaterThan(0);
  });

  test('new ids are made in random.ts alone', () => {
    const found = sources.flatMap((file) => findings(file, (node) => match(node, NEW_ID)));
    expect(outside(DOORS.ids, found)).toEqual([]);
    expect(found.length).toBeGreaterThan(0);
  });

  test('the modules of Node.js behind the doors are imported nowhere else', () => {
    const modules = ['node:timers', 'node:timers/promises', 'node:perf_hooks', 'node:crypto'];
    const importing = sources.filter((file) =>
      imports(file).some(({ from }) => modules.includes(from)),
    );
    expect(importing.map(({ path }) => path)).toEqual(['src/foundation/random.ts']);
  });
});

describe('files and functions stay small:', () => {
  test(`no file, of tests neither, is longer than ${MOST_LINES_A_FILE} lines`, () => {
    const isLong = ({ text }: SourceFile): boolean =>
      text.split('\n').length - 1 > MOST_LINES_A_FILE;
    expect([...sources, ...tests].filter(isLong).map(({ path }) => path)).toEqual([]);
  });

  test('every source file begins with what is in it', () => {
    const headless = sources.filter(
      ({ text }) => !/^\/\*\*\n(?: \*.*\n)+? \* @module\n \*\/\n/.test(text),
    );
    expect(headless.map(({ path }) => path)).toEqual([]);
  });

  test(`no function in a source file is longer than ${MOST_LINES_A_FUNCTION} lines`, () => {
    const long = sources.flatMap((file) =>
      findings(file, (node) => {
        if (!ts.isFunctionLike(node) || !('body' in node)) return undefined;
        const [start, end] = [node.getStart(), node.getEnd()].map(
          (position) => file.tree.getLineAndCharacterOfPosition(position).line,
        );
        const lines = Number(end) - Number(start) + 1;
        return lines > MOST_LINES_A_FUNCTION ? `${lines} lines` : undefined;
      }),
    );
    expect(long).toEqual([]);
  });
});

test('nothing is exported as default', () => {
  const found = sources.flatMap((file) =>
    findings(file, (node) => {
      if (ts.isExportAssignment(node)) return 'export default';
      return node.kind === ts.SyntaxKind.DefaultKeyword && !ts.isDefaultClause(node.parent)
        ? 'export default'
        : undefined;
    }),
  );
  expect(found).toEqual([]);
});

describe('tests are honest:', () => {
  const MAY_SKIP = [
    // The harness skips what a run without MongoDB, or without a mongod of its own, cannot do, and says so.
    'test/setup/mongodb.ts',
    // One part needs both drivers at once, and is run under the current one.
    'test/mongodb/opening.mongodb.test.ts',
  ];
  /** They are the means to wait, or test real time and real processes. */
  const MAY_WAIT = /^test\/(setup|faults)\//;

  test('none is run alone', () => {
    const found = tests.flatMap((file) => findings(file, (node) => match(node, /\.only(\(|$)/)));
    expect(found).toEqual([]);
  });

  test('none is left out', () => {
    const pattern = /^(test|it|describe)\b.*\.(skip|skipIf|runIf|todo|fails)\b/;
    const found = tests.flatMap((file) => findings(file, (node) => match(node, pattern)));
    expect(outside(MAY_SKIP, found)).toEqual([]);
  });

  test('none sleeps: they use the manual clock, events, or wait for a condition', () => {
    const pattern = /^((globalThis\.)?(setTimeout|setInterval)|delay|AbortSignal\.timeout)$/;
    const waiting = tests.filter(({ path }) => !MAY_WAIT.test(path));
    const found = waiting.flatMap((file) => findings(file, (node) => match(node, pattern)));
    const importing = waiting.filter((file) =>
      imports(file).some(({ from }) => from.startsWith('node:timers')),
    );
    expect([...found, ...importing.map(({ path }) => path)]).toEqual([]);
  });
});

test('names of tests say what is so, not what ought to be', () => {
  const found = tests.flatMap((file) =>
    findings(file, (node) => {
      if (!ts.isCallExpression(node) || !/^(test|it|describe)\b/.test(node.expression.getText()))
        return undefined;
      const [name] = node.arguments;
      return name && ts.isStringLiteralLike(name) && /\bshould\b/.test(name.text)
        ? name.text
        : undefined;
    }),
  );
  expect(found).toEqual([]);
});

test('paths are found as they are written', () => {
  expect(relative(PACKAGE, import.meta.filename)).toBe('test/tidy-code.test.ts');
  expect(sources.length).toBeGreaterThan(40);
  expect(tests.length).toBeGreaterThan(20);
});
