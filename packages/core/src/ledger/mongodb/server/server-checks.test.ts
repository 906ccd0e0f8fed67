import { type Db, type Document, ObjectId } from 'mongodb';
import { expect, test } from 'vitest';
import { ConnectionError, UnsupportedError } from '../../../foundation/errors.ts';
import { bsonMajorVersion } from '../../../job/payload.ts';
import { checkBsonVersion, checkServer, refuseSharded } from './server-checks.ts';

/** A Db that gives these replies. */
function dbThatReplies(replies: Record<string, Document>): Db {
  const command = async (sent: Document) => replies[Object.keys(sent)[0] ?? ''] ?? {};
  const listCollections = () => ({ toArray: async () => [] });
  return { command, listCollections } as unknown as Db;
}

test('a member of a replica set can be watched', async () => {
  const db = dbThatReplies({ hello: { setName: 'rs0' } });
  expect(await checkServer(db, 'jobs')).toEqual({ canWatch: true });
});

test('a standalone server cannot be watched', async () => {
  expect(await checkServer(dbThatReplies({ hello: {} }), 'jobs')).toEqual({ canWatch: false });
});

test('a collection that is not sharded works behind a router, and can be watched', async () => {
  const db = dbThatReplies({ hello: { msg: 'isdbgrid' }, collStats: { sharded: false } });
  expect(await checkServer(db, 'jobs')).toEqual({ canWatch: true });
});

test('a sharded collection is refused, naming the way out', async () => {
  const db = dbThatReplies({ hello: { msg: 'isdbgrid' }, collStats: { sharded: true } });
  const error = await checkServer(db, 'jobs').catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(UnsupportedError);
  expect(error).toMatchObject({
    message:
      'The collection jobs is sharded; Monque needs an unsharded one. Give it another with the option `collectionName`',
  });
});

test('a collection that does not exist yet is not sharded', () => {
  expect(() => refuseSharded({ ok: 1 }, 'jobs')).not.toThrow();
});

test('a reply made by the same BSON version is accepted', () => {
  expect(() => checkBsonVersion({ topologyVersion: { processId: new ObjectId() } })).not.toThrow();
});

test('a reply made by another copy of the same BSON version is accepted', () => {
  const processId = { [Symbol.for('@@mdb.bson.version')]: bsonMajorVersion() };
  expect(() => checkBsonVersion({ topologyVersion: { processId } })).not.toThrow();
});

test('a reply made by another BSON version is refused, naming the version to install', () => {
  const processId = { [Symbol.for('@@mdb.bson.version')]: 5 };
  const check = () => checkBsonVersion({ topologyVersion: { processId } });
  expect(check).toThrow(ConnectionError);
  expect(check).toThrow('then `npm install mongodb@5`');
});

test.each([
  ['no topology version', {}],
  ['no process id', { topologyVersion: {} }],
  ['an empty process id', { topologyVersion: { processId: null } }],
])('a reply with %s says nothing', (_, hello) => {
  expect(() => checkBsonVersion(hello)).not.toThrow();
});

test('an error other than a closed topology is passed on at once', async () => {
  let asked = 0;
  const command = async () => {
    asked += 1;
    throw new Error('No');
  };
  await expect(checkServer({ command } as unknown as Db, 'jobs')).rejects.toThrow('No');
  expect(asked).toBe(1);
});
