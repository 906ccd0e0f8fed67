/**
 * From what users call a connection to what `@monque/core` takes.
 *
 * Everything is recognised by what it can do, never by its class: Mongoose may bring a driver of its own, and a
 * process may hold several copies of each package.
 *
 * @module
 */
import { ConnectionError, InvalidArgumentError, type LedgerRepository } from '@monque/core';
import type { Database } from '@monque/core/types';
import { errorOf } from './thrown.ts';

/** What is needed of a Mongoose `Connection`, of any version from 8 on. */
export interface MongooseConnection {
  /** 1 when it is open, 2 while it connects. */
  readonly readyState: number;
  /** The database, once it is open. */
  readonly db?: unknown;
  /** Settles when the first attempt to connect has ended. */
  asPromise(): Promise<unknown>;
  close(...args: never[]): Promise<unknown>;
}

/** Where jobs are kept: a Mongoose connection that is open or connects, a `Db`, or a ledger. */
export type ConnectionSource = MongooseConnection | Database | LedgerRepository;

/**
 * A connection, a promise of one, or a function that gives either when the application boots. A function may be typed
 * as giving undefined, as that of `@tsed/mongoose` is; if it does, the application does not boot.
 */
export type ConnectionOption =
  | ConnectionSource
  | Promise<ConnectionSource>
  | (() => ConnectionSource | undefined | Promise<ConnectionSource | undefined>);

/** A connection that is open. */
export interface OpenConnection {
  readonly source: Database | LedgerRepository;
  /** The Mongoose connection it belongs to, when it was given as that. */
  readonly mongooseConnection?: MongooseConnection;
}

const FIELD = 'monque.connection';
const EXPECTED = 'a Mongoose connection, a Db of the mongodb driver or a LedgerRepository';
const WHERE =
  'pass it to MonqueModule.forRoot({ connection }) or to @Configuration({ monque: { connection } })';
const OPEN = 1;

/**
 * Waits until a connection is open.
 *
 * @throws InvalidArgumentError when it is none, with what to pass instead
 * @throws ConnectionError when it was never opened, is closed, or could not be opened
 */
export async function openConnection(option: unknown): Promise<OpenConnection> {
  const given = await evaluate(option);
  if (isMongooseConnection(given)) {
    return { source: await databaseOf(given), mongooseConnection: given };
  }
  if (isSource(given)) return { source: given };
  throw new InvalidArgumentError(FIELD, EXPECTED, withoutSecrets(given), hintFor(given, option));
}

async function evaluate(option: unknown): Promise<unknown> {
  try {
    return await (typeof option === 'function' ? option() : option);
  } catch (error) {
    const message = `The connection of Monque could not be made: ${errorOf(error).message}; see \`${FIELD}\``;
    throw new ConnectionError(message, { cause: error });
  }
}

async function databaseOf(connection: MongooseConnection): Promise<Database> {
  try {
    await connection.asPromise();
  } catch (error) {
    const message = `The Mongoose connection given as \`${FIELD}\` could not be opened: ${errorOf(error).message}; check its address and that the server can be reached`;
    throw new ConnectionError(message, { cause: error });
  }
  if (connection.readyState === OPEN && isSource(connection.db)) return connection.db as Database;
  throw new ConnectionError(
    `The Mongoose connection given as \`${FIELD}\` was never opened, or is closed (readyState ${connection.readyState}); call connect() or createConnection(uri) before the application boots, or pass a function that does`,
  );
}

function isMongooseConnection(value: unknown): value is MongooseConnection {
  return typeof read(value, 'readyState') === 'number' && can(value, 'asPromise');
}

function isSource(value: unknown): value is Database | LedgerRepository {
  const isLedger = read(value, 'brand') !== undefined && can(value, 'open');
  return isLedger || (can(value, 'collection') && can(value, 'command'));
}

/** An address may hold a password, and an error of the boot is logged. */
function withoutSecrets(value: unknown): unknown {
  return typeof value === 'string' ? value.replace(/:.*/s, ':...') : value;
}

function hintFor(value: unknown, option: unknown): string {
  const isNothing = value === undefined || value === null;
  if (isNothing && typeof option === 'function') {
    return 'this is what the function gave: see that the connection it asks for is configured, under the id it names';
  }
  if (isNothing) return WHERE;
  if (typeof value === 'string') {
    return 'this is a text: pass mongoose.createConnection(address) or new MongoClient(address).db(name)';
  }
  if (can(value, 'db') && can(value, 'startSession')) {
    return 'this is a MongoClient: pass client.db(name)';
  }
  if (isMongooseConnection(read(value, 'connection'))) {
    return 'this is mongoose itself: pass mongoose.connection';
  }
  return WHERE;
}

function can(value: unknown, method: string): boolean {
  return typeof read(value, method) === 'function';
}

function read(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
}
