import { runInNewContext } from 'node:vm';
import {
  Binary,
  BSON,
  BSONRegExp,
  BSONSymbol,
  Code,
  DBRef,
  Decimal128,
  Long,
  MinKey,
  ObjectId,
  Timestamp,
} from 'mongodb';
import { describe, expect, test } from 'vitest';
import { checkJobName } from '../foundation/argument-checks.ts';
import { InvalidArgumentError } from '../foundation/errors.ts';
import {
  BSON_OPTIONS,
  bsonMajorVersion,
  bsonVersionOf,
  copyPayload,
  DEEPEST_NESTING,
} from './payload.ts';

const NUL = '\0';
const HALF = '\ud83d';
const MAX_BYTES = 1024 * 1024;
const BSON_VERSION = Symbol.for('@@mdb.bson.version');

function copy(value: unknown): unknown {
  return copyPayload('data', value, MAX_BYTES);
}

function refusal(value: unknown): string {
  try {
    copy(value);
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidArgumentError);
    return (error as InvalidArgumentError).message;
  }
  throw new Error('The value was not refused');
}

function nested(levels: number): unknown {
  let value: unknown = 'core';
  for (let level = 0; level < levels; level += 1) value = { value };
  return value;
}

class Money {
  readonly cents: number;
  constructor(cents: number) {
    this.cents = cents;
  }
  toBSON(): unknown {
    return { cents: this.cents };
  }
}

class Point {
  readonly x = 1;
  readonly y = 2;
}

