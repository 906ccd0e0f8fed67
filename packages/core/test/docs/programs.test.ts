import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ensureBuilt, ensurePackageBuilt, PACKAGE, ROOT, runNode, TSC } from '../package/built.ts';
import { uriOf } from '../package/mongo-uri.ts';
import { cleanupTestDb, closeMongoDb, describeWithMongo, getTestDb } from '../setup/mongodb.ts';
import { type CodeBlock, codeBlocks, pagePaths, readPage } from './pages.ts';
import { type Outcome, runPrograms } from './run-programs.ts';

interface Program extends CodeBlock {
  readonly where: string;
  readonly needsMongo: boolean;
}

const { MONGODB_URI: _, ...WITHOUT_MONGODB } = process.env;
const programs = await allPrograms();
const free = programs.filter(({ title }) => title === undefined);
const shown = programs.filter(({ title }) => /^examples\/.*\.mjs$/.test(title ?? ''));
const inMemory = free.filter(({ needsMongo }) => !needsMongo);
// A signal is for a whole process.
const ownProcess = inMemory.filter(isService);
const together = inMemory.filter((program) => !isService(program));
// Those that need a MongoDB have tests of their own.
const examples = shown.filter(({ needsMongo }) => !needsMongo);

type OutcomeOf = Awaited<ReturnType<typeof runPrograms>>;

/** Many programs take longer than one on a machine that has other work. */
const TOGETHER_MS = 180_000;
let folder: string;
let running: { readonly together: Promise<OutcomeOf>; readonly examples: Promise<OutcomeOf> };

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

/** Waits until it is told to end. */
function isService({ code }: Program): boolean {
  return code.includes("'SIGTERM'") && !code.includes('job:complete');
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
  const files: string[] = [];
  for (const program of together) files.push(await save(program));
  // They run beside the tests that come first, since most of them wait now and then.
  running = {
    together: runPrograms(files, { cwd: folder, env: WITHOUT_MONGODB }),
    examples: runPrograms([...new Set(examples.map(pathOf))], { cwd: ROOT }),
  };
  // A test says it, when its turn comes.
  for (const run of Object.values(running)) run.catch(() => undefined);
}, TOGETHER_MS);

afterAll(async () => {
  await Promise.allSettled(Object.values(running));
  await closeMongoDb();
  await rm(folder, { recursive: true });
});

function pathOf({ title = '' }: Program): string {
  return join(ROOT, title);
}

function savedAs({ where }: Program): string {
  return join(folder, `${where.replaceAll(/\W/g, '-')}.mjs`);
}

/** Writes a program as JavaScript that ends: a service is told to stop as soon as it has come to its end. */
async function save(program: Program): Promise<string> {
  const { code, language } = program;
  const whole = isService(program) ? `${code}\nprocess.kill(process.pid, 'SIGTERM');\n` : code;
  const file = savedAs(program);
  await writeFile(file, language === 'ts' ? toJavaScript(whole) : whole);
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

/** It came to its end by itself, and complained of nothing. */
function expectWell({ faults, stderr }: Outcome): void {
  expect({ faults, stderr: withoutNotices(stderr) }).toEqual({ faults: [], stderr: '' });
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

describe('a program in the documentation runs in memory:', () => {
  let outcomeOf: OutcomeOf;

  beforeAll(async () => {
    outcomeOf = await running.together;
  }, TOGETHER_MS);

  for (const program of together) {
    test(program.where, () => expectWell(outcomeOf(savedAs(program))));
  }

  for (const program of ownProcess) {
    test(program.where, () => expectRuns(program, WITHOUT_MONGODB));
  }
});

describe('a page shows an example as it is:', () => {
  for (const { title = '', code, where } of shown) {
    test(`${where} shows ${title}`, async () => {
      expect(code).toBe(await readFile(join(ROOT, title), 'utf8'));
    });
  }
});

describe('an example prints what its page says:', () => {
  let outcomeOf: OutcomeOf;

  beforeAll(async () => {
    outcomeOf = await running.examples;
  }, TOGETHER_MS);

  for (const program of examples) {
    test(String(program.title), async () => {
      const blocks = codeBlocks(await readPage(program.where.replace(/:.*/, '')));
      const output = blocks.find((block) => block.title === 'output')?.code;
      const outcome = outcomeOf(pathOf(program));
      expectWell(outcome);
      // Sorted: how the lines of jobs that run side by side interleave is not promised.
      expect(outcome.stdout.split('\n').sort()).toEqual(output?.split('\n').sort());
    });
  }
});
