/**
 * Transactions as the server of a simulated ledger keeps them: a snapshot from the first write on, one writer a document,
 * and all or nothing at the commit. What is simulated is the least that an outbox stands on: documents that are only
 * written or counted at, and jobs that are inserted.
 */
import type { Job } from '../../../src/index.ts';
import type { Observer } from '../observer.ts';
import type { World } from '../world.ts';

/** A transaction that its client has forgotten is ended by the server after so long. */
const LIFETIME_MS = 3_000;

/** What the driver runs a transaction again for: a conflict, or one that the server has ended. */
export class TransientError extends Error {}

/** One transaction. */
export interface ServerTransaction {
  /** How many had been committed when it began; undefined before its first statement. */
  snapshot: number | undefined;
  state: 'open' | 'committed' | 'aborted';
  readonly documents: Set<string>;
  readonly jobs: Job[];
}

/** How the jobs of a ledger are stored. */
export interface JobStore {
  /** Gives a job its place in its lane, at the time of its insert. */
  readonly stamp: (job: Job) => Job;
  /** Makes jobs visible to everybody. */
  readonly store: (jobs: readonly Job[]) => void | Promise<void>;
}

/** All transactions of one ledger. */
export class TransactionServer {
  readonly #world: World;
  readonly #observer: Observer;
  readonly #store: JobStore;
  /** By which commit a document was written last. */
  readonly #written = new Map<string, number>();
  readonly #writers = new Map<string, ServerTransaction>();
  readonly #open = new Set<ServerTransaction>();
  #commits = 0;

  constructor(world: World, observer: Observer, store: JobStore) {
    this.#world = world;
    this.#observer = observer;
    this.#store = store;
  }

  /** True for a document that the transaction sees, its own writes included. */
  sees(transaction: ServerTransaction, document: string): boolean {
    const snapshot = this.#begin(transaction);
    const writtenBy = this.#written.get(document) ?? Number.POSITIVE_INFINITY;
    return transaction.documents.has(document) || writtenBy <= snapshot;
  }

  /** @throws TransientError when another one has written it since, or is about to */
  write(transaction: ServerTransaction, document: string): void {
    const snapshot = this.#begin(transaction);
    const writer = this.#writers.get(document) ?? transaction;
    if (writer !== transaction || (this.#written.get(document) ?? 0) > snapshot) {
      this.#observer.facts.counts.conflicts += 1;
      this.abort(transaction);
      throw new TransientError('another transaction writes this document');
    }
    this.#writers.set(document, transaction);
    transaction.documents.add(document);
  }

  insert(transaction: ServerTransaction, jobs: readonly Job[]): void {
    this.#begin(transaction);
    transaction.jobs.push(...jobs.map((job) => this.#store.stamp(job)));
  }

  /** Once, however often it is sent. @throws TransientError when it was aborted */
  async commit(transaction: ServerTransaction): Promise<void> {
    if (transaction.state === 'committed') return;
    const snapshot = this.#begin(transaction);
    this.#commits += 1;
    for (const document of transaction.documents) this.#written.set(document, this.#commits);
    this.#end(transaction, 'committed');
    const { documents, jobs } = transaction;
    this.#observer.transactionCommitted({ snapshot, commit: this.#commits, documents, jobs });
    await this.#store.store(jobs);
  }

  abort(transaction: ServerTransaction): void {
    if (transaction.state === 'open') this.#end(transaction, 'aborted');
  }

  /** Another member becomes the primary: what is open is gone. */
  failOver(): void {
    for (const transaction of [...this.#open]) this.abort(transaction);
  }

  #begin(transaction: ServerTransaction): number {
    if (transaction.state !== 'open') throw new TransientError('there is no such transaction');
    if (transaction.snapshot === undefined) {
      transaction.snapshot = this.#commits;
      this.#open.add(transaction);
      this.#world.in(LIFETIME_MS, () => this.abort(transaction));
    }
    return transaction.snapshot;
  }

  #end(transaction: ServerTransaction, state: 'committed' | 'aborted'): void {
    transaction.state = state;
    this.#open.delete(transaction);
    for (const document of transaction.documents) this.#writers.delete(document);
  }
}
