import { expect, test } from 'vitest';
import * as core from '../../src/index.ts';
import { OPTION_NAMES, OPTIONS } from '../../src/options/option-table.ts';
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

/** The default of an option as the page gives it, without what explains it. */
function defaultOf(name: string): string {
  const [, , , value = ''] =
    tableRows(page, '## Scheduler').find(([cell]) => cell === `\`${name}\``) ?? [];
  return value.replace(/ \(.*\)$/, '');
}

test('each option of a scheduler has the default, the unit and the mark of its row', () => {
  const listed = tableRows(page, '## Scheduler').map(([name = '', , unit, , live]) => [
    name.replaceAll('`', ''),
    unit,
    live,
  ]);
  const rows = OPTION_NAMES.map((name) => {
    const { unit = '', isLive } = OPTIONS[name];
    return [name, unit, isLive ? 'yes' : ''];
  });
  expect(listed.sort()).toEqual(rows.sort());
  // What is no text or number is said in words.
  const isSaid = (value: unknown): boolean => typeof value === 'object';
  const plain = Object.entries(core.DEFAULTS).filter(([, value]) => !isSaid(value));
  expect(plain.length).toBeGreaterThan(15);
  for (const [name, value] of plain) {
    const shown = defaultOf(name);
    const [is, quoted] = [`\`${String(value)}\``, `\`'${String(value)}'\``];
    expect([is, quoted], name).toContain(shown);
  }
  expect(defaultOf('clock')).toBe('`systemClock`');
  expect(core.DEFAULTS).toMatchObject({ clock: core.systemClock, random: core.systemRandom });
  const day = 86_400_000;
  const kept = { completed: day, failed: 7 * day, cancelled: day, archive: false };
  expect([defaultOf('jobRetention'), core.DEFAULTS.jobRetention]).toEqual([
    'a day; failed: a week',
    kept,
  ]);
});

test('the options of the ledger are named as such', () => {
  const before = page.slice(0, page.indexOf(' belong to the ledger.'));
  const listed = [...before.slice(before.lastIndexOf('\n\n')).matchAll(/`(\w+)`/g)];
  const rows = OPTION_NAMES.filter((name) => OPTIONS[name].of === 'ledger');
  expect(listed.map(([, name = '']) => name).sort()).toEqual([...rows].sort());
});
