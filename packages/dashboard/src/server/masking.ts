/**
 * Keeps the users and passwords of addresses out of every text that leaves the server.
 *
 * @module
 */

/** What stands between `scheme://` and the last `@` of an address. */
const CREDENTIALS = /([a-z][a-z0-9+.-]{0,31}:\/\/)[^\s'"`<>]*@/gi;

/** The same text without the user and the password of any address in it. */
export function masked(text: string): string {
  return text.replace(CREDENTIALS, '$1***@');
}

/** A user and a password before a host: narrower, so that other addresses in stored values stay exact. */
const PASSWORD = /([a-z][a-z0-9+.-]{0,31}:\/\/)[^\s'"`<>/?#@:]*:[^\s'"`<>/?#@]*@/gi;

/** A stored text without passwords of addresses. */
export function withoutPasswords(text: string): string {
  return text.replace(PASSWORD, '$1***@');
}
