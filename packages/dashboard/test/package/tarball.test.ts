import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  ensureBuilt,
  ensurePackageBuilt,
  PACKAGE,
  ROOT,
  runNode,
  runNpm,
  TSC,
} from '../../../core/test/package/built.ts';

const DASHBOARD = join(ROOT, 'packages/dashboard');

/** Asks for the jobs through the handler, and shows that no global was replaced. */
const PROGRAM = `
const { Request: Before } = globalThis;
const monque = Monque.inMemory();
const dashboard = createDashboard({ monque, actor: () => 'ann' });
toNodeListener(dashboard);
async function main() {
  await monque.enqueue('mail', { n: 1n });
  const response = await dashboard(new Request('http://localhost/x/api/v1/jobs'));
  const { jobs } = await response.json();
  const page = await dashboard(new Request('http://localhost/x/-/jobs'));
  const hasBase = (await page.text()).includes('<base href="../">');
  console.log(jobs[0].name, hasBase, globalThis.Request === Before);
}
main();
`;

const TYPED_PROGRAM = `
import { type Actor, Monque } from '@monque/core';
import { createDashboard, type DashboardHandler, type JobsAnswer } from '@monque/dashboard';
import { type NodeListener, toNodeListener } from '@monque/dashboard/node';

const monque = new Monque<{ mail: { to: string } }>({} as never);
const handler: DashboardHandler = createDashboard({ monque, actor: (request): Actor | null => request.headers.get('x-user') });
export const listener: NodeListener = toNodeListener(handler);
export const names = (answer: JobsAnswer): string[] => answer.jobs.map(({ name }) => name);
// @ts-expect-error an actor is required
createDashboard({ monque });
`;

let folder: string;
let files: string[];

/** An application that installs nothing but the packed packages and their peer. */
beforeAll(async () => {
  await ensureBuilt();
  await ensurePackageBuilt(DASHBOARD, ['index.mjs', 'index.cjs', 'node.mjs', 'node.cjs']);
  folder = await mkdtemp(join(tmpdir(), 'monque-dashboard-'));
  await writeFile(join(folder, 'package.json'), '{ "private": true }');
  const pack = (from: string): Promise<{ filename: string; files: { path: string }[] }> =>
    runNpm(['pack', from, '--json', '--pack-destination', folder], { cwd: folder }).then(
      ({ stdout }) => JSON.parse(stdout)[0],
    );
  const core = await pack(PACKAGE);
  const own = await pack(DASHBOARD);
  files = own.files.map(({ path }) => path);
  const install = ['install', '--prefer-offline', '--no-audit', '--no-fund'];
  const packages = [`./${core.filename}`, `./${own.filename}`, 'mongodb@7.8.0'];
  await runNpm([...install, ...packages], { cwd: folder });
}, 120_000);

afterAll(() => rm(folder, { recursive: true }));

async function run(file: string, program: string): Promise<string> {
  await writeFile(join(folder, file), program);
  const { stdout, stderr } = await runNode([file], { cwd: folder });
  expect(stderr).toBe('');
  return stdout;
}

test('the package holds what it needs and nothing else', () => {
  const others = files.filter((file) => !/^dist\/.*\.(mjs|cjs|d\.mts|d\.cts|map)$/.test(file));
  expect(others.sort()).toEqual(['LICENSE', 'README.md', 'package.json']);
});

test('an ES module shows jobs with the installed package', async () => {
  const imports = `
    import { Monque } from '@monque/core';
    import { createDashboard } from '@monque/dashboard';
    import { toNodeListener } from '@monque/dashboard/node';`;
  expect(await run('app.mjs', imports + PROGRAM)).toBe('mail true true\n');
});

test('a CommonJS module shows jobs with the installed package', async () => {
  const imports = `
    const { Monque } = require('@monque/core');
    const { createDashboard } = require('@monque/dashboard');
    const { toNodeListener } = require('@monque/dashboard/node');`;
  expect(await run('app.cjs', imports + PROGRAM)).toBe('mail true true\n');
});

test('the types serve ES modules and CommonJS', { timeout: 60_000 }, async () => {
  await writeFile(join(folder, 'typed.mts'), TYPED_PROGRAM);
  await writeFile(join(folder, 'typed.cts'), TYPED_PROGRAM);
  const flags = [
    '--noEmit',
    '--strict',
    '--skipLibCheck',
    '--typeRoots',
    join(ROOT, 'node_modules/@types'),
  ];
  const target = ['--target', 'es2023', '--module', 'nodenext', '--types', 'node'];
  await runNode([TSC, ...flags, ...target, 'typed.mts', 'typed.cts'], { cwd: folder });
});
