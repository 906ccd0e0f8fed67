import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ensureBuilt, PACKAGE, ROOT, runNode, runNpm, TSC } from './built.ts';

const MONGODB = 'mongodb@7.8.0';

/** Uses the package end to end; prints the last state of the job it ran. */
const PROGRAM = `
const monque = Monque.inMemory({ clock: systemClock });
const done = new Promise((resolve) => monque.on('job:complete', ({ job }) => resolve(job)));
monque.worker('add', (job) => {
  if (job.data.a + job.data.b !== 3n) throw new Error('wrong data');
});
async function main() {
  await monque.start();
  await monque.enqueue('add', { a: 1n, b: 2n });
  console.log((await done).status, JobStatus.COMPLETED, new ManualClock().now() > 0);
  await monque.stop();
}
main();
`;

const TYPED_PROGRAM = `
import { type Db, MongoClient } from 'mongodb';
import { type Job, type JobContext, Monque, type MonqueOptions } from '@monque/core';
import { type ClaimParams, type LedgerVerbs, LedgerRepository } from '@monque/core/ledger';
import { ManualClock, makeJob } from '@monque/core/testing';
import type { UntypedJobs } from '@monque/core/types';

interface Email { readonly to: string }
const options: MonqueOptions = { pollInterval: 100, clock: new ManualClock() };
const db: Db = new MongoClient('mongodb://127.0.0.1').db();
const monque: Monque = new Monque(db, options);
monque.worker<Email>('email', (job: Job<Email>, { signal }: JobContext) => signal.aborted || job.data.to);
monque.on('job:fail', ({ error, willRetry }) => error.message.length > 0 && willRetry);
export const job: Promise<Job<Email>> = monque.enqueue<Email>('email', makeJob<Email>({ data: { to: 'a' } }).data);
export type Claim = LedgerVerbs['claim'] extends (params: ClaimParams) => infer Answer ? Answer : never;
export const base: Function = LedgerRepository;
export const jobs: Monque<UntypedJobs> = monque;
// @ts-expect-error the option does not exist
Monque.inMemory({ pollIntervall: 100 });
`;

/** Exports what no one has annotated: the compiler names every part of it, by the entries of the package. */
const UNANNOTATED_PROGRAM = `
import { Monque } from '@monque/core';
export const monque = Monque.inMemory();
export const why = async (id: string) => (await monque.explain(id))?.others[0];
export const histograms = () => monque.metrics().histograms;
export const found = async () => (await monque.audit()).findings[0];
export const names = async () => (await monque.inspect()).names[0];
export const counts = () => monque.explainMany({});
export const flow = async (id: string) => (await monque.getFlow(id))?.jobs[0];
`;

/** A compiler takes long on a machine that has other work. */
const COMPILE_MS = 60_000;

let folder: string;
let files: string[];

/** An application that installs nothing but the packed package and its peer. */
beforeAll(async () => {
  await ensureBuilt();
  folder = await mkdtemp(join(tmpdir(), 'monque-tarball-'));
  const pack = ['pack', PACKAGE, '--json', '--pack-destination', folder];
  const [packed] = JSON.parse((await runNpm(pack, { cwd: folder })).stdout);
  files = packed.files.map(({ path }: { path: string }) => path);
  await writeFile(join(folder, 'package.json'), '{ "private": true }');
  const install = ['install', '--prefer-offline', '--no-audit', '--no-fund'];
  await runNpm([...install, `./${packed.filename}`, MONGODB], { cwd: folder });
});

afterAll(() => rm(folder, { recursive: true }));

async function run(file: string, program: string): Promise<string> {
  await writeFile(join(folder, file), program);
  const { stdout, stderr } = await runNode([file], { cwd: folder });
  expect(stderr).toBe('');
  return stdout;
}

test('the package holds what it needs and nothing else', () => {
  const others = files.filter((file) => !/^dist\/.*\.(mjs|cjs|d\.mts|d\.cts)$/.test(file));
  expect(others.sort()).toEqual([
    ...['LICENSE', 'README.md', 'bin/monque-migrate.mjs', 'package.json'],
  ]);
});

