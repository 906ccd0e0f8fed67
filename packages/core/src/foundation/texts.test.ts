import { expect, test } from 'vitest';
import { storableText } from './texts.ts';

test.each([
  ['short', 9, 'short'],
  ['cut', 2, 'cu'],
  ['whole 😀', 8, 'whole 😀'],
  ['split 😀', 7, 'split '],
  ['behind 😀!', 9, 'behind 😀'],
  ['half \ud83d', 9, 'half \ufffd'],
  ['half \ude00 there', 9, 'half \ufffd th'],
])('%j in at most %i characters is %j', (text, longest, expected) => {
  expect(storableText(text, longest)).toBe(expected);
  expect(storableText(text, longest).isWellFormed()).toBe(true);
});
