import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { run } from '../../../core/test/setup/mongod-binary.ts';

const BUILD_MS = 120_000;
const place = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** The sources import the module of the pages. `npm test` builds it first; a test that is run alone finds it made here. */
export async function setup(): Promise<void> {
  if (existsSync(place('src/assets.generated.ts'))) return;
  await run(process.execPath, [place('build-pages.mjs')], { timeoutMs: BUILD_MS });
}
