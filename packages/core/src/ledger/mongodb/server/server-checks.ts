/**
 * What must be true of the server before a ledger rests on it.
 *
 * @module
 */
import { isDeepStrictEqual } from 'node:util';
import type {
  ClientSession,
  Collection,
  CreateIndexesOptions,
  Db,
  Document,
  IndexDescriptionInfo,
  ListIndexesOptions,
} from 'mongodb';
import type { Session } from '../../../foundation/driver-shapes.ts';
import {
  ConnectionError,
  InvalidArgumentError,
  toError,
  UnsupportedError,
} from '../../../foundation/errors.ts';
import { bsonMajorVersion, bsonVersionOf } from '../../../job/payload.ts';
import { DUPLICATE_KEY_CODE } from './driver-errors.ts';
import type { NamedIndex } from './indexes.ts';

const NAMESPACE_NOT_FOUND_CODE = 26;

/** What the server says to an index it cannot make beside what is there. */
const INDEX_CONFLICT_CODES: ReadonlySet<unknown> = new Set([
  85, // IndexOptionsConflict
  86, // IndexKeySpecsConflict
  DUPLICATE_KEY_CODE,
]);

/** What kind of deployment the server belongs to. */
export interface ServerKind {
  /** False on a standalone server, which cannot announce changes. */
  readonly canWatch: boolean;
}

/** Asks the server what it is. */
export async function checkServer(db: Db, collectionName: string): Promise<ServerKind> {
  const hello = await sayHello(db);
  checkBsonVersion(hello);
  const isMongos = hello.msg === 'isdbgrid';
  if (isMongos) await checkUnsharded(db, collectionName);
  await checkKinds(db, collectionName);
  return { canWatch: isMongos || hello.setName !== undefined };
}

/**
 * A client that connects by itself does so once: when that failed it stays without a topology until somebody calls
 * `connect`. The same error ends a request that waits for a server while the client is closed; asked again, a closed
 * client gives another one, and is left closed.
 */
async function sayHello(db: Db): Promise<Document> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await db.command({ hello: 1 }, { readPreference: 'primary' });
    } catch (error) {
      if (attempt > 2 || toError(error).name !== 'MongoTopologyClosedError') throw error;
      if (attempt === 2) await db.client.connect();
    }
  }
}

/**
 * The values in a reply were made by the BSON library of the user's own driver. Another copy of the same major
 * version works; another major version would fail in the middle of a write.
 */
export function checkBsonVersion(hello: Document): void {
  const processId: unknown = hello.topologyVersion?.processId;
  if (typeof processId !== 'object' || processId === null) return;
  const theirs = bsonVersionOf(processId);
  const ours = bsonMajorVersion();
  if (theirs === ours) return;
  throw new ConnectionError(
    `The Db uses BSON version ${theirs}, and @monque/core loaded version ${ours}. Install one version of mongodb for both: run \`npm ls mongodb\`, then \`npm install mongodb@${theirs}\``,
  );
}

async function checkUnsharded(db: Db, collectionName: string): Promise<void> {
  const stats = await db.command({ collStats: collectionName }, { readPreference: 'primary' });
  refuseSharded(stats, collectionName);
}

/** A sharded collection could not keep unique locks, nor be claimed from in one order. */
export function refuseSharded(stats: Document, collectionName: string): void {
  if (stats.sharded !== true) return;
  throw new UnsupportedError(
    `The collection ${collectionName} is sharded; Monque needs an unsharded one. Give it another with the option \`collectionName\``,
  );
}

/** The ends of the names of the collections of a ledger. */
const BESIDE = [
  ...['', '.instances', '.archive', '.transitions', '.marks', '.lanes', '.flows', '.throughput'],
];

/** Looks at the collection of the jobs and at those beside it. */
async function checkKinds(db: Db, collectionName: string): Promise<void> {
  const names = BESIDE.map((end) => collectionName + end);
  const filter = { name: { $in: names } };
  const collections = await db
    .listCollections(filter, { readPreference: 'primary' })
    .toArray()
    .catch((error: unknown) => {
      // Who may not ask goes without the check.
      if (Object(error).code === UNAUTHORIZED_CODE) return [];
      throw error;
    });
  for (const { name, type, ...rest } of collections) {
    refuseKind(name, type, 'options' in rest ? rest.options : {});
  }
}

