import { randomBytes } from 'node:crypto';
import { type Db, MongoClient } from 'mongodb';
import { describe, inject } from 'vitest';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The server that all test files share; empty with MONQUE_TEST_MONGODB=skip. */
    mongoUri: string;
    /** A mongod for tests that start servers of their own; empty if none is at hand. */
    mongodBinary: string;
  }
}

const SKIPPED = 'skipped: MONQUE_TEST_MONGODB=skip';
const NO_BINARY = 'skipped: the server came without a mongod to start others from';

let shared: Promise<MongoClient> | undefined;

/** The client that all tests of one file share. */
export function getMongoDb(): Promise<MongoClient> {
  shared ??= connect();
  return shared;
}

/** Closes the shared client; the next `getMongoDb` makes a new one. */
export async function closeMongoDb(): Promise<void> {
  const closing = shared;
  shared = undefined;
  await (await closing)?.close();
}

/** A database nobody else uses; `name` only makes it easy to recognise. */
export async function getTestDb(name: string): Promise<Db> {
  const slug = name.replace(/[^a-z0-9]+/gi, '_').slice(0, 40);
  return (await getMongoDb()).db(`monque_${slug}_${randomBytes(6).toString('hex')}`);
}

/** Drops the database. */
export async function cleanupTestDb(db: Db): Promise<void> {
  await db.dropDatabase();
}

/** A `describe` for tests that need the shared MongoDB: visibly skipped in a run without one. */
export function describeWithMongo(name: string, fn: () => void): void {
  if (inject('mongoUri')) describe(name, fn);
  else describe.skip(`${name} (${SKIPPED})`, fn);
}

/**
 * A `describe` for tests that start a MongoDB of their own, for example to kill it or to set fail
 * points, which hold for a whole mongod.
 */
export function describeWithOwnMongo(name: string, fn: (binary: string) => void): void {
  const binary = inject('mongodBinary');
  if (binary) describe(name, () => fn(binary));
  else describe.skip(`${name} (${inject('mongoUri') ? NO_BINARY : SKIPPED})`, () => fn(''));
}

async function connect(): Promise<MongoClient> {
  const uri = inject('mongoUri');
  if (!uri) throw new Error('No MongoDB in this run: use describeWithMongo');
  return new MongoClient(uri).connect();
}
