import { ConnectionError, InMemoryLedgerRepository, InvalidArgumentError } from '@monque/core';
import { MongoClient } from 'mongodb';
import mongoose from 'mongoose';
import { describe, expect, test } from 'vitest';
import { openConnection } from '../src/connection.ts';

const client = new MongoClient('mongodb://127.0.0.1:1', { serverSelectionTimeoutMS: 50 });

async function refusal(option: unknown): Promise<Error> {
  return openConnection(option).then(
    () => expect.unreachable('it was taken'),
    (error: Error) => error,
  );
}

describe('a connection may be', () => {
  const db = client.db('shop');
  const ledger = new InMemoryLedgerRepository();

  test.each([
    ['a Db', db, db],
    ['a ledger', ledger, ledger],
    ['a promise', Promise.resolve(db), db],
    ['a function', () => ledger, ledger],
    ['a function that gives a promise', async () => db, db],
  ])('%s', async (_, option, source) => {
    expect(await openConnection(option)).toEqual({ source });
  });
});

describe('what is no connection is refused, with what to pass instead:', () => {
  test.each([
    ['nothing', undefined, 'got undefined; pass it to MonqueModule.forRoot({ connection })'],
    ['a number', 27017, 'got 27017 (number); pass it to MonqueModule.forRoot({ connection })'],
    ['null', null, 'got null; pass it to MonqueModule.forRoot({ connection })'],
    ['a client', client, 'this is a MongoClient: pass client.db(name)'],
    ['mongoose', mongoose, 'this is mongoose itself: pass mongoose.connection'],
    [
      'an address',
      'mongodb://127.0.0.1',
      'this is a text: pass mongoose.createConnection(address)',
    ],
    [
      'a function that gives nothing',
      () => undefined,
      'got undefined; this is what the function gave',
    ],
  ])('%s', async (_, option, message) => {
    const error = await refusal(option);
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect(error.message).toContain('Expected `monque.connection` to be a Mongoose connection');
    expect(error.message).toContain(message);
  });
});

test('an address that is refused is not shown, since it may hold a password', async () => {
  const { message } = await refusal('mongodb://ada:pass/w@rd@127.0.0.1/shop?token=secret');
  expect(message).toContain("got 'mongodb:...' (string)");
});

describe('a connection that cannot be used is refused, with what to do:', () => {
  test('a Mongoose connection that was never opened', async () => {
    const error = await refusal(mongoose.createConnection());
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error.message).toContain(
      'was never opened, or is closed (readyState 0); call connect() or createConnection(uri)',
    );
  });

  test('a Mongoose connection that fails', async () => {
    const options = { serverSelectionTimeoutMS: 50 };
    const connection = mongoose.createConnection('mongodb://127.0.0.1:1/shop', options);
    const error = await refusal(connection);
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error.message).toContain('could not be opened: connect ECONNREFUSED 127.0.0.1:1');
    expect((error.cause as Error).name).toBe('MongooseServerSelectionError');
    await connection.close();
  });

  test('a function that throws', async () => {
    const cause = new Error('no secret');
    const error = await refusal(() => {
      throw cause;
    });
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error.message).toBe(
      'The connection of Monque could not be made: no secret; see `monque.connection`',
    );
    expect(error.cause).toBe(cause);
  });

  test('a promise that is rejected with something else than an error', async () => {
    expect((await refusal(() => Promise.reject('gone'))).message).toContain('made: gone;');
  });
});
