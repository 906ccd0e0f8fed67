/**
 * The rules of the house that can be counted. Each exception stands in a list here, with its reason.
 */
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';

const PACKAGE = join(import.meta.dirname, '..');
const MOST_LINES_A_FILE = 400;
const MOST_LINES_A_FUNCTION = 70;
const MOST_FILES_A_FOLDER = 28;

interface SourceFile {
  /** From the folder of the package. */
  readonly path: string;
  readonly text: string;
  readonly tree: ts.SourceFile;
}

const files = await readFiles();
const sources = files.filter(({ path }) => path.startsWith('src/') && !path.endsWith('.test.ts'));
const tests = files.filter(({ path }) => !sources.some((source) => source.path === path));

async function readFiles(): Promise<SourceFile[]> {
  const found = ['src', 'test'].map(async (folder) => {
    const paths = await readdir(join(PACKAGE, folder), { recursive: true });
    return paths.filter((path) => path.endsWith('.ts')).map((path) => join(folder, path));
  });
  const paths = (await Promise.all(found)).flat().sort();
  return Promise.all(
    paths.map(async (path) => {
      const text = await readFile(join(PACKAGE, path), 'utf8');
      const tree = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
      return { path, text, tree };
    }),
  );
}

function visit(node: ts.Node, see: (node: ts.Node) => void): void {
  see(node);
  ts.forEachChild(node, (child) => visit(child, see));
}

/** Every node of a file for which `says` has something to say, as `path:line what`. */
function findings(file: SourceFile, says: (node: ts.Node) => string | undefined): string[] {
  const found: string[] = [];
  visit(file.tree, (node) => {
    const what = says(node);
    if (what === undefined) return;
    const { line } = file.tree.getLineAndCharacterOfPosition(node.getStart());
    found.push(`${file.path}:${line + 1} ${what}`);
  });
  return found;
}

/** The dotted name of a call or `new`, such as `Date.now` or `new Date`; undefined for anything else. */
function calledName(node: ts.Node): string | undefined {
  if (ts.isCallExpression(node)) return node.expression.getText();
  if (ts.isNewExpression(node)) return `new ${node.expression.getText()}`;
  return undefined;
}

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

function match(node: ts.Node, pattern: RegExp): string | undefined {
  const name = calledName(node);
  return name !== undefined && pattern.test(name) ? name : undefined;
}

function outside(allowed: readonly string[] = [], found: readonly string[]): string[] {
  return found.filter((finding) => !allowed.some((path) => finding.startsWith(`${path}:`)));
}

interface Import {
  readonly from: string;
  /** The path of the imported file within the package; undefined for a package or a module of Node.js. */
  readonly path: string | undefined;
  readonly typesOnly: boolean;
}

function imports(file: SourceFile): Import[] {
  const found: Import[] = [];
  visit(file.tree, (node) => {
    if (!ts.isImportDeclaration(node) && !ts.isExportDeclaration(node)) return;
    if (node.moduleSpecifier === undefined || !ts.isStringLiteral(node.moduleSpecifier)) return;
    const from = node.moduleSpecifier.text;
    const path = from.startsWith('.') ? join(dirname(file.path), from) : undefined;
    found.push({ from, path, typesOnly: bringsTypesOnly(node) });
  });
  return found;
}

function bringsTypesOnly(node: ts.ImportDeclaration | ts.ExportDeclaration): boolean {
  if (ts.isExportDeclaration(node)) return node.isTypeOnly;
  return node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
}

