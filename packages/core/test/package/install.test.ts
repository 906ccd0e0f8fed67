import { chmod, mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ROOT, runNode } from './built.ts';

const LOCKED_AT = new Date('2025-01-01');
const EARLIER = new Date('2024-01-01');

let folder: string;

/** A clone with a lockfile, and an `npm` that only notes down how it was called. */
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'monque-install-'));
  await mkdir(join(folder, 'bin'));
  await mkdir(join(folder, 'node_modules'));
  await writeFile(join(folder, 'bin/npm'), '#!/bin/sh\necho "$@" > calls\n');
  await chmod(join(folder, 'bin/npm'), 0o755);
  await writeFile(join(folder, 'package-lock.json'), '{}');
  await utimes(join(folder, 'package-lock.json'), LOCKED_AT, LOCKED_AT);
});

afterEach(() => rm(folder, { recursive: true }));

async function install(): Promise<{ printed: string; called: string }> {
  const path = `${join(folder, 'bin')}${delimiter}${process.env.PATH}`;
  const script = join(ROOT, 'scripts/install.mjs');
  const env = { ...process.env, PATH: path };
  const { stdout } = await runNode([script, folder], { cwd: folder, env });
  const called = await readFile(join(folder, 'calls'), 'utf8').catch(() => '');
  return { printed: stdout, called: called.trim() };
}

async function installedAt(time: Date): Promise<void> {
  const record = join(folder, 'node_modules/.package-lock.json');
  await writeFile(record, '{}');
  await utimes(record, time, time);
}

test('a fresh clone is installed', async () => {
  const { printed, called } = await install();
  expect(called).toBe('ci');
  expect(printed).toContain('there is no node_modules');
});

test('an install that is older than the lockfile is renewed', async () => {
  await installedAt(EARLIER);
  const { printed, called } = await install();
  expect(called).toBe('ci');
  expect(printed).toContain('package-lock.json is newer than node_modules');
});

test('an install that is as new as the lockfile is left alone', async () => {
  await installedAt(LOCKED_AT);
  const { printed, called } = await install();
  expect(called).toBe('');
  expect(printed).toContain('Dependencies are installed.');
});

test('an install that fails fails the command', async () => {
  await writeFile(join(folder, 'bin/npm'), '#!/bin/sh\nexit 3\n');
  await expect(install()).rejects.toThrow('Command failed');
});
