/**
 * What a process does beside its command: it asks, is told to end, and loads as little as it can.
 */
import { once } from 'node:events';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Monque } from '@monque/core';
import type { Db } from 'mongodb';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { uriOf } from '../../core/test/package/mongo-uri.ts';
import {
  cleanupTestDb,
  closeMongoDb,
  describeWithMongo,
  getTestDb,
} from '../../core/test/setup/mongodb.ts';
import { ensureCliBuilt, runOnTerminal, runPiped, start } from './setup/process.ts';
import { ensurePrograms } from './setup/programs.ts';

describeWithMongo('a process', () => {
  let db: Db;
  let folder: string;
  let env: Record<string, string>;

  beforeAll(async () => {
    await ensurePrograms('python3');
    await ensureCliBuilt();
  }, 180_000);

  beforeEach(async () => {
    db = await getTestDb('cli_process_ends');
    folder = await mkdtemp(join(tmpdir(), 'monque-process-'));
    env = { MONQUE_URI: uriOf(db.databaseName), MONQUE_ACTOR: 'process' };
    const later = { name: 'listed', options: { delay: 3_600_000 } };
    await new Monque(db, { logger: false }).enqueueMany([later, later]);
    return async () => {
      await cleanupTestDb(db);
      await rm(folder, { recursive: true });
    };
  });

  afterAll(closeMongoDb);

  test('a question is asked on a terminal, and the answer is taken', async () => {
    const argv = ['jobs', 'cancel', '--name', 'listed', '--status', 'pending'];
    const no = await runOnTerminal(argv, { env, input: 'n\n' });
    expect(no).toMatchObject({ code: 0, out: expect.stringContaining('Cancel 2 jobs? [y/N]') });
    expect(no.out).toContain('Nothing was changed.');
    const yes = await runOnTerminal(argv, { env, input: 'y\n' });
    expect(yes.out).toContain('2 jobs cancelled, or asked to end.');
  });

  test('a reader that goes away ends it quietly', async () => {
    const child = start(['jobs', 'list', '--json'], { env });
    child.stdout?.destroy();
    let err = '';
    child.stderr?.on('data', (chunk) => {
      err += chunk;
    });
    const [code] = await once(child, 'close');
    expect({ code, err }).toEqual({ code: 0, err: '' });
  });

  test('SIGINT, SIGTERM and a reader that goes away end long work with what was done', async () => {
    await new Monque(db).enqueueMany(Array.from({ length: 3_000 }, () => ({ name: 'many' })));
    for (const signal of ['SIGINT', 'SIGTERM', undefined] as const) {
      const child = start(['jobs', 'cancel', '--name', 'many', '--yes', '--json'], { env });
      let err = '';
      child.stderr?.on('data', (chunk) => {
        err += chunk;
      });
      await once(child.stdout as NodeJS.ReadableStream, 'data');
      if (signal === undefined) child.stdout?.destroy();
      else child.stdout?.resume();
      if (signal !== undefined) child.kill(signal);
      const [code] = await once(child, 'close');
      expect({ signal, code }).toEqual({ signal, code: 130 });
      expect(err).toMatch(/^\d+ jobs? cancelled, or asked to end.\n$/);
    }
    const left = await db
      .collection('monque_jobs')
      .countDocuments({ name: 'many', status: 'pending' });
    expect(left).toBeGreaterThan(0);
  }, 60_000);

  test('help and errors load little, and neither the driver nor the library', async () => {
    const hook = join(folder, 'loaded.mjs');
    // The loader sees ES modules and what they import; what these require is seen where it is compiled.
    await writeFile(
      hook,
      `import { register } from 'node:module';
       import Module from 'node:module';
       const compile = Module._extensions['.js'];
       Module._extensions['.js'] = function (module, path) { process._rawDebug('LOADED ' + path); return compile.call(this, module, path); };
       register('data:text/javascript,' + encodeURIComponent(
         'export async function load(url, context, next) { if (url.startsWith("file:")) process._rawDebug("LOADED " + decodeURIComponent(new URL(url).pathname)); return next(url, context); }'));`,
    );
    const hooked = { env: { ...env, NODE_OPTIONS: `--import ${hook}` } };
    const loadedBy = async (...argv: string[]): Promise<string[]> => {
      const { err } = await runPiped(argv, hooked);
      return [...new Set([...err.matchAll(/^LOADED (.*)$/gm)].map(([, path]) => String(path)))];
    };
    const heavy = /node_modules.mongodb.|packages.core.dist/;
    for (const argv of [
      ['--help'],
      ['jobs', 'retry', '--help'],
      ['job'],
      ['--version'],
      ['completion', 'zsh'],
    ]) {
      const paths = await loadedBy(...argv);
      expect({ argv, heavy: paths.filter((path) => heavy.test(path)) }).toEqual({
        argv,
        heavy: [],
      });
      expect(paths.some((path) => path.includes('commander'))).toBe(true);
      const sizes = await Promise.all(paths.map(async (path) => (await stat(path)).size));
      const bytes = sizes.reduce((sum, size) => sum + size, 0);
      // What it takes to start grows with these, and not with what else the machine does.
      expect({ argv, isFew: paths.length <= 24, isLittle: bytes <= 280_000 }, `${bytes}`).toEqual({
        ...{ argv, isFew: true, isLittle: true },
      });
    }
    expect((await loadedBy('status')).some((path) => heavy.test(path))).toBe(true);
  }, 60_000);
});
