/**
 * The forms in which a secret is found, and that no part of one is left.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Redactor } from '../../src/index.ts';

const SECRET = 'hunter2-Sécret/+=?&';
const redactor = new Redactor([['TOKEN', SECRET]]);

const ENCODINGS = ['base64', 'base64url'] as const;

test.each([
  ...ENCODINGS.flatMap((encoding) =>
    ['', 'u', 'us', 'ann:', 'bob.b:'].map((before) => [encoding, before] as const),
  ),
])('in %s of a larger text that begins with %j', (encoding, before) => {
  const text = Buffer.from(`${before}${SECRET}@host and more`).toString(encoding);
  const shown = redactor.redact(`Authorization: Basic ${text}`);
  expect(shown).toMatch(/^Authorization: Basic [\w+/-]*\[redacted TOKEN\][\w+/-]*=*$/);
  expect(redactor.find(text)).toBe('TOKEN');
});

/** Every byte that a text in base64 gives, whatever was taken out of it. */
function decoded(text: string): string {
  const parts = text.split('[redacted TOKEN]');
  return parts
    .flatMap((part) => [0, 1, 2, 3].map((skip) => Buffer.from(part.slice(skip), 'base64')))
    .map((bytes) => bytes.toString('latin1'))
    .join('\0');
}

test('no eight bytes of it are left, whatever stands around it and however often', () => {
  const secret = fc
    .string({ unit: 'grapheme', minLength: 8, maxLength: 40 })
    .filter((text) => /[a-z]{3}/.test(text) && text === text.trim());
  const around = fc.uint8Array({ maxLength: 12 });
  fc.assert(
    fc.property(
      secret,
      fc.array(around, { minLength: 2, maxLength: 4 }),
      fc.constantFrom(...ENCODINGS),
      (value, gaps, encoding) => {
        const own = new Redactor([['TOKEN', value]]);
        const bytes = Buffer.from(value);
        const [first, ...rest] = gaps;
        const all = Buffer.concat([
          Buffer.from(first ?? []),
          ...rest.flatMap((gap) => [bytes, Buffer.from(gap)]),
        ]);
        const shown = own.redact(all.toString(encoding));
        expect(shown).toContain('[redacted TOKEN]');
        expect(own.redact(shown)).toBe(shown);
        const left = decoded(shown);
        for (let at = 0; at + 8 <= bytes.length; at += 1) {
          const piece = bytes.subarray(at, at + 8).toString('latin1');
          const isOfGaps = gaps.some((gap) => Buffer.from(gap).toString('latin1').includes(piece));
          if (!isOfGaps) expect(left).not.toContain(piece);
        }
      },
    ),
    { numRuns: 500 },
  );
});

test('alone in base64, with its end, and twice in a row', () => {
  const alone = Buffer.from(SECRET).toString('base64');
  expect(redactor.redact(`${alone},${alone}`).replaceAll('=', '')).toBe(
    '[redacted TOKEN],[redacted TOKEN]',
  );
  const twice = Buffer.from(SECRET + SECRET).toString('base64url');
  expect(redactor.redact(twice)).toBe('[redacted TOKEN][redacted TOKEN]');
});

test('as JSON, percent-encoded, and in hexadecimal of both cases', () => {
  const hex = Buffer.from(SECRET).toString('hex');
  const forms = [JSON.stringify(SECRET), encodeURIComponent(SECRET), hex, hex.toUpperCase()];
  for (const form of forms)
    expect(redactor.redact(`a ${form} b`)).toMatch(/^a "?\[redacted TOKEN\]"? b$/);
});

test('a short value is looked for as it is alone, and what only resembles base64 of it stays', () => {
  const short = new Redactor([['PIN', 'ab1cd']]);
  const encoded = Buffer.from('ab1cd').toString('base64');
  expect(short.redact(`ab1cd ${encoded}`)).toBe(`[redacted PIN] ${encoded}`);
});

test('the longest form is what a cut output has to be longer by', () => {
  const form = Buffer.from(SECRET).toString('hex').length;
  expect(redactor.longest).toBeGreaterThanOrEqual(form);
  expect(new Redactor([]).longest).toBe(0);
});
