import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from './built.ts';

interface LockedPackage {
  readonly resolved?: string;
  readonly link?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const text = await readFile(join(ROOT, 'package-lock.json'), 'utf8');
const packages: Record<string, LockedPackage> = JSON.parse(text).packages;

test('the lockfile names the optional packages of every platform, which npm ci insists on', () => {
  const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) => !packages[`${path}/node_modules/${name}`] && !packages[`node_modules/${name}`],
    ),
  );
  expect(missing).toEqual([]);
});

test('the lockfile names no host', () => {
  const remote = Object.values(packages).filter(({ resolved, link }) => resolved && !link);
  expect(remote).toEqual([]);
});
