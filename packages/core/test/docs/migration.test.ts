import { expect, test } from 'vitest';
import { COMMAND_HELP } from '../../src/migration/command-arguments.ts';
import { readPage, tableRows } from './pages.ts';
import { membersOf, wordsOf } from './sources.ts';

const page = await readPage('docs/ledger/migration.md');

function firstCells(heading: string): string[] {
  return tableRows(page, heading).map(([cell = '']) => cell.replaceAll('`', ''));
}

test('the page lists every argument of the command, and no other', () => {
  const shown = [...COMMAND_HELP.matchAll(/^ {2}(--[\w-]+)/gm)].map(([, name]) => name);
  expect(firstCells('## Options')).toEqual([...shown, '--help']);
});

test('the page names every option of the function', async () => {
  const members = await membersOf('MigrateJobsOptions');
  expect(members.length).toBeGreaterThan(10);
  for (const member of members) expect(page).toContain(`\`${member}\``);
});

test('the page lists every field of a plain queue, and no other', async () => {
  const fields = await wordsOf('PlainField');
  expect(firstCells("Name its fields and states where they differ from Monque's:")).toEqual(fields);
});

test('the page lists every reason and every note, and no other', async () => {
  expect(firstCells('## What is left')).toEqual(await wordsOf('LeftReason'));
  const notes = firstCells(
    'Stored jobs may differ from what they were. The report counts how many did, and how:',
  );
  expect(notes).toEqual(await wordsOf('MigrationNote'));
});
