/**
 * The rules of the house for where a file is and what it imports. Each exception stands in a list here, with its reason.
 */
import { dirname } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { forgetTrees, imports, type SourceFile, sources } from './tidy-files.ts';

afterAll(forgetTrees);

/** Of the sources; a test is found by the name of what it tests, so folders of tests have no bound. */
const MOST_FILES_A_FOLDER = 28;

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
    'actor-client',
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

  function shown(found: readonly { readonly from: string; readonly to: string }[]): string[] {
    return found.map(({ from, to }) => `${from} imports ${to}`);
  }

  test('every file is in a room, and every room has files', () => {
    expect(sources.filter(({ path }) => floorOf(path) < 0).map(({ path }) => path)).toEqual([]);
    const rooms = new Set(sources.map(({ path }) => roomOf(path)));
    expect(ORDER.filter((room) => !rooms.has(room))).toEqual([]);
  });

  test('no file imports from a room above its own', () => {
    expect(shown(arrows.filter(({ from, to }) => floorOf(to) > floorOf(from)))).toEqual([]);
    expect(arrows.length).toBeGreaterThan(500);
  });

  test('what runs jobs and what acts on them, and the two ledgers, do not know each other', () => {
    expect(shown(arrows.filter(({ from, to }) => areStrangers(from, to)))).toEqual([]);
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
