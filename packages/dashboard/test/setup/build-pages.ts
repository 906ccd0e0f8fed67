import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../../../core/test/setup/mongod-binary.ts';

const BUILD_MS = 120_000;
const place = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/**
 * The sources import the module of the pages, and the tests in a browser are about what it holds. `npm test` builds it
 * first; for a test that is run alone it is made here when it is missing, or older than its sources.
 */
export async function setup(): Promise<void> {
  const builtMs = await modifiedMs(place('src/assets.generated.ts'));
  if (builtMs > (await newestMs())) return;
  await run(process.execPath, [place('build-pages.mjs')], { timeoutMs: BUILD_MS });
}

async function newestMs(): Promise<number> {
  const web = place('web');
  const entries = await readdir(web, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile() && !entry.parentPath.startsWith(join(web, 'dist')))
    .map((entry) => join(entry.parentPath, entry.name));
  return Math.max(...(await Promise.all(files.map(modifiedMs))));
}

async function modifiedMs(file: string): Promise<number> {
  return stat(file).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
}
