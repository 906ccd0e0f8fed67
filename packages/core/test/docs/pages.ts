/**
 * The pages of the documentation, and what tests take from them.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { ROOT } from '../package/built.ts';

/** A fenced block of code. */
export interface CodeBlock {
  readonly language: string;
  /** The `title="..."` after the language, which names the file a block shows. */
  readonly title: string | undefined;
  readonly code: string;
  /** The line of the opening fence, from 1. */
  readonly line: number;
}

/** Paths, from the root of the repository, of every page of the documentation. */
export async function pagePaths(): Promise<string[]> {
  const docs = await readdir(join(ROOT, 'docs'), { recursive: true });
  const pages = docs.filter((path) => path.endsWith('.md')).map((path) => `docs/${path}`);
  const readmes = [
    'README.md',
    'CONTRIBUTING.md',
    'SECURITY.md',
    'packages/core/README.md',
    'packages/ledgers/README.md',
    'packages/tsed/README.md',
    'packages/dashboard/README.md',
    'packages/cli/README.md',
  ];
  return [...readmes, ...pages.sort()];
}

export function readPage(path: string): Promise<string> {
  return readFile(join(ROOT, path), 'utf8');
}

/** The fenced blocks of a page, in their order. */
export function codeBlocks(page: string): CodeBlock[] {
  const fenced = /^```(\w*)(?: title="([^"]*)")?\n(.*?)^```$/gms;
  return [...page.matchAll(fenced)].map(({ 1: language = '', 2: title, 3: code = '', index }) => ({
    language,
    title,
    code,
    line: page.slice(0, index).split('\n').length,
  }));
}

/** The texts of the cells of a table's rows, the head left out; the first table after `heading`. */
export function tableRows(page: string, heading: string): string[][] {
  const start = page.indexOf(`${heading}\n`);
  expect(start, `the heading "${heading}"`).toBeGreaterThanOrEqual(0);
  const lines = page.slice(start).split('\n');
  const first = lines.findIndex((line) => line.startsWith('|'));
  const after = lines.findIndex((line, index) => index > first && !line.startsWith('|'));
  return lines.slice(first + 2, after).map((line) => line.split('|').slice(1, -1).map(trimmed));
}

/**
 * Compares a generated part of a page, between `<!-- name -->` and `<!-- /name -->`, with what it should be. With
 * UPDATE_DOCS=1 it is rewritten instead.
 */
export async function expectGenerated(path: string, name: string, text: string): Promise<void> {
  const page = await readPage(path);
  const [opening, closing] = [`<!-- ${name} -->\n`, `<!-- /${name} -->`];
  const start = page.indexOf(opening) + opening.length;
  const end = page.indexOf(closing);
  expect(start, `${opening.trim()} in ${path}`).toBeGreaterThanOrEqual(opening.length);
  expect(end, `${closing} in ${path}`).toBeGreaterThanOrEqual(start);
  if (process.env.UPDATE_DOCS === '1') {
    await writeFile(join(ROOT, path), page.slice(0, start) + text + page.slice(end));
    return;
  }
  const advice = `${path} is behind the code; UPDATE_DOCS=1 npx vitest run test/docs rewrites it`;
  expect(page.slice(start, end), advice).toBe(text);
}

function trimmed(text: string): string {
  return text.trim();
}
