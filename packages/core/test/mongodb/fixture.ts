import { type Db, MongoClient } from 'mongodb';
import { afterAll, afterEach, beforeAll, beforeEach, inject } from 'vitest';
import type {
  MongoLedgerRepository,
  MongoLedgerRepositoryOptions,
} from '../../src/ledger/mongodb/mongo-ledger-repository.ts';
import { cleanupTestDb, closeMongoDb, getTestDb } from '../setup/mongodb.ts';
import { CommandLog } from './command-log.ts';
import { jobsIn, openLedger } from './jobs.ts';
import { freshDb, type OwnServer, startOwnServer } from './own-server.ts';

/** A ledger that is opened, on a collection without jobs; filled before each test of the `describe` that asks for it. */
export interface MongoFixture {
  readonly client: MongoClient;
  /** The commands of the client. */
  readonly log: CommandLog;
  readonly ledger: MongoLedgerRepository;
  /** To look at the truth. */
  readonly db: Db;
}

/** The same on a server of its own: the client goes through a proxy, and `db` past it. */
export interface OwnMongoFixture extends MongoFixture {
  readonly server: OwnServer;
  /** The database of the ledger, as its client sees it. */
  readonly through: Db;
  /** Another process, which meets no faults. */
  readonly rival: MongoLedgerRepository;
}

type Filling<F> = { -readonly [K in keyof F]: F[K] };

/** To delete thousands of jobs takes longer than to make the collection and its indexes anew. */
const MANY = 1_000;

/** On the server that all files share, in one database for all tests of the `describe`. */
export function mongoFixture(name: string, options?: MongoLedgerRepositoryOptions): MongoFixture {
  const mongo = {} as Filling<MongoFixture>;

  beforeAll(async () => {
    mongo.client = new MongoClient(inject('mongoUri'), { monitorCommands: true });
    mongo.log = new CommandLog(mongo.client);
    mongo.db = mongo.client.db((await getTestDb(name)).databaseName);
    mongo.ledger = openLedger(mongo.db, options);
    await mongo.ledger.open();
  });

  beforeEach(async () => {
    const jobs = jobsIn(mongo.db);
    if ((await jobs.estimatedDocumentCount()) < MANY) {
      await jobs.deleteMany();
      return;
    }
    await jobs.drop();
    await openLedger(mongo.db, options).open();
  });

  afterAll(async () => {
    await cleanupTestDb(mongo.db);
    await mongo.client.close();
    await closeMongoDb();
  });

  return mongo;
}

/** On a server that is started for the `describe`, in a database of its own for each test. */
export function ownMongoFixture(
  binary: string,
  options?: MongoLedgerRepositoryOptions,
): OwnMongoFixture {
  const mongo = {} as Filling<OwnMongoFixture>;

  beforeAll(async () => {
    mongo.server = await startOwnServer(binary);
    mongo.client = mongo.server.connect({ monitorCommands: true });
    mongo.log = new CommandLog(mongo.client);
  });

  beforeEach(async () => {
    const [through, past] = freshDb(mongo.client, mongo.server.direct);
    if (!through || !past) throw new Error('Expected two handles');
    mongo.through = through;
    mongo.db = past;
    mongo.ledger = openLedger(through, options);
    mongo.rival = openLedger(past);
    await mongo.ledger.open();
  });

  afterEach(async () => {
    mongo.server.proxy.clear();
    await mongo.db.dropDatabase();
  });

  afterAll(() => mongo.server?.stop());

  return mongo;
}
