/**
 * Installs the dependencies when that is needed: node_modules is missing, or older than package-lock.json.
 * The hooks of `npm test` and `npm run quickstart` call it, so that both work in a fresh clone.
 */
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url));
const reason = reasonToInstall();

if (reason === undefined) {
  console.log('Dependencies are installed.');
} else {
  console.log(`Installing dependencies: ${reason}. This takes about a minute.`);
  const { status } = spawnSync('npm', ['ci'], {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  process.exitCode = status ?? 1;
}

function reasonToInstall() {
  const lockedMs = modifiedMs('package-lock.json');
  const installedMs = modifiedMs('node_modules', '.package-lock.json');
  if (installedMs === undefined) return 'there is no node_modules';
  if (lockedMs > installedMs) return 'package-lock.json is newer than node_modules';
  return undefined;
}

/** npm writes node_modules/.package-lock.json at the end of an install that went well. */
function modifiedMs(...path) {
  return statSync(join(root, ...path), { throwIfNoEntry: false })?.mtimeMs;
}
