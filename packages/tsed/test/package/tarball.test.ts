import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  ensureBuilt,
  ensurePackageBuilt,
  PACKAGE,
  ROOT,
  runNode,
  runNpm,
  TSC,
} from '../../../core/test/package/built.ts';
import { APPLICATION, PRINTED } from './application.ts';

const TSED_PACKAGE = join(ROOT, 'packages/tsed');
const PARTS = ['core', 'di', 'hooks', 'schema', 'json-mapper', 'ajv', 'exceptions'];

/** The ends of what is supported, each with a logger that suits it. */
const RELEASES = {
  highest: { release: '8.38.8', logger: '8.0.5' },
  lowest: { release: '8.2.0', logger: '7.0.2' },
};

/** One of them in a run, since an installation takes its time; the continuous integration runs both. */
const { release, logger } = releaseOf(process.env.MONQUE_TEST_TSED ?? 'highest');

const DECORATORS = ['--experimentalDecorators', '--emitDecoratorMetadata'];
const FIELDS = ['--useDefineForClassFields', 'false'];
const CHECKS = ['--strict', '--skipLibCheck', '--types', 'node'];

/** Installing and compiling take a few seconds, and much longer on a machine that is busy. */
const LONGEST_SETUP_MS = 180_000;

let folder: string;
let files: string[];

function releaseOf(end: string): (typeof RELEASES)['highest'] {
  if (end === 'highest' || end === 'lowest') return RELEASES[end];
  throw new Error(`Expected MONQUE_TEST_TSED to be highest or lowest, got ${end}`);
}

/** A folder outside of the repository that has nothing but what an application installs. */
beforeAll(async () => {
  await ensureBuilt();
  await ensurePackageBuilt(TSED_PACKAGE, ['index.mjs', 'index.cjs', 'index.d.mts', 'index.d.cts']);
  folder = await mkdtemp(join(tmpdir(), 'monque-tsed-'));
  const [core, tsed] = await Promise.all([PACKAGE, TSED_PACKAGE].map(pack));
  files = tsed?.files.map(({ path }) => path) ?? [];
  await writeFile(join(folder, 'package.json'), '{ "private": true }');
  const packages = [`./${core?.filename}`, `./${tsed?.filename}`];
  const parts = PARTS.map((part) => `@tsed/${part}@${release}`);
  const others = [`@tsed/logger@${logger}`, 'ajv@8', 'mongodb@7.8.0'];
  const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--no-save'];
  await runNpm(['install', ...flags, ...packages, ...parts, ...others], { cwd: folder });
  await compile();
}, LONGEST_SETUP_MS);

afterAll(() => rm(folder, { recursive: true }));

interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

async function pack(path: string): Promise<Packed> {
  const args = ['pack', path, '--json', '--pack-destination', folder];
  return JSON.parse((await runNpm(args, { cwd: folder })).stdout)[0];
}

/** With the compiler that users have, so that its types are checked as well. */
async function compile(): Promise<void> {
  await symlink(join(ROOT, 'node_modules/@types/node'), join(folder, 'node_modules/@types/node'));
  await writeFile(join(folder, 'esm.mts'), APPLICATION);
  await writeFile(join(folder, 'cjs.cts'), APPLICATION);
  const target = ['--target', 'es2023', '--module', 'nodenext'];
  const args = [TSC, ...DECORATORS, ...FIELDS, ...CHECKS, ...target, 'esm.mts', 'cjs.cts'];
  await runNode(args, { cwd: folder });
}

describe(`an application on Ts.ED ${release}`, { timeout: 60_000 }, () => {
  test.each(['esm.mjs', 'cjs.cjs'])('runs decorated jobs as %s', async (file) => {
    const { stdout, stderr } = await runNode([file], { cwd: folder });
    expect(stderr).toBe('');
    expect(stdout).toBe(PRINTED);
  });

  test('gets one module by import and by require', async () => {
    const program = `
      import { createRequire } from 'node:module';
      import { Monque, MonqueModule } from '@monque/tsed';
      const required = createRequire(import.meta.url)('@monque/tsed');
      console.log(required.MonqueModule === MonqueModule, required.Monque === Monque);`;
    await writeFile(join(folder, 'both.mjs'), program);
    expect((await runNode(['both.mjs'], { cwd: folder })).stdout).toBe('true true\n');
  });
});

test('the package holds what it needs and nothing else', () => {
  expect(files.sort()).toEqual([
    'LICENSE',
    'README.md',
    'dist/index.cjs',
    'dist/index.d.cts',
    'dist/index.d.mts',
    'dist/index.mjs',
    'package.json',
  ]);
});