describe('imports run one way:', () => {
  /**
   * The rooms of the house, the lowest first: a file imports from its own room and those before it. A path belongs to
   * the longest name that it begins with.
   */
  const ORDER = [
    'foundation/',
    'telemetry/',
    'job/',
    'ledger/verbs/',
    'ledger/',
    'ledger/rules/',
    'ledger/views/',
    'ledger/guarded-calls',
    'ledger/ledger-repository',
    'ledger/memory/',
    'ledger/mongodb/',
    'ledger-api',
    'options/',
    'workers/',
    'ledger-source',
    'migration/',
    'context/',
    'client/',
    'engine/running/',
    'engine/upkeep/',
    'engine/claiming/',
    'engine/',
    'diagnosis/',
    'actor-verbs',
    'public-api',
    'stop-on-signals',
    'jobs-client',
    'typed-verbs',
    'monque',
    'types-api',
    'index',
    'testing/',
    'opentelemetry/',
  ];
  /** Rooms side by side that know nothing of each other. */
  const STRANGERS = [
    ['client/', 'engine/'],
    ['ledger/memory/', 'ledger/mongodb/'],
  ];

  function roomOf(path: string): string {
    const fits = ORDER.filter((room) => path.startsWith(`src/${room}`));
    return fits.reduce((best, room) => (room.length > best.length ? room : best), '');
  }

  function floorOf(path: string): number {
    return ORDER.indexOf(roomOf(path));
  }

  function areStrangers(from: string, to: string): boolean {
    const isIn = (path: string, room: string): boolean => path.startsWith(`src/${room}`);
    return STRANGERS.some(([one = '', other = '']) =>
      [isIn(from, one) && isIn(to, other), isIn(from, other) && isIn(to, one)].includes(true),
    );
  }

  /** Every import between two files of the package. */
  const arrows = sources.flatMap((file) =>
    imports(file).flatMap(({ path }) =>
      path === undefined ? [] : [{ from: file.path, to: path }],
    ),
  );

  function told(found: readonly { readonly from: string; readonly to: string }[]): string[] {
    return found.map(({ from, to }) => `${from} imports ${to}`);
  }

  test('every file is in a room, and every room has files', () => {
    expect(sources.filter(({ path }) => floorOf(path) < 0).map(({ path }) => path)).toEqual([]);
    const rooms = new Set(sources.map(({ path }) => roomOf(path)));
    expect(ORDER.filter((room) => !rooms.has(room))).toEqual([]);
  });

  test('no file imports from a room above its own', () => {
    expect(told(arrows.filter(({ from, to }) => floorOf(to) > floorOf(from)))).toEqual([]);
    expect(arrows.length).toBeGreaterThan(500);
  });

  test('what runs jobs and what acts on them, and the two ledgers, do not know each other', () => {
    expect(told(arrows.filter(({ from, to }) => areStrangers(from, to)))).toEqual([]);
  });

  test('no files import each other in a circle, not even types', () => {
    expect(circles(arrows)).toEqual([]);
  });

  /** One file for each group of verbs, all of one shape. */
  const ALIKE = ['src/testing/contract'];

  test('no folder holds more than 28 unlike files', () => {
    const counts = new Map<string, number>();
    for (const { path } of sources) {
      const folder = dirname(path);
      counts.set(folder, (counts.get(folder) ?? 0) + 1);
    }
    const full = [...counts].filter(
      ([folder, files]) => files > MOST_FILES_A_FOLDER && !ALIKE.includes(folder),
    );
    expect(full.map(([folder, files]) => `${folder} holds ${files} files`)).toEqual([]);
  });

  test('the contract of a ledger takes nothing but types from the driver', () => {
    const isOfContract = (path: string): boolean =>
      path.startsWith('src/ledger/') && !/^src\/ledger\/(memory|mongodb)\//.test(path);
    const contract = sources.filter(({ path }) => isOfContract(path));
    const values = contract.flatMap((file) => imports(file)).filter(({ typesOnly }) => !typesOnly);
    expect(contract.length).toBeGreaterThan(20);
    expect(values.map(({ from }) => from)).not.toContain('mongodb');
  });

  test('OpenTelemetry is imported by its own entry alone, which needs nothing but what is public', () => {
    const isOfEntry = ({ path }: SourceFile): boolean => path.startsWith('src/opentelemetry/');
    const importing = sources.filter((file) =>
      imports(file).some(({ from }) => from.startsWith('@opentelemetry/')),
    );
    expect(importing.length).toBeGreaterThan(0);
    expect(importing.filter((file) => !isOfEntry(file)).map(({ path }) => path)).toEqual([]);
    const needed = sources.filter(isOfEntry).flatMap((file) => imports(file));
    const outside = needed.filter(({ path }) => !path?.startsWith('src/opentelemetry/'));
    expect(new Set(outside.map(({ from }) => from))).toEqual(
      new Set(['../index.ts', '../types-api.ts', '@opentelemetry/api']),
    );
  });

  test('what applications get for their tests does not need the engine, but for the scheduler itself', () => {
    const testing = sources.filter(
      ({ path }) => path.startsWith('src/testing/') && path !== 'src/testing/test-monque.ts',
    );
    const engine = testing
      .flatMap((file) => imports(file).map(({ path }) => ({ file: file.path, path: path ?? '' })))
      .filter(({ path }) => floorOf(path) >= ORDER.indexOf('workers/'))
      .filter(({ path }) => !path.startsWith('src/testing/'));
    expect(engine).toEqual([]);
  });
});

interface Arrow {
  readonly from: string;
  readonly to: string;
}

/** The groups of files that reach each other through their imports, each as one line. */
function circles(arrows: readonly Arrow[]): string[] {
  const next = new Map<string, Set<string>>();
  for (const { from, to } of arrows) next.set(from, (next.get(from) ?? new Set()).add(to));
  const reach = (start: string): Set<string> => {
    const found = new Set<string>();
    const waiting = [...(next.get(start) ?? [])];
    for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
      if (found.has(path)) continue;
      found.add(path);
      waiting.push(...(next.get(path) ?? []));
    }
    return found;
  };
  const reached = new Map([...next.keys()].map((path) => [path, reach(path)]));
  const groups = [...reached]
    .filter(([path, found]) => found.has(path))
    .map(([path, found]) => [...found].filter((other) => reached.get(other)?.has(path)).sort());
  return [...new Set(groups.map((group) => group.join(' <-> ')))];
}

test('a circle of imports is found', () => {
  const line = [
    { from: 'a', to: 'b' },
    { from: 'b', to: 'c' },
  ];
  expect(circles(line)).toEqual([]);
  expect(circles([...line, { from: 'c', to: 'b' }])).toEqual(['b <-> c']);
});

test('every source file is reached from an entry of the package', () => {
  const byPath = new Map(sources.map((file) => [file.path, file]));
  const reached = new Set<string>();
  const waiting = [
    ...['src/index.ts', 'src/ledger-api.ts', 'src/migration/index.ts'],
    ...['src/opentelemetry/index.ts', 'src/testing/index.ts', 'src/types-api.ts'],
  ];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const file = byPath.get(path);
    if (reached.has(path) || file === undefined) continue;
    reached.add(path);
    waiting.push(...imports(file).flatMap((imported) => imported.path ?? []));
  }
  expect([...byPath.keys()].filter((path) => !reached.has(path))).toEqual([]);
});

describe('files and functions stay small:', () => {
  test(`no source file is longer than ${MOST_LINES_A_FILE} lines`, () => {
    const long = sources.filter(({ text }) => text.split('\n').length - 1 > MOST_LINES_A_FILE);
    expect(long.map(({ path }) => path)).toEqual([]);
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
  expect(relative(PACKAGE, import.meta.filename)).toBe('test/tidy.test.ts');
  expect(sources.length).toBeGreaterThan(40);
  expect(tests.length).toBeGreaterThan(20);
});
