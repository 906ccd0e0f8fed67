import { expect, test } from 'vitest';
import { LEDGER_VERBS, VERB_ROWS } from './verb-table.ts';

test('a verb that claims concerns the names that are asked for', () => {
  const demand = [
    { name: 'mail', limit: 1 },
    { name: 'image', limit: 2 },
  ];
  const given = { demand } as never;
  const claims = LEDGER_VERBS.filter((verb) => /^claim/.test(verb));
  expect(claims.sort()).toEqual(['claim', 'claimGroups', 'claimOrders']);
  for (const verb of claims) {
    expect(VERB_ROWS[verb].concerns(given), verb).toEqual({ names: ['mail', 'image'] });
  }
});
