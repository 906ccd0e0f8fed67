import { inject } from 'vitest';

/** The connection string of one database on the shared server, for programs that tests start. */
export function uriOf(databaseName: string): string {
  return inject('mongoUri').replace(/^(\w+(?:\+srv)?:\/\/[^/?]+)\/?[^?]*/, `$1/${databaseName}`);
}