test('an ES module runs a job with the installed package', async () => {
  const imports = [
    `import { JobStatus, Monque, systemClock } from '@monque/core';`,
    `import { ManualClock } from '@monque/core/testing';`,
  ];
  expect(await run('app.mjs', imports.join('\n') + PROGRAM)).toBe('completed completed true\n');
});

test('a CommonJS module runs a job with the installed package', async () => {
  const imports = [
    `const { JobStatus, Monque, systemClock } = require('@monque/core');`,
    `const { ManualClock } = require('@monque/core/testing');`,
  ];
  expect(await run('app.cjs', imports.join('\n') + PROGRAM)).toBe('completed completed true\n');
});

test('both kinds of modules get the migration, and its command runs', async () => {
  const program = `
    import { createRequire } from 'node:module';
    import { migrateJobs } from '@monque/core/migration';
    const required = createRequire(import.meta.url)('@monque/core/migration');
    console.log(typeof migrateJobs, typeof required.migrateJobs);`;
  expect(await run('migration.mjs', program)).toBe('function function\n');
  const command = 'node_modules/.bin/monque-migrate';
  const { stdout } = await runNode([command, '--help'], { cwd: folder });
  expect(stdout).toContain('--format agenda | plain');
});

test('both kinds of modules get what ledgers are written with, and it is the same ledger', async () => {
  const program = `
    import { createRequire } from 'node:module';
    import { InMemoryLedgerRepository } from '@monque/core';
    import { LedgerRepository, lockOf } from '@monque/core/ledger';
    const required = createRequire(import.meta.url)('@monque/core/ledger');
    const ledger = new InMemoryLedgerRepository();
    console.log(ledger instanceof LedgerRepository, typeof lockOf, typeof required.lockOf);`;
  expect(await run('ledger.mjs', program)).toBe('true function function\n');
});

test('one process may load the package both ways and mix what they make', async () => {
  const program = `
    import { createRequire } from 'node:module';
    import { Monque } from '@monque/core';
    const { InMemoryLedgerRepository } = createRequire(import.meta.url)('@monque/core');
    const job = await new Monque(new InMemoryLedgerRepository()).enqueue('any');
    console.log(job.status);`;
  expect(await run('both.mjs', program)).toBe('pending\n');
});

test('OpenTelemetry is needed by its own entry alone, which says so', async () => {
  const program = `
    const { Monque } = await import('@monque/core');
    const error = await import('@monque/core/opentelemetry').catch((thrown) => thrown);
    console.log(typeof Monque, error.code, error.message.includes('@opentelemetry/api'));`;
  expect(await run('absent.mjs', program)).toBe('function ERR_MODULE_NOT_FOUND true\n');
});

test(
  'the types serve ES modules and CommonJS, and declarations that name them',
  async () => {
    await writeFile(join(folder, 'typed.mts'), TYPED_PROGRAM);
    await writeFile(join(folder, 'typed.cts'), TYPED_PROGRAM);
    await writeFile(join(folder, 'named.mts'), UNANNOTATED_PROGRAM);
    await writeFile(join(folder, 'named.cts'), UNANNOTATED_PROGRAM);
    const node = join(folder, 'node_modules/@types/node');
    await symlink(join(ROOT, 'node_modules/@types/node'), node);
    const flags = ['--strict', '--exactOptionalPropertyTypes', '--types', 'node', '--skipLibCheck'];
    const target = ['--target', 'es2023', '--module', 'nodenext'];
    const emit = ['--declaration', '--emitDeclarationOnly'];
    const programs = ['typed.mts', 'typed.cts', 'named.mts', 'named.cts'];
    await runNode([TSC, ...flags, ...target, ...emit, ...programs], { cwd: folder });
    for (const file of ['named.d.mts', 'named.d.cts']) {
      const declared = await readFile(join(folder, file), 'utf8');
      expect(declared).toContain('Monque<import("@monque/core/types").UntypedJobs>');
      expect(declared).not.toContain('/dist/');
    }
  },
  COMPILE_MS,
);
