/**
 * What the browser has to load, compressed as servers and proxies do it.
 */
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { ASSETS } from '../../src/assets.generated.ts';

const KIB = 1_024;

function size(path: string): number {
  return gzipSync(ASSETS[path]?.body ?? '', { level: 9 }).length;
}

const paths = Object.keys(ASSETS);
const html = ASSETS['index.html']?.body ?? '';
const first = [...html.matchAll(/(?:src|href)="\.\/(assets\/[^"]+)"/g)].map(
  ([, path = '']) => path,
);
/** The page that is opened first is one file more. */
const overview = paths.filter((path) => /assets\/overview-.*\.js$/.test(path));
const total = (files: readonly string[]): number =>
  files.reduce((sum, path) => sum + size(path), 0);

test('the first page takes at most 60 KiB of script and 10 KiB of style', () => {
  const scripts = [...first.filter((path) => path.endsWith('.js')), ...overview];
  const styles = first.filter((path) => path.endsWith('.css'));
  expect(scripts.length).toBeGreaterThan(2);
  expect(styles).toHaveLength(1);
  expect(total(scripts)).toBeLessThanOrEqual(60 * KIB);
  expect(total(styles)).toBeLessThanOrEqual(10 * KIB);
});

test('all pages together take at most 120 KiB', () => {
  expect(total(paths)).toBeLessThanOrEqual(120 * KIB);
});

test('no file names another host, and the document holds no script and no style of its own', () => {
  for (const path of paths) {
    const hosts = (ASSETS[path]?.body ?? '').match(/https?:\/\/[\w.-]+/g) ?? [];
    // The name of a format is no address that is asked.
    const asked = hosts.filter((host) => !host.startsWith('http://www.w3.org'));
    expect([path, asked]).toEqual([path, []]);
  }
  expect(html).not.toMatch(/<style|style=|<script(?![^>]*\bsrc=)|\son\w+=/);
});
