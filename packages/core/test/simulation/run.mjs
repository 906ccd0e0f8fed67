/**
 * Runs the simulation from the command line.
 *
 *   node packages/core/test/simulation/run.mjs --seconds 600 --seed 1   seeds from 1 on, for ten minutes
 *   node packages/core/test/simulation/run.mjs --seeds 10000            so many seeds
 *   node packages/core/test/simulation/run.mjs --seeds 10000 --all      everything at once in every seed
 *   node packages/core/test/simulation/run.mjs --only 7                 one seed, with its trace
 *   node packages/core/test/simulation/run.mjs --guards                 removes one guard at a time
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'tsdown';

const entry = fileURLToPath(new URL('./run.ts', import.meta.url));
const directory = dirname(entry);
const core = join(directory, '../..');
// Inside the repository, where the bundle finds its dependencies.
const outDir = await mkdtemp(join(core, '../../node_modules/.monque-simulation-'));
try {
  await build({
    config: false,
    cwd: core,
    entry: { run: entry },
    outDir,
    format: 'esm',
    platform: 'node',
    dts: false,
    clean: false,
    exports: false,
    logLevel: 'silent',
  });
  const { main } = await import(pathToFileURL(join(outDir, 'run.mjs')).href);
  process.exitCode = await main(directory, process.argv.slice(2));
} finally {
  await rm(outDir, { recursive: true, force: true });
}
