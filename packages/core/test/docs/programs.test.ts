import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ensureBuilt, ensurePackageBuilt, PACKAGE, ROOT, runNode, TSC } from '../package/built.ts';
import { uriOf } from '../package/mongo-uri.ts';
import { cleanupTestDb, closeMongoDb, describeWithMongo, getTestDb } from '../setup/mongodb.ts';
import { type CodeBlock, codeBlocks, pagePaths, readPage } from './pages.ts';

interface Program extends CodeBlock {
  readonly where: string;
  readonly needsMongo: boolean;
}

const { MONGODB_URI: _, ...WITHOUT_MONGODB } = process.env;
const programs = await allPrograms();
const free = programs.filter(({ title }) => title === undefined);
const shown = programs.filter(({ title }) => /^examples\/.*\.mjs$/.test(title ?? ''));
let folder: string;

/** Every block of code that is a program. One with a title shows a file, the others stand for themselves. */
async function allPrograms(): Promise<Program[]> {
  const found: Program[] = [];
  for (const path of await pagePaths()) {
    for (const block of codeBlocks(await readPage(path))) {
      if (!['js', 'ts'].includes(block.language)) continue;
      // Those for Ts.ED need its decorators; packages/tsed has their tests.
      if (isForTsed(path, block)) continue;
      const needsMongo = block.code.includes('MONGODB_URI');
      found.push({ ...block, where: `${path}:${block.line}`, needsMongo });
    }
  }
  return found;
}

function isForTsed(path: string, { code, title = '' }: CodeBlock): boolean {
  return code.includes('@tsed/') || title.includes('tsed-app') || path.includes('packages/tsed');
}

/** A folder in which programs find the packages as an application would. */
beforeAll(async () => {
  await ensureBuilt();
  await ensurePackageBuilt(join(ROOT, 'packages/ledgers'), ['index.mjs', 'index.cjs']);
  await ensurePackageBuilt(join(ROOT, 'packages/dashboard'), ['index.mjs', 'node.mjs']);
  folder = await mkdtemp(join(tmpdir(), 'monque-docs-'));
  await mkdir(join(folder, 'node_modules/@monque'), { recursive: true });
  await symlink(PACKAGE, join(folder, 'node_modules/@monque/core'));
  await symlink(join(ROOT, 'node_modules/mongodb'), join(folder, 'node_modules/mongodb'));
  await symlink(
    join(ROOT, 'node_modules/@opentelemetry'),
    join(folder, 'node_modules/@opentelemetry'),
  );
  await symlink(join(ROOT, 'node_modules/@types'), join(folder, 'node_modules/@types'));
});

afterAll(async () => {
  await closeMongoDb();
  await rm(folder, { recursive: true });
});

/** Writes a program as JavaScript that ends: a service is told to stop as soon as it has come to its end. */
async function save({ code, language, where }: Program): Promise<string> {
  const isService = code.includes("'SIGTERM'") && !code.includes('job:complete');
  const whole = isService ? `${code}\nprocess.kill(process.pid, 'SIGTERM');\n` : code;
  const file = `${where.replaceAll(/\W/g, '-')}.mjs`;
  await writeFile(join(folder, file), language === 'ts' ? toJavaScript(whole) : whole);
  return file;
}

function toJavaScript(code: string): string {
  const module = ts.ModuleKind.ESNext;
  const target = ts.ScriptTarget.ES2023;
  return ts.transpileModule(code, { compilerOptions: { module, target } }).outputText;
}

async function expectRuns(program: Program, env: NodeJS.ProcessEnv): Promise<void> {
  const { stderr } = await runNode([await save(program)], { cwd: folder, env });
  expect(withoutNotices(stderr)).toBe('');
}

/** A page shows failures and outages on purpose: what a scheduler says of them in its own lines is no fault of it. */
function withoutNotices(stderr: string): string {
  return stderr.replaceAll(/^monque: .*\n/gm, '');
}

test('there are programs in the pages for newcomers, in every guide, and in the reference', () => {
  const places = free.map(({ where }) => where.replace(/:.*/, ''));
  expect(new Set(places)).toEqual(
    new Set([
      'README.md',
      'packages/core/README.md',
      'docs/api/events.md',
      'docs/api/monque-class.md',
      'docs/getting-started/quickstart.md',
      'docs/guides/batches.md',
      'docs/guides/dead-letters.md',
      'docs/guides/error-handling.md',
      'docs/guides/graceful-shutdown.md',
      'docs/guides/job-scheduling.md',
      'docs/guides/production.md',
      'docs/guides/reliability.md',
      'docs/guides/retention.md',
      'docs/guides/stages.md',
      'docs/guides/testing.md',
      'docs/guides/outbox.md',
      'docs/guides/transactions.md',
      'docs/guides/flows.md',
      'docs/guides/order.md',
      'docs/guides/unique-jobs.md',
      'docs/ledger/configuration.md',
      'docs/ledger/history.md',
      'docs/ledger/invariants.md',
      'docs/ledger/migration.md',
      'docs/ledger/monitoring.md',
      'docs/ledger/reconfigure.md',
      'docs/ledger/security.md',
      'docs/ledger/troubleshooting.md',
    ]),
  );
});

describe('a program in the documentation runs in memory:', () => {
  for (const program of free.filter(({ needsMongo }) => !needsMongo)) {
    test(program.where, () => expectRuns(program, WITHOUT_MONGODB));
  }
});

describeWithMongo('a program in the documentation runs on MongoDB:', () => {
  for (const program of free.filter(({ needsMongo }) => needsMongo)) {
    test(program.where, async () => {
      const db = await getTestDb('docs');
      try {
        await expectRuns(program, { ...process.env, MONGODB_URI: uriOf(db.databaseName) });
      } finally {
        await cleanupTestDb(db);
      }
    });
  }
});

/** A compiler takes long on a machine that has other work. */
const COMPILE_MS = 60_000;

test(
  'the programs in TypeScript have no type errors',
  async () => {
    const typed = free.filter(({ language }) => language === 'ts');
    expect(typed.length).toBeGreaterThan(0);
    const files = typed.map(({ where }) => `${where.replaceAll(/\W/g, '-')}.mts`);
    for (const [index, { code }] of typed.entries()) {
      await writeFile(join(folder, files[index] ?? ''), code);
    }
    const flags = ['--noEmit', '--strict', '--skipLibCheck', '--types', 'node'];
    const target = ['--target', 'es2023', '--module', 'nodenext'];
    await runNode([TSC, ...flags, ...target, ...files], { cwd: folder });
  },
  COMPILE_MS,
);

describe('a page shows an example as it is:', () => {
  for (const { title = '', code, where } of shown) {
    test(`${where} shows ${title}`, async () => {
      expect(code).toBe(await readFile(join(ROOT, title), 'utf8'));
    });
  }
});

describe('an example prints what its page says:', () => {
  // Those that need a MongoDB have tests of their own.
  for (const { title = '', where } of shown.filter(({ needsMongo }) => !needsMongo)) {
    test(title, async () => {
      const blocks = codeBlocks(await readPage(where.replace(/:.*/, '')));
      const output = blocks.find((block) => block.title === 'output')?.code;
      const { stdout, stderr } = await runNode([join(ROOT, title)], { cwd: ROOT });
      expect(withoutNotices(stderr)).toBe('');
      // Sorted: how the lines of jobs that run side by side interleave is not promised.
      expect(stdout.split('\n').sort()).toEqual(output?.split('\n').sort());
    });
  }
});
