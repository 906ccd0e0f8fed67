import { test } from 'vitest';
import { GUARDS } from '../simulation/guards.ts';
import { expectGenerated } from './pages.ts';

const HEAD = '| guard | without it | caught by seed |\n|---|---|---|';

test('the table of guards has each of them, with the seed at which the tests begin to look', async () => {
  const rows = GUARDS.map(({ name, without, seed, secondOf }) => {
    return `| ${name} | ${without} | ${secondOf === undefined ? seed : '–'} |`;
  });
  const text = `\n${[HEAD, ...rows].join('\n')}\n\n`;
  await expectGenerated('docs/guides/reliability.md', 'guards', text);
});
