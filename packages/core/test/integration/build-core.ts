/**
 * Builds the library as it is now, for tests that run it in processes of their own.
 *
 * @module
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'tsdown';

const PACKAGE_FOLDER = join(import.meta.dirname, '..', '..');

/** A build in a folder of its own. */
export interface CoreBuild {
  /** The ESM entry. */
  readonly entry: string;
  remove(): Promise<void>;
}

/** Builds into a temporary folder inside the package, so that `mongodb` is found from there. */
export async function buildCore(): Promise<CoreBuild> {
  const folder = await mkdtemp(join(PACKAGE_FOLDER, 'node_modules', '.build-'));
  await build({
    cwd: PACKAGE_FOLDER,
    config: false,
    entry: { index: 'src/index.ts' },
    format: 'esm',
    platform: 'node',
    dts: false,
    outDir: folder,
    logLevel: 'silent',
  });
  return {
    entry: join(folder, 'index.mjs'),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
