import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CodeBlock, codeBlocks, readPage, tableRows } from '../../../core/test/docs/pages.ts';
import { membersOf } from '../../../core/test/docs/sources.ts';
import {
  ensureBuilt,
  ensurePackageBuilt,
  ROOT,
  runNode,
  TSC,
} from '../../../core/test/package/built.ts';
import * as tsed from '../../src/index.ts';

const PACKAGE = join(ROOT, 'packages/tsed');
const GUIDE = 'docs/guides/tsed-integration.md';
const reference = await readPage('docs/api/decorators.md');
const guide = await readPage(GUIDE);
const blocks = [...codeBlocks(guide), ...codeBlocks(await readPage('packages/tsed/README.md'))];
const typed = blocks.filter(({ language }) => language === 'ts');
const shown = typed.filter(({ title }) => title !== undefined);
const programs = typed.filter(({ title }) => title === undefined);
/** Compiling takes a few seconds, and much longer on a machine that is busy. */
const LONGEST_SETUP_MS = 180_000;

let folder: string;

/** Inside of the package, so that the programs find what it is developed with. */
beforeAll(async () => {
  await ensureBuilt();
  await ensurePackageBuilt(PACKAGE, ['index.mjs', 'index.cjs', 'index.d.mts', 'index.d.cts']);
  folder = await mkdtemp(join(PACKAGE, 'node_modules/.docs-'));
  for (const [index, { code }] of programs.entries()) {
    await writeFile(join(folder, `program-${index}.mts`), code);
  }
  const flags = ['--strict', '--skipLibCheck', '--types', 'node', '--ignoreConfig'];
  const decorators = ['--experimentalDecorators', '--emitDecoratorMetadata'];
  const target = ['--target', 'es2023', '--module', 'nodenext'];
  const fields = ['--useDefineForClassFields', 'false'];
  const files = programs.map((_, index) => `program-${index}.mts`);
  await runNode([TSC, ...flags, ...decorators, ...fields, ...target, ...files], { cwd: folder });
}, LONGEST_SETUP_MS);

afterAll(() => rm(folder, { recursive: true }));

describe('the guide shows the example application as it is:', () => {
  test.each(shown)('$title', async ({ title = '', code }: CodeBlock) => {
    expect(code).toBe(await readFile(join(ROOT, title), 'utf8'));
  });

  test('and not less than its server, its jobs and its start', () => {
    expect(shown.length).toBeGreaterThanOrEqual(5);
  });
});

test.each(programs.map(({ line }, index) => ({ line, index })))(
  'the program at line $line has no type errors, and can be run',
  { timeout: 60_000 },
  async ({ index }) => {
    const { stderr } = await runNode([`program-${index}.mjs`], { cwd: folder });
    expect(stderr).toBe('');
  },
);

/** The names in backquotes in the first cells of the table below a heading. */
function namesUnder(heading: string): string[] {
  return tableRows(reference, heading).map(([cell = '']) => /`([\w.]+)/.exec(cell)?.[1] ?? '');
}

const SOURCES = fileURLToPath(new URL('../../src', import.meta.url));

describe('the reference lists', () => {
  test.each([
    ['## Options of a job', 'JobOptions'],
    ['## Options of a series', 'CronOptions'],
    ['## The module', 'MonqueModuleOptions'],
  ])('%s as they are', async (heading, interfaceName) => {
    const declared = await membersOf(interfaceName, SOURCES);
    expect(namesUnder(heading).sort()).toEqual(declared.sort());
  });

  test('every code of an error, and no other', async () => {
    const files = (await readdir(join(PACKAGE, 'src'), { recursive: true })).filter((path) =>
      path.endsWith('.ts'),
    );
    const texts = await Promise.all(
      files.map((path) => readFile(join(PACKAGE, 'src', path), 'utf8')),
    );
    const codes = texts.flatMap((text) =>
      [...text.matchAll(/new MonqueError\(\s*'(\w+)'/g)].map(([, code]) => code),
    );
    expect(namesUnder('## Errors').sort()).toEqual([...new Set(codes)].sort());
  });

  test('every export that is not one of the core', async () => {
    const core = await import('@monque/core');
    const own = Object.keys(tsed).filter((name) => !(name in core));
    const tokens = ['JOB_PROVIDER_TYPE', 'MONQUE_MODULE_OPTIONS'];
    const missing = own.filter((name) => !tokens.includes(name) && !reference.includes(name));
    expect(missing).toEqual([]);
    expect(own.length).toBeGreaterThan(8);
  });
});
