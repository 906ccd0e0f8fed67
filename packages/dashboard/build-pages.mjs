// Builds the pages with Vite and writes them into a module of the package, so that nothing is looked up on a disk at run
// time: bundlers, serverless functions and archives need no file beside the code.
import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const web = fileURLToPath(new URL('web/', import.meta.url));
const target = fileURLToPath(new URL('src/assets.generated.ts', import.meta.url));

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
};

// Within a run of tests it is another, and the pages would be those for development, which are larger.
process.env.NODE_ENV = 'production';

await build({ configFile: join(web, 'vite.config.ts'), logLevel: 'warn' });

const out = join(web, 'dist');
const paths = (await readdir(out, { recursive: true, withFileTypes: true }))
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name).slice(out.length + 1))
  .sort();
const files = {};
for (const path of paths) {
  const type = TYPES[extname(path)];
  if (type === undefined)
    throw new Error(`The pages have a file of a type that is not known: ${path}`);
  const body = await readFile(join(out, path), 'utf8');
  const hash = createHash('sha256').update(body).digest('base64url').slice(0, 16);
  files[path.replaceAll('\\', '/')] = { type, hash, encoding: 'utf8', body };
}
const module = `// Written by build-pages.mjs; nothing here is edited manually.
import type { Assets } from './pages/asset.ts';

export const ASSETS: Assets = ${JSON.stringify(files, null, 1)};
`;
await writeFile(target, module);
