import { expect, test } from 'vitest';
import { InvalidArgumentError, MonqueError, messageOf } from './errors.ts';
import { masked } from './masking.ts';

test.each([
  ['mongodb://ann:secret@host:1/db', 'mongodb://***@host:1/db'],
  ['mongodb+srv://ann@host/db?x=1', 'mongodb+srv://***@host/db?x=1'],
  ['see https://ann:p@ss/wo?rd@host, twice: a://b:c@d', 'see https://***@host, twice: a://***@d'],
  ['no address: ann:secret@host', 'no address: ann:secret@host'],
  ['mongodb://host:1/db', 'mongodb://host:1/db'],
])('%s becomes %s', (text, expected) => {
  expect(masked(text)).toBe(expected);
});

test('no message of an error shows a password, however long it is', () => {
  const uri = `mongodb://ann:${'secret'.repeat(20)}@host/db`;
  const errors = [
    new InvalidArgumentError('source', 'a Db', uri),
    new MonqueError('BUSY', `Could not reach ${uri}`),
  ];
  for (const { message } of errors) expect(message).toContain('mongodb://***@host/db');
  expect(messageOf(new Error(uri))).toBe('mongodb://***@host/db');
});

test('a message of any length is looked at in a time that grows with its length alone', () => {
  const before = performance.now();
  for (const part of ['x', 'a://', '://', '@', 'a://b@ ']) masked(part.repeat(200_000));
  expect(performance.now() - before).toBeLessThan(5_000);
});
