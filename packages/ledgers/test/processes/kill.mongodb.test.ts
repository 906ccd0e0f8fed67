/**
 * A process that is killed in the middle of a verb leaves the record as it was or as it was to be, and the ledger open
 * for the next one.
 */
import { spawn } from 'node:child_process';
import { readdir, readFile, rm, stat, utimes } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { describeWithMongo } from '../../../core/test/setup/mongodb.ts';
import { until } from '../../../core/test/setup/until.ts';
import { MarkdownRecordStore } from '../../src/index.ts';
import { put, stepIn } from '../kit.ts';
import {
  expectWhole,
  formatOf,
  killInFile,
  killInMongo,
  PACKAGE,
  PROCESS,
  RUN,
  stepCase,
  useFolder,
} from './kills.ts';

const folder = useFolder();

/** As if its holder, which renews it no more, had stood still or been dead for a while. */
async function ageLock(path: string): Promise<void> {
  const longAgo = new Date(Date.now() - 60_000);
  await utimes(`${path}.lock`, longAgo, longAgo);
}

describe('a kill while a file is written', () => {
  test.each([
    ['lock', false],
    ['claim', false],
    ['write', false],
    ['sync', false],
    ['rename', false],
    ['after', true],
  ])('at %s leaves a whole file, applied: %s', async (point, applied) => {
    const one = stepCase('start');
    const { store, before } = await killInFile(folder.path, one, point);
    const text = await readFile(store.path, 'utf8');
    expect(text !== before).toBe(applied);
    expect(
      formatOf('steps')
        .parse(text)
        .problems.filter(({ severity }) => severity === 'error'),
    ).toEqual([]);
    await rm(`${store.path}.lock`, { recursive: true });
    await expectWhole(store, one, applied);
  });

  test('leaves a lock that the next writer takes over', async () => {
    const one = stepCase('start');
    const { store } = await killInFile(folder.path, one, 'rename');
    expect((await stat(`${store.path}.lock`)).isDirectory()).toBe(true);
    await ageLock(store.path);
    await expectWhole(store, one, false);
    expect(await readdir(dirname(store.path))).toEqual([basename(store.path)]);
  }, 60_000);
});

describe('a writer that stands still until its lock was taken over', () => {
  test('writes nothing over what others wrote meanwhile, when it goes on', async () => {
    const store = new MarkdownRecordStore(join(folder.path, 'stopped.md'), formatOf('steps'));
    await store.init();
    await put(store, stepIn('not_started', 'R-1'));
    const by = JSON.stringify(RUN);
    const args = [PROCESS, 'file', store.path, 'steps', 'start', 'R-1', '{}', by, 'stop'];
    const child = spawn(process.execPath, args, { cwd: PACKAGE });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    const ended = new Promise((resolve) => child.once('close', resolve));
    const standing = new Promise((resolve) => child.stdout.once('data', resolve));
    await Promise.race([standing, ended]);
    expect(said).toBe('');
    await ageLock(store.path);
    await put(store, stepIn('not_started', 'R-2'));
    await until('it went on to its end', () => {
      // What it said comes before it stands still.
      child.kill('SIGCONT');
      return child.exitCode !== null;
    });
    expect(await ended).toBe(1);
    expect(said).toContain('LEDGER_BUSY');
    expect(await store.get('R-2')).toMatchObject({ id: 'R-2' });
    expect(await store.get('R-1')).toMatchObject({ status: 'not_started' });
  }, 60_000);
});

describeWithMongo('a kill while MongoDB is written', () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'before its command %i leaves a whole record',
    async (point) => {
      const one = stepCase('start');
      const { store, signal, drop } = await killInMongo(one, point);
      expect(signal).toBe(point <= 7 ? 'SIGKILL' : null);
      await expectWhole(store, one, point > 5);
      await drop();
    },
  );
});
