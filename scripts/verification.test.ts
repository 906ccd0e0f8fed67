/**
 * The ledger of this project's claims names every claim, and its commands can be run.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { SCENARIOS } from '../benchmarks/scenarios/scenarios.ts';
import { type Step, VerificationFormat } from '../packages/ledgers/src/index.ts';

const ROOT = join(import.meta.dirname, '..');
const read = (path: string): Promise<string> => readFile(join(ROOT, path), 'utf8');

const ledger = new VerificationFormat().parse(await read('docs/verification.md'));
const steps = [...ledger.records.values()].map(({ record }) => record as Step);
const claimed = steps.flatMap(({ scope }) => scope.flatMap(({ items }) => items));
const commands = steps.flatMap(({ invariants }) =>
  invariants.flatMap(({ check }) =>
    check !== undefined && 'command' in check ? check.command : [],
  ),
);

test('nothing is wrong with it, and every claim was completed with checks', () => {
  expect(ledger.problems).toEqual([]);
  expect(steps.length).toBeGreaterThan(20);
  for (const { id, status, invariants } of steps) {
    expect({ id, isDone: status !== 'not_started' && status !== 'in_progress' }).toEqual({
      id,
      isDone: true,
    });
    expect(invariants.length).toBeGreaterThan(0);
  }
});

test('each check of a claim that was verified has passed', () => {
  const lacking = steps
    .filter(({ status }) => status === 'verified')
    .flatMap(({ id, invariants, tests }) =>
      invariants.flatMap(({ check }) => {
        const command = check !== undefined && 'command' in check ? check.command : '';
        const isShown = tests.some(
          // A check of its own limit or folder is named with it.
          (run) => 'check' in run && run.passed && `${run.check} `.startsWith(`${command} `),
        );
        return isShown ? [] : [`${id}: ${command}`];
      }),
    );
  expect(lacking).toEqual([]);
});

test('it names the rows of the feature table, the reasons and the guarantees of the README', async () => {
  const readme = await read('README.md');
  const table = readme.slice(
    readme.indexOf('## What it does'),
    readme.indexOf('## Why another one'),
  );
  const features = [...table.matchAll(/^\| \[([^\]]+)\]/gm)].map(([, name]) => name);
  const lists = readme.slice(readme.indexOf('## Why another one'), readme.indexOf('## More'));
  const guarantees = [...lists.matchAll(/^- \*\*([^*]+)\*\*/gm)].map(([, name]) => name);
  expect(features.length + guarantees.length).toBeGreaterThan(15);
  const missing = [...features, ...guarantees].filter(
    (name) => !claimed.includes(`README.md: ${name}`),
  );
  expect(missing).toEqual([]);
});

test('it names what never happens, and every measurement of the benchmarks', async () => {
  const reliability = await read('docs/guides/reliability.md');
  const never = reliability.slice(
    reliability.indexOf('## What never happens'),
    reliability.indexOf('## The simulation'),
  );
  const numbers = [...never.matchAll(/^(\d+)\. /gm)].map(
    ([, number]) => `docs/guides/reliability.md: ${number}`,
  );
  const parts = [...reliability.matchAll(/^## (.*)$/gm)].flatMap(([, name]) =>
    name === 'What never happens' ? [] : `docs/guides/reliability.md: ${name}`,
  );
  const benchmarks = await read('docs/benchmarks.md');
  const headings = [...benchmarks.matchAll(/^## (.*)$/gm)].map(
    ([, name]) => `docs/benchmarks.md: ${name}`,
  );
  const notClaims = ['The machine', 'Targets', 'Settings'].map(
    (name) => `docs/benchmarks.md: ${name}`,
  );
  const wanted = [
    ...numbers,
    ...parts,
    ...headings.filter((heading) => !notClaims.includes(heading)),
  ];
  expect(wanted.length).toBeGreaterThan(20);
  expect(wanted.filter((claim) => !claimed.includes(claim))).toEqual([]);
});

test('every scenario with figures is measured by one of its commands', () => {
  const measured = commands.flatMap((command) => / --scenario (\w+)/.exec(command)?.[1] ?? []);
  expect(measured.toSorted()).toEqual(SCENARIOS.map(({ id }) => id).toSorted());
});

test('its commands name tests, programs and scenarios that are there', async () => {
  const files = (await readdir(join(ROOT, 'packages'), { recursive: true })).map(
    (path) => `packages/${path}`,
  );
  const paths = commands.flatMap((command) =>
    command.split(' ').filter((word) => word.startsWith('packages/')),
  );
  expect(paths.length).toBeGreaterThan(30);
  expect(paths.filter((path) => !files.some((file) => file.includes(path)))).toEqual([]);
  const scenarios = commands.flatMap((command) => / --scenario (\w+)/.exec(command)?.[1] ?? []);
  const known: readonly string[] = SCENARIOS.map(({ id }) => id);
  expect(scenarios.filter((id) => !known.includes(id))).toEqual([]);
});
