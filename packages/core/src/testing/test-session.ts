/**
 * A stand-in for a session of the driver, so that code with transactions can be tested without MongoDB.
 *
 * @module
 */
import type { Session } from '../foundation/driver-shapes.ts';
import { UnsupportedError } from '../foundation/errors.ts';
import type { Job } from '../job/job.ts';

/**
 * What a test hands to code that takes a session of the driver. Jobs that are enqueued with it, and runs that are
 * completed with it, are stored when its transaction commits, and never when that is aborted. It isolates nothing else:
 * a callback is called once, and no write conflicts with another.
 */
export interface TestSession extends Session {
  startTransaction(): void;
  /** Stores what was held back. */
  commitTransaction(): Promise<void>;
  /** Drops what was held back. */
  abortTransaction(): Promise<void>;
  /** Calls `work` in a transaction: committed when it resolves, aborted when it rejects. @returns what `work` returned */
  withTransaction<T>(work: (session: TestSession) => Promise<T>): Promise<T>;
}

/** A write that waits for the end of a transaction. */
interface HeldWrite {
  readonly jobs: readonly Job[];
  readonly write: () => Promise<unknown>;
}

/** The stand-in, as the ledger of a test scheduler sees it. */
export class StandInSession implements TestSession {
  #held: HeldWrite[] | undefined;

  inTransaction(): boolean {
    return this.#held !== undefined;
  }

  /** The jobs that the transaction will store, and those that will be changed as they will be, the last change last. */
  get jobs(): readonly Job[] {
    return this.#writes().flatMap(({ jobs }) => jobs);
  }

  /** True when the transaction holds nothing back. */
  get isEmpty(): boolean {
    return this.#writes().length === 0;
  }

  /** Keeps a write back until the transaction commits. */
  hold(write: () => Promise<unknown>, jobs: readonly Job[] = []): void {
    this.#writes().push({ jobs, write });
  }

  startTransaction(): void {
    if (this.inTransaction()) throw wrongCall('Transaction already in progress');
    this.#held = [];
  }

  async commitTransaction(): Promise<void> {
    const held = this.#writes();
    this.#held = undefined;
    for (const { write } of held) await write();
  }

  async abortTransaction(): Promise<void> {
    this.#writes();
    this.#held = undefined;
  }

  async withTransaction<T>(work: (session: TestSession) => Promise<T>): Promise<T> {
    this.startTransaction();
    try {
      const result = await work(this);
      if (this.inTransaction()) await this.commitTransaction();
      return result;
    } finally {
      await this.endSession();
    }
  }

  async endSession(): Promise<void> {
    this.#held = undefined;
  }

  #writes(): HeldWrite[] {
    if (this.#held === undefined) throw wrongCall('No transaction started');
    return this.#held;
  }
}

function wrongCall(message: string): UnsupportedError {
  return new UnsupportedError(`${message} on this test session`);
}

/** Makes a session for the code under test. @see TestSession */
export function makeTestSession(): TestSession {
  return new StandInSession();
}
