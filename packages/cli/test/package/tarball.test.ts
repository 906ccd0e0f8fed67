import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Db } from 'mongodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  ensurePackageBuilt,
  ROOT,
  runNode,
  runNpm,
  TSC,
} from '../../../core/test/package/built.ts';
import { uriOf } from '../../../core/test/package/mongo-uri.ts';
import {
  cleanupTestDb,
  closeMongoDb,
  describeWithMongo,
  getTestDb,
} from '../../../core/test/setup/mongodb.ts';
import { CLI, ensureCliBuilt } from '../setup/process.ts';

/** What the program depends on of this repository. */
const OURS = ['core', 'dashboard', 'ledgers', 'cli'] as const;

describeWithMongo('the packed program', () => {
  let folder: string;
  let files: string[];
  let db: Db;

  /** A folder that installs nothing but the packed packages. */
  beforeAll(async () => {
    await ensureCliBuilt();
    await ensurePackageBuilt(join(ROOT, 'packages/ledgers'), ['index.mjs', 'index.cjs']);
    db = await getTestDb('cli_tarball');
    folder = await mkdtemp(join(tmpdir(), 'monque-cli-tarball-'));
    const tarballs: string[] = [];
    for (const name of OURS) {
      const pack = ['pack', join(ROOT, 'packages', name), '--json', '--pack-destination', folder];
      const [packed] = JSON.parse((await runNpm(pack, { cwd: folder })).stdout);
      tarballs.push(`./${packed.filename}`);
      files = packed.files.map(({ path }: { path: string }) => path);
    }
    await writeFile(join(folder, 'package.json'), '{ "private": true }');
    const install = ['install', '--prefer-offline', '--no-audit', '--no-fund'];
    await runNpm([...install, ...tarballs], { cwd: folder });
  }, 300_000);

  afterAll(async () => {
    await cleanupTestDb(db);
    await closeMongoDb();
    await rm(folder, { recursive: true });
  });

  function npx(...argv: string[]): Promise<{ stdout: string; stderr: string }> {
    const env = { ...process.env, MONQUE_URI: uriOf(db.databaseName) };
    return runNpm(['exec', '--no', '--', 'monque', ...argv], { cwd: folder, env });
  }

  test('holds what it needs and nothing else', () => {
    const others = files.filter((file) => !/^dist\/.*\.(mjs|cjs|d\.mts|d\.cts)$/.test(file));
    expect(others.sort()).toEqual(['LICENSE', 'README.md', 'bin/monque.mjs', 'package.json']);
  });

  test('runs by npx: help, a job from its enqueue to why it waits, and what loads every part', async () => {
    const { version } = JSON.parse(await readFile(join(CLI, 'package.json'), 'utf8'));
    expect((await npx('--version')).stdout).toBe(`${version}\n`);
    expect((await npx('jobs', 'retry', '--help')).stdout).toContain('Examples:');
    const { stdout } = await npx('enqueue', 'email', '--data', '{"to":"a"}', '--delay', '1h');
    const id = stdout.trim();
    const job = JSON.parse((await npx('jobs', 'get', id, '--json')).stdout);
    expect(job).toMatchObject({ id, name: 'email', data: { to: 'a' } });
    await expect(npx('why', id)).rejects.toThrow('It was enqueued for a later time');
    expect((await npx('doctor')).stdout).toContain('The index monque_claim is there');
    const migrate = await npx('migrate', '--from', 'old', '--format', 'agenda');
    expect(migrate.stdout).toContain('The migration is through.');
    await expect(npx('dashboard', '--port', '1')).rejects.toThrow('Port 1 cannot be listened on');
  }, 120_000);

  test('is found by ES modules and CommonJS, with types', async () => {
    const program = `
      const io = { ...processIo(), cwd: '/' };
      run(['next', '@daily', '--count', '1', '--json'], io).then((code) => console.log(code === ExitCode.DONE));`;
    const names = '{ ExitCode, processIo, run }';
    await writeFile(join(folder, 'app.mjs'), `import ${names} from '@monque/cli';${program}`);
    await writeFile(join(folder, 'app.cjs'), `const ${names} = require('@monque/cli');${program}`);
    for (const file of ['app.mjs', 'app.cjs']) {
      const { stdout, stderr } = await runNode([file], { cwd: folder });
      expect({ file, stderr, stdout }).toEqual({
        file,
        stderr: '',
        stdout: expect.stringMatching(/true\n$/),
      });
    }
    const typed = `import { ExitCode, type Io, run } from '@monque/cli';
      export const code: (io: Io) => Promise<ExitCode> = (io) => run(['status'], io);`;
    for (const file of ['typed.mts', 'typed.cts']) await writeFile(join(folder, file), typed);
    const types = join(folder, 'node_modules/@types/node');
    await symlink(join(ROOT, 'node_modules/@types/node'), types).catch(() => undefined);
    const flags = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--types', 'node'];
    const target = ['--target', 'es2023', '--module', 'nodenext', '--skipLibCheck'];
    await runNode([TSC, ...flags, ...target, 'typed.mts', 'typed.cts'], { cwd: folder });
  }, 60_000);
});
