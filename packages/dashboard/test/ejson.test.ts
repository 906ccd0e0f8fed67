import { type Codec, Monque } from '@monque/core';
import fc from 'fast-check';
import { BSON, Decimal128, Double, Int32, ObjectId, Timestamp, UUID } from 'mongodb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  cleanupTestDb,
  closeMongoDb,
  describeWithMongo,
  getTestDb,
} from '../../core/test/setup/mongodb.ts';
import type { Ejson } from '../src/api/types.ts';
import { fromEjson, toEjson } from '../src/server/ejson.ts';
import { ProblemError } from '../src/server/problems.ts';
import { inMemory, TestDashboard } from './dashboards.ts';

const out = (value: unknown): Ejson => toEjson(value, () => undefined);
const through = (value: unknown): unknown =>
  fromEjson('data', JSON.parse(JSON.stringify(out(value))));

const id = new ObjectId('64b0c0ffee64b0c0ffee64b0');
const date = new Date('2026-01-31T09:00:00.123Z');

describe('extended JSON', () => {
  test.each<[string, unknown, Ejson]>([
    ['a text', 'a', 'a'],
    ['a number', 1.5, 1.5],
    ['nothing', null, null],
    ['a 64-bit integer', 9_007_199_254_740_993n, { $numberLong: '9007199254740993' }],
    ['minus zero', -0, { $numberDouble: '-0.0' }],
    ['no number', Number.NaN, { $numberDouble: 'NaN' }],
    ['no end', Number.POSITIVE_INFINITY, { $numberDouble: 'Infinity' }],
    ['a time', date, { $date: '2026-01-31T09:00:00.123Z' }],
    ['an old time', new Date(-1), { $date: { $numberLong: '-1' } }],
    ['an id', id, { $oid: '64b0c0ffee64b0c0ffee64b0' }],
    ['bytes', Buffer.from('abc'), { $binary: { base64: 'YWJj', subType: '00' } }],
    ['a list', [1n, [null]], [{ $numberLong: '1' }, [null]]],
    ['an object', { a: { b: true } }, { a: { b: true } }],
    ['a key with a dollar', { $where: 1 }, { $where: 1 }],
  ])('says %s exactly, and reads it back', (_, value, said) => {
    expect(out(value)).toEqual(said);
    expect(through(value)).toEqual(value);
  });

  test('says other values of BSON, and reads them back', () => {
    const decimal = Decimal128.fromString('0.1000000000000000000000000000000001');
    expect(out(decimal)).toEqual({ $numberDecimal: decimal.toString() });
    expect(through(decimal)).toEqual(decimal);
    const uuid = new UUID('6ba7b810-9dad-41d1-80b4-00c04fd430c8');
    expect((through(uuid) as UUID).toString()).toBe(uuid.toString());
    expect(through(new Timestamp({ t: 1, i: 2 }))).toEqual(new Timestamp({ t: 1, i: 2 }));
    expect(through(new Int32(5))).toBe(5);
    expect(through(new Double(5.5))).toBe(5.5);
    const pattern = out(/a.b/gim);
    expect(pattern).toEqual({ $regularExpression: { pattern: 'a.b', options: 'im' } });
    expect(through(/a/i)).toMatchObject({ pattern: 'a', options: 'i' });
  });

  test('leaves keys keys, whatever they are called', () => {
    const given: unknown = JSON.parse('{"__proto__":{"polluted":1},"constructor":{"a":2}}');
    const read = through(given) as object;
    expect(Object.keys(read)).toEqual(['__proto__', 'constructor']);
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
    expect(JSON.stringify(out(given))).toBe(JSON.stringify(given));
  });

  test('never throws on what is stored, and marks what cannot be shown', () => {
    let deep: unknown = 1;
    for (let depth = 0; depth < 500; depth += 1) deep = [deep];
    const said = JSON.stringify(out(deep));
    expect(said).toContain('nested too deep');
    expect(out(new Date(Number.NaN))).toMatchObject({ $undecodable: expect.any(String) });
    expect(out(new Error('mongodb://u:p@h'))).toEqual({ $undecodable: 'mongodb://***@h' });
    expect(out({ _bsontype: 'Nonsense' })).toMatchObject({ $undecodable: expect.any(String) });
    expect(out(() => 1)).toBeNull();
    expect(out({ a: undefined })).toEqual({});
  });

  test.each<[unknown, string]>([
    [{ $oid: 'zz' }, 'data'],
    [{ a: [{ $date: 'never' }] }, 'data.a[0]'],
    [{ $date: { $numberLong: '99999999999999999' } }, 'data'],
    [{ $numberDecimal: 'x' }, 'data'],
    [{ $redacted: true }, 'data'],
    [{ $undecodable: 'why' }, 'data'],
  ])('refuses %j, which stands for no value', (given, field) => {
    const read = (): unknown => fromEjson('data', given);
    expect(read).toThrow(ProblemError);
    try {
      read();
    } catch (error) {
      expect((error as ProblemError).problem).toMatchObject({ status: 400, field });
    }
  });

  test('refuses what is nested too deep', () => {
    let deep: unknown = 1;
    for (let depth = 0; depth < 50_000; depth += 1) deep = [deep];
    expect(() => fromEjson('data', deep)).toThrow('nested too deep');
  });

  test('comes back as it was, whatever JSON holds', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const text = JSON.stringify(value);
        fc.pre(!/\$|-0/.test(text));
        expect(through(JSON.parse(text))).toEqual(JSON.parse(text));
      }),
    );
  });
});

test('what a codec cannot read has a face of its own', async () => {
  const codec: Codec = {
    encode: (value) => value,
    decode: () => {
      throw new Error('the key is gone');
    },
  };
  const monque = inMemory({ codec });
  const { _id } = await monque.enqueue('mail', { secret: 1 });
  const read = await new TestDashboard(monque).ask(`jobs/${_id}`);
  expect(read.body.job.data.$undecodable).toContain('the key is gone');
});

describeWithMongo('in a real database', () => {
  let db: Awaited<ReturnType<typeof getTestDb>>;

  beforeAll(async () => {
    db = await getTestDb('ejson');
  });

  afterAll(async () => {
    await cleanupTestDb(db);
    await closeMongoDb();
  });

  test('exact values survive the way to the page, and back by copy', async () => {
    const monque = new Monque(db);
    const dashboard = new TestDashboard(monque);
    const data = {
      long: 9_223_372_036_854_775_807n,
      decimal: Decimal128.fromString('12345678901234567890.123'),
      date,
      id,
      bytes: Buffer.from([0, 255, 1]),
      double: -0,
      nested: [{ deep: -1n }],
    };
    const stored = await monque.enqueue('mail', data);
    const read = await dashboard.ask(`jobs/${stored._id}`);
    const json = { name: 'mail', data: read.body.job.data };
    const copy = await dashboard.ask('jobs', { method: 'POST', json });
    const jobs = db.collection('monque_jobs');
    const bytesOf = async (of: string): Promise<Buffer> => {
      const raw = await jobs.findOne({ _id: new ObjectId(of) }, { promoteLongs: false });
      return Buffer.from(BSON.serialize({ data: raw?.data }));
    };
    expect(await bytesOf(copy.body.job.id)).toEqual(await bytesOf(String(stored._id)));
    await monque.stop();
  });
});
