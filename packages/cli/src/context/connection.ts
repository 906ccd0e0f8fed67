/**
 * The database of a command, and the verbs on its jobs.
 *
 * This file and what it imports is loaded by commands that need a database, never by help: the driver takes longer to
 * load than all else together.
 *
 * @module
 */
import { MongoLedgerRepository, Monque, type MonqueManagement } from '@monque/core';
import type { MongoLedgerRepositoryOptions } from '@monque/core/types';
import { type Collection, type Db, type Document, MongoClient } from 'mongodb';
import { usageError } from './errors.ts';
import type { Settings } from './settings.ts';

/** How a connection is opened. */
export interface OpenOptions {
  /**
   * Make the indexes that are missing, as an application does; for commands that add jobs. Others leave the database
   * as it is, and also work where indexes are missing.
   *
   * @default false
   */
  readonly makesIndexes?: boolean;
}

/** An open database. */
export interface Connection {
  readonly client: MongoClient;
  readonly db: Db;
  /** The name of the collection of the jobs. */
  readonly collectionName: string;
  /** The collection of the jobs, as documents. */
  readonly documents: Collection<Document>;
  /** The verbs as the actor may use them: what they change names the actor in the history. */
  readonly jobs: MonqueManagement;
  /** The scheduler behind them; it is not started. */
  readonly monque: Monque;
  readonly ledger: MongoLedgerRepository;
  close(): Promise<void>;
}

/** The collection of the jobs when no other is named, as the library has it. */
const DEFAULT_COLLECTION_NAME = 'monque_jobs';

/** Milliseconds for which an enqueue without an answer is sent again. */
const RESEND_MS = 20_000;

/**
 * Opens the database of the settings.
 *
 * @throws CliError without an address; errors of the driver when it does not answer
 */
export async function openConnection(
  settings: Settings,
  { makesIndexes = false }: OpenOptions = {},
): Promise<Connection> {
  const {
    uri,
    database,
    timeoutMs,
    collection: collectionName = DEFAULT_COLLECTION_NAME,
  } = settings;
  if (uri === undefined) {
    throw usageError(
      'No database is named: give --uri, set MONQUE_URI, or write monque.config.json',
    );
  }
  const client = new MongoClient(uri, {
    appName: 'monque-cli',
    serverSelectionTimeoutMS: timeoutMs,
    connectTimeoutMS: timeoutMs,
  });
  try {
    await client.connect();
    const db = client.db(database);
    const transitionLog = await hasTransitionLog(db, collectionName);
    const options = { collectionName, transitionLog, operationTimeoutMs: timeoutMs };
    const ledger = makesIndexes
      ? new MongoLedgerRepository(db, options)
      : new UntouchedLedger(db, options);
    const monque = new Monque(ledger, { resendLimit: RESEND_MS, logger: false });
    return {
      ...{ client, db, collectionName, monque, ledger },
      documents: db.collection(collectionName),
      jobs: monque.as(settings.actor),
      close: () => client.close(),
    };
  } catch (error) {
    await client.close();
    throw error;
  }
}

/** Whether the application keeps every transition: then what is done here belongs there too. */
async function hasTransitionLog(db: Db, collectionName: string): Promise<boolean> {
  const name = `${collectionName}.transitions`;
  try {
    return (await db.listCollections({ name }, { nameOnly: true }).toArray()).length > 0;
  } catch {
    // Who may not list collections works without.
    return false;
  }
}

/** A ledger that neither makes indexes nor insists on them: to look at any database, and to repair it. */
class UntouchedLedger extends MongoLedgerRepository {
  readonly #db: Db;

  constructor(db: Db, options: MongoLedgerRepositoryOptions) {
    // Neither when it opens nor when a call finds that one is gone.
    super(db, { ...options, skipIndexCreation: true });
    this.#db = db;
  }

  protected override async performOpen(): Promise<void> {
    await this.#db.command({ ping: 1 });
  }
}
