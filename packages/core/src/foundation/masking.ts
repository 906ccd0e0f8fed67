/**
 * Keeps passwords out of messages.
 *
 * @module
 */

/** What stands between `scheme://` and the last `@` of an address: a user, or a user and a password. */
const CREDENTIALS = /([a-z][a-z0-9+.-]*:\/\/)[^\s'"`<>]*@/gi;

/** The same text without the user and the password of any address in it. */
export function masked(text: string): string {
  return text.replace(CREDENTIALS, '$1***@');
}
