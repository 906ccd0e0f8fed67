import { expect, test } from 'vitest';
import * as core from '../../src/index.ts';
import { readPage, tableRows } from './pages.ts';

const page = await readPage('docs/api/options.md');

/** Gives an option that does not exist; the error lists those that do. */
async function knownOptions(
  give: (options: Record<string, unknown>) => unknown,
): Promise<string[]> {
  const attempt = async (): Promise<unknown> => give({ noSuchOption: 1 });
  const error: unknown = await attempt().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(core.InvalidArgumentError);
  const [, names = ''] = /to be one or more of: (.*), got/.exec(String(error)) ?? [];
  return names.split(', ').sort();
}

function listedOptions(heading: string): string[] {
  return tableRows(page, heading).map(([name = '']) => name.replaceAll('`', ''));
}

test('every option of a scheduler is listed, and no other', async () => {
  const known = await knownOptions((options) => core.Monque.inMemory(options));
  expect(known).toContain('pollInterval');
  expect(listedOptions('## Scheduler').sort()).toEqual(known);
});

test('every option of an enqueue is listed, and no other', async () => {
  const known = await knownOptions((options) => core.Monque.inMemory().enqueue('a', 1, options));
  expect(known).toContain('uniqueKey');
  expect(listedOptions('## Enqueue').sort()).toEqual(known);
});

test('every option of a worker is listed, and no other', async () => {
  const known = await knownOptions((options) =>
    core.Monque.inMemory().worker('a', () => undefined, options),
  );
  expect(known).toContain('concurrency');
  expect(listedOptions('## Worker').sort()).toEqual(known);
});

test('every option of a series is listed, and no other', async () => {
  const known = await knownOptions((options) =>
    core.Monque.inMemory().schedule('@daily', 'a', 1, options),
  );
  expect(known).toContain('timezone');
  expect(listedOptions('## Schedule').sort()).toEqual(known);
});

test('each default constant is listed with its value', () => {
  const listed = tableRows(page, '## Scheduler')
    .filter(([, , , constant]) => constant !== '')
    .map(([, , value, constant]) => [constant, value?.replace(/ \(.*\)$/, '')]);
  // What is no option of a scheduler by itself stands elsewhere.
  const elsewhere = [
    ...['DEFAULT_JOB_RETENTION', 'DEFAULT_LIST_LIMIT', 'DEFAULT_MISSED'],
    ...['DEFAULT_FAILURE_WINDOW', 'DEFAULT_FAILURE_MINIMUM'],
    ...['DEFAULT_AUDIT_BATCH', 'DEFAULT_MAX_STORED_BYTES'],
  ];
  const exported = Object.entries(core)
    .filter(([name]) => name.startsWith('DEFAULT_') && !elsewhere.includes(name))
    .map(([name, value]) => [`\`${name}\``, `\`${String(value)}\``]);
  expect(listed.sort()).toEqual(exported.sort());
});
