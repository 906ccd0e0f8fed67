/**
 * A database server that the suite starts for itself, and what can be read from it.
 *
 * @module
 */

/** Kinds of servers; a system names the one it needs. */
export type Engine = 'mongodb' | 'redis' | 'redis-durable' | 'postgresql';

/** What a server counted since it was started; what it does not count is absent. */
export interface ServerCounts {
  /** Documents or rows that were inserted, updated or deleted. */
  readonly writes?: number;
  /** Commands, or transactions, that it carried out. */
  readonly commands?: number;
}

/** A running server. */
export interface Server {
  readonly engine: Engine;
  /** Its name and version. */
  readonly version: string;
  readonly url: string;
  /** Makes room for one measurement: a database that is empty. */
  makeDatabase(name: string): Promise<void>;
  /** Removes what a measurement left. */
  dropDatabase(name: string): Promise<void>;
  /** Milliseconds of processor time that its processes took so far. */
  cpuMs(): number;
  counts(database: string): Promise<ServerCounts>;
  /** Bytes of data and indexes. */
  bytes(database: string): Promise<number>;
  stop(): Promise<void>;
}

/** Thrown when a server's programs are not on this machine; the message says what to install. */
export class ServerMissingError extends Error {
  override readonly name = 'ServerMissingError';
}
