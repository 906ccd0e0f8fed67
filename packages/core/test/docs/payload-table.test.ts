import { BSON } from 'mongodb';
import { afterAll, describe, expect, test } from 'vitest';
import { InvalidArgumentError, Monque } from '../../src/index.ts';
import { cleanupTestDb, closeMongoDb, describeWithMongo, getTestDb } from '../setup/mongodb.ts';
import { readPage, tableRows } from './pages.ts';

const page = await readPage('docs/getting-started/configuration.md');
const acceptedRows = tableRows(page, '## What `data` may hold').map(([label]) => label);
const refusedRows = tableRows(
  page,
  'BSON types must come from the same major version of the `mongodb` package that Monque uses. Refused:',
).map(([label]) => label);

class Point {
  readonly #hidden = 'not stored';
  readonly x = 1;
  get hidden(): string {
    return this.#hidden;
  }
}

const id = new BSON.ObjectId('000000000000000000000001');
const uuid = new BSON.UUID('aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa');
const circular: Record<string, unknown> = {};
circular.self = circular;

/** By the words of the first column: what goes in, and what comes out. */
const accepted: Record<string, readonly [input: unknown, output: unknown]> = {
  'string, number, boolean, `null`': [
    ['a', 1.5, -0, true, null],
    ['a', 1.5, -0, true, null],
  ],
  '`bigint` of up to 64 bits': [
    [2n ** 63n - 1n, 5n],
    [2n ** 63n - 1n, 5n],
  ],
  'plain object, array': [{ a: { b: [1, { c: 2 }] } }, { a: { b: [1, { c: 2 }] } }],
  '`undefined` in an object': [{ a: undefined, b: 1 }, { b: 1 }],
  '`undefined` in an array': [
    [undefined, 1],
    [null, 1],
  ],
  '`Date`': [new Date(5), new Date(5)],
  '`RegExp` with flags `g`, `i`, `m`': [/a.b/gim, /a.b/gim],
  '`Buffer`, `Uint8Array`': [
    [Buffer.of(1), Uint8Array.of(2)],
    [Buffer.of(1), Buffer.of(2)],
  ],
  'class instance': [new Point(), { x: 1 }],
  'object with `toBSON()`': [{ toBSON: () => ({ a: 1 }), b: 2 }, { a: 1 }],
  '`ObjectId`, `Decimal128`, `Timestamp`, `MinKey`, `MaxKey`': [
    [
      id,
      new BSON.Decimal128('1.5'),
      new BSON.Timestamp({ t: 1, i: 2 }),
      new BSON.MinKey(),
      new BSON.MaxKey(),
    ],
    [
      id,
      new BSON.Decimal128('1.5'),
      new BSON.Timestamp({ t: 1, i: 2 }),
      new BSON.MinKey(),
      new BSON.MaxKey(),
    ],
  ],
  '`Long`': [BSON.Long.fromNumber(5), 5n],
  '`Int32`, `Double`': [
    [new BSON.Int32(5), new BSON.Double(1.5)],
    [5, 1.5],
  ],
  '`Binary`, `UUID`': [
    [new BSON.Binary(Buffer.of(1)), uuid],
    [Buffer.of(1), Buffer.from(uuid.buffer)],
  ],
};

/** By the words of the first column: values that are refused. */
const refused: Record<string, readonly unknown[]> = {
  'function, symbol': [() => 1, Symbol('a')],
  '`Map`': [new Map()],
  '`Set`': [new Set()],
  '`Error`': [new Error('a')],
  '`Promise`': [Promise.resolve()],
  '`WeakMap`, `WeakSet`': [new WeakMap(), new WeakSet()],
  '`ArrayBuffer`, typed array other than `Uint8Array`': [new ArrayBuffer(1), new Float64Array(1)],
  '`new Number(...)`, `new String(...)`, `new Boolean(...)`': [
    Object(1),
    Object('a'),
    Object(true),
  ],
  '`bigint` of more than 64 bits': [2n ** 63n],
  'invalid `Date`': [new Date(Number.NaN)],
  '`RegExp` with other flags': [/a/u, /a/s, /a/y],
  'class instance without fields of its own, such as `URL`': [
    new URL('https://example.com'),
    new WeakRef({}),
    new Intl.NumberFormat(),
  ],
  'circular reference': [circular],
  'nested deeper than 100 levels': [nested(101)],
  'key with a NUL character': [{ 'a\0b': 1 }],
  'text or key cut inside a character, such as half an emoji': ['\ud83d', { '\ude00': 1 }],
  'key that starts with `$`': [{ $set: 1 }],
  'more than `maxPayloadSize` bytes of BSON': ['a'.repeat(1_048_576)],
};

function nested(levels: number): unknown {
  return levels === 0 ? 1 : { a: nested(levels - 1) };
}

async function expectTable(monque: Monque): Promise<void> {
  for (const [label, [input, output]] of Object.entries(accepted)) {
    const { _id } = await monque.enqueue('any', { value: input });
    expect((await monque.getJob<{ value: unknown }>(_id))?.data.value, label).toEqual(output);
  }
}

afterAll(closeMongoDb);

test('each row of what is accepted is tried here', () => {
  expect(acceptedRows).toEqual(Object.keys(accepted));
});

test('each row of what is refused is tried here', () => {
  expect(refusedRows).toEqual(Object.keys(refused));
});

test('what is accepted comes back as the table says, in memory', async () => {
  await expectTable(Monque.inMemory());
});

describeWithMongo('on MongoDB', () => {
  test('what is accepted comes back as the table says', async () => {
    const db = await getTestDb('payload-table');
    try {
      await expectTable(new Monque(db));
    } finally {
      await cleanupTestDb(db);
    }
  });
});

describe('refused with an error that names the path:', () => {
  for (const [label, values] of Object.entries(refused)) {
    test(label, async () => {
      for (const value of values) {
        const error: unknown = await Monque.inMemory()
          .enqueue('any', { list: [value] })
          .catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(InvalidArgumentError);
        expect((error as InvalidArgumentError).field).toMatch(/^data/);
      }
    });
  }
});
