/**
 * What is needed of a database and of a session, whichever copy of the MongoDB driver they come from: of the
 * application's own, or of the one inside Mongoose. Types of two copies do not fit each other; these fit both.
 *
 * @module
 */

/**
 * A database of the `mongodb` driver, from version 6.12: a `Db`, or what Mongoose gives as `connection.db`. What it
 * needs beyond this is checked when a scheduler is made.
 */
export interface Database {
  /** The name of the database. */
  readonly databaseName: string;
  collection(name: string): unknown;
  command(command: { readonly [field: string]: unknown }): Promise<unknown>;
}

/**
 * A session of the `mongodb` driver, from version 6.12: a `ClientSession`, from `client.startSession()` or from
 * `mongoose.startSession()`.
 */
export interface Session {
  /** True between `startTransaction` and the end of the transaction. */
  inTransaction(): boolean;
  endSession(): Promise<void>;
}