const UNAUTHORIZED_CODE = 13;

/** What the server does to documents of some kinds of collections would take jobs for other jobs, or lose them. */
function refuseKind(name: string, type: unknown, options: Document): void {
  const fault =
    (type !== undefined && type !== 'collection' && `is a ${type}`) ||
    (options.capped === true && 'is capped, so the server would drop jobs and refuse changes') ||
    (options.collation !== undefined && 'has a collation, so other names and keys would be equal');
  if (!fault) return;
  throw new UnsupportedError(
    `The collection ${name} ${fault}; Monque needs a plain one. Give it another with the option \`collectionName\``,
  );
}

/** The session as the driver's own: only the driver's transactions reach the server. */
export function driverSession(session: Session): ClientSession {
  return session as ClientSession;
}

/** The database as the driver's own; refuses anything that the ledger would fail on only later. */
export function checkedDb(value: unknown): Db {
  const hasMethods =
    typeof value === 'object' &&
    value !== null &&
    'collection' in value &&
    typeof value.collection === 'function' &&
    'command' in value &&
    typeof value.command === 'function';
  if (!hasMethods) throw new InvalidArgumentError('db', 'a Db of the mongodb driver', value);
  return value as Db;
}

/**
 * Makes the indexes that are missing; those that are there stay as they are.
 *
 * @throws UnsupportedError when the collection has another index in the place of one, or jobs that share a lock
 */
export async function makeIndexes<T extends Document>(
  collection: Collection<T>,
  wanted: readonly NamedIndex[],
  options: CreateIndexesOptions,
): Promise<void> {
  try {
    await collection.createIndexes([...wanted], options);
  } catch (thrown) {
    const error = toError(thrown);
    const isConflict = 'code' in error && INDEX_CONFLICT_CODES.has(error.code);
    if (!isConflict) throw error;
    throw new UnsupportedError(
      `The collection ${collection.collectionName} cannot have the indexes Monque needs: ${error.message}; drop what stands in the way, or give Monque another collection with the option \`collectionName\``,
      { cause: error },
    );
  }
}

/**
 * Checks that somebody else made the indexes.
 *
 * @throws UnsupportedError naming those that are missing
 */
export async function checkIndexes<T extends Document>(
  collection: Collection<T>,
  wanted: readonly NamedIndex[],
  options: ListIndexesOptions,
): Promise<void> {
  const existing = await collection.indexes(options).catch(emptyWithoutCollection);
  const names = new Set(existing.map(({ name }) => name));
  const missing = wanted.filter(({ name }) => !names.has(name));
  if (missing.length === 0) return;
  throw new UnsupportedError(
    `The collection ${collection.collectionName} lacks the indexes ${missing.map(({ name }) => name).join(', ')}; create them with db.runCommand(${makingCommand(collection.collectionName, missing)}), or leave out \`skipIndexCreation\``,
  );
}

/** The command that makes indexes, as one types it. */
function makingCommand(createIndexes: string, indexes: readonly NamedIndex[]): string {
  return JSON.stringify({ createIndexes, indexes });
}

/**
 * Drops indexes that others have taken the place of, which are all there by now.
 *
 * A user that may make indexes and drop none keeps them: they cost something, and do no harm.
 */
export async function dropIndexes<T extends Document>(
  collection: Collection<T>,
  superseded: readonly NamedIndex[],
  options: ListIndexesOptions,
): Promise<void> {
  const existing = await collection.indexes(options);
  const old = superseded.filter(({ name, key }) =>
    existing.some((index) => index.name === name && isDeepStrictEqual(index.key, key)),
  );
  // Another process may drop them at the same time.
  await Promise.allSettled(old.map(({ name }) => collection.dropIndex(name)));
}

function emptyWithoutCollection(error: unknown): IndexDescriptionInfo[] {
  if (error instanceof Error && 'code' in error && error.code === NAMESPACE_NOT_FOUND_CODE)
    return [];
  throw error;
}
