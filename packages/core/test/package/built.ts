/**
 * The built package, for tests that use it from outside. `npm test` builds first; a test that is run alone builds
 * what is missing or older than its sources.
 */
import { execFile } from 'node:child_process';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { until } from '../setup/until.ts';

export const ROOT: string = fileURLToPath(new URL('../../../../', import.meta.url));
export const PACKAGE: string = join(ROOT, 'packages/core');
/** What an application gets that imports the core as an ES module. */
export const ENTRY: string = join(PACKAGE, 'dist/index.mjs');
export const TSC: string = join(ROOT, 'node_modules/typescript/bin/tsc');

const TSDOWN = join(ROOT, 'node_modules/tsdown/dist/run.mjs');
const LOCK = join(ROOT, 'node_modules/.cache/monque-build.lock');
const OUTPUTS = [
  ...['index.mjs', 'index.cjs', 'index.d.mts', 'index.d.cts'],
  ...['testing.mjs', 'opentelemetry.mjs', 'ledger.mjs', 'types.d.mts', 'types.d.cts'],
];
const BUILD_MS = 180_000;

/** Builds the core unless that was done; test files that run at once take turns. */
export function ensureBuilt(): Promise<void> {
  return ensurePackageBuilt(PACKAGE, OUTPUTS);
}

/**
 * Builds a package unless that was done; test files that run at once take turns.
 *
 * @param outputs - files of `dist` that are there when it was done
 */
export async function ensurePackageBuilt(
  folder: string,
  outputs: readonly string[],
): Promise<void> {
  await mkdir(join(LOCK, '..'), { recursive: true });
  await until('the build of another test file', takeLock, BUILD_MS);
  try {
    if (!(await isBuilt(folder, outputs))) await runNode([TSDOWN], { cwd: folder });
  } finally {
    await rm(LOCK, { recursive: true });
  }
}

/** What a program printed. */
export interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs this Node.js with arguments; rejects, with what it printed, when it fails or takes too long. */
export function runNode(
  args: readonly string[],
  options: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv },
): Promise<Output> {
  return runProgram(process.execPath, args, options);
}

/** Runs npm; rejects, with what it printed, when it fails or takes too long. */
export function runNpm(
  args: readonly string[],
  options: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv },
): Promise<Output> {
  return runProgram('npm', args, options);
}

async function runProgram(
  program: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv },
): Promise<Output> {
  try {
    return await promisify(execFile)(program, args, { timeout: BUILD_MS, ...options });
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as Error & Partial<Output>;
    throw new Error(`${message}\n${stdout}\n${stderr}`);
  }
}

/** A lock that was left behind by a run that was killed is taken over. */
async function takeLock(): Promise<boolean> {
  try {
    await mkdir(LOCK);
    return true;
  } catch {
    const held = await stat(LOCK).catch(() => undefined);
    const isLeftBehind = held !== undefined && Date.now() - held.mtimeMs > BUILD_MS / 6;
    if (isLeftBehind) await rm(LOCK, { recursive: true, force: true });
    return false;
  }
}

async function isBuilt(folder: string, outputs: readonly string[]): Promise<boolean> {
  const sources = await readdir(join(folder, 'src'), { recursive: true });
  const sourceTimes = await Promise.all(
    sources.filter(isSource).map((path) => modifiedMs(join(folder, 'src', path))),
  );
  const outputTimes = await Promise.all(
    outputs.map((path) => modifiedMs(join(folder, 'dist', path))),
  );
  return Math.min(...outputTimes) >= Math.max(...sourceTimes);
}

function isSource(path: string): boolean {
  return path.endsWith('.ts') && !path.endsWith('.test.ts');
}

async function modifiedMs(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.mtimeMs ?? 0;
}
