import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findChromium } from './find-chromium.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'monque-browser-'));
  const script = '#!/bin/sh\necho "Chromium 123.4.5.6 built on Debian"\n';
  await writeFile(join(folder, 'chromium'), script, { mode: 0o755 });
  await writeFile(join(folder, 'other'), '#!/bin/sh\necho "Lynx 2.9"\n', { mode: 0o755 });
});

afterAll(() => rm(folder, { recursive: true }));

test('a browser on PATH is found, and the choice is said', async () => {
  const said: string[] = [];
  const found = await findChromium({ env: { PATH: folder }, log: (line) => said.push(line) });
  expect(found).toEqual({ binary: join(folder, 'chromium'), version: 'Chromium 123.4.5.6' });
  expect(said).toEqual([
    `Browser for the tests: Chromium on PATH (Chromium 123.4.5.6, ${folder}/chromium)`,
  ]);
});

test('CHROMIUM_BINARY goes first', async () => {
  const env = { CHROMIUM_BINARY: join(folder, 'chromium'), PATH: '' };
  expect((await findChromium({ env, log: () => {} })).binary).toBe(join(folder, 'chromium'));
});

test('what was tried is said, and how to go on', async () => {
  const env = { CHROMIUM_BINARY: join(folder, 'other'), PATH: '/nowhere' };
  const finding = findChromium({ env, userId: 1_000, log: () => {} });
  await expect(finding).rejects.toThrow(
    [
      `  1. CHROMIUM_BINARY: ${folder}/other does not state the version of a Chromium`,
      '  2. Chromium on PATH: there is none',
      '  3. apt-get install chromium-headless-shell: only root may install it',
      'To go on, do one of these:',
    ].join('\n'),
  );
});