describe('copyPayload', () => {
  test.each<[string, unknown]>([
    ['text', 'Grüße'],
    ['a number', 1.5],
    ['a boolean', false],
    ['null', null],
    ['undefined', undefined],
    ['a small bigint', 5n],
    ['the largest bigint', 2n ** 63n - 1n],
    ['the smallest bigint', -(2n ** 63n)],
    ['a Date', new Date(5)],
    ['a RegExp', /a+/gi],
    ['a Buffer', Buffer.from([1, 2])],
    ['an object', { a: { b: [1, { c: null }] } }],
    ['an ObjectId', new ObjectId()],
    ['a Decimal128', Decimal128.fromString('1.10')],
    ['a Long', Long.fromNumber(7)],
  ])('%s is kept', (_kind, value) => {
    expect(copy(value)).toEqual(value);
  });

  test('what the caller changes later does not reach the copy', () => {
    const value = { when: new Date(5), bytes: Buffer.from([1]), list: [{ n: 1 }], map: { a: 1 } };
    const copied = copy(value);
    value.when.setTime(9);
    value.bytes[0] = 9;
    value.list[0] = { n: 9 };
    value.map.a = 9;
    expect(copied).toEqual({
      when: new Date(5),
      bytes: Buffer.from([1]),
      list: [{ n: 1 }],
      map: { a: 1 },
    });
  });

  test('the copy comes back from BSON as it went in', () => {
    const copied = copy({ big: 2n ** 62n, bytes: new Uint8Array([7]), list: [undefined, 1] });
    const bytes = BSON.serialize({ data: copied }, BSON_OPTIONS);
    expect(BSON.deserialize(bytes, BSON_OPTIONS).data).toEqual({
      big: 2n ** 62n,
      bytes: Buffer.from([7]),
      list: [null, 1],
    });
  });

  test('undefined leaves an object and is null in an array, holes too', () => {
    // biome-ignore lint/suspicious/noSparseArray: the hole is what the test is about.
    expect(copy({ a: undefined, b: [undefined, , 1] })).toStrictEqual({ b: [null, null, 1] });
  });

  test('an object of a class becomes a plain one, by its toBSON where it has one', () => {
    expect(copy({ price: new Money(5), at: new Point() })).toStrictEqual({
      price: { cents: 5 },
      at: { x: 1, y: 2 },
    });
  });

  test('a field that is named toBSON and is no function is a field', () => {
    expect(copy({ toBSON: 1 })).toStrictEqual({ toBSON: 1 });
  });

  test('one object in two places is no circle', () => {
    const shared = { a: 1 };
    expect(copy({ first: shared, second: shared })).toEqual({ first: shared, second: shared });
  });

  test('a key named __proto__ is a key like any other', () => {
    const copied = copy(JSON.parse('{"__proto__": {"admin": true}}')) as object;
    expect(Object.keys(copied)).toEqual(['__proto__']);
    expect(Reflect.get({}, 'admin')).toBeUndefined();
    expect(Object.getPrototypeOf(copied)).toBe(Object.prototype);
  });

  test.each<[string, unknown, string]>([
    [
      'a function',
      { run: () => 1 },
      '`data.run` to be a value that BSON can hold, got a function (run)',
    ],
    ['a symbol', { s: Symbol('x') }, '`data.s` to be a value that BSON can hold'],
    ['an invalid Date', { at: [new Date(Number.NaN)] }, '`data.at[0]` to be a valid Date'],
    ['a bigint past 64 bits', { n: 2n ** 63n }, '`data.n` to be a bigint of at most 64 bits'],
    ['a bigint below 64 bits', -(2n ** 63n) - 1n, '`data` to be a bigint of at most 64 bits'],
    ['a Map', new Map(), 'convert it with Object.fromEntries'],
    ['a Set', new Set(), 'convert it to an array'],
    ['an Error', new Error('x'), 'store its message, or its fields'],
    ['a Promise', Promise.resolve(), 'await it first'],
    ['a WeakMap', new WeakMap(), 'it cannot be listed'],
    ['a WeakSet', new WeakSet(), 'it cannot be listed'],
    ['a Float64Array', new Float64Array(1), 'convert it to a Buffer'],
    ['an ArrayBuffer', new ArrayBuffer(1), 'convert it to a Buffer'],
    ['a RegExp with a NUL', new RegExp(`[${NUL}-~]`), 'a RegExp without NUL characters'],
    ['a RegExp with half a character', new RegExp(HALF), 'half a character'],
    [
      'code whose scope has a key with a NUL',
      new BSON.Code('x', { 'a\0b': 1 }),
      'a value that BSON can hold',
    ],
    [
      'a value of BSON that was changed since',
      Object.assign(new BSON.BSONRegExp('a'), { pattern: 'a\0' }),
      'a value that BSON can hold',
    ],
    ['a RegExp with a flag that would be lost', /a/u, 'no other flags than g, i and m'],
    ['an object that hides its content', new URL('file:///x'), 'no fields of its own'],
    ['a boxed number', Object(1), 'use the primitive value'],
    ['a boxed string', Object('x'), 'use the primitive value'],
    ['a boxed boolean', Object(true), 'use the primitive value'],
    ['a key with a NUL', { 'a\0b': 1 }, '`data.a\\0b` to be a key without NUL characters'],
    [
      'a key with a dollar',
      { a: { $gt: 1 } },
      '`data.a.$gt` to be a key that does not start with $',
    ],
  ])('%s is refused by its path', (_kind, value, message) => {
    expect(refusal(value)).toContain(message);
  });

  test('a circle is refused, in objects, arrays and toBSON alike', () => {
    const circle: Record<string, unknown> = {};
    circle.list = [circle];
    expect(refusal(circle)).toContain('`data.list[0]` to be a value without circular references');
    const self = { toBSON: (): unknown => self };
    expect(refusal(self)).toContain('without circular references');
  });

  test('values are nested as deep as may be, and no deeper', () => {
    expect(copy(nested(DEEPEST_NESTING))).toEqual(nested(DEEPEST_NESTING));
    expect(refusal(nested(DEEPEST_NESTING + 1))).toContain('nested at most 100 levels deep');
  });

  test('a value of another major version of BSON is refused before the driver meets it', () => {
    const foreign = { _bsontype: 'ObjectId', [BSON_VERSION]: 3 };
    expect(refusal({ id: foreign })).toContain(
      `\`data.id\` to be a BSON value of major version ${bsonMajorVersion()}`,
    );
    expect(refusal({ id: foreign })).toContain('it comes from version 3; install one version');
  });

  test('a payload is as large as allowed, and no larger', () => {
    const bytes = BSON.calculateObjectSize({ value: 'x'.repeat(100) });
    expect(copyPayload('data', 'x'.repeat(100), bytes)).toBe('x'.repeat(100));
    expect(() => copyPayload('data', 'x'.repeat(101), bytes)).toThrow(
      `Expected \`data\` to be at most ${bytes} bytes of BSON (\`maxPayloadSize\`), got ${bytes + 1} (number)`,
    );
  });
});

