/**
 * What a scheduler keeps its jobs in: a database, or a ledger of the user's own.
 *
 * @module
 */
import type { Database } from './foundation/driver-shapes.ts';
import { InvalidArgumentError } from './foundation/errors.ts';
import { isLedgerRepository, type LedgerRepository } from './ledger/ledger-repository.ts';
import { InMemoryLedgerRepository } from './ledger/memory/in-memory-ledger-repository.ts';
import { MongoLedgerRepository } from './ledger/mongodb/mongo-ledger-repository.ts';
import type { MonqueOptions } from './options/options.ts';
import { type ResolvedOptions, resolveOptions } from './options/resolve-options.ts';

/** A ledger, and the options that were resolved for it. */
export interface ResolvedSource {
  readonly ledger: LedgerRepository;
  readonly options: ResolvedOptions;
}

/**
 * The ledger of a source. Nothing is connected to yet.
 *
 * @throws InvalidArgumentError when the source is neither a database nor a ledger, or an option is wrong
 */
export function resolveSource(
  source: Database | LedgerRepository,
  given: MonqueOptions,
): ResolvedSource {
  checkSource(source);
  if (isLedgerRepository(source)) return { ledger: source, options: resolveOptions(given, true) };
  const options = resolveOptions(given, false);
  const { clock, random, operationTimeoutMs } = options;
  const ledger = { ...options.ledger, clock, random, operationTimeoutMs };
  return { ledger: new MongoLedgerRepository(source, ledger), options };
}

/** A ledger in memory, with the options that are left for the scheduler. */
export function inMemorySource(given: MonqueOptions): [LedgerRepository, MonqueOptions] {
  const { clock, operationTimeoutMs, ledger } = resolveOptions(given);
  const { transitionLog, invariants } = ledger;
  const own = { clock, operationTimeoutMs, transitionLog, invariants };
  const { transitionLog: _, invariants: __, ...others } = given;
  return [new InMemoryLedgerRepository(own), others];
}

/** A forgotten connection must not lose jobs, so nothing stands in for a missing source. */
function checkSource(source: unknown): void {
  if (isLedgerRepository(source)) return;
  const methods = source as Record<string, unknown> | null | undefined;
  const has = (name: string): boolean => typeof methods?.[name] === 'function';
  if (has('collection') && has('command')) return;
  throw new InvalidArgumentError(
    'db',
    'a Db of the mongodb driver or a LedgerRepository',
    source,
    sourceHint(source, has),
  );
}

function sourceHint(source: unknown, has: (name: string) => boolean): string {
  if (typeof source === 'string') {
    return 'this is an address: connect with it and pass new MongoClient(uri).db()';
  }
  if (has('insertOne'))
    return 'this is a collection: pass its Db, and `collectionName` as an option';
  if (has('connect') && has('model') && has('Schema')) {
    return 'this is mongoose itself: pass mongoose.connection.db once it is open';
  }
  if (has('db') && has('startSession')) return 'this is a MongoClient: pass client.db(name)';
  if (has('model')) return 'this is a Mongoose connection: pass connection.db once it is open';
  if (has('then')) return 'this is a promise: await it first';
  return 'for a scheduler without a database use Monque.inMemory()';
}
