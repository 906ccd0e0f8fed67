const NUL = '\0';

/** Values that cannot be written, and that got past the checks, since the caller changed them after his call. */
export const POISON: readonly (readonly [what: string, value: unknown])[] = [
  ['a RegExp with a NUL', new RegExp(`[${NUL}-~]`)],
  ['a key with a NUL deep inside', { list: [{ 'a\0b': 1 }] }],
  ['a value nested deeper than MongoDB takes', nested(300)],
  ['a value nested deeper than the driver can write', nested(20_000)],
  [
    'a value that throws when it is written',
    {
      toBSON: () => {
        throw new Error('No');
      },
    },
  ],
];

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level += 1) value = { v: value };
  return value;
}