describe('text cut inside a character', () => {
  test('is refused by its path, as a value and as a key', () => {
    const cut = '😀'.slice(0, 1);
    expect(refusal({ list: ['a', cut] })).toContain('`data.list[1]` to be well-formed Unicode');
    expect(refusal({ [cut]: 1 })).toContain('well-formed Unicode');
    expect(copy({ '😀': '😀' })).toEqual({ '😀': '😀' });
  });

  test('is refused within what BSON has types for', () => {
    const cut = '😀'.slice(0, 1);
    const values = [
      new RegExp(cut),
      ...[new BSONRegExp(cut), new Code(cut), new Code('f', { nested: [cut] })],
      ...[new BSONSymbol(cut), new DBRef(cut, new ObjectId()), new DBRef('a', new ObjectId(), cut)],
    ];
    for (const value of values) {
      expect(refusal({ list: [value] })).toContain('`data.list[0]` to be well-formed Unicode');
    }
  });

  test('is refused as the name of a job', () => {
    expect(() => checkJobName('name', '😀'.slice(1))).toThrow('`name` to be well-formed Unicode');
    expect(() => checkJobName('name', '😀')).not.toThrow();
  });
});

describe('what the driver would refuse in the middle of a batch, or store as something else', () => {
  test.each([
    ['a RegExp with a NUL', new RegExp(String.fromCharCode(0)), 'a RegExp without NUL characters'],
    ['a RegExp of BSON with a NUL', bareRegExp('a\0b'), 'a value that BSON can hold'],
    ['a Long past 63 bits', Long.MAX_UNSIGNED_VALUE, 'a Long of at most 63 bits'],
    ['a Code whose scope has no end', endlessCode(), 'a value that BSON can hold'],
  ])('%s is refused by its path', (_, value, message) => {
    expect(refusal({ list: [1, value] })).toContain('`data.list[1]` to be');
    expect(refusal({ list: [1, value] })).toContain(message);
  });

  test.each([
    ...[/\\0/i, Long.fromNumber(7, true), new Timestamp({ t: 1, i: 2 })],
    ...[new Code('f', { a: 1 }), new DBRef('a', new ObjectId()), new Binary(Buffer.from([1]))],
    ...[Long.fromNumber(-1), new MinKey(), Decimal128.fromString('1')],
  ])('%s may be stored', (value) => {
    expect(copy({ value })).toEqual({ value });
  });
});

/** As somebody may have made it past its constructor. */
function bareRegExp(pattern: string): BSONRegExp {
  return Object.assign(new BSONRegExp('a'), { pattern });
}

function endlessCode(): Code {
  const scope: Record<string, unknown> = {};
  scope.scope = scope;
  return new Code('f', scope);
}

describe('a value of another realm', () => {
  test('is copied as one of this realm would be', () => {
    const there: unknown = runInNewContext(`({
      when: new Date(5), pattern: /a/i, bytes: new Uint8Array([1]), list: [{ n: 1 }], none: Object.create(null),
    })`);
    expect(copy(there)).toStrictEqual({
      ...{ when: new Date(5), pattern: /a/i, bytes: Buffer.from([1]), list: [{ n: 1 }], none: {} },
    });
  });

  test.each([
    ['new Map()', 'convert it with Object.fromEntries'],
    ['new Set()', 'convert it to an array'],
    ['new TypeError("x")', 'store its message'],
    ['Promise.resolve()', 'await it first'],
    ['new Float64Array(1)', 'convert it to a Buffer'],
    ['new ArrayBuffer(1)', 'convert it to a Buffer'],
    ['Object(1)', 'use the primitive value'],
    ['new Date(NaN)', 'a valid Date'],
  ])('that is %s is refused as one of this realm would be', (code, message) => {
    expect(refusal({ value: runInNewContext(code) })).toContain(message);
  });
});

describe('bsonVersionOf', () => {
  test('gives the version of a BSON value, and none of anything else', () => {
    expect(bsonVersionOf(new ObjectId())).toBe(bsonMajorVersion());
    expect(bsonVersionOf({})).toBeUndefined();
    expect(bsonMajorVersion()).toBeGreaterThanOrEqual(6);
  });
});
